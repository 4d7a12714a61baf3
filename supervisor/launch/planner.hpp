// SPDX-License-Identifier: MIT
//
// plan(): (Unit, Invocation, Host) -> Plan, or the refusals. Pure: no system call, no clock. A list
// of passes in a fixed order, each one sentence. What confines and can't be given here refuses the
// launch, naming directive, line and what is missing (DESIGN 3.1), unless it is relaxed by name;
// then it is a shortfall in the plan. The seccomp program is compiled by the caller once per
// distinct filter (seccomp_program.hpp) and handed in, because libseccomp needs a memfd.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "parser/command_line.hpp"
#include "supervisor/launch/host.hpp"
#include "supervisor/launch/plan.hpp"
#include "units/unit.hpp"

namespace hearth::launch {

/// One command of one activation, with everything that differs between launches.
struct Invocation {
    const CommandLine* command = nullptr;
    std::string directive = "ExecStart";  ///< which Exec line, for messages
    std::string invocation_id;            ///< 32 hex digits, $INVOCATION_ID
    /// read at launch, in order
    std::vector<std::pair<std::string, std::string>> environment_files;
    /// of the manager: set-environment
    std::map<std::string, std::string> manager_environment{};
    /// extra: MAINPID, SERVICE_RESULT, EXIT_CODE ...
    std::vector<std::pair<std::string, std::string>> environment;
    /// the command's path, searched and found by the caller; empty: not found
    std::string executable;
    const std::vector<std::uint64_t>* seccomp =
        nullptr;  ///< compiled filter of this unit, null: none asked
    /// The ids outside that user namespaces of other units map: UserNamespaceRange=auto avoids
    /// them.
    std::vector<IdRange> ranges_in_use{};
    /// Those of this activation, once a command of it has been planned.
    std::optional<IdRange> own_range{};
    /// Units that name this one in JoinsNamespaceOf=, which works in both directions.
    std::vector<std::string> joined_by{};
    /// the number that DynamicUser= got; unset: the one that it would get first
    std::optional<std::uint32_t> dynamic_uid;
    /// Loaded AppArmor profiles, where AppArmorProfile= asks and the kernel tells; read at each
    /// launch.
    std::optional<std::set<std::string>> apparmor_profiles{};
    bool control = false;                     ///< a control process (not ExecStart)
    std::string notify_socket{};              ///< its path on the host; empty: it may not notify
    std::uint64_t watchdog_microseconds = 0;  ///< $WATCHDOG_USEC; 0: none
    std::vector<Passed> stored{};             ///< what the service stored, in slots of the caller
    std::vector<const Unit*> slices{};        ///< that the unit's cgroup lies in, outermost first
    /// Standard streams that the caller has, in the slots given_stream(NUMBER).
    std::array<bool, 3> given_streams{};
    bool startup_phase = false;  ///< hearthd starts its first units, or stops all
    bool attach = false;         ///< reserved for attach; no stdio of the unit's
};

/// The slot of a standard stream that came with the request to start the unit.
[[nodiscard]] std::string given_stream(std::size_t number);

/// The plan, or every reason (all of them, not the first) why this launch is refused.
[[nodiscard]] Result<Plan, Diagnostics> plan(
    const Unit& unit, const Invocation& invocation, const Host& host);

/// The part of a plan that limits the unit's cgroup and those above it, and nothing else: for a
/// unit that runs already.
[[nodiscard]] Result<Plan, Diagnostics> plan_limits(
    const Unit& unit, const Invocation& invocation, const Host& host);

/// The capabilities that the service can keep: CapabilityBoundingSet= without what others take
/// away, of those that the kernel has.
[[nodiscard]] std::uint64_t bounding_capabilities(const SandboxSettings& sandbox, const Host& host);

/// What is done to TTYPath='s terminal before a command; the same without sizes after the last.
[[nodiscard]] PrepareTerminal terminal_work(const ExecSettings& exec);

/// The drop-in that would let a refused unit start: `[X-Hearth]\nRelaxConfinement=...\n`, or empty
/// where the refusals can't be relaxed.
[[nodiscard]] std::string relaxing_drop_in(const Diagnostics& refusals);

/// systemd.exec(5)'s status nearest to the first refusal: 217 for a missing user, 226 for a
/// namespace ...
[[nodiscard]] int exit_status(const Diagnostics& refusals);

/// The unit's cgroup below hearthd's root: "system.slice/heat.service",
/// "system.slice/system-getty.slice/...", of a slice its own.
[[nodiscard]] std::string cgroup_path(const Unit& unit);
/// MemoryPressureWatch=: the file as the service finds it; empty: it is told of none.
[[nodiscard]] std::string watched_pressure(const Unit& unit, const Host& host);

}  // namespace hearth::launch
