// SPDX-License-Identifier: MIT
//
// Slices as units: what [Slice] may say, and which slice a service is in.
#include <gtest/gtest.h>

#include "tests/units/unit_text.hpp"
#include "units/dependency.hpp"

namespace hearth {
namespace {

TEST(Slice, HasTheDirectivesOfResourceControl) {
    const Unit unit = load_text(
        "[Slice]\nCPUQuota=20%\nMemoryMax=64M\nSlice=a.slice\nUser=heat\n", {}, "kiln.slice");
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    EXPECT_EQ(unit.settings.resources.cpu_quota.per_second_microseconds, 200'000U);
    EXPECT_EQ(unit.settings.resources.memory_max.bytes, std::uint64_t{64} << 20);
    EXPECT_EQ(
        messages(unit.diagnostics),
        "kiln.slice:4: Unknown key 'Slice' in section [Slice], ignored\n"
        "kiln.slice:5: Unknown key 'User' in section [Slice], ignored\n");
}

TEST(Slice, WithABadLimitIsABadUnit) {
    const Unit unit = load_text("[Slice]\nTasksMax=some\n", {}, "kiln.slice");
    EXPECT_EQ(unit.load_state, LoadState::BadSetting);
    ASSERT_EQ(unit.refusals.size(), 1U);
    EXPECT_EQ(unit.refusals.front().origin.line, 2U);
}

TEST(Slice, WithoutAFileStillReadsItsDropIns) {
    TextSource source;
    source.drop_in_files["kiln.slice"].push_back(
        {"/etc/systemd/system/kiln.slice.d/50-TasksMax.conf", "[Slice]\nTasksMax=6\n"});
    const Unit unit = load_unit("kiln.slice", source, test_context());
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    EXPECT_EQ(unit.settings.resources.tasks_max.count, 6U);
}

TEST(Slice, ThatIsBuiltInHasTheLimitsOfItsDropIns) {
    TextSource source;
    source.fragments["system.slice"] = {
        "/usr/lib/systemd/system/system.slice", "[Slice]\nTasksMax=1\n", false};
    source.drop_in_files["system.slice"].push_back(
        {"/etc/systemd/system/system.slice.d/50-TasksMax.conf", "[Slice]\nTasksMax=6\n"});
    LoadContext context = test_context();
    context.guest = true;
    const Unit unit = load_unit("system.slice", source, context);
    EXPECT_TRUE(unit.built_in && unit.starts_active);
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    EXPECT_EQ(unit.settings.resources.tasks_max.count, 6U);
    EXPECT_TRUE(unit.dependencies.empty());
    source.drop_in_files.clear();
    EXPECT_EQ(
        load_unit("system.slice", source, context).settings.resources.tasks_max.count,
        std::nullopt);
}

TEST(Slice, OfAServiceIsSystemsUnlessItSaysOrIsAnInstance) {
    EXPECT_EQ(slice_of(load_service("")), "system.slice");
    EXPECT_EQ(slice_of(load_service("Slice=a-b.slice")), "a-b.slice");
    const std::string text = "[Service]\nExecStart=/bin/true\n";
    EXPECT_EQ(slice_of(load_text(text, {}, "one-two@3.service")), "system-one\\x2dtwo.slice");
}

}  // namespace
}  // namespace hearth
