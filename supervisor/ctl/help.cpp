// SPDX-License-Identifier: MIT
//
// help: the verbs, the options of one, or what the Documentation= of units names: manual pages are
// shown by man(1), other addresses are printed.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

std::string json_help() {
    Json all = Json::list();
    for (const Verb& verb : verbs()) {
        Json options = Json::list();
        for (const OptionHelp& each : options_of(verb)) {
            options.items.push_back({{"names", each.names}, {"help", each.help}});
        }
        all.items.push_back(
            {{"verb", verb.name},
             {"names", verb.names},
             {"summary", verb.summary},
             {"options", std::move(options)}});
    }
    return all.dump() + "\n";
}

std::string all_verbs() {
    const std::string text =
        "hearthctl [--runtime-dir DIR | --user] VERB ...\n"
        "Asks hearthd at DIR/private (HEARTH_RUNTIME_DIR, else /run/hearth).\n\n";
    Table rows(3);
    for (const Verb& verb : verbs()) {
        rows.row(
            {"  " + std::string(verb.name), std::string(verb.names), std::string(verb.summary)},
            {Tone::Bold});
    }
    return text + rows.text() + "\n'hearthctl VERB --help' has the options of each.\n";
}

/// man(1) with the page of "man:page(section)"; false where that can't be shown.
bool show_page(const std::string& address) {
    const std::size_t open = address.rfind('(');
    const std::string page = address.substr(4, open - 4);
    const std::string section =
        open == std::string::npos ? "" : address.substr(open + 1, address.size() - open - 2);
    const pid_t child = ::fork();
    if (child == 0) {
        if (section.empty()) {
            ::execlp("man", "man", "--", page.c_str(), nullptr);
        } else {
            ::execlp("man", "man", "--", section.c_str(), page.c_str(), nullptr);
        }
        complain("Failed to execute man: " + std::string(std::strerror(errno)));
        ::_exit(EXIT_FAILURE);
    }
    return ended_well(child);
}

int document(Client& client, const std::string& unit) {
    const auto load = client.property(object_path(unit), unit_interface, "LoadState");
    if (!load) {
        return complain("Failed to ask for " + unit + ": " + load.error().message);
    }
    if (load->text == "not-found") {
        return complain("Unit " + unit + " could not be found.");
    }
    const auto addresses = client.property(object_path(unit), unit_interface, "Documentation");
    if (!addresses || addresses->members.empty()) {
        complain("Documentation for " + unit + " not known.");
        return Done;
    }
    int status = Done;
    for (const Value& address : addresses->members) {
        if (!address.text.starts_with("man:")) {
            print(address.text + "\n");
        } else if (!show_page(address.text)) {
            status = Failure;
        }
    }
    return status;
}

}  // namespace

int help_verb(const Arguments& arguments) {
    if (arguments.json) {
        print(json_help());
        return Done;
    }
    if (arguments.names.empty()) {
        print(all_verbs());
        return Done;
    }
    if (arguments.names.size() == 1) {
        if (const Verb* const verb = find_verb(arguments.names.front())) {
            Arguments unused;
            const auto help = parse(*verb, {"--help"}, unused);
            print(help ? help->text : "");
            return Done;
        }
    }
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto units = unit_names(*client, arguments.names);
    if (!units) {
        return Failure;
    }
    int status = Done;
    for (const std::string& unit : *units) {
        status = std::max(status, document(*client, unit));
    }
    return status;
}

}  // namespace hearth::ctl
