// SPDX-License-Identifier: MIT
//
// The unmodified systemctl sets properties of every type that resource control has: each is in the
// drop-in as systemd writes it, in what `show` prints, and in force.
#include <unistd.h>

#include "limits_support.hpp"
#include "stock_systemctl.hpp"

namespace hearth::testing {
namespace {

class StockSetProperty : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (test::stock_systemctl().empty()) {
            GTEST_SKIP() << "no systemctl on this machine";
        }
    }
    /// `systemctl set-property --runtime` on a service that sleeps.
    Output set(const std::string& words) {
        return test::run_stock_systemctl(hearthd, "set-property --runtime a.service " + words);
    }
    /// The drop-in's lines after its heading.
    std::string drop_in(const std::string& directive) {
        const std::string text = text_of(
            hearthd.place() + "/runtime/system.control/a.service.d/50-" + directive + ".conf");
        const std::size_t section = text.find("[Service]\n");
        return section == std::string::npos ? "" : text.substr(section + 10);
    }
    void begin(const std::string& settings = {}) {
        start(hearthd, "a.service", settings + "ExecStart=/bin/sleep 600\n");
    }
    HearthdProcess hearthd;
};

TEST_F(StockSetProperty, SizesAreWrittenInBytes) {
    begin("TasksMax=100\n");
    const Output done = set("MemoryMax=64M TasksMax=9 CPUQuota=20% CPUQuotaPeriodSec=50ms");
    ASSERT_EQ(done.status, 0) << done.err << hearthd.log();
    EXPECT_EQ(drop_in("MemoryMax"), "MemoryMax=67108864\n");
    EXPECT_EQ(drop_in("TasksMax"), "TasksMax=9\n");
    EXPECT_EQ(drop_in("CPUQuota"), "CPUQuota=20%\n");
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/a.service", "pids.max"), "9");
    EXPECT_EQ(hearthd.show("a.service", "CPUQuotaPeriodUSec"), "50ms");
    EXPECT_EQ(hearthd.show("a.service", "MemoryMax"), "67108864");
    ASSERT_EQ(set("MemoryMax=infinity").status, 0);
    EXPECT_EQ(hearthd.show("a.service", "MemoryMax"), "infinity");
}

TEST_F(StockSetProperty, CpusAndNodes) {
    begin();
    const Output done = set("AllowedCPUs=0 AllowedMemoryNodes=0 StartupAllowedCPUs=0-1");
    if (done.err.find("cpuset") != std::string::npos) {
        GTEST_SKIP() << done.err;
    }
    ASSERT_EQ(done.status, 0) << done.err << hearthd.log();
    EXPECT_EQ(drop_in("AllowedCPUs"), "AllowedCPUs=\nAllowedCPUs=0\n");
    EXPECT_EQ(drop_in("StartupAllowedCPUs"), "StartupAllowedCPUs=\nStartupAllowedCPUs=0-1\n");
    EXPECT_EQ(hearthd.show("a.service", "AllowedCPUs"), "0");
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/a.service", "cpuset.cpus"), "0");
    const Output report = hearthd.ctl({"confinement", "a.service"});
    EXPECT_EQ(report.status, 0) << report.out;
}

TEST_F(StockSetProperty, AddressesPortsAndInterfaces) {
    begin();
    const Output done =
        set("IPAddressDeny=any 'IPAddressAllow=10.0.0.0/8 ::1' SocketBindDeny=any "
            "SocketBindAllow=ipv4:tcp:47310-47319 'RestrictNetworkInterfaces=lo'");
    if (done.err.find("BPF") != std::string::npos) {
        GTEST_SKIP() << done.err;
    }
    ASSERT_EQ(done.status, 0) << done.err << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "IPAddressAllow"), "10.0.0.0/8 ::1/128");
    EXPECT_EQ(hearthd.show("a.service", "IPAddressDeny"), "0.0.0.0/0 ::/0");
    EXPECT_NE(drop_in("IPAddressAllow").find("IPAddressAllow=\n"), std::string::npos);
    EXPECT_EQ(
        drop_in("SocketBindAllow"), "SocketBindAllow=\nSocketBindAllow=ipv4:tcp:47310-47319\n");
    EXPECT_EQ(
        drop_in("RestrictNetworkInterfaces"),
        "RestrictNetworkInterfaces=\nRestrictNetworkInterfaces=lo\n");
    const Output report = hearthd.ctl({"confinement", "a.service"});
    EXPECT_EQ(report.status, 0) << report.out;
    ASSERT_EQ(set("IPAddressDeny= SocketBindDeny= RestrictNetworkInterfaces=").status, 0);
    EXPECT_EQ(hearthd.show("a.service", "IPAddressDeny"), "");
    EXPECT_EQ(hearthd.show("a.service", "RestrictNetworkInterfaces"), "~");  // denies none
}

TEST_F(StockSetProperty, DevicesAndTheirIo) {
    begin();
    const Output devices = set("DevicePolicy=closed 'DeviceAllow=/dev/zero r'");
    if (devices.err.find("BPF") != std::string::npos) {
        GTEST_SKIP() << devices.err;
    }
    ASSERT_EQ(devices.status, 0) << devices.err << hearthd.log();
    EXPECT_EQ(drop_in("DeviceAllow"), "DeviceAllow=\nDeviceAllow=/dev/zero r\n");
    EXPECT_EQ(drop_in("DevicePolicy"), "DevicePolicy=closed\n");
    const Output io =
        set("'IOReadBandwidthMax=/ 5M' 'IOWriteIOPSMax=/ 100' 'IODeviceWeight=/ 500'");
    if (io.err.find("controller") != std::string::npos) {
        GTEST_SKIP() << io.err;
    }
    ASSERT_EQ(io.status, 0) << io.err << hearthd.log();
    EXPECT_EQ(drop_in("IOReadBandwidthMax"), "IOReadBandwidthMax=\nIOReadBandwidthMax=/ 5000000\n");
    EXPECT_EQ(drop_in("IODeviceWeight"), "IODeviceWeight=\nIODeviceWeight=/ 500\n");
    EXPECT_EQ(hearthd.show("a.service", "IOWriteIOPSMax"), "/ 100");
}

TEST_F(StockSetProperty, ControllersOfASliceAndProgramsByName) {
    begin("Slice=kiln.slice\n");
    hearthd.add("kiln.slice", "[Slice]\nTasksMax=50\n");
    static_cast<void>(hearthd.ctl({"daemon-reload"}));
    const Output slice = test::run_stock_systemctl(
        hearthd, "set-property --runtime kiln.slice 'DisableControllers=io' DefaultMemoryLow=0");
    ASSERT_EQ(slice.status, 0) << slice.err << hearthd.log();
    EXPECT_EQ(hearthd.show("kiln.slice", "DisableControllers"), "io");
    // Nothing is pinned there: written, and said to be not in force.
    const Output program = set("BPFProgram=egress:/sys/fs/bpf/hearth-none");
    EXPECT_NE(program.status, 0);
    EXPECT_NE(program.err.find("/sys/fs/bpf/hearth-none"), std::string::npos) << program.err;
}

}  // namespace
}  // namespace hearth::testing
