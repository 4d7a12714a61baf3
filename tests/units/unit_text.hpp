// SPDX-License-Identifier: MIT
//
// Units out of texts, for tests: a UnitSource that is a map, and a shorthand that loads one
// .service.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "units/loader.hpp"

namespace hearth {

class TextSource final : public UnitSource {
public:
    std::map<std::string, File> fragments;
    std::map<std::string, std::vector<File>> drop_in_files;
    std::map<std::string, Error> unreadable;  // fragments
    std::map<std::string, Error> unreadable_drop_ins;

    Result<std::optional<File>> fragment(const std::string& name) const override {
        if (const auto bad = unreadable.find(name); bad != unreadable.end()) {
            return Unexpected(bad->second);
        }
        const auto found = fragments.find(name);
        return found != fragments.end() ? std::optional(found->second) : std::nullopt;
    }
    Result<std::vector<File>> drop_ins(const std::string& name) const override {
        if (const auto bad = unreadable_drop_ins.find(name); bad != unreadable_drop_ins.end()) {
            return Unexpected(bad->second);
        }
        const auto found = drop_in_files.find(name);
        return found != drop_in_files.end() ? found->second : std::vector<File>();
    }
};

inline LoadContext test_context() {
    LoadContext context;
    context.machine_id = "0123456789abcdef0123456789abcdef";
    context.boot_id = "fedcba9876543210fedcba9876543210";
    context.host_name = "kettle.example.org";
    context.kernel_release = "6.1.0";
    context.architecture = "x86-64";
    context.os_id = "debian";
    return context;
}

/// `text` as /etc/systemd/system/NAME with drop-ins 1.conf, 2.conf ... beside it.
inline Unit load_text(
    const std::string& text,
    const std::vector<std::string>& drop_ins = {},
    const std::string& name = "heat.service",
    const LoadContext& context = test_context()) {
    TextSource source;
    const std::string path = "/etc/systemd/system/" + name;
    source.fragments[name] = {path, text, false};
    for (std::size_t i = 0; i < drop_ins.size(); ++i) {
        source.drop_in_files[name].push_back(
            {path + ".d/" + std::to_string(i + 1) + ".conf", drop_ins[i], false});
    }
    return load_unit(name, source, context);
}

/// A startable service with `lines` in [Service].
inline Unit load_service(const std::string& lines) {
    return load_text("[Service]\nExecStart=/bin/true\n" + lines + "\n");
}

/// The messages, one per line, in DESIGN's form without the path's directory.
inline std::string messages(const Diagnostics& diagnostics) {
    std::string text;
    for (const Diagnostic& each : diagnostics) {
        const std::string line = one_line(each);
        const std::size_t slash = line.rfind('/', line.find(':'));
        text += (slash == std::string::npos ? line : line.substr(slash + 1)) + "\n";
    }
    return text;
}

}  // namespace hearth
