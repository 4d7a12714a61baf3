// SPDX-License-Identifier: MIT
//
// Type=dbus with a real dbus-daemon of the test's own, whose address hearthd and its services get
// as the system bus's.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::run_program;
namespace fs = std::filesystem;

/// The directory of the bus; there before hearthd is.
class Bus {
public:
    Bus() {
        char name[] = "/tmp/hearth-bus.XXXXXX";
        place_ = ::mkdtemp(name);
        std::ofstream(place_ + "/config")
            << "<busconfig><listen>" << address()
            << "</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow own=\"*\"/>"
               "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy></busconfig>";
    }
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;
    ~Bus() { fs::remove_all(place_); }
    [[nodiscard]] std::string socket() const { return place_ + "/socket"; }
    [[nodiscard]] std::string address() const { return "unix:path=" + socket(); }
    /// With which hearthd takes it for the system's.
    [[nodiscard]] std::vector<std::string> environment() const {
        return {"env", "DBUS_SYSTEM_BUS_ADDRESS=" + address()};
    }
    /// A unit that is the bus.
    [[nodiscard]] std::string unit() const {
        return "[Service]\nExecStartPre=-/bin/rm " + socket() +
               "\nExecStart=/usr/bin/dbus-daemon --nofork --nopidfile --config-file=" + place_ +
               "/config\n";
    }

private:
    std::string place_;
};

class BusNames : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (run_program({"dbus-daemon", "--version"}).status != 0) {
            GTEST_SKIP() << "no dbus-daemon on this machine (package dbus-daemon)";
        }
        hearthd.add("bus.service", bus.unit());
    }
    void add(const std::string& name, const std::string& does, const std::string& more = {}) const {
        hearthd.add(
            name + ".service",
            "[Service]\nBusName=" + on_bus +
                "\nEnvironment=DBUS_SYSTEM_BUS_ADDRESS=" + bus.address() +
                "\nExecStart=" + hearthd.program("hearth-test-service") + " " + does + "\n" + more);
    }
    [[nodiscard]] std::string gate(const std::string& name) const {
        const std::string path = hearthd.place() + "/" + name;
        EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
        return path;
    }
    static void open(const std::string& gate) { std::ofstream(gate) << "go\n"; }
    void start_bus() const {
        ASSERT_EQ(hearthd.ctl({"start", "bus.service"}).status, 0) << hearthd.log();
    }
    [[nodiscard]] bool becomes(const std::string& unit, const std::string& state) const {
        return hearthd.becomes(unit, "SubState", state);
    }

    const std::string on_bus = "org.example.Heat";
    Bus bus;
    HearthdProcess hearthd{{}, {}, {bus.environment(), 0, "hearth-init"}};
};

TEST_F(BusNames, AServiceHasStartedWhenItsNameIsThere) {
    start_bus();
    const std::string there = gate("there"), gone = gate("gone");
    add("heat",
        "await " + there + " take-name " + on_bus + " await " + gone + " drop-name " + on_bus +
            " wait");
    ASSERT_EQ(hearthd.ctl({"start", "--no-block", "heat"}).status, 0);
    EXPECT_TRUE(becomes("heat.service", "start")) << hearthd.log();
    EXPECT_EQ(hearthd.show("heat.service", "Type"), "dbus");
    EXPECT_NE(hearthd.show("heat.service", "Requires").find("dbus.socket"), std::string::npos);
    EXPECT_TRUE(eventually([&] {  // once it is launched
        return hearthd.ctl({"why", "heat"}).out.find("BusName=" + on_bus + " on the bus") !=
               std::string::npos;
    })) << hearthd.ctl({"why", "heat"}).out;
    open(there);
    EXPECT_TRUE(becomes("heat.service", "running")) << hearthd.log();
    open(gone);
    EXPECT_TRUE(becomes("heat.service", "dead")) << hearthd.log();
    EXPECT_EQ(hearthd.show("heat.service", "Result"), "success");
}

/// The bus is a service like others, and may come later.
TEST_F(BusNames, TheBusIsWaitedFor) {
    add("heat", "await " + gate("there") + " take-name " + on_bus + " wait");
    ASSERT_EQ(hearthd.ctl({"start", "--no-block", "heat"}).status, 0);
    EXPECT_TRUE(eventually([&] {
        return hearthd.log().find("no message bus answers at " + bus.address()) !=
               std::string::npos;
    })) << hearthd.log();
    start_bus();
    open(hearthd.place() + "/there");
    EXPECT_TRUE(becomes("heat.service", "running")) << hearthd.log();
    const std::string pid = hearthd.show("heat.service", "MainPID");
    ASSERT_EQ(hearthd.ctl({"restart", "--no-block", "heat"}).status, 0);
    open(hearthd.place() + "/there");
    EXPECT_TRUE(eventually([&] { return hearthd.show("heat.service", "MainPID") != pid; }));
    EXPECT_TRUE(becomes("heat.service", "running")) << hearthd.log();
}

/// With --systemd-compat=yes hearthd's own socket stands where the bus will be.
TEST_F(BusNames, HearthdItselfIsNoBus) {
    fs::create_symlink(hearthd.place() + "/runtime/private", bus.socket());
    add("heat", "await " + gate("there") + " take-name " + on_bus + " wait");
    ASSERT_EQ(hearthd.ctl({"start", "--no-block", "heat"}).status, 0);
    EXPECT_TRUE(eventually([&] {
        return hearthd.log().find("hearthd itself stands in for it") != std::string::npos;
    })) << hearthd.log();
    start_bus();
    open(hearthd.place() + "/there");
    EXPECT_TRUE(becomes("heat.service", "running")) << hearthd.log();
}

TEST_F(BusNames, WithoutItsNameAServiceHasFailed) {
    start_bus();
    add("late", "wait", "TimeoutStartSec=300ms\n");
    add("short", "exit 0");
    EXPECT_EQ(hearthd.ctl({"start", "late"}).status, 1);
    EXPECT_EQ(hearthd.show("late.service", "Result"), "timeout") << hearthd.log();
    EXPECT_EQ(hearthd.ctl({"start", "short"}).status, 1);
    EXPECT_EQ(hearthd.show("short.service", "Result"), "protocol") << hearthd.log();
    EXPECT_NE(hearthd.log().find("before BusName= was there"), std::string::npos) << hearthd.log();
}

TEST_F(BusNames, AnotherHearthdWaitsOn) {
    start_bus();
    const std::string there = gate("there"), gone = gate("gone");
    add("waits", "await " + there + " take-name " + on_bus + " wait");
    hearthd.add(
        "runs.service",
        "[Service]\nType=dbus\nBusName=org.example.Other\nEnvironment=DBUS_SYSTEM_BUS_ADDRESS=" +
            bus.address() + "\nExecStart=" + hearthd.program("hearth-test-service") +
            " take-name org.example.Other await " + gone + " drop-name org.example.Other wait\n");
    ASSERT_EQ(hearthd.ctl({"start", "runs"}).status, 0) << hearthd.log();
    ASSERT_EQ(hearthd.ctl({"start", "--no-block", "waits"}).status, 0);
    EXPECT_TRUE(becomes("waits.service", "start"));
    const std::string pid = hearthd.show("runs.service", "MainPID");
    const pid_t before = hearthd.kept();
    ASSERT_EQ(::kill(before, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] {
        const pid_t next = hearthd.kept();
        return next != 0 && next != before;
    }));
    open(there);
    EXPECT_TRUE(becomes("waits.service", "running")) << hearthd.log();
    EXPECT_EQ(hearthd.show("runs.service", "MainPID"), pid) << hearthd.log();
    open(gone);
    EXPECT_TRUE(becomes("runs.service", "dead")) << hearthd.log();
}

}  // namespace
