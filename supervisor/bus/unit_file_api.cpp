// SPDX-License-Identifier: MIT
//
// The methods of the manager about unit files: enable, disable, mask and kin, and what they are
// now.
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/manager_api.hpp"
#include "supervisor/bus/vtable.hpp"

namespace hearth::bus {

namespace {

constexpr std::uint64_t flag_runtime = 1, flag_force = 2;
constexpr std::uint64_t known_flags = flag_runtime | flag_force;

Control& control_of(Request& request) {
    return request.connection.core.control;
}

void write_changes(MessageSink& sink, const InstallPlan& plan) {
    sink.open_array("(sss)");
    for (const FileChange& change : plan.changes) {
        if (is_failure(change.kind)) {
            continue;
        }
        sink.open_struct("sss");
        sink.string(name(change.kind));
        sink.string(change.path);
        sink.string(change.source);
        sink.close_struct();
    }
    sink.close_array();
}

/// A file from anywhere becomes a unit, which runs as it says: the group that may start and stop
/// units is no root by that.
bool names_a_file(const UnitFileRequest& asked) {
    return std::ranges::any_of(
        asked.names, [](const std::string& each) { return each.find('/') != std::string::npos; });
}

/// `informs`: the reply begins with whether any unit has something to enable.
int change(Request& request, const UnitFileRequest& asked, bool informs) {
    const Peer& peer = request.connection.peer;
    if (names_a_file(asked) && peer.uid != 0 && peer.uid != ::geteuid()) {
        return request.refuse(
            "AccessDenied", "Making unit files known by their path is for root: name units");
    }
    const auto plan = control_of(request).change_unit_files(asked);
    if (!plan) {
        return request.refuse(plan.error());
    }
    const bool changed = std::ranges::any_of(plan->changes, [](const FileChange& each) {
        return each.kind == FileChange::Kind::Symlink || each.kind == FileChange::Kind::Unlink;
    });
    if (changed) {
        request.connection.core.unit_files_changed();
    }
    if (plan->failed) {
        const auto failure = std::ranges::find_if(
            plan->changes, [](const FileChange& each) { return is_failure(each.kind); });
        return request.refuse(to_error(*failure));
    }
    Reply reply(request.message);
    if (informs) {
        reply.sink().boolean(plan->carries_install_information);
    }
    write_changes(reply.sink(), *plan);
    return reply.send();
}

/// NAMES, runtime, force.
template <UnitFileVerb verb, bool informs>
int change_names(Request& request) {
    UnitFileRequest asked{.verb = verb};
    const int result = request.read(asked.names, asked.runtime, asked.force);
    return result < 0 ? result : change(request, asked, informs);
}

/// NAMES, runtime.
template <UnitFileVerb verb>
int undo_names(Request& request) {
    UnitFileRequest asked{.verb = verb};
    const int result = request.read(asked.names, asked.runtime);
    return result < 0 ? result : change(request, asked, false);
}

template <UnitFileVerb verb, bool informs>
int change_with_flags(Request& request) {
    UnitFileRequest asked{.verb = verb};
    std::uint64_t flags = 0;
    if (const int result = request.read(asked.names, flags); result < 0) {
        return result;
    }
    if ((flags & ~known_flags) != 0) {
        return request.refuse(
            "org.freedesktop.DBus.Error.InvalidArgs",
            "Unknown flags " + std::to_string(flags & ~known_flags) +
                ": expected 1 (runtime) and 2 (force)");
    }
    asked.runtime = (flags & flag_runtime) != 0;
    asked.force = (flags & flag_force) != 0;
    return change(request, asked, informs);
}

int change_by_preset(Request& request, UnitFileRequest asked, const std::string& mode) {
    const auto known = mode.empty() ? PresetMode::Full : preset_mode(mode);
    if (!known) {
        return request.refuse(
            "org.freedesktop.DBus.Error.InvalidArgs",
            "'" + mode + "' is no preset mode: expected full, enable-only or disable-only");
    }
    asked.mode = *known;
    return change(request, asked, asked.verb == UnitFileVerb::Preset);
}

int preset_with_mode(Request& request) {
    UnitFileRequest asked{.verb = UnitFileVerb::Preset};
    std::string mode;
    const int result = request.read(asked.names, mode, asked.runtime, asked.force);
    return result < 0 ? result : change_by_preset(request, std::move(asked), mode);
}

int preset_all(Request& request) {
    UnitFileRequest asked{.verb = UnitFileVerb::PresetAll};
    std::string mode;
    const int result = request.read(mode, asked.runtime, asked.force);
    return result < 0 ? result : change_by_preset(request, std::move(asked), mode);
}

int revert(Request& request) {
    UnitFileRequest asked{.verb = UnitFileVerb::Revert};
    const int result = request.read(asked.names);
    return result < 0 ? result : change(request, asked, false);
}

int set_default(Request& request) {
    std::string target;
    UnitFileRequest asked{.verb = UnitFileVerb::SetDefault};
    if (const int result = request.read(target, asked.force); result < 0) {
        return result;
    }
    asked.names = {target};
    return change(request, asked, false);
}

int add_dependency(Request& request) {
    std::string type;
    UnitFileRequest asked;
    const int result = request.read(asked.names, asked.target, type, asked.runtime, asked.force);
    if (result < 0) {
        return result;
    }
    if (type != "Wants" && type != "Requires") {
        return request.refuse(
            "org.freedesktop.DBus.Error.InvalidArgs",
            "'" + type + "' can't be added: expected Wants or Requires");
    }
    asked.verb = type == "Wants" ? UnitFileVerb::AddWants : UnitFileVerb::AddRequires;
    return change(request, asked, false);
}

int get_default(Request& request) {
    const auto target = control_of(request).default_target();
    return target ? request.answer_string(*target) : request.refuse(target.error());
}

int get_state(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    const auto state = control_of(request).unit_file_state(unit);
    return state ? request.answer_string(*state) : request.refuse(state.error());
}

int get_links(Request& request) {
    std::string unit;
    bool runtime = false;
    if (const int result = request.read(unit, runtime); result < 0) {
        return result;
    }
    const auto links = control_of(request).unit_file_links(unit, runtime);
    if (!links) {
        return request.refuse(links.error());
    }
    Reply reply(request.message);
    reply.sink().strings(*links);
    return reply.send();
}

}  // namespace

std::span<const sd_bus_vtable> unit_file_methods() {
    using enum UnitFileVerb;
    static const std::vector<sd_bus_vtable> methods = {
        method<change_names<Enable, true>>("EnableUnitFiles", "asbb", "ba(sss)"),
        method<change_with_flags<Enable, true>>("EnableUnitFilesWithFlags", "ast", "ba(sss)"),
        method<undo_names<Disable>>("DisableUnitFiles", "asb", "a(sss)"),
        method<change_with_flags<Disable, false>>("DisableUnitFilesWithFlags", "ast", "a(sss)"),
        method<change_with_flags<Disable, true>>(  // what systemctl calls since 253
            "DisableUnitFilesWithFlagsAndInstallInfo",
            "ast",
            "ba(sss)"),
        method<change_names<Reenable, true>>("ReenableUnitFiles", "asbb", "ba(sss)"),
        method<change_names<Link, false>>("LinkUnitFiles", "asbb", "a(sss)"),
        method<change_names<Preset, true>>("PresetUnitFiles", "asbb", "ba(sss)"),
        method<preset_with_mode>("PresetUnitFilesWithMode", "assbb", "ba(sss)"),
        method<preset_all>("PresetAllUnitFiles", "sbb", "a(sss)"),
        method<change_names<Mask, false>>("MaskUnitFiles", "asbb", "a(sss)"),
        method<undo_names<Unmask>>("UnmaskUnitFiles", "asb", "a(sss)"),
        method<revert>("RevertUnitFiles", "as", "a(sss)"),
        method<set_default>("SetDefaultTarget", "sb", "a(sss)"),
        method<get_default>("GetDefaultTarget", "", "s"),
        method<add_dependency>("AddDependencyUnitFiles", "asssbb", "a(sss)"),
        method<get_state>("GetUnitFileState", "s", "s"),
        method<get_links>("GetUnitFileLinks", "sb", "as"),
    };
    return methods;
}

}  // namespace hearth::bus
