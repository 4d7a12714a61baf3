// SPDX-License-Identifier: MIT
//
// set-property, freeze, thaw: verbs that change what runs.
#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"

namespace hearth::ctl {

namespace {

int call_for_each(const Arguments& arguments, const char* method, const std::string& what) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    int worst = Done;
    for (const std::string& unit : *units) {
        if (const auto reply = client->manager(method, "s", unit.c_str()); !reply) {
            worst = complain("Failed to " + what + " unit " + unit + ": " + reply.error().message);
        }
    }
    return worst;
}

}  // namespace

int freeze_verb(const Arguments& arguments) {
    return call_for_each(arguments, "FreezeUnit", "freeze");
}

int thaw_verb(const Arguments& arguments) {
    return call_for_each(arguments, "ThawUnit", "thaw");
}

int set_property_verb(const Arguments& arguments) {
    const auto unit = unit_name(arguments.names.front());
    if (!unit) {
        return Failure;
    }
    std::vector<std::string> assignments(arguments.names.begin() + 1, arguments.names.end());
    if (assignments.empty()) {
        return complain("set-property: expected UNIT NAME=VALUE...");
    }
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    std::vector<char*> words;
    for (std::string& each : assignments) {
        words.push_back(each.data());
    }
    words.push_back(nullptr);
    const auto call = client->new_call(manager_path, hearth_manager_interface, "SetProperties");
    if (!call ||
        sd_bus_message_append(call->get(), "sb", unit->c_str(), arguments.runtime ? 1 : 0) < 0 ||
        sd_bus_message_append_strv(call->get(), words.data()) < 0) {
        return complain("Failed to set properties: the call can't be made");
    }
    if (const auto reply = client->send(*call); !reply) {
        complain("Failed to set unit properties on " + *unit + ": " + reply.error().message);
        return exit_code(reply.error());
    }
    return Done;
}

}  // namespace hearth::ctl
