// SPDX-License-Identifier: MIT
#include "supervisor/launch/extension_release.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace hearth::launch {
namespace {

constexpr std::string_view anything = "_any";

struct Architecture {
    std::string_view machine, name;
};
// os-release(5) wants the names of ConditionArchitecture=.
constexpr auto architectures = std::to_array<Architecture>(
    {{"x86_64", "x86-64"}, {"aarch64", "arm64"}, {"i686", "x86"}, {"riscv64", "riscv64"}});

std::string unquoted(std::string_view text) {
    const bool quotes = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                        text.back() == text.front();
    const bool escapes = !quotes || text.front() == '"';
    if (quotes) {
        text = text.substr(1, text.size() - 2);
    }
    std::string value;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (escapes && text[i] == '\\' && i + 1 < text.size()) {
            ++i;
        }
        value += text[i];
    }
    return value;
}

std::string field(const ReleaseFields& fields, std::string_view name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
}

Unexpected<Error> differs(
    std::string_view name, const std::string& extension, const std::string& host) {
    return failure(
        "it is made for " + std::string(name) + "='" + extension + "', and here that is '" + host +
            "'",
        ESTALE);
}

}  // namespace

ReleaseFields read_release(std::string_view text) {
    ReleaseFields fields;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
        line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
        const std::size_t equals = line.find('=');
        if (equals != std::string_view::npos && equals > 0 && line.front() != '#') {
            fields[std::string(line.substr(0, equals))] = unquoted(line.substr(equals + 1));
        }
    }
    return fields;
}

Result<void> extension_fits(
    const ReleaseFields& extension, const ReleaseFields& host, std::string_view machine) {
    const std::string id = field(extension, "ID");
    if (id.empty()) {
        return failure("its extension-release file has no ID=", ESTALE);
    }
    const std::string architecture = field(extension, "ARCHITECTURE");
    const auto* const ours = std::ranges::find(architectures, machine, &Architecture::machine);
    const std::string own(ours == architectures.end() ? machine : ours->name);
    if (!architecture.empty() && architecture != anything && architecture != own) {
        return differs("ARCHITECTURE", architecture, own);
    }
    if (id == anything) {
        return {};
    }
    if (id != field(host, "ID")) {
        return differs("ID", id, field(host, "ID"));
    }
    const std::string host_version = field(host, "VERSION_ID"),
                      host_level = field(host, "SYSEXT_LEVEL");
    if (host_version.empty() && host_level.empty()) {
        return {};  // a rolling release
    }
    const std::string level = field(extension, "SYSEXT_LEVEL");
    if (!host_level.empty() && !level.empty()) {
        return level == host_level ? Result<void>() : differs("SYSEXT_LEVEL", level, host_level);
    }
    const std::string version = field(extension, "VERSION_ID");
    if (version.empty() || version != host_version) {
        return differs("VERSION_ID", version, host_version);
    }
    return {};
}

std::string extension_name(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') {
        path.remove_suffix(1);
    }
    std::string name(path.substr(path.rfind('/') + 1));
    if (name.ends_with(".raw")) {
        name.resize(name.size() - 4);
    }
    return name;
}

}  // namespace hearth::launch
