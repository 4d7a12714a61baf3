// SPDX-License-Identifier: MIT
//
// lower(): the plan as the child reads it, and what can't be lowered. No root, no system call.
#include "supervisor/launch/lower.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace hearth::launch {
namespace {

Plan plan_of(std::vector<Action> actions) {
    Plan plan;
    plan.unit = "a.service";
    plan.executable = "/bin/true";
    plan.argv = {"true", "one"};
    plan.environment = {"A=1", "B=2"};
    int status = 100;
    for (Action& action : actions) {
        plan.steps.push_back(Step{Stage::Mounts, std::move(action), {}, status++});
    }
    return plan;
}

std::string shown(const ChildPath& path) {
    return (path.root != nullptr ? std::string("[") + path.root + "]" : std::string()) +
           (path.text != nullptr ? path.text : "-");
}

TEST(Lower, KeepsOrderStatusesArgumentsAndEnvironment) {
    const Plan plan = plan_of({NewSession{}, SetUmask{0077}, SetNice{-3, true}});
    const auto lowered = lower(plan, Slots());
    ASSERT_TRUE(lowered.has_value());
    const ChildProgram& program = lowered->program();
    ASSERT_EQ(program.step_count, 3U);
    EXPECT_EQ(program.steps[0].opcode, Opcode::NewSession);
    EXPECT_EQ(program.steps[1].opcode, Opcode::SetUmask);
    EXPECT_EQ(program.steps[1].first, 0077U);
    EXPECT_EQ(program.steps[1].plan_step, 1U);
    EXPECT_EQ(program.steps[1].exit_status, 101);
    EXPECT_EQ(static_cast<std::int64_t>(program.steps[2].first), -3);
    EXPECT_EQ(program.steps[2].flags, ChildStep::Soft);
    EXPECT_STREQ(program.executable, "/bin/true");
    EXPECT_STREQ(program.arguments[1], "one");
    EXPECT_EQ(program.arguments[2], nullptr);
    EXPECT_STREQ(program.environment[1], "B=2");
    EXPECT_EQ(program.environment[2], nullptr);
}

TEST(Lower, NumbersWhatIsPassedAndLeavesOutWhatIsNotThere) {
    Plan plan = plan_of({NewSession{}, CloseDescriptors{}});
    plan.passed = {{"stored-1", "one"}, {"file-0", "gone"}, {"file-1", "two"}};
    plan.own_pid_variables = {"WATCHDOG_PID"};
    EXPECT_EQ(first_free_number(plan), 6);
    Slots slots;
    slots.descriptors = {{"stored-1", 20}, {"file-1", 21}};
    slots.absent = {"file-0"};
    const auto lowered = lower(plan, slots);
    ASSERT_TRUE(lowered.has_value());
    const ChildProgram& program = lowered->program();
    ASSERT_EQ(program.step_count, 5U);
    EXPECT_EQ(program.steps[0].opcode, Opcode::UseDescriptor);
    EXPECT_EQ(program.steps[0].descriptor, 20);
    EXPECT_EQ(program.steps[0].first, 3U);
    EXPECT_EQ(program.steps[1].descriptor, 21);
    EXPECT_EQ(program.steps[1].first, 4U);
    EXPECT_EQ(program.steps[2].opcode, Opcode::OwnPid);
    EXPECT_EQ(program.steps[2].count, 2U);
    EXPECT_EQ(program.steps[4].opcode, Opcode::CloseDescriptors);
    EXPECT_EQ(program.steps[4].count, 2U);
    EXPECT_STREQ(program.environment[2], "LISTEN_FDS=2");
    EXPECT_STREQ(program.environment[3], "LISTEN_FDNAMES=one:two");
    EXPECT_STREQ(program.environment[4], "WATCHDOG_PID=          ");
    EXPECT_STREQ(program.environment[5], "LISTEN_PID=          ");
    EXPECT_EQ(program.environment[6], nullptr);
}

TEST(Lower, NeedsNothingOfThePlanAfterwards) {
    auto plan =
        std::make_unique<Plan>(plan_of({SetHostname{"a-rather-long-host-name-on-the-heap"}}));
    const auto lowered = lower(*plan, Slots());
    plan.reset();
    ASSERT_TRUE(lowered.has_value());
    EXPECT_STREQ(lowered->program().steps[0].name, "a-rather-long-host-name-on-the-heap");
    EXPECT_STREQ(lowered->program().environment[0], "A=1");
}

TEST(Lower, ResolvesPathsInTheNewRootUntilItIsTheRoot) {
    const Plan plan = plan_of({
        BindMount{"/srv/root", "/srv/root", true, false, 0, 0},
        BindMount{"/usr", "/srv/root/usr", true, false, 0, 0},
        MountFileSystem{"tmpfs", "/srv/rootless", "", 0, false},
        MakeDirectory{"/srv/root/dev", 0755},
        MakeSymlink{"fd", "/srv/root/dev/stdin"},
        PivotRoot{"/srv/root"},
        HidePath{"/srv/root/later", true},
    });
    const auto lowered = lower(plan, Slots());
    ASSERT_TRUE(lowered.has_value());
    const ChildStep* steps = lowered->program().steps;
    EXPECT_EQ(shown(steps[0].path), "/srv/root");
    EXPECT_EQ(shown(steps[1].path), "[/srv/root]usr");
    EXPECT_EQ(shown(steps[1].source), "/usr");
    EXPECT_EQ(shown(steps[2].path), "/srv/rootless") << "a name that only begins alike";
    EXPECT_EQ(shown(steps[3].path), "/srv/root");
    EXPECT_STREQ(steps[3].name, "dev");
    EXPECT_EQ(shown(steps[4].path), "[/srv/root]dev");
    EXPECT_STREQ(steps[4].name, "stdin");
    EXPECT_EQ(shown(steps[6].path), "/srv/root/later");
}

TEST(Lower, MakesPlacesFromTheTopDown) {
    const Plan plan =
        plan_of({MakeMountPoint{"/a/b/c", "/like"}, MakeMountPoint{"/r/x/y", ""}, PivotRoot{"/r"}});
    const auto lowered = lower(plan, Slots());
    ASSERT_TRUE(lowered.has_value());
    const auto check = [&](std::uint32_t step, const std::string& expected) {
        std::string text;
        const auto* entries = static_cast<const ChildEntry*>(lowered->program().steps[step].list);
        for (std::uint32_t i = 0; i < lowered->program().steps[step].count; ++i) {
            text += shown(entries[i].parent) + ":" + entries[i].name + " ";
        }
        EXPECT_EQ(text, expected);
    };
    check(0, "/:a /a:b /a/b:c ");
    check(1, "/r:x [/r]x:y ");
}

TEST(Lower, TakesSlotsDirectoriesAndTrees) {
    Slots slots;
    slots.descriptors = {{"log", 9}, {"net", 10}, {"rw", 11}};
    slots.directories = {{"tmp", "/tmp/hearth-a/tmp"}};
    slots.absent = {"gone"};
    slots.tasks = {12, 13};
    const Plan plan = plan_of({
        JoinCgroups{},
        UseDescriptor{"log", 1},
        EnterNamespace{"net"},
        BindMount{"slot:tmp", "/tmp", true, false, 2, 1},
        BindMount{"tree:rw", "/var", true, false, 0, 0},
        BindMount{"tree:gone", "/srv", true, true, 0, 0},
        MakeMountPoint{"/opt/x", "tree:gone"},
        CloseDescriptors{},
    });
    const auto lowered = lower(plan, slots);
    ASSERT_TRUE(lowered.has_value());
    const ChildProgram& program = lowered->program();
    ASSERT_EQ(program.step_count, 6U) << "what comes of a missing optional tree is left out";
    EXPECT_EQ(program.steps[0].count, 2U);
    EXPECT_EQ(static_cast<const int*>(program.steps[0].list)[1], 13);
    EXPECT_EQ(program.steps[1].descriptor, 9);
    EXPECT_EQ(program.steps[2].descriptor, 10);
    EXPECT_EQ(shown(program.steps[3].source), "/tmp/hearth-a/tmp");
    EXPECT_EQ(program.steps[3].first, 2U);
    EXPECT_EQ(program.steps[3].second, 1U);
    EXPECT_EQ(program.steps[4].descriptor, 11);
    EXPECT_EQ(program.steps[4].source.text, nullptr);
    EXPECT_EQ(program.steps[5].opcode, Opcode::CloseDescriptors);
    EXPECT_EQ(program.steps[5].plan_step, 7U) << "errors still find their step";
}

TEST(Lower, KeepsTheDescriptorsThatTheServiceInheritsOpen) {
    Slots slots;
    slots.descriptors = {{"a", 20}};
    const Plan plan = plan_of(
        {UseDescriptor{"a", 0}, UseDescriptor{"a", 3}, UseDescriptor{"a", 7}, CloseDescriptors{}});
    EXPECT_EQ(first_free_number(plan), 8);
    EXPECT_EQ(first_free_number(plan_of({UseDescriptor{"a", 2}})), 3);
    const auto lowered = lower(plan, slots);
    ASSERT_TRUE(lowered.has_value());
    const ChildStep& close = lowered->program().steps[3];
    ASSERT_EQ(close.count, 2U);
    EXPECT_EQ(static_cast<const int*>(close.list)[0], 3);
    EXPECT_EQ(static_cast<const int*>(close.list)[1], 7);
}

TEST(Lower, SharesMountsOnlyAfterTheLastOfThem) {
    const Plan plan = plan_of(
        {MountPropagation{true, MountPropagation::Final::Shared},
         HidePath{"/a", false},
         PivotRoot{"/b"},
         NewSession{}});
    const auto lowered = lower(plan, Slots());
    ASSERT_TRUE(lowered.has_value());
    const ChildProgram& program = lowered->program();
    ASSERT_EQ(program.step_count, 5U);
    EXPECT_EQ(program.steps[0].second, std::uint64_t{1} << 19);  // MS_SLAVE
    EXPECT_EQ(program.steps[0].first, 1U);                       // MOUNT_ATTR_RDONLY
    EXPECT_EQ(program.steps[3].opcode, Opcode::MountPropagation);
    EXPECT_EQ(program.steps[3].second, std::uint64_t{1} << 20);  // MS_SHARED
    EXPECT_EQ(program.steps[3].first, 0U);
    EXPECT_EQ(program.steps[4].opcode, Opcode::NewSession);
}

TEST(Lower, SplitsTheOptionsOfFileSystems) {
    const Plan plan = plan_of(
        {MountFileSystem{"tmpfs", "/x", "mode=0755,,ro,size=4m", 2 | 8 | (1U << 24), false}});
    const auto lowered = lower(plan, Slots());
    ASSERT_TRUE(lowered.has_value());
    const ChildStep& step = lowered->program().steps[0];
    std::string text;
    for (std::uint32_t i = 0; i < step.count; ++i) {
        const ChildOption& option = static_cast<const ChildOption*>(step.list)[i];
        text += std::string(option.key) +
                (option.value != nullptr ? std::string("=") + option.value : "") + ";";
    }
    EXPECT_EQ(text, "source=tmpfs;mode=0755;ro;size=4m;");
    EXPECT_EQ(step.first, 2U | 8U | 0x20U);
}

TEST(Lower, RefusesWhatTheChildCouldNotDo) {
    struct Case {
        Action action;
        int code;
        const char* what;
    };
    const Case cases[] = {
        {UseDescriptor{"x", 1}, EBADF, "no descriptor was given for 'x'"},
        {EnterNamespace{"net"}, EBADF, "no descriptor was given for 'net'"},
        {BindMount{"slot:tmp", "/tmp", true, false, 0, 0},
         ENOENT,
         "no directory was made for 'slot:tmp'"},
        {BindMount{"tree:x", "/tmp", true, false, 0, 0}, EBADF, "no descriptor was given for 'x'"},
        {HidePath{"etc/x", false}, EINVAL, "'etc/x' is not an absolute path"},
        {HidePath{"", false}, EINVAL, "'' is not an absolute path"},
        {MakeDirectory{"/", 0755}, EINVAL, "'/' names nothing that can be made"},
        {MakeDirectory{"/a/..", 0755}, EINVAL, "'/a/..' names nothing that can be made"},
        {SetHostname{std::string("a\0b", 3)}, EINVAL, "a zero byte in 'a'"},
        {DefaultSignals{{65}}, EINVAL, "there is no signal 65"},
        {LoadSeccomp{{}}, EINVAL, "a filter has 1 to 4096 instructions, not 0"},
        {LoadSeccomp{std::vector<std::uint64_t>(4097)},
         EINVAL,
         "a filter has 1 to 4096 instructions, not 4097"},
        {MountFileSystem{"tmpfs", "/x", "", 16, false},
         EINVAL,
         "mount flags 16 have no attribute of fsmount"},
    };
    for (const Case& wanted : cases) {
        const auto lowered =
            lower(plan_of({NewSession{}, wanted.action, HidePath{"bad", false}}), Slots());
        ASSERT_FALSE(lowered.has_value()) << wanted.what;
        EXPECT_EQ(lowered.error().step, 1U) << "the first that is wrong";
        EXPECT_EQ(lowered.error().error.what, wanted.what);
        EXPECT_EQ(lowered.error().error.code, wanted.code);
    }
    Plan nameless = plan_of({});
    nameless.argv.clear();
    EXPECT_FALSE(lower(nameless, Slots()).has_value());
    Plan relative = plan_of({});
    relative.executable = "true";
    EXPECT_FALSE(lower(relative, Slots()).has_value());
}

}  // namespace
}  // namespace hearth::launch
