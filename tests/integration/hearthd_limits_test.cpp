// SPDX-License-Identifier: MIT
//
// Limits from the workload's side, and what is said when they bite: services that burn, allocate
// and fork, and what status, show and the log tell of them.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "limits_support.hpp"

namespace hearth::testing {
namespace {

TEST(HearthdLimits, TheSeventhForkOfSixIsRefusedAndTold) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    // The shell, and as many sleeps as it gets; then it stays for us to look.
    start(
        hearthd,
        "forks.service",
        "TasksMax=6\nExecStart=/bin/sh -c 'trap \"exec sleep 600\" EXIT; i=0; "
        "while [ $i -lt 6 ]; do sleep 600 & i=$((i+1)); done; wait'\n");
    ASSERT_TRUE(eventually([&] {
        return hearthd.ctl({"show", "-p", "LimitHits", "forks.service"}).out.find("TasksMax") !=
               std::string::npos;
    })) << hearthd.log();
    EXPECT_EQ(number(hearthd, "forks.service", "TasksCurrent"), 6U);
    const std::string status = hearthd.ctl({"status", "forks.service"}).out;
    // Only v2 tells when: v1's pids.events changes without waking who waits for it.
    const std::string when = unified(hearthd) ? ", last" : "\n";
    EXPECT_NE(status.find("Limits: TasksMax refused it a new task once" + when), std::string::npos)
        << status;
    EXPECT_EQ(hearthd.ctl({"stop", "forks.service"}).status, 0);
    EXPECT_NE(
        hearthd.log().find("forks.service: TasksMax refused it a new task once"), std::string::npos)
        << hearthd.log();
    EXPECT_EQ(number(hearthd, "forks.service", "TasksCurrent"), unknown);
    EXPECT_NE(
        hearthd.ctl({"show", "-p", "LimitHits", "forks.service"}).out.find("TasksMax count=1"),
        std::string::npos);
}

TEST(HearthdLimits, FiguresOutliveTheUnitAndAreSummedUp) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    start(
        hearthd,
        "burns.service",
        "Type=oneshot\nCPUQuota=20%\nMemoryMax=64M\n"
        "ExecStart=/bin/sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'\n");
    EXPECT_EQ(hearthd.show("burns.service", "ActiveState"), "inactive");
    const std::uint64_t used = number(hearthd, "burns.service", "CPUUsageNSec");
    EXPECT_GT(used, 50'000'000U);
    EXPECT_LT(used, 60'000'000'000U);
    EXPECT_GT(number(hearthd, "burns.service", "MemoryPeak"), 0U);
    EXPECT_EQ(number(hearthd, "burns.service", "MemoryCurrent"), unknown);
    // It burned more than 20 ms in each of its periods, so it was made to wait, and for longer
    // than it ran.
    EXPECT_GT(number(hearthd, "burns.service", "CPUThrottledNSec"), used);
    const std::string status = hearthd.ctl({"status", "burns.service"}).out;
    EXPECT_NE(status.find("Limits: CPUQuota made it wait"), std::string::npos) << status;
    EXPECT_NE(hearthd.log().find("burns.service: Consumed "), std::string::npos) << hearthd.log();
    EXPECT_NE(hearthd.log().find("memory peak"), std::string::npos) << hearthd.log();
}

TEST(HearthdLimits, AKillForMemoryIsCounted) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    // The child is killed, as it is the one that grows; the shell goes on.
    start(
        hearthd,
        "grows.service",
        "MemoryMax=16M\nMemorySwapMax=0\nOOMPolicy=continue\n"
        "ExecStart=/bin/sh -c 'tail /dev/zero; exec sleep 600'\n");
    ASSERT_TRUE(eventually([&] {
        return hearthd.ctl({"show", "-p", "LimitHits", "grows.service"}).out.find("OOMKill") !=
               std::string::npos;
    })) << hearthd.log();
    EXPECT_EQ(hearthd.show("grows.service", "ActiveState"), "active");
    const std::string hits = hearthd.ctl({"show", "-p", "LimitHits", "grows.service"}).out;
    EXPECT_NE(hits.find("OOMKill count=1"), std::string::npos) << hits;
    // The kernel's log names the victim; where it is closed to us, that is said.
    const std::string whom = ::access("/dev/kmsg", R_OK) == 0 ? "detail=tail (pid "
                                                              : "detail=the kernel's log would say";
    EXPECT_TRUE(eventually([&] {
        return hearthd.ctl({"show", "-p", "LimitHits", "grows.service"}).out.find(whom) !=
               std::string::npos;
    })) << hearthd.log();
    const std::string status = hearthd.ctl({"status", "grows.service"}).out;
    EXPECT_NE(status.find("peak: "), std::string::npos) << status;
    if (::access("/dev/kmsg", R_OK) == 0) {
        EXPECT_NE(status.find(": tail (pid "), std::string::npos) << status;
        EXPECT_NE(
            hearthd.log().find("grows.service: out of memory: the kernel killed tail (pid "),
            std::string::npos)
            << hearthd.log();
    }
    if (unified(hearthd)) {  // v1's failcnt stays 0 here where the first hit ends in a kill
        EXPECT_NE(hits.find("MemoryMax count="), std::string::npos) << hits;
    }
    EXPECT_EQ(hearthd.ctl({"stop", "grows.service"}).status, 0);
}

TEST(HearthdLimits, MemoryHighSlowsDownAndIsTold) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    if (!unified(hearthd)) {
        GTEST_SKIP() << "v1's memory controller has no such limit";
    }
    start(
        hearthd,
        "high.service",
        "MemoryHigh=16M\nMemorySwapMax=0\n"
        "ExecStart=/bin/sh -c 'dd if=/dev/zero of=/dev/null bs=18M count=1; exec sleep 600'\n");
    ASSERT_TRUE(eventually([&] {
        return hearthd.ctl({"show", "-p", "LimitHits", "high.service"}).out.find("MemoryHigh") !=
               std::string::npos;
    })) << hearthd.log();
    EXPECT_TRUE(eventually([&] {
        return hearthd.log().find("high.service: MemoryHigh slowed it down") != std::string::npos;
    })) << hearthd.log();
    const std::string status = hearthd.ctl({"status", "high.service"}).out;
    EXPECT_NE(status.find("Limits: MemoryHigh slowed it down"), std::string::npos) << status;
    EXPECT_NE(status.find(", last "), std::string::npos) << status;
    EXPECT_EQ(hearthd.show("high.service", "ActiveState"), "active");
    EXPECT_EQ(hearthd.ctl({"stop", "high.service"}).status, 0);
}

TEST(HearthdLimits, WhatProcessesWaitedForIsShown) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    start(hearthd, "waits.service", "CPUQuota=20%\n" + burner(4));
    if (in_cgroup(hearthd, "system.slice/waits.service", "cpu.pressure").empty()) {
        GTEST_SKIP() << "this kernel doesn't tell (CONFIG_PSI)";
    }
    EXPECT_TRUE(eventually([&] {
        const std::string waited = hearthd.show("waits.service", "CPUPressureUSec");
        return waited != "0" && waited != "infinity" && waited.find("ms") != std::string::npos;
    })) << hearthd.show("waits.service", "CPUPressureUSec");
    const std::string status = hearthd.ctl({"status", "waits.service"}).out;
    EXPECT_NE(status.find("Pressure: waited "), std::string::npos) << status;
    EXPECT_NE(status.find(" for CPU"), std::string::npos) << status;
    EXPECT_NE(hearthd.show("waits.service", "IOPressureUSec"), "infinity");
}

TEST(HearthdLimits, BytesOfIpAreShown) {
    SKIP_WITHOUT_ROOT();
    if (::access("/bin/bash", X_OK) != 0) {
        GTEST_SKIP() << "there is no bash, whose /dev/udp sends";
    }
    const HearthdProcess hearthd;
    hearthd.add(
        "probe.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nIPAccounting=yes\n");
    static_cast<void>(hearthd.ctl({"daemon-reload"}));
    static_cast<void>(hearthd.ctl({"start", "probe.service"}));
    if (number(hearthd, "probe.service", "IPEgressBytes") == unknown) {
        GTEST_SKIP() << "this host can't count: " << hearthd.log();
    }
    EXPECT_EQ(number(hearthd, "probe.service", "IPEgressBytes"), 0U);
    // 20 bytes of IPv4, 8 of UDP, 2 of text, three times; nobody listens, so ICMP comes back.
    start(
        hearthd,
        "sends.service",
        "Type=oneshot\nIPAccounting=yes\nExecStart=/bin/bash -c "
        "'for i in 1 2 3; do echo x >/dev/udp/127.0.0.1/9; done; true'\n");
    EXPECT_EQ(number(hearthd, "sends.service", "IPEgressBytes"), 90U);
    EXPECT_EQ(number(hearthd, "sends.service", "IPEgressPackets"), 3U);
    EXPECT_NE(hearthd.log().find("sent 90B IP traffic"), std::string::npos) << hearthd.log();
}

// ---- slices -------------------------------------------------------------------------------------

TEST(HearthdSlices, TwoBurnersInASliceOfTwentyPercentGetTenEach) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("kiln.slice", "[Slice]\nCPUQuota=20%\n");
    start(hearthd, "first.service", "Slice=kiln.slice\n" + burner());
    start(hearthd, "second.service", "Slice=kiln.slice\n" + burner());
    EXPECT_NE(
        hearthd.show("first.service", "ControlGroup").find("/kiln.slice/first.service"),
        std::string::npos);
    constexpr double seconds = 3;
    const auto cpu = used(hearthd, {"first.service", "second.service"}, seconds);
    // 20% of the time for both together, and neither has much more than the other.
    EXPECT_NEAR(cpu[0] + cpu[1], 0.20, 0.03);
    EXPECT_NEAR(cpu[0], 0.10, 0.05);
    EXPECT_NEAR(cpu[1], 0.10, 0.05);
    EXPECT_NE(number(hearthd, "kiln.slice", "CPUUsageNSec"), unknown);
    EXPECT_EQ(hearthd.ctl({"stop", "first.service", "second.service"}).status, 0);
    EXPECT_TRUE(eventually([&] {
        return std::ranges::none_of(hearthd.cgroups(), [](const std::string& root) {
            return std::filesystem::exists(root + "/kiln.slice");
        });
    }));
}

TEST(HearthdSlices, OneProcessAndFourGetTheSameTime) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("fair.slice", "[Slice]\nAllowedCPUs=0\n");
    start(hearthd, "one.service", "Slice=fair.slice\nCPUWeight=100\n" + burner(1));
    start(hearthd, "four.service", "Slice=fair.slice\nCPUWeight=100\n" + burner(4));
    const auto cpu = used(hearthd, {"one.service", "four.service"}, 2);
    ASSERT_GT(cpu[0] + cpu[1], 0.2);
    EXPECT_NEAR(cpu[0] / (cpu[0] + cpu[1]), 0.5, 0.08);
}

TEST(HearthdSlices, WeightsShareAsTheyShould) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("fair.slice", "[Slice]\nAllowedCPUs=0\n");
    start(hearthd, "heavy.service", "Slice=fair.slice\nCPUShares=1024\n" + burner());
    start(hearthd, "light.service", "Slice=fair.slice\nCPUShares=256\n" + burner());
    const auto cpu = used(hearthd, {"heavy.service", "light.service"}, 2);
    ASSERT_GT(cpu[0] + cpu[1], 0.2);
    EXPECT_NEAR(cpu[0] / (cpu[0] + cpu[1]), 0.8, 0.06);
}

TEST(HearthdSlices, LieInEachOtherByName) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("a.slice", "[Slice]\nTasksMax=6\n");
    start(
        hearthd,
        "leaf.service",
        "Slice=a-b.slice\nExecStart=/bin/sh -c 'trap \"exec sleep 600\" EXIT; i=0; "
        "while [ $i -lt 6 ]; do sleep 600 & i=$((i+1)); done; wait'\n");
    EXPECT_NE(
        hearthd.show("leaf.service", "ControlGroup").find("/a.slice/a-b.slice/leaf.service"),
        std::string::npos);
    EXPECT_TRUE(eventually([&] { return number(hearthd, "a.slice", "TasksCurrent") == 6U; }));
    EXPECT_EQ(hearthd.show("a-b.slice", "ActiveState"), "active");
    EXPECT_EQ(hearthd.ctl({"stop", "a.slice"}).status, 0);
    EXPECT_EQ(hearthd.show("leaf.service", "ActiveState"), "inactive");
}

TEST(HearthdSlices, WhatASliceCantGiveRefusesWhatIsInIt) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("cold.slice", "[Slice]\nMemoryMax=nonsense\n");
    hearthd.add("in.service", "[Service]\nSlice=cold.slice\nExecStart=/bin/sleep 600\n");
    static_cast<void>(hearthd.ctl({"daemon-reload"}));
    EXPECT_NE(hearthd.ctl({"start", "in.service"}).status, 0);
    EXPECT_NE(hearthd.log().find("cold.slice:2"), std::string::npos) << hearthd.log();
}

// ---- live ---------------------------------------------------------------------------------------

TEST(HearthdLiveLimits, SetPropertyHoldsAtOnceAndIsWrittenAsSystemdDoes) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    start(hearthd, "burns.service", burner());
    ASSERT_EQ(
        hearthd.ctl({"set-property", "burns.service", "CPUQuota=10%", "TasksMax=9"}).status, 0)
        << hearthd.log();
    EXPECT_EQ(
        text_of(hearthd.units() + "/burns.service.d/50-CPUQuota.conf"),
        "# This is a drop-in unit file extension, created via \"systemctl set-property\"\n"
        "# or an equivalent operation. Do not edit.\n[Service]\nCPUQuota=10%\n");
    constexpr double seconds = 2;
    EXPECT_NEAR(used(hearthd, {"burns.service"}, seconds)[0], 0.10, 0.03);
    EXPECT_EQ(number(hearthd, "burns.service", "TasksMax"), 9U);
    EXPECT_EQ(hearthd.show("burns.service", "NeedDaemonReload"), "no");
    const Output report = hearthd.ctl({"confinement", "burns.service"});
    EXPECT_EQ(report.status, 0) << report.out << report.err;
    // Back to no limit: an empty value, and only until the machine stops.
    ASSERT_EQ(
        hearthd.ctl({"set-property", "--runtime", "burns.service", "TasksMax=infinity"}).status, 0);
    EXPECT_EQ(number(hearthd, "burns.service", "TasksMax"), unknown);
    EXPECT_NE(
        text_of(hearthd.place() + "/runtime/system.control/burns.service.d/50-TasksMax.conf")
            .find("TasksMax=infinity"),
        std::string::npos);
}

TEST(HearthdLiveLimits, WhatCantChangeWhileItRunsIsRefusedByName) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    start(hearthd, "sleeps.service", "ExecStart=/bin/sleep 600\n");
    for (const char* const assignment : {"ProtectSystem=yes", "Slice=a.slice", "NoSuchThing=1"}) {
        const Output refused = hearthd.ctl({"set-property", "sleeps.service", assignment});
        EXPECT_NE(refused.status, 0);
        const std::string name(assignment, std::string(assignment).find('='));
        EXPECT_NE(refused.err.find(name + "= can't be set"), std::string::npos) << refused.err;
    }
    EXPECT_NE(hearthd.ctl({"set-property", "sleeps.service", "TasksMax=some"}).status, 0);
    EXPECT_FALSE(std::filesystem::exists(hearthd.units() + "/sleeps.service.d"));
}

TEST(HearthdLiveLimits, AStockClientSetsPropertiesByTheirTypes) {
    SKIP_WITHOUT_ROOT();
    if (::access("/usr/bin/busctl", X_OK) != 0) {
        GTEST_SKIP() << "there is no busctl";
    }
    const HearthdProcess hearthd;
    start(hearthd, "sleeps.service", "ExecStart=/bin/sleep 600\n");
    const auto set = [&](const std::vector<std::string>& properties) {
        std::vector<std::string> argv = {
            "/usr/bin/busctl",
            "--address=unix:path=" + hearthd.place() + "/runtime/private",
            "call",
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            "SetUnitProperties",
            "sba(sv)",
            "sleeps.service",
            "true"};
        argv.insert(argv.end(), properties.begin(), properties.end());
        return run_program(argv);
    };
    const Output several = set(
        {"3",
         "CPUQuotaPerSecUSec",
         "t",
         "200000",
         "TasksMax",
         "t",
         "7",
         "IPAccounting",
         "b",
         "true"});
    ASSERT_EQ(several.status, 0) << several.err;
    EXPECT_EQ(hearthd.show("sleeps.service", "CPUQuotaPerSecUSec"), "200ms");
    EXPECT_EQ(hearthd.show("sleeps.service", "TasksMax"), "7");
    EXPECT_EQ(hearthd.show("sleeps.service", "IPAccounting"), "yes");
    ASSERT_EQ(set({"1", "TasksMaxScale", "u", "429496730"}).status, 0);  // a tenth of 2^32
    EXPECT_NE(
        text_of(hearthd.place() + "/runtime/system.control/sleeps.service.d/50-TasksMax.conf")
            .find("TasksMax=10%"),
        std::string::npos);
    EXPECT_EQ(set({"1", "CPUQuotaPerSecUSec", "t", "18446744073709551615"}).status, 0);
    EXPECT_EQ(hearthd.show("sleeps.service", "CPUQuotaPerSecUSec"), "infinity");
    const Output other = set({"1", "NoNewPrivileges", "b", "true"});
    EXPECT_NE(other.status, 0);
    EXPECT_NE(other.err.find("NoNewPrivileges"), std::string::npos) << other.err;
}

TEST(HearthdLiveLimits, ReloadAppliesAChangedLimitToWhatRuns) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    start(hearthd, "burns.service", burner());
    const std::string pid = hearthd.show("burns.service", "MainPID");
    hearthd.add("burns.service", "[Service]\nCPUQuota=5%\n" + burner());
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    constexpr double seconds = 2;
    EXPECT_NEAR(used(hearthd, {"burns.service"}, seconds)[0], 0.05, 0.02);
    hearthd.add("burns.service", "[Service]\n" + burner());
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_GT(used(hearthd, {"burns.service"}, 1)[0], 0.08);
    EXPECT_EQ(hearthd.show("burns.service", "MainPID"), pid);
}

TEST(HearthdLiveLimits, AFrozenUnitUsesNoTimeAndCanBeStopped) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    start(hearthd, "burns.service", burner());
    EXPECT_EQ(hearthd.show("burns.service", "CanFreeze"), "yes");
    EXPECT_EQ(hearthd.show("burns.service", "FreezerState"), "running");
    ASSERT_EQ(hearthd.ctl({"freeze", "burns.service"}).status, 0) << hearthd.log();
    ASSERT_TRUE(hearthd.becomes("burns.service", "FreezerState", "frozen"));
    EXPECT_LT(used(hearthd, {"burns.service"}, 1)[0], 0.001);
    ASSERT_EQ(hearthd.ctl({"thaw", "burns.service"}).status, 0);
    EXPECT_EQ(hearthd.show("burns.service", "FreezerState"), "running");
    EXPECT_GT(used(hearthd, {"burns.service"}, 1)[0], 0.01);
    ASSERT_EQ(hearthd.ctl({"freeze", "burns.service"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"stop", "burns.service"}).status, 0);
    EXPECT_EQ(hearthd.show("burns.service", "ActiveState"), "inactive");
    EXPECT_NE(hearthd.ctl({"freeze", "burns.service"}).status, 0);
}

TEST(HearthdLiveLimits, TopShowsWhatUnitsUse) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    start(hearthd, "burns.service", "TasksMax=6\n" + burner());
    const Output table = hearthd.ctl({"top", "--once"});
    EXPECT_EQ(table.status, 0) << table.err;
    EXPECT_NE(table.out.find("burns.service"), std::string::npos) << table.out;
    EXPECT_NE(table.out.find("2/6"), std::string::npos) << table.out;
    const Output json = hearthd.ctl({"top", "--once", "--json", "-o", "memory", "burns.service"});
    EXPECT_NE(json.out.find("\"unit\":\"burns.service\""), std::string::npos) << json.out;
    EXPECT_NE(json.out.find("\"tasks\":2,\"tasks_limit\":6"), std::string::npos) << json.out;
    EXPECT_EQ(json.out.find("\"cpu_percent\":0.0"), std::string::npos) << json.out;
    EXPECT_NE(hearthd.ctl({"top", "--once", "-o", "colour"}).status, 0);
}

}  // namespace
}  // namespace hearth::testing
