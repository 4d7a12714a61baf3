// SPDX-License-Identifier: MIT
//
// The probe's tries and what their answers mean (`hearthctl confinement --probe`). Reading tells
// what the kernel shows of a sandbox; a try tells what it does: hearth-probe runs in the service's
// place, under the same plan, tries what each directive forbids and reports the kernel's answer.
//
// One table, probe_table.cpp: directive -> tries. Pure; running them is supervisor/probe_run's.
// What a try can't tell is `cannot know`, never `verified`: a path that isn't there, a directive
// that has no try, a filter that forbids the probe's own calls.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/report/report.hpp"

namespace hearth::report {

/// What the host has only for the probe to miss: made before it starts, gone after it.
struct Beacons {
    std::string socket;              ///< abstract name that hearthd listens at
    int shared_memory = -1;          ///< of System V
    std::string tmp, var_tmp;        ///< files in the host's /tmp and /var/tmp
    pid_t stranger = 0;              ///< a process that is none of the service's: hearthd
    std::vector<std::string> links;  ///< network interfaces, unused where empty
};

enum class Expect : std::uint8_t {
    Refused,  ///< any error but "not there"
    Absent,   ///< any error
    Empty,    ///< any error, or nothing to be seen
    Reached,  ///< no read-only file system; other errors tell nothing
    Zero,
    One,
};

struct Try {
    std::string directive;
    std::string word;  ///< for hearth-probe
    std::string what;  ///< for people: "write to /usr"
    Expect expect{};
    /// where the filter alone is meant: its answer, SECCOMP_RET_*
    std::optional<std::uint32_t> filtered{};
};

struct Answer {
    enum class Kind : std::uint8_t { None, Value, Killed } kind = Kind::None;
    long value = 0;
};

struct TryResult {
    std::string what, answer;
    Verdict verdict{};
};

struct ProbeRow {
    std::string directive, asked;
    Verdict verdict{};
    std::string reason;
    Origin origin;
    std::vector<TryResult> tries;
};

/// All tries for what the unit asks, those that change the probe itself marked.
[[nodiscard]] std::vector<Try> tries(
    const Unit& unit, const launch::Plan& plan, const Beacons& beacons);
/// Why the probe can't run under the plan's filter; empty: it can.
[[nodiscard]] std::string probe_forbidden(const launch::Plan& plan);
/// One row per directive that is a matter of proof. `answers`: one per try.
[[nodiscard]] std::vector<ProbeRow> judge_tries(
    const Unit& unit,
    const std::vector<Try>& tries,
    const std::vector<Answer>& answers,
    const std::string& forbidden);

/// [{"directive", "asked", "verdict", "reason", "file", "line", "tries": [{"try", "answer",
/// "verdict"}]}]
[[nodiscard]] std::string to_json(const std::vector<ProbeRow>& rows);

}  // namespace hearth::report
