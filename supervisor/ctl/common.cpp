// SPDX-License-Identifier: MIT
#include "supervisor/ctl/common.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "supervisor/ctl/console.hpp"
#include "units/unit_name.hpp"

namespace hearth::ctl {

std::optional<Client> connect(const Arguments& arguments) {
    auto client = Client::connect(arguments.runtime_directory);
    if (!client) {
        complain(client.error().what);
        return std::nullopt;
    }
    return std::move(*client);
}

int append_strings(sd_bus_message* message, const std::vector<std::string>& texts) {
    int result = sd_bus_message_open_container(message, 'a', "s");
    for (const std::string& text : texts) {
        result = result < 0 ? result : sd_bus_message_append(message, "s", text.c_str());
    }
    return result < 0 ? result : sd_bus_message_close_container(message);
}

bool ended_well(pid_t child) {
    int status = 0;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string unit_property(
    Client& client, const std::string& unit, const char* interface, const char* name) {
    const auto value = client.property(object_path(unit), interface, name);
    return value ? value->text : std::string();
}

int exit_code(const CallError& error) {
    struct Meaning {
        std::string_view name;
        int code;
    };
    constexpr Meaning meanings[] = {
        {"NoSuchUnit", NotInstalled},
        {"AccessDenied", NotPermitted},
        {"OnlyByDependency", NotPermitted},
        {"NoIsolation", NotPermitted},
        {"TransactionIsDestructive", NotPermitted},
        {"JobTypeNotApplicable", NotImplemented},
        {"NotSupported", NotImplemented},
        {"LoadFailed", NotConfigured},
    };
    for (const Meaning& meaning : meanings) {
        if (error.is(meaning.name)) {
            return meaning.code;
        }
    }
    return Failure;
}

std::optional<std::string> unit_name(const std::string& text) {
    auto name = complete_unit_name(text);
    if (!name) {
        complain(name.error().what);
        return std::nullopt;
    }
    return std::move(*name);
}

std::optional<std::vector<std::string>> unit_names(
    Client& client, const std::vector<std::string>& texts) {
    std::vector<std::string> names, matched;  // in systemctl's order: what is named comes first
    for (const std::string& text : texts) {
        if (text.find_first_of("*?[") == std::string::npos) {
            auto name = unit_name(text);
            if (!name) {
                return std::nullopt;
            }
            names.push_back(std::move(*name));
            continue;
        }
        std::string pattern = text;
        if (pattern.find('.') == std::string::npos && !pattern.ends_with('*')) {
            pattern += ".service";
        }
        auto reply = client.manager("ListUnitsByPatterns", "asas", 0, 1, pattern.c_str());
        if (!reply) {
            complain("Failed to list units: " + reply.error().message);
            return std::nullopt;
        }
        const auto rows = read_value(reply->get());
        for (const Value& row : rows ? rows->members : std::vector<Value>()) {
            matched.push_back(row.members[0].text);
        }
    }
    names.insert(names.end(), matched.begin(), matched.end());
    return names;
}

std::string object_path(const std::string& unit) {
    char* encoded = nullptr;
    if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &encoded) < 0) {
        return "/org/freedesktop/systemd1/unit/_";
    }
    const std::unique_ptr<char, void (*)(void*)> path(encoded, free);
    return path.get();
}

}  // namespace hearth::ctl
