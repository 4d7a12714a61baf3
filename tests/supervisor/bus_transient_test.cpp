// SPDX-License-Identifier: MIT
//
// StartTransientUnit(): each property's D-Bus value becomes its directive's own text, and what has
// no such type is refused by its name.
#include <unistd.h>

#include "tests/support/bus_fixture.hpp"

namespace hearth::test {
namespace {

class BusTransient : public BusFixture {
protected:
    /// One property of a transient service; "NAME=VALUE" for each line that came of it.
    template <class... Arguments>
    std::string property(const char* name, const char* type, Arguments... arguments) {
        control.transient.clear();
        const Answer answer = send(name, type, arguments...);
        if (!answer.good()) {
            return answer.error + ": " + answer.message;
        }
        std::string text;
        for (const TransientAssignment& each : control.transient.at(0).assignments) {
            text += (text.empty() ? "" : "\n") + each.directive + "=" + each.value;
        }
        return text;
    }
    template <class... Arguments>
    Answer send(const char* name, const char* type, Arguments... arguments) {
        return manager(
            bus_,
            "StartTransientUnit",
            "ssa(sv)a(sa(sv))",
            "nap.service",
            "fail",
            1,
            name,
            type,
            arguments...,
            0);
    }
    void SetUp() override {
        BusFixture::SetUp();
        serve();
        bus_ = connect();
    }
    BusHandle bus_;
};

TEST_F(BusTransient, TakesEachTypeThatClientsSend) {
    EXPECT_EQ(property("Description", "s", "50% of it"), "Description=50%% of it");
    EXPECT_EQ(property("RemainAfterExit", "b", 1), "RemainAfterExit=yes");
    EXPECT_EQ(property("Nice", "i", -5), "Nice=-5");
    EXPECT_EQ(
        property("TimeoutStopUSec", "t", std::uint64_t{7'000'000}), "TimeoutStopSec=7000000us");
    EXPECT_EQ(property("TimeoutUSec", "t", std::uint64_t{5}), "TimeoutSec=5us");
    EXPECT_EQ(property("RuntimeMaxUSec", "t", UINT64_MAX), "RuntimeMaxSec=infinity");
    EXPECT_EQ(property("JobTimeoutUSec", "t", std::uint64_t{9}), "JobTimeoutSec=9us");
    EXPECT_EQ(property("CPUQuotaPerSecUSec", "t", std::uint64_t{200'000}), "CPUQuota=20%");
    EXPECT_EQ(property("MemoryMaxScale", "u", 2'147'483'648U), "MemoryMax=50.00%");
    EXPECT_EQ(property("UMask", "u", 077U), "UMask=0077");
    EXPECT_EQ(property("After", "as", 2, "a.service", "b.service"), "After=a.service b.service");
    EXPECT_EQ(property("Environment", "as", 1, "A=b c"), "Environment=\"A=b c\"");
    EXPECT_EQ(
        property("CapabilityBoundingSet", "t", std::uint64_t{33}),
        "CapabilityBoundingSet=CAP_CHOWN CAP_KILL");
    EXPECT_EQ(property("SystemCallFilter", "(bas)", 0, 1, "@mount"), "SystemCallFilter=~@mount");
    EXPECT_EQ(property("AppArmorProfile", "(bs)", 1, "x"), "AppArmorProfile=-x");
    EXPECT_EQ(property("EnvironmentFiles", "a(sb)", 1, "/etc/x", 1), "EnvironmentFile=-/etc/x");
    EXPECT_EQ(
        property("TemporaryFileSystem", "a(ss)", 1, "/srv", "ro"), "TemporaryFileSystem=/srv:ro");
    EXPECT_EQ(property("DeviceAllow", "a(ss)", 1, "/dev/null", "r"), "DeviceAllow=/dev/null r");
    EXPECT_EQ(
        property("IOReadBandwidthMax", "a(st)", 1, "/dev/sda", std::uint64_t{1000}),
        "IOReadBandwidthMax=/dev/sda 1000");
    EXPECT_EQ(
        property("BindPaths", "a(ssbt)", 1, "/a", "/b", 1, std::uint64_t{0}),
        "BindPaths=-/a:/b:norbind");
    EXPECT_EQ(property("CPUAffinity", "ay", 1, 5), "CPUAffinity=0,2");
    EXPECT_EQ(property("StandardOutputFileToAppend", "s", "/x"), "StandardOutput=append:/x");
    EXPECT_EQ(property("IOSchedulingClass", "i", 3), "IOSchedulingClass=idle");
    EXPECT_EQ(property("SuccessExitStatus", "(aiai)", 1, 7, 1, 10), "SuccessExitStatus=7 SIGUSR1");
}

TEST_F(BusTransient, TakesCommandsWithTheirFlags) {
    EXPECT_EQ(
        property("ExecStart", "a(sasb)", 1, "/bin/echo", 2, "/bin/echo", "50% ; $A", 1),
        "ExecStart=-/bin/echo \"50%% ; $A\"");
    EXPECT_EQ(
        property("ExecStartPre", "a(sasb)", 1, "/bin/echo", 1, "other", 0),
        "ExecStartPre=@/bin/echo other");
    EXPECT_EQ(
        property(
            "ExecStartEx",
            "a(sasas)",
            1,
            "/bin/echo",
            1,
            "/bin/echo",
            2,
            "privileged",
            "no-env-expand"),
        "ExecStart=:+/bin/echo");
    EXPECT_NE(
        property("ExecStartEx", "a(sasas)", 1, "/bin/a", 1, "/bin/a", 1, "sideways")
            .find("Cannot set property ExecStartEx"),
        std::string::npos);
}

TEST_F(BusTransient, RefusesByNameWhatItCannotRead) {
    EXPECT_EQ(
        property("Description", "a{sv}", 0),
        "org.freedesktop.DBus.Error.PropertyReadOnly: Cannot set property Description, or unknown "
        "property.");
    EXPECT_TRUE(control.transient.empty());
    EXPECT_EQ(
        manager(bus_, "StartTransientUnit", "ssa(sv)a(sa(sv))", "nap.service", "sideways", 0, 0)
            .error,
        "org.freedesktop.DBus.Error.InvalidArgs");
}

TEST_F(BusTransient, HoldsAReferenceUntilTheClientGoes) {
    ASSERT_TRUE(send("AddRef", "b", 1).good());
    EXPECT_TRUE(control.called("refer nap.service"));
    EXPECT_FALSE(control.called("unrefer nap.service"));
    bus_.reset();
    settle();
    EXPECT_TRUE(control.called("unrefer nap.service"));
}

TEST_F(BusTransient, TakesDescriptorsPidsAndUnitsThatGoAlong) {
    // Not with the very first message: sd-bus's server takes no descriptors while it logs in.
    ASSERT_TRUE(manager(bus_, "Subscribe", "").good());
    ASSERT_TRUE(send("StandardOutputFileDescriptor", "h", STDERR_FILENO).good());
    EXPECT_FALSE(static_cast<bool>(control.transient.at(0).stdio[0]));
    EXPECT_TRUE(static_cast<bool>(control.transient.at(0).stdio[1]));
    ASSERT_TRUE(send("PIDs", "au", 2, 7U, 8U).good());
    EXPECT_EQ(control.transient.at(0).pids, (std::vector<pid_t>{7, 8}));
    ASSERT_TRUE(manager(
                    bus_,
                    "StartTransientUnit",
                    "ssa(sv)a(sa(sv))",
                    "a.timer",
                    "fail",
                    0,
                    1,
                    "a.service",
                    1,
                    "Description",
                    "s",
                    "x")
                    .good());
    ASSERT_EQ(control.transient.size(), 2U);
    EXPECT_EQ(control.transient[1].name, "a.service");
    EXPECT_EQ(control.transient[1].assignments.at(0).value, "x");
}

TEST_F(BusTransient, ListsOfTriggersNameTheirDirectivesThemselves) {
    ASSERT_TRUE(
        send("TimersMonotonic", "a(st)", 1, "OnActiveSec", std::uint64_t{30'000'000}).good());
    EXPECT_EQ(control.transient.at(0).assignments.at(0).directive, "OnActiveSec");
    EXPECT_EQ(control.transient.at(0).assignments.at(0).value, "30000000us");
    ASSERT_TRUE(send("TimersCalendar", "a(ss)", 1, "OnCalendar", "daily").good());
    EXPECT_EQ(control.transient.at(0).assignments.at(0).directive, "OnCalendar");
    ASSERT_TRUE(send("Paths", "a(ss)", 1, "PathExists", "/x").good());
    EXPECT_EQ(control.transient.at(0).assignments.at(0).value, "/x");
    ASSERT_TRUE(send("AccuracyUSec", "t", std::uint64_t{1'000}).good());
    EXPECT_EQ(control.transient.at(0).assignments.at(0).directive, "AccuracySec");
    EXPECT_FALSE(send("TimersMonotonic", "as", 1, "x").good());
}

}  // namespace
}  // namespace hearth::test
