// SPDX-License-Identifier: MIT
//
// list-dependencies: a unit and what it pulls in, what pulls it in, or its order, as a tree in
// systemctl's form. Targets are followed; other units only with --all. What stands above itself is
// not followed again; with --plain each unit is listed once.
#include <strings.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "supervisor/ctl/client.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

constexpr const char* forward[] = {
    "Requires", "Requisite", "Wants", "ConsistsOf", "BindsTo", "Upholds"};
constexpr const char* backward[] = {
    "RequiredBy", "RequisiteOf", "WantedBy", "PartOf", "BoundBy", "UpheldBy"};
constexpr const char* after[] = {"After"};
constexpr const char* before[] = {"Before"};

std::span<const char* const> relations(const Arguments& arguments) {
    if (arguments.after) {
        return after;
    }
    if (arguments.before) {
        return before;
    }
    return arguments.reverse ? std::span<const char* const>(backward) : forward;
}

bool is_target(const std::string& unit) {
    return unit.ends_with(".target");
}

bool is_in(const std::vector<std::string>& wanted, std::string_view value) {
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

std::string mark(const std::string& state) {
    if (state == "failed") {
        return tinted(Tone::Bad, "×");
    }
    if (state == "active" || state == "activating") {
        return tinted(Tone::Good, "●");
    }
    return state == "reloading" ? tinted(Tone::Good, "↻") : state == "inactive" ? "○" : "●";
}

class Tree {
public:
    Tree(Client& client, const Arguments& arguments)
        : client_(client), arguments_(arguments), relations_(relations(arguments)) {}

    /// `into`: the list that gets what is below, as JSON.
    Result<void, CallError> add(const std::string& unit, const std::string& indent, Json& into) {
        shown_.insert(unit);
        bool circular = false;
        std::vector<std::string> names;
        for (const std::string& name : HEARTH_TRY(dependencies(unit))) {
            if (shown_.contains(name)) {
                circular = true;
            } else if (is_listed(name)) {
                names.push_back(name);
            }
        }
        for (const std::string& name : names) {
            if (arguments_.plain && shown_.contains(name)) {
                continue;  // a unit above brought it meanwhile
            }
            const bool last = name == names.back() && !circular;
            if (arguments_.plain) {
                text_ += "  " + name + "\n";
            } else {
                text_ += mark(state(name)) + " " + indent + (last ? "└─" : "├─") + name + "\n";
            }
            Json below = Json::list();
            if (arguments_.all || is_target(name)) {
                HEARTH_TRY(add(name, indent + (last ? "  " : "│ "), below));
            }
            into.items.push_back(
                {{"unit", name}, {"state", state(name)}, {"dependencies", std::move(below)}});
        }
        if (circular && !arguments_.plain) {
            text_ += "  " + indent + "└─...\n";
        }
        if (!arguments_.plain) {
            shown_.erase(unit);
        }
        return {};
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    /// In systemctl's order: targets last.
    Result<std::vector<std::string>, CallError> dependencies(const std::string& unit) {
        std::set<std::string> names;
        for (const char* const property : relations_) {
            const Value value =
                HEARTH_TRY(client_.property(object_path(unit), unit_interface, property));
            for (const Value& each : value.members) {
                names.insert(each.text);
            }
        }
        std::vector<std::string> sorted(names.begin(), names.end());
        std::ranges::sort(sorted, [](const std::string& left, const std::string& right) {
            return is_target(left) != is_target(right)
                       ? is_target(right)
                       : strcasecmp(left.c_str(), right.c_str()) < 0;
        });
        return sorted;
    }

    [[nodiscard]] bool is_listed(const std::string& unit) {
        return is_in(arguments_.types, std::string_view(unit).substr(unit.rfind('.') + 1)) &&
               (arguments_.states.empty() || is_in(arguments_.states, state(unit)));
    }

    const std::string& state(const std::string& unit) {
        const auto [found, added] = states_.try_emplace(unit);
        if (added) {
            const auto asked = client_.property(object_path(unit), unit_interface, "ActiveState");
            found->second = asked ? asked->text : "inactive";
        }
        return found->second;
    }

    Client& client_;
    const Arguments& arguments_;
    std::span<const char* const> relations_;
    std::set<std::string> shown_;  ///< above the present one; with --plain all
    std::map<std::string, std::string> states_;
    std::string text_;
};

}  // namespace

int list_dependencies_verb(const Arguments& arguments) {
    if (arguments.after + arguments.before + arguments.reverse > 1) {
        return complain("--after, --before and --reverse can't be used together");
    }
    auto client = connect(arguments);
    const auto units =
        client ? unit_names(
                     *client,
                     arguments.names.empty() ? std::vector<std::string>{"default.target"}
                                             : arguments.names)
               : std::nullopt;
    if (!units) {
        return Failure;
    }
    std::string text;
    Json all = Json::list();
    for (const std::string& unit : *units) {
        Tree tree(*client, arguments);
        Json below = Json::list();
        if (const auto added = tree.add(unit, "", below); !added) {
            complain("Failed to list the dependencies of " + unit + ": " + added.error().message);
            return exit_code(added.error());
        }
        all.items.push_back({{"unit", unit}, {"dependencies", std::move(below)}});
        text += (text.empty() ? "" : "\n") + unit + "\n" + tree.text();
    }
    print(arguments.json ? all.dump() + "\n" : text);
    return Done;
}

}  // namespace hearth::ctl
