// SPDX-License-Identifier: MIT
//
// The verbs about unit files: enable, disable, mask, link and kin, is-enabled, list-unit-files,
// get-default. Words and exit statuses are systemctl's.
#include "supervisor/ctl/unit_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/outcome.hpp"
#include "units/condition_parts.hpp"
#include "units/unit_name.hpp"

namespace hearth::ctl {

namespace {

constexpr const char* no_install_information =
    R"(The unit files have no installation config (WantedBy=, RequiredBy=, UpheldBy=,
Also=, or Alias= settings in the [Install] section, and DefaultInstance= for
template units). This means they are not meant to be enabled using hearthctl.

Possible reasons for having this kind of units are:
• A unit may be statically enabled by being symlinked from another unit's
  .wants/, .requires/ or .upholds/ directory.
• A unit's purpose may be to act as a helper for some other unit which has
  a requirement dependency on it.
• A unit may be started when needed via activation (socket, path, timer,
  D-Bus, udev, scripted hearthctl call, ...).
• In case of template units, the unit is meant to be enabled with some
  instance name specified.)";

/// How a verb is spoken of.
struct Wording {
    UnitFileVerb verb;
    const char* failed;  ///< "Failed to ... unit"
    bool takes_paths = false;
    bool needs_install = false;  ///< says so where there is no [Install]
};

/// Whether the name is for a file: enable ./heat.service.
std::string absolute(const std::string& path) {
    if (path.starts_with('/')) {
        return path;
    }
    std::array<char, PATH_MAX> directory{};
    const char* const here = ::getcwd(directory.data(), directory.size());
    return (here == nullptr ? std::string() : std::string(here)) + "/" +
           (path.starts_with("./") ? path.substr(2) : path);
}

std::optional<std::vector<std::string>> names_of(
    const std::vector<std::string>& texts, const Wording& wording) {
    std::vector<std::string> names;
    for (const std::string& text : texts) {
        const bool path = text.find('/') != std::string::npos || wording.verb == UnitFileVerb::Link;
        if (path && wording.takes_paths) {
            names.push_back(absolute(text));
            continue;
        }
        auto name = unit_name(path ? text.substr(text.rfind('/') + 1) : text);
        if (!name) {
            return std::nullopt;
        }
        names.push_back(std::move(*name));
    }
    return names;
}

void print_changes(const Arguments& arguments, const InstallPlan& plan, const char* failed) {
    for (const FileChange& change : plan.changes) {
        if (!arguments.quiet || is_failure(change.kind)) {
            complain(describe(change, failed, arguments.root));
        }
        note(
            "changes",
            {{"type", name(change.kind)}, {"path", change.path}, {"source", change.source}});
    }
}

/// --now: the units that can be started or stopped.
int act_now(const Arguments& arguments, const std::vector<std::string>& names, bool start) {
    Arguments jobs = arguments;
    jobs.names.clear();
    for (const std::string& each : names) {
        const std::string name = each.substr(each.rfind('/') + 1);
        const auto parsed = parse_unit_name(name);
        if (parsed && !parsed->is_template()) {
            jobs.names.push_back(name);
        }
    }
    return jobs.names.empty() ? Done : start ? start_verb(jobs) : stop_verb(jobs);
}

int reload(const Arguments& arguments) {
    return arguments.root.empty() && !arguments.no_reload ? daemon_reload_verb(arguments) : Done;
}

int change_unit_files(const Arguments& arguments, UnitFileRequest request, const Wording& wording) {
    if (arguments.now && !arguments.root.empty()) {
        return complain("--now needs a running hearthd: it can't be had together with --root=");
    }
    const auto mode = preset_mode(arguments.preset_mode);
    auto names = names_of(request.names, wording);
    if (!mode || !names) {
        return mode ? Failure
                    : complain(
                          "'" + arguments.preset_mode +
                          "' is no preset mode: full, enable-only or disable-only");
    }
    request.verb = wording.verb;
    request.names = std::move(*names);
    request.runtime = arguments.runtime;
    request.force = request.force || arguments.force;
    request.mode = *mode;
    const auto files = unit_files(arguments);
    if (!files) {
        return Failure;
    }
    const auto plan = files->change(request);
    if (!plan) {
        return complain(fmt::format("Failed to {} unit: {}", wording.failed, plan.error().what));
    }
    print_changes(arguments, *plan, wording.failed);
    if (plan->failed) {
        return Failure;
    }
    const bool told = !arguments.quiet && wording.needs_install;
    if (told && !plan->carries_install_information) {
        complain(no_install_information);
    }
    if (const int failed = reload(arguments); failed != Done) {
        return failed;
    }
    const bool starts =
        wording.verb == UnitFileVerb::Enable || wording.verb == UnitFileVerb::Reenable;
    return arguments.now ? act_now(arguments, request.names, starts) : Done;
}

int change_names(const Arguments& arguments, const Wording& wording) {
    return change_unit_files(arguments, {.verb = wording.verb, .names = arguments.names}, wording);
}

int add_dependency(const Arguments& arguments, UnitFileVerb verb) {
    if (arguments.names.size() < 2) {
        return complain("Expected the name of a target, then those of units.");
    }
    const auto target = unit_name(arguments.names.front());
    if (!target) {
        return Failure;
    }
    return change_unit_files(
        arguments,
        {.verb = verb,
         .names = {arguments.names.begin() + 1, arguments.names.end()},
         .target = *target},
        {verb, "add dependency on"});
}

/// A state in which preset files have nothing to say.
bool without_preset(std::string_view state) {
    return state == "alias" || state == "static" || state == "generated" || state == "transient";
}

bool matches(const Arguments& arguments, const std::string& name, const std::string& state) {
    const std::string type = name.substr(name.rfind('.') + 1);
    const auto holds = [](const std::vector<std::string>& list, const std::string& value) {
        return list.empty() || std::ranges::find(list, value) != list.end();
    };
    const bool named =
        arguments.names.empty() ||
        std::ranges::any_of(arguments.names, [&](const std::string& pattern) {
            return glob_matches(pattern, name) || glob_matches(pattern + ".service", name);
        });
    return named && holds(arguments.types, type) && holds(arguments.states, state);
}

Tone tone_of(std::string_view state) {
    return state.starts_with("enabled")                    ? Tone::Good
           : state.starts_with("masked") || state == "bad" ? Tone::Bad
                                                           : Tone::Plain;
}

}  // namespace

int enable_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Enable, "enable", true, true});
}
int disable_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Disable, "disable"});
}
int reenable_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Reenable, "reenable", true, true});
}
int preset_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Preset, "preset"});
}
int preset_all_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::PresetAll, "preset"});
}
int mask_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Mask, "mask"});
}
int unmask_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Unmask, "unmask"});
}
int link_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Link, "link", true});
}
int revert_verb(const Arguments& arguments) {
    return change_names(arguments, {UnitFileVerb::Revert, "revert"});
}
int add_wants_verb(const Arguments& arguments) {
    return add_dependency(arguments, UnitFileVerb::AddWants);
}
int add_requires_verb(const Arguments& arguments) {
    return add_dependency(arguments, UnitFileVerb::AddRequires);
}

int set_default_verb(const Arguments& arguments) {
    std::string target = arguments.names.front();
    target += target.find('.') == std::string::npos ? ".target" : "";
    return change_unit_files(
        arguments,
        {.verb = UnitFileVerb::SetDefault, .names = {target}, .force = true},
        {UnitFileVerb::SetDefault, "set default"});
}

int get_default_verb(const Arguments& arguments) {
    const auto files = unit_files(arguments);
    if (!files) {
        return Failure;
    }
    const auto target = files->default_target();
    if (!target) {
        return complain("Failed to get default target: " + target.error().what);
    }
    print((arguments.json ? Json{{"default", *target}}.dump() : *target) + "\n");
    return Done;
}

int is_enabled_verb(const Arguments& arguments) {
    const auto files = unit_files(arguments);
    const auto names = names_of(arguments.names, {UnitFileVerb::Enable, ""});
    if (!files || !names) {
        return Failure;
    }
    bool enabled = false;
    Json states = Json::list();
    for (const std::string& name : *names) {
        const auto state = files->state(name);
        if (!state) {
            return complain(
                "Failed to get unit file state for " + name + ": " + state.error().what);
        }
        enabled = enabled || state->starts_with("enabled") || *state == "static" ||
                  *state == "alias" || *state == "indirect" || *state == "generated";
        states.items.push_back({{"unit", name}, {"state", *state}});
        if (!arguments.quiet && !arguments.json) {
            print(*state + "\n");
        }
    }
    if (arguments.json) {
        print(states.dump() + "\n");
    }
    return enabled ? Done : Failure;
}

int list_unit_files_verb(const Arguments& arguments) {
    const auto files = unit_files(arguments);
    if (!files) {
        return Failure;
    }
    auto states = files->all();
    if (!states) {
        return complain("Failed to list unit files: " + states.error().what);
    }
    std::ranges::sort(*states, {}, [](const UnitFileState& each) {
        const std::string name = each.path.substr(each.path.rfind('/') + 1);
        return std::pair(name.substr(name.rfind('.')), name);
    });
    const auto presets = files->presets();
    Table table(3);
    if (!arguments.no_legend) {
        table.row({"UNIT FILE", "STATE", "PRESET"}, {Tone::Bold, Tone::Bold, Tone::Bold});
    }
    std::size_t count = 0;
    Json rows = Json::list();
    for (const UnitFileState& each : *states) {
        const std::string name = each.path.substr(each.path.rfind('/') + 1);
        if (!matches(arguments, name, each.state)) {
            continue;
        }
        const bool enabled = ask_presets(presets, name).enable;
        const std::string preset = without_preset(each.state) ? "-"
                                   : enabled                  ? "enabled"
                                                              : "disabled";
        table.row({name, each.state, preset}, {Tone::Plain, tone_of(each.state), Tone::Plain});
        rows.items.push_back(
            {{"unit_file", name},
             {"state", each.state},
             {"preset", preset == "-" ? Json() : Json(preset)}});
        ++count;
    }
    const int status = count == 0 && !arguments.names.empty() ? Failure : Done;
    if (arguments.json) {
        print(rows.dump() + "\n");
        return status;
    }
    print(table.text());
    if (!arguments.no_legend) {
        print(fmt::format("\n{} unit files listed.\n", count));
    }
    return status;
}

}  // namespace hearth::ctl
