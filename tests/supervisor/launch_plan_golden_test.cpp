// SPDX-License-Identifier: MIT
//
// The plans of the five examples, whole, as `hearthctl plan` prints them, on both cgroup layouts.
#include <string>

#include "places.hpp"
#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

Unit example(const std::string& name) {
    return load(
        name,
        content_of(std::string(HEARTH_SOURCE_DIR) + "/examples/" + name),
        "/examples/" + name);
}

void check(const std::string& name, CgroupLayout layout, const std::string& golden) {
    const Unit unit = example(name);
    ASSERT_EQ(unit.load_state, LoadState::Loaded) << name;
    expect_golden(golden, print(planned(unit, machine(layout))));
}

TEST(LaunchPlanGolden, HeatOnHybrid) {
    check("heat.service", CgroupLayout::Hybrid, "heat.hybrid.txt");
}
TEST(LaunchPlanGolden, HeatOnUnified) {
    check("heat.service", CgroupLayout::Unified, "heat.unified.txt");
}
TEST(LaunchPlanGolden, ABusyboxRoot) {
    check("busybox.service", CgroupLayout::Hybrid, "busybox.hybrid.txt");
}
TEST(LaunchPlanGolden, APlainDaemon) {
    check("daemon.service", CgroupLayout::Hybrid, "daemon.hybrid.txt");
}
TEST(LaunchPlanGolden, AOneshot) {
    check("hello.service", CgroupLayout::Unified, "hello.unified.txt");
}

TEST(LaunchPlanGolden, TheImpossibleIsRefusedByNameAndLine) {
    std::string text;
    const auto result = plan_of(example("impossible.service"), machine());
    ASSERT_FALSE(result.has_value());
    for (const Diagnostic& refusal : result.error()) {
        text += one_line(refusal) + "\n  " + refusal.hint + "\n";
    }
    text += "\n" + relaxing_drop_in(result.error());
    expect_golden("impossible.hybrid.txt", text);
}

}  // namespace
}  // namespace hearth::launch::testing
