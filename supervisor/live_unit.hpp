// SPDX-License-Identifier: MIT
//
// What a unit has in the world beside its state: processes, cgroup, descriptors, what its launches
// made. Never part of a decision; owned by the Supervisor alone, on its loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/dynamic_users.hpp"
#include "supervisor/launch/launcher.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "units/resource_usage.hpp"
#include "units/state.hpp"

namespace hearth {

/// A process that is waited for, by pidfd.
struct Watched {
    sys::Descriptor pidfd;
    EventSource source;
    bool foreign = false;       ///< no child of ours: somebody else reaps it
    std::uint64_t started = 0;  ///< sys::start_time(): with the pid, which process it is
};
/// Where there are no cgroups: the parent of a launch (shims.cpp).
struct Shim {
    sys::Descriptor record;
    pid_t pid = 0;  ///< 0: not launched yet, or adopted when it had ended
    std::uint64_t started = 0;
    sys::Descriptor pidfd;
    EventSource source;
    bool ended = false;
};
/// What a unit has in the world beside its state: never part of a decision.
struct LiveUnit {
    std::map<pid_t, Watched> processes;
    std::map<std::string, Shim> shims;  ///< by the mark of their launch
    launch::Activation activation;
    std::string invocation_id;
    std::optional<launch::IdRange> user_range;  ///< of its user namespace, where that is auto
    // Of the running main process, for the report: what was launched, from what, what fell
    // short.
    std::optional<launch::Plan> main_plan;
    std::optional<Unit> main_unit;
    std::vector<launch::Shortfall> main_shortfalls;
    /// relaxed directives that failed in a launch of this activation: planned without from then
    std::map<std::string, launch::Shortfall, std::less<>> dropped;
    std::string cgroup;  ///< below hearthd's root; empty before its first launch
    bool cgroup_made = false;
    bool frozen = false;
    sys::Descriptor cgroup_events;
    EventSource cgroup_source;
    std::uint64_t out_of_memory_kills = 0;
    std::uint64_t unnamed_kills = 0;  ///< of those, whose victim the kernel's log has yet to name
    LimitHits limit_hits;
    sys::Descriptor memory_events;  ///< v2 memory.events, or v1's eventfd
    sys::Descriptor tasks_events;   ///< pids.events
    EventSource tasks_source;
    EventSource memory_source, memory_retry;
    int memory_retries = 0;
    DynamicUsers::Claim dynamic_user;            ///< held until nothing of it runs
    std::optional<launch::RemoveIpc> ipc_owner;  ///< whose objects go at the end
    bool release_when_empty = false;
    StateLines activation_lines;     ///< of `activation`, while a launch has it
    std::uint64_t launch_began = 0;  ///< microseconds of CLOCK_BOOTTIME; of the last launch
    std::string launch_mark;         ///< its LaunchRequest::mark
    std::pair<pid_t, std::uint64_t> given_up;  ///< of that launch, and ended: pid, start time
    std::uint64_t saved_at = 0;                ///< monotonic microseconds
    std::string due;    ///< signals that were decided on and not sent yet, as the state file says
    EventSource retry;  ///< removal of a cgroup that was still busy
};

}  // namespace hearth
