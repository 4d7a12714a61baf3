// SPDX-License-Identifier: MIT
#include "supervisor/host_facts.hpp"

#include <glob.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr std::size_t max_environment_file = std::size_t{4} << 20U;

std::string first_line(const std::string& path) {
    auto text = sys::read_file(path, 4096);
    if (!text) {
        return {};
    }
    return text->substr(0, text->find('\n'));
}

std::string without_dashes(std::string text) {
    std::erase(text, '-');
    return text;
}

bool is_name(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && letter(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// The value of one assignment: quotes removed, `\` continues a line or escapes outside single quotes.
/// Advances `at` behind the value's end of line.
std::string environment_value(std::string_view text, std::size_t& at) {
    std::string value;
    std::size_t kept = 0;  // trailing white space outside quotes is not part of the value
    char quote = '\0';
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (quote == '\0' && c == '\n') {
            break;
        }
        if (c == '\\' && quote != '\'' && at + 1 < text.size()) {
            ++at;
            const bool plain = quote == '"' && std::string_view("\"\\`$\n").find(text[at]) == std::string_view::npos;
            if (plain) {
                value += '\\';
            }
            if (text[at] != '\n') {
                value += text[at];
            }
            kept = value.size();
        } else if (quote == '\0' ? (c == '"' || c == '\'') : c == quote) {
            quote = quote == '\0' ? c : '\0';
            kept = value.size();
        } else if (quote == '\0' && value.empty() && (c == ' ' || c == '\t')) {
            continue;
        } else {
            value += c;
            if (quote != '\0' || (c != ' ' && c != '\t' && c != '\r')) {
                kept = value.size();
            }
        }
    }
    value.resize(kept);
    return value;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_environment_file(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> variables;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t start = text.find_first_not_of(" \t\r\n", at);
        if (start == std::string_view::npos) {
            break;
        }
        at = start;
        const std::size_t line_end = std::min(text.find('\n', at), text.size());
        const std::size_t equals = text.find('=', at);
        if (text[at] == '#' || text[at] == ';' || equals == std::string_view::npos || equals > line_end) {
            at = line_end + 1;
            continue;
        }
        std::string_view name = text.substr(at, equals - at);
        while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) {
            name.remove_suffix(1);
        }
        at = equals + 1;
        std::string value = environment_value(text, at);
        if (is_name(name)) {
            variables.emplace_back(name, std::move(value));
        }
    }
    return variables;
}

HostFacts::Stamp HostFacts::stamp(const char* path) {
    auto status = sys::stat(path);
    if (!status) {
        return {};
    }
    return {status->st_dev, status->st_ino, status->st_mtim.tv_sec, status->st_mtim.tv_nsec};
}

Result<HostFacts> HostFacts::gather(const cgroup::Tree& tree, std::string runtime_directory) {
    HostFacts facts;
    facts.passwd_ = stamp("/etc/passwd");
    facts.group_ = stamp("/etc/group");
    facts.host_ = HEARTH_TRY(launch::gather_host());
    facts.host_.cgroup_layout = tree.layout();
    facts.host_.controllers = tree.controllers();
    facts.host_.controllers_missing = tree.missing_controllers();
    facts.host_.runtime_directory = std::move(runtime_directory);
    return facts;
}

const launch::Host& HostFacts::host() {
    const Stamp passwd = stamp("/etc/passwd");
    const Stamp group = stamp("/etc/group");
    if (passwd != passwd_ || group != group_) {
        passwd_ = passwd;
        group_ = group;
        host_.accounts.clear();
        host_.groups.clear();
        host_.account_by_uid.clear();
        const std::string users = sys::read_file("/etc/passwd", std::size_t{64} << 20U).value_or("");
        const std::string groups = sys::read_file("/etc/group", std::size_t{64} << 20U).value_or("");
        launch::read_accounts(host_, users, groups);
    }
    return host_;
}

Result<const std::vector<std::uint64_t>*> HostFacts::seccomp(const Unit& unit) {
    return seccomp_.program(unit.settings.sandbox);
}

std::string HostFacts::executable(const CommandLine& command, const std::string& root) const {
    if (command.path.find('/') != std::string::npos) {
        return command.path;  // existence is the kernel's verdict, at execve
    }
    std::stringstream directories(host_.default_path);
    for (std::string directory; std::getline(directories, directory, ':');) {
        const std::string candidate = directory + "/" + command.path;
        auto status = sys::stat(root + candidate);
        if (status && S_ISREG(status->st_mode) && (status->st_mode & 0111U) != 0) {
            return candidate;
        }
    }
    return {};
}

Result<std::vector<std::pair<std::string, std::string>>> HostFacts::environment_files(const Unit& unit) {
    std::vector<std::pair<std::string, std::string>> variables;
    for (const EnvironmentFile& file : unit.settings.exec.environment_files) {
        std::vector<std::string> paths;
        glob_t found{};
        if (::glob(file.path.c_str(), GLOB_NOSORT | GLOB_BRACE, nullptr, &found) == 0) {
            paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
        }
        ::globfree(&found);
        std::ranges::sort(paths);
        if (paths.empty() && !file.optional) {
            return failure("EnvironmentFile=" + file.path + ": No such file or directory", ENOENT);
        }
        for (const std::string& path : paths) {
            auto text = sys::read_file(path, max_environment_file);
            if (!text && file.optional) {
                continue;
            }
            auto added = parse_environment_file(HEARTH_TRY(std::move(text)));
            std::ranges::move(added, std::back_inserter(variables));
        }
    }
    return variables;
}

LoadContext gather_load_context(bool user) {
    LoadContext context;
    context.machine_id = first_line("/etc/machine-id");
    context.boot_id = without_dashes(first_line("/proc/sys/kernel/random/boot_id"));
    utsname names{};
    if (::uname(&names) == 0) {
        context.host_name = names.nodename;
        context.kernel_release = names.release;
        context.architecture = std::string_view(names.machine) == "x86_64" ? "x86-64"
                             : std::string_view(names.machine) == "aarch64" ? "arm64"
                                                                            : names.machine;
    }
    const std::string release = sys::read_file("/etc/os-release", 65536)
                                    .value_or(sys::read_file("/usr/lib/os-release", 65536).value_or(""));
    for (auto& [name, value] : parse_environment_file(release)) {
        std::string* field = name == "ID"              ? &context.os_id
                             : name == "VERSION_ID"    ? &context.os_version_id
                             : name == "BUILD_ID"      ? &context.os_build_id
                             : name == "VARIANT_ID"    ? &context.os_variant_id
                             : name == "IMAGE_ID"      ? &context.os_image_id
                             : name == "IMAGE_VERSION" ? &context.os_image_version
                                                       : nullptr;
        if (field != nullptr) {
            *field = std::move(value);
        }
    }
    context.uid = ::getuid();
    context.gid = ::getgid();
    if (user) {
        const auto variable = [](const char* name, const std::string& fallback) {
            const char* value = std::getenv(name);
            return value != nullptr && *value != '\0' ? std::string(value) : fallback;
        };
        context.user_home = variable("HOME", "/");
        context.user_name = variable("USER", "");
        context.runtime_directory = variable("XDG_RUNTIME_DIR", "/run");
        context.state_directory = variable("XDG_STATE_HOME", context.user_home + "/.local/state");
        context.cache_directory = variable("XDG_CACHE_HOME", context.user_home + "/.cache");
        context.log_directory = context.state_directory + "/log";
    }
    return context;
}

}  // namespace hearth
