// SPDX-License-Identifier: MIT
//
// list-dependencies: a unit and what it pulls in, or what pulls it in, as a tree in systemctl's
// form. Targets are followed; other units only with --all. A unit that stands above itself is not
// followed again.
#include <algorithm>
#include <array>
#include <set>

#include "supervisor/ctl/client.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"

namespace hearth::ctl {

namespace {

constexpr std::array forward = {
    "Requires", "Requisite", "Wants", "ConsistsOf", "BindsTo", "Upholds"};
constexpr std::array backward = {
    "RequiredBy", "RequisiteOf", "WantedBy", "PartOf", "BoundBy", "UpheldBy"};

class Tree {
public:
    Tree(Client& client, const Arguments& arguments) : client_(client), arguments_(arguments) {}

    Result<void, CallError> add(const std::string& unit, const std::string& indent) {
        above_.insert(unit);
        std::set<std::string> names;
        for (const char* const property : arguments_.reverse ? backward : forward) {
            const auto value = client_.property(object_path(unit), unit_interface, property);
            if (!value) {
                return Unexpected(value.error());
            }
            for (const Value& each : value->members) {
                names.insert(each.text);
            }
        }
        std::size_t left = names.size();
        for (const std::string& name : names) {
            --left;
            const auto state = client_.property(object_path(name), unit_interface, "ActiveState");
            const bool active = state && (state->text == "active" || state->text == "reloading");
            const bool failed = state && state->text == "failed";
            text_ += failed   ? tinted(Tone::Bad, "\u25cf")
                     : active ? tinted(Tone::Good, "\u25cf")
                              : "\u25cb";
            text_ +=
                " " +
                (arguments_.plain ? "  " : indent + (left == 0 ? "\u2514\u2500" : "\u251c\u2500")) +
                name + "\n";
            const bool follow = arguments_.all || name.ends_with(".target");
            if (follow && !above_.contains(name)) {
                HEARTH_TRY(add(name, indent + (left == 0 ? "  " : "\u2502 ")));
            }
        }
        above_.erase(unit);
        return {};
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    Client& client_;
    const Arguments& arguments_;
    std::set<std::string> above_;
    std::string text_;
};

}  // namespace

int list_dependencies_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto unit = client ? unit_name(arguments.names.front()) : std::nullopt;
    if (!unit) {
        return Failure;
    }
    Tree tree(*client, arguments);
    if (const auto added = tree.add(*unit, ""); !added) {
        complain("Failed to list the dependencies of " + *unit + ": " + added.error().message);
        return exit_code(added.error());
    }
    print(*unit + "\n" + tree.text());
    return Done;
}

}  // namespace hearth::ctl
