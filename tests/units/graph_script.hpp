// SPDX-License-Identifier: MIT
//
// A World of several units for tests of transactions and propagation. Each line of a text is one
// unit: `a Requires=b After=b` is a.service with these lines of [Unit]; a name with a type is that
// unit. `b: SuccessExitStatus=3` puts what follows the colon into [Service]. Implied dependencies
// are left out, so that a test sees only its own.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>

#include "engine_script.hpp"
#include "units/transaction.hpp"

namespace hearth::test {

/// "a" -> "a.service"
[[nodiscard]] std::string full_name(std::string_view name);

class Graph {
public:
    explicit Graph(std::string_view lines);

    /// The jobs of the transaction, sorted: "a:start b:stop"; or "NAME: message" of the refusal.
    [[nodiscard]] std::string plan(
        std::string_view unit, JobType type = JobType::Start, JobMode mode = JobMode::Replace);

    /// One request or fact, then the states that units passed, jobs and launches in order:
    /// "b:start launch:b ..." The words: start stop restart reload UNIT [MODE]; up UNIT (its launch
    /// succeeded); down UNIT (its main process ended well); fail UNIT (it ended badly); gone UNIT
    /// (all its processes are gone); plug UNIT, unplug UNIT; met UNIT, unmet UNIT (conditions);
    /// after TIMESPAN.
    std::string happen(std::string_view words);

    /// "active", "failed" ...
    [[nodiscard]] std::string state(std::string_view unit) const;
    /// All units that are not inactive: "a:active b:activating".
    [[nodiscard]] std::string states() const;
    [[nodiscard]] std::string jobs() const;
    /// Works off launches as long as there are any: each succeeds.
    void launch_all();

    World world;
    Moment now{1'000'000'000, 1'700'000'000'000'000};
    Outcome last;
    std::string told;  ///< all messages of the last event

private:
    void take(Outcome outcome);
    std::map<std::string, int> pids_;
    int next_pid_ = 100;
};

}  // namespace hearth::test
