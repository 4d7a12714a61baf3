// SPDX-License-Identifier: MIT
//
// lower(): a Plan and what its slots stand for in this launch -> the flat program that the child
// runs. Pure: no system call, no clock. Every string and list is copied into one arena, so the
// program needs neither the plan nor an allocation once it is made; the arena lives as long as the
// LoweredPlan. What a plan can't be lowered for (an unknown slot, a path that is not absolute, a
// filter too long) is an error that names the step.
#pragma once

#include <map>
#include <memory>
#include <memory_resource>
#include <set>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/launch/child_step.hpp"
#include "supervisor/launch/plan.hpp"

namespace hearth::launch {

/// What the names in a plan stand for. Numbers are owned elsewhere and must be at least
/// first_free_number(plan), or a dup3 of an earlier step would replace them.
struct Slots {
    std::map<std::string, int> descriptors;
    std::map<std::string, std::string> directories;  ///< for "slot:NAME"
    std::set<std::string> absent;                    ///< optional trees whose source is missing
    std::vector<int> tasks;                          ///< v1 `tasks` files
    int inaccessible = -1;                           ///< see ChildProgram
};

class LoweredPlan {
public:
    LoweredPlan();
    ~LoweredPlan();
    LoweredPlan(LoweredPlan&& other) noexcept;
    LoweredPlan& operator=(LoweredPlan&&) = delete;
    [[nodiscard]] ChildProgram& program() { return *program_; }
    [[nodiscard]] const ChildProgram& program() const { return *program_; }

private:
    friend class Lowering;
    /// Moves the program to a page that a child with memory of its own shares. False: no memory.
    [[nodiscard]] bool share();

    std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_;
    ChildProgram* program_;  ///< in the arena, or the shared page
    bool shared_ = false;
};

struct LoweringFailure {
    std::size_t step = 0;  ///< index into Plan::steps; their number where the executable is meant
    Error error;
};

[[nodiscard]] Result<LoweredPlan, LoweringFailure> lower(const Plan& plan, const Slots& slots);

/// One more than the highest descriptor number that the service inherits, at least 3.
[[nodiscard]] int first_free_number(const Plan& plan);

}  // namespace hearth::launch
