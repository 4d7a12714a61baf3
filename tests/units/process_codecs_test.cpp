// SPDX-License-Identifier: MIT
//
// What scheduling, terminals and the smaller means of confinement are written like: by directive,
// through their rows.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/value_recorder.hpp"
#include "units/directive.hpp"

namespace hearth {
namespace {

/// The settings after these assignments; "!" and the message where one is refused.
struct Written {
    Settings settings;
    std::string error;

    Written(std::string_view key, const std::vector<std::string>& values, const char* section) {
        for (const std::string& value : values) {
            const Assigned assigned = find_row(section, key)->assign(settings, value, {});
            if (!assigned) {
                error = assigned.error().what;
            }
        }
    }
};

std::string text_of(
    std::string_view key, const std::vector<std::string>& values, const char* section = "Service") {
    const Written written(key, values, section);
    return written.error.empty() ? find_row(section, key)->format(written.settings)
                                 : "!" + written.error;
}

std::string bus_of(std::string_view key, const std::vector<std::string>& values) {
    const Written written(key, values, "Service");
    ValueRecorder recorder;
    for (const Property& property : find_row("Service", key)->properties) {
        property.write(written.settings, recorder);
    }
    return recorder.text();
}

TEST(CpuAffinityText, MergesListsAndRanges) {
    EXPECT_EQ(text_of("CPUAffinity", {"0-2,4 7"}), "0-2 4 7");
    EXPECT_EQ(text_of("CPUAffinity", {"0", "3,1"}), "0-1 3");
    EXPECT_EQ(text_of("CPUAffinity", {"0", "", "3"}), "3");
    EXPECT_EQ(text_of("CPUAffinity", {"0", "numa"}), "numa");
    EXPECT_EQ(text_of("CPUAffinity", {"numa", "2"}), "2");
    EXPECT_EQ(bus_of("CPUAffinity", {"0 9"}), "ay [1,2] b false");
    EXPECT_EQ(bus_of("CPUAffinity", {"numa"}), "ay [] b true");
    for (const char* const bad : {"x", "3-1", "-1", "1-", "99999", "0 all"}) {
        EXPECT_TRUE(text_of("CPUAffinity", {bad}).starts_with("!")) << bad;
    }
}

TEST(NumaText, NodesAndPolicies) {
    EXPECT_EQ(text_of("NUMAMask", {"all"}), "all");
    EXPECT_EQ(text_of("NUMAMask", {"0", "2-3"}), "0 2-3");
    EXPECT_EQ(text_of("NUMAPolicy", {"interleave"}), "interleave");
    EXPECT_TRUE(text_of("NUMAPolicy", {"striped"}).starts_with("!"));
    EXPECT_EQ(bus_of("NUMAPolicy", {}), "i -1");
    EXPECT_EQ(bus_of("NUMAPolicy", {"bind"}), "i 2");
}

TEST(SchedulingText, IsTheKernelsNumbersOnTheBus) {
    EXPECT_EQ(bus_of("CPUSchedulingPolicy", {"rr"}), "i 2");
    EXPECT_EQ(bus_of("CPUSchedulingPolicy", {"idle"}), "i 5");
    EXPECT_EQ(bus_of("IOSchedulingClass", {}), "i 2");
    EXPECT_EQ(bus_of("IOSchedulingClass", {"idle"}), "i 3");
    EXPECT_EQ(bus_of("IOSchedulingPriority", {}), "i 4");
    EXPECT_TRUE(text_of("CPUSchedulingPriority", {"100"}).starts_with("!"));
    EXPECT_TRUE(text_of("IOSchedulingPriority", {"8"}).starts_with("!"));
}

TEST(SchedulingText, AnEmptyClassTakesBackThePriorityToo) {
    Settings settings;
    ASSERT_TRUE(find_row("Service", "IOSchedulingPriority")->assign(settings, "7", {}));
    ASSERT_TRUE(find_row("Service", "IOSchedulingClass")->assign(settings, "", {}));
    EXPECT_EQ(settings, Settings());
}

TEST(TimerSlackText, CountsNanoseconds) {
    EXPECT_EQ(text_of("TimerSlackNSec", {"500"}), "500");
    EXPECT_EQ(text_of("TimerSlackNSec", {"5us"}), "5000");
    EXPECT_EQ(text_of("TimerSlackNSec", {"1ms 2us 3ns"}), "1002003");
    EXPECT_EQ(text_of("TimerSlackNSec", {"2 s"}), "2000000000");
    EXPECT_EQ(bus_of("TimerSlackNSec", {}), "t 50000");
    for (const char* const bad : {"x", "5 ages", "-1", "99999999999999999999", "1.5ms"}) {
        EXPECT_TRUE(text_of("TimerSlackNSec", {bad}).starts_with("!")) << bad;
    }
}

TEST(CoredumpFilterText, IsMergedByOr) {
    EXPECT_EQ(text_of("CoredumpFilter", {"private-anonymous"}), "0x1");
    EXPECT_EQ(text_of("CoredumpFilter", {"private-anonymous", "shared-dax"}), "0x101");
    EXPECT_EQ(text_of("CoredumpFilter", {"default private-dax"}), "0xb3");
    EXPECT_EQ(text_of("CoredumpFilter", {"all"}), "0x1ff");
    EXPECT_EQ(text_of("CoredumpFilter", {"10 0x2"}), "0x12");
    EXPECT_EQ(text_of("CoredumpFilter", {"all", ""}), "");
    EXPECT_EQ(bus_of("CoredumpFilter", {}), "t 51");
    EXPECT_TRUE(text_of("CoredumpFilter", {"stack"}).starts_with("!"));
}

TEST(SecureBitsText, IsMergedByOr) {
    EXPECT_EQ(text_of("SecureBits", {"keep-caps noroot"}), "noroot keep-caps");
    EXPECT_EQ(text_of("SecureBits", {"noroot", "noroot-locked"}), "noroot noroot-locked");
    EXPECT_EQ(text_of("SecureBits", {"noroot", ""}), "");
    EXPECT_EQ(bus_of("SecureBits", {"keep-caps-locked noroot"}), "i 33");
    EXPECT_TRUE(text_of("SecureBits", {"noroots"}).starts_with("!"));
}

TEST(RestrictNamespacesText, FollowsTheManualsExamples) {
    EXPECT_EQ(text_of("RestrictNamespaces", {"cgroup ipc", "cgroup net"}), "cgroup ipc net");
    EXPECT_EQ(text_of("RestrictNamespaces", {"cgroup ipc", "~cgroup net"}), "ipc");
    EXPECT_EQ(text_of("RestrictNamespaces", {"yes"}), "yes");
    EXPECT_EQ(text_of("RestrictNamespaces", {"yes", "no"}), "no");
    EXPECT_EQ(text_of("RestrictNamespaces", {"yes", "mnt"}), "mnt");
    EXPECT_EQ(text_of("RestrictNamespaces", {"~user"}), "~user");
    EXPECT_EQ(text_of("RestrictNamespaces", {"~user", "~mnt"}), "~mnt user");
    EXPECT_EQ(bus_of("RestrictNamespaces", {"yes"}), "t 0");
    EXPECT_EQ(bus_of("RestrictNamespaces", {}), "t 18446744073709551615");
    EXPECT_EQ(bus_of("RestrictNamespaces", {"~user"}), "t 1845624832");
    EXPECT_TRUE(text_of("RestrictNamespaces", {"time"}).starts_with("!"));
}

TEST(SystemCallLogText, IsAListOfItsOwnSense) {
    const auto calls = [](const std::vector<std::string>& values) {
        return Written("SystemCallLog", values, "Service").settings.sandbox.system_call_log;
    };
    EXPECT_EQ(calls({"mount uname"}).calls, (std::set<std::string>{"mount", "uname"}));
    EXPECT_EQ(calls({"mount uname", "~mount"}).calls, (std::set<std::string>{"uname"}));
    EXPECT_TRUE(calls({"~mount"}).inverted);
    EXPECT_TRUE(calls({"@mount"}).calls.contains("umount2"));
    EXPECT_EQ(bus_of("SystemCallLog", {"~uname"}), "(bas) (false,[\"uname\"])");
    EXPECT_EQ(calls({"mount", ""}), SystemCallLog());
}

TEST(SecurityLabelText, MayBeginWithADash) {
    EXPECT_EQ(text_of("AppArmorProfile", {"-heat"}), "-heat");
    EXPECT_EQ(bus_of("SELinuxContext", {"-a:b:c"}), "(bs) (true,\"a:b:c\")");
    EXPECT_EQ(bus_of("SmackProcessLabel", {"heat"}), "(bs) (false,\"heat\")");
    EXPECT_TRUE(text_of("AppArmorProfile", {"-"}).starts_with("!"));
}

TEST(InputText, IsJoinedInOrder) {
    Settings settings;
    const auto assign = [&](std::string_view key, std::string_view value) {
        return find_row("Service", key)->assign(settings, value, {}).has_value();
    };
    ASSERT_TRUE(assign("StandardInputText", "one\\ttwo \"kept\""));
    ASSERT_TRUE(assign("StandardInputData", "AAEC /w=="));
    ASSERT_TRUE(assign("StandardInputText", "end"));
    EXPECT_EQ(
        settings.exec.terminal.input_data.bytes,
        std::string(
            "one\ttwo \"kept\"\n\0\1\2\xff"
            "end\n",
            23));
    EXPECT_FALSE(assign("StandardInputData", "AAE"));
    EXPECT_FALSE(assign("StandardInputData", "A*=="));
    EXPECT_FALSE(assign("StandardInputText", "\\q"));
    EXPECT_EQ(text_of("StandardInputData", {"SGVhdAo="}), "SGVhdAo=");
    EXPECT_EQ(text_of("StandardInputData", {"SGVhdA=="}), "SGVhdA==");
    EXPECT_EQ(text_of("StandardInputData", {"SGVhdHM="}), "SGVhdHM=");
}

TEST(TerminalText, SizesAndPath) {
    EXPECT_EQ(bus_of("TTYRows", {"50"}), "q 50");
    EXPECT_TRUE(text_of("TTYColumns", {"65536"}).starts_with("!"));
    EXPECT_TRUE(text_of("TTYPath", {"tty1"}).starts_with("!"));
    EXPECT_EQ(text_of("TTYPath", {"/dev//tty1/"}), "/dev/tty1");
}

TEST(LimitText, NiceZeroIsOne) {
    EXPECT_EQ(text_of("LimitNICE", {"0"}), "1");
    EXPECT_EQ(text_of("LimitNICE", {"+19:-20"}), "1:40");
    EXPECT_EQ(text_of("LimitCPU", {"1500ms"}), "2s");
    EXPECT_EQ(text_of("LimitRTTIME", {"5"}), "5us");
    EXPECT_EQ(text_of("LimitAS", {"4G:16G"}), "4G:16G");
    EXPECT_EQ(text_of("LimitNOFILE", {"10:infinity"}), "10:infinity");
    EXPECT_TRUE(text_of("LimitNOFILE", {"10:5"}).starts_with("!"));
}

}  // namespace
}  // namespace hearth
