// SPDX-License-Identifier: MIT
//
// Resource control from the workload's side: what a service can't do under a limit, beside the same
// without it; and that the report finds each limit in the kernel.
#include <unistd.h>

#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {
namespace {

/// Starts a oneshot that is `script`, under `settings`; systemd's result of it.
std::string result_of(
    const HearthdProcess& hearthd, const std::string& settings, const std::string& script) {
    hearthd.add(
        "probe.service", "[Service]\nType=oneshot\n" + settings + "ExecStart=" + script + "\n");
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    const Output started = hearthd.ctl({"start", "probe.service"});
    const std::string result = hearthd.show("probe.service", "Result");
    if (result == "resources") {
        ADD_FAILURE() << started.err << hearthd.log();
    }
    static_cast<void>(hearthd.ctl({"reset-failed", "probe.service"}));
    return result;
}

/// Each row of the report is verified.
void expect_verified(const HearthdProcess& hearthd, const std::string& settings) {
    hearthd.add("held.service", "[Service]\nExecStart=/bin/sleep 600\n" + settings);
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    const Output started = hearthd.ctl({"start", "held.service"});
    EXPECT_EQ(started.status, 0) << started.err;
    const Output report = hearthd.ctl({"confinement", "held.service"});
    EXPECT_EQ(report.status, 0) << report.out << report.err;
    EXPECT_EQ(report.out.find("cannot know"), std::string::npos) << report.out;
    static_cast<void>(hearthd.ctl({"stop", "held.service"}));
}

#define SKIP_WITHOUT(hearthd, directive)                                                         \
    do {                                                                                         \
        (hearthd).add(                                                                           \
            "needs.service",                                                                     \
            std::string("[Service]\nType=oneshot\nExecStart=/bin/true\n") + (directive) + "\n"); \
        static_cast<void>((hearthd).ctl({"daemon-reload"}));                                     \
        const Output needs = (hearthd).ctl({"start", "needs.service"});                          \
        if (needs.status != 0) {                                                                 \
            GTEST_SKIP() << "this host can't give it: " << needs.err;                            \
        }                                                                                        \
    } while (false)

TEST(HearthdResources, DevicesThatAreNotAllowedCantBeOpened) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    SKIP_WITHOUT(hearthd, "DevicePolicy=closed");
    const std::string zero = "/bin/sh -c 'head -c 1 /dev/zero >/dev/null'";
    EXPECT_EQ(result_of(hearthd, "", zero), "success");
    EXPECT_EQ(result_of(hearthd, "DevicePolicy=closed\n", zero), "success");
    EXPECT_EQ(
        result_of(hearthd, "DevicePolicy=strict\nDeviceAllow=/dev/null rw\n", zero), "exit-code");
    EXPECT_EQ(
        result_of(
            hearthd,
            "DevicePolicy=strict\nDeviceAllow=/dev/null rw\nDeviceAllow=char-mem r\n",
            zero),
        "success");
    EXPECT_EQ(
        result_of(hearthd, "DeviceAllow=/dev/zero r\n", "/bin/sh -c 'echo >/dev/kmsg'"),
        "exit-code");
    expect_verified(hearthd, "DevicePolicy=strict\nDeviceAllow=/dev/null rw\n");
}

TEST(HearthdResources, AddressesThatAreDeniedGetNoPacket) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    SKIP_WITHOUT(hearthd, "IPAddressDeny=203.0.113.0/24");
    const auto send_to = [](const std::string& address) {
        return "/bin/bash -c 'echo x >/dev/udp/" + address + "/9'";
    };
    EXPECT_EQ(result_of(hearthd, "", send_to("127.0.0.1")), "success");
    const std::string denied = "IPAddressDeny=any\nIPAddressAllow=127.0.0.2\n";
    EXPECT_EQ(result_of(hearthd, denied, send_to("127.0.0.1")), "exit-code");
    EXPECT_EQ(result_of(hearthd, denied, send_to("127.0.0.2")), "success");
    expect_verified(hearthd, denied);
}

TEST(HearthdResources, InterfacesThatAreNotListedCarryNothing) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    SKIP_WITHOUT(hearthd, "RestrictNetworkInterfaces=lo");
    const std::string send = "/bin/bash -c 'echo x >/dev/udp/127.0.0.1/9'";
    EXPECT_EQ(result_of(hearthd, "RestrictNetworkInterfaces=lo\n", send), "success");
    EXPECT_EQ(result_of(hearthd, "RestrictNetworkInterfaces=~lo\n", send), "exit-code");
    expect_verified(hearthd, "RestrictNetworkInterfaces=lo\n");
}

TEST(HearthdResources, PortsThatAreDeniedCantBeBound) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    SKIP_WITHOUT(hearthd, "SocketBindDeny=ipv4:tcp:1");
    const auto bind_to = [](const std::string& port) {
        return "/usr/bin/perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 6) or exit 3; "
               "bind(S, sockaddr_in(" +
               port + ", INADDR_LOOPBACK)) or exit 7'";
    };
    const std::string rules = "SocketBindDeny=any\nSocketBindAllow=ipv4:tcp:47310-47319\n";
    EXPECT_EQ(result_of(hearthd, "", bind_to("47309")), "success");
    EXPECT_EQ(result_of(hearthd, rules, bind_to("47309")), "exit-code");
    EXPECT_EQ(result_of(hearthd, rules, bind_to("47311")), "success");
    expect_verified(hearthd, rules);
}

TEST(HearthdResources, CpusAreThoseThatAreAllowed) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    SKIP_WITHOUT(hearthd, "AllowedCPUs=0");
    const std::string only_first =
        "/bin/sh -c 'grep -qx \"Cpus_allowed_list:[[:space:]]*0\" /proc/self/status'";
    EXPECT_EQ(result_of(hearthd, "AllowedCPUs=0\n", only_first), "success");
    expect_verified(hearthd, "AllowedCPUs=0\nAllowedMemoryNodes=0\n");
}

TEST(HearthdResources, EveryOtherLimitIsFoundInTheKernel) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    SKIP_WITHOUT(hearthd, "IOReadBandwidthMax=/ 1M");
    expect_verified(
        hearthd,
        "IOReadBandwidthMax=/ 1M\nIOWriteBandwidthMax=/ 2M\nIOReadIOPSMax=/ 100\n"
        "IOWriteIOPSMax=/ 200\nCPUQuota=150%\nMemoryMax=64M\nTasksMax=16\nCPUShares=512\n");
}

TEST(HearthdResources, AKnobWithoutDirectiveIsWrittenAndAWrongOneRefused) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    SKIP_WITHOUT(hearthd, "[X-Hearth]\nCgroup=pids.max=99");
    expect_verified(hearthd, "[X-Hearth]\nCgroup=pids.max=99\n");
    hearthd.add(
        "wrong.service", "[Service]\nExecStart=/bin/sleep 600\n[X-Hearth]\nCgroup=nosuch.knob=1\n");
    static_cast<void>(hearthd.ctl({"daemon-reload"}));
    const Output wrong = hearthd.ctl({"start", "wrong.service"});
    EXPECT_NE(wrong.status, 0);
    EXPECT_NE(wrong.err.find("wrong.service:4"), std::string::npos) << wrong.err;
}

/// systemd's "Memory Pressure Handling", from the service's side: the file is there, it may set its
/// trigger, and the kernel takes it.
TEST(HearthdMemoryPressure, AServiceCanWatchItsOwn) {
    SKIP_WITHOUT_ROOT();
    if (::access("/proc/pressure/memory", R_OK) != 0) {
        GTEST_SKIP() << "this kernel tells no pressure";
    }
    const HearthdProcess hearthd;
    const std::string arms =
        "/bin/sh -c 'exec 3<>\"$MEMORY_PRESSURE_WATCH\" && echo \"$MEMORY_PRESSURE_WRITE\" | "
        "base64 -d "
        ">&3'";
    const std::string as_nobody = "User=nobody\nProtectControlGroups=yes\nMemoryPressureWatch=";
    EXPECT_EQ(result_of(hearthd, as_nobody + "on\n", arms), "success") << hearthd.log();
    EXPECT_EQ(result_of(hearthd, as_nobody + "auto\nMemoryAccounting=no\n", arms), "exit-code");
    EXPECT_EQ(
        result_of(
            hearthd,
            as_nobody + "on\nMemoryPressureThresholdSec=150ms\n",
            "/bin/sh -c 'test \"$(echo $MEMORY_PRESSURE_WRITE | base64 -d | tr -d \"\\\\0\")\" = "
            "\"some 150000 2000000\"'"),
        "success");
    EXPECT_EQ(
        result_of(
            hearthd, as_nobody + "off\n", "/bin/sh -c 'test $MEMORY_PRESSURE_WATCH = /dev/null'"),
        "success");
    EXPECT_EQ(
        result_of(hearthd, as_nobody + "skip\n", "/bin/sh -c 'test -z \"$MEMORY_PRESSURE_WATCH\"'"),
        "success");
}

}  // namespace
}  // namespace hearth::testing
