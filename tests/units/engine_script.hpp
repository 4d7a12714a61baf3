// SPDX-License-Identifier: MIT
//
// A scripted World for tests of the engine: units from a few directives, events from words, and
// what happened as one line of text. No clock: time moves only by `after`. Each event is followed
// by the invariants of engine_invariants.hpp, and by a failure if one doesn't hold.
//
// The words (`at` is the unit's launch in flight; pids are the test's own numbers):
//   start stop restart reload try-restart reload-or-restart reload-or-try-restart [MODE]
//   launched PID | exec-failed PID STATUS | refused STATUS | no-process
//   exit PID CODE | signal PID NUMBER | dump PID NUMBER
//   checked PID | unchecked                 the launch of HealthCheck=
//   main PID                                the answer to find-main; 0: none
//   notify PID NAME=VALUE...                sd_notify(3); DESCRIPTOR=ID comes along
//   hung-up ID | bus-name 0 or 1
//   empty | populated | oom | after TIMESPAN | reset-failed | cancel JOB
//
// What happened: states passed, then jobs, then actions, parted by " | ":
//   "start | +1:start | launch:ExecStart*"     +N: queued, N:done and kin: removed; *: a new
//   activation "stop-sigterm | | TERM:all CONT:all"       all: the cgroup; main, control: that
//   process
// Tells are left out.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "units/engine.hpp"

namespace hearth::test {

/// A loaded unit with these lines of [Service] (or of [Unit], behind a line "[Unit]").
[[nodiscard]] Unit unit_of(std::string_view text, std::string name = "heat.service");

class Script {
public:
    explicit Script(std::string_view text);

    /// One event; what happened is in `last` or `error`.
    void apply(std::string_view event);
    /// The same, as text.
    std::string happen(std::string_view event);
    /// Loads the unit again with another text, or another state of loading.
    std::string load(Unit unit);

    /// Runs lines `EVENT => WHAT`. Where ` => WHAT` is missing anything may happen.
    void run(std::string_view lines);

    [[nodiscard]] const UnitRecord& record() const { return *world.find(name); }
    [[nodiscard]] const ServiceStatus& status() const { return record().status; }

    World world;
    std::string name = "heat.service";
    Moment now{1'000'000'000, 1'700'000'000'000'000};
    Outcome last;
    std::string error;  ///< name of the last event's refusal, if it was one
    std::string error_message;

private:
    void request(Verb verb, std::string_view mode);
    void cancel(JobId job);
    void told(Outcome outcome);
};

[[nodiscard]] std::string text_of(const Outcome& outcome);

/// Runs the lines against a unit of its own.
void check(std::string_view unit_text, std::string_view lines);

}  // namespace hearth::test
