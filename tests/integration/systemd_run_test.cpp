// SPDX-License-Identifier: MIT
//
// Transient units: the unmodified systemd-run against a real hearthd.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "stock_systemctl.hpp"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using testing::HearthdProcess;
using testing::Output;

class SystemdRun : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (stock_client("systemd-run").empty()) {
            GTEST_SKIP() << "no systemd-run on this machine";
        }
    }
    static Output systemd_run(const HearthdProcess& hearthd, const std::string& words) {
        return run_stock(hearthd, stock_client("systemd-run") + " " + words);
    }
    static std::string transient(const HearthdProcess& hearthd, const std::string& unit) {
        return hearthd.place() + "/runtime/transient/" + unit;
    }
    /// Nothing of the unit is left, nor is it known.
    static void expect_forgotten(const HearthdProcess& hearthd, const std::string& unit) {
        EXPECT_TRUE(eventually([&] { return !fs::exists(transient(hearthd, unit)); }))
            << hearthd.log();
        EXPECT_EQ(hearthd.show(unit, "LoadState"), "not-found");
    }
};

TEST_F(SystemdRun, StartsAServiceAndForgetsItWhenItHasEnded) {
    const HearthdProcess hearthd;
    const Output ran = systemd_run(
        hearthd,
        "--unit=nap --description='A 100% nap' -p Nice=5 -E 'A=b c' "
        "--slice=kiln.slice --uid=65534 /bin/sleep infinity");
    ASSERT_EQ(ran.status, 0) << ran.err << hearthd.log();
    EXPECT_TRUE(fs::exists(transient(hearthd, "nap.service")));
    EXPECT_EQ(hearthd.show("nap.service", "ActiveState"), "active");
    EXPECT_EQ(hearthd.show("nap.service", "Transient"), "yes");
    EXPECT_EQ(hearthd.show("nap.service", "UnitFileState"), "transient");
    EXPECT_EQ(hearthd.show("nap.service", "Description"), "A 100% nap");
    EXPECT_EQ(hearthd.show("nap.service", "Nice"), "5");
    EXPECT_EQ(hearthd.show("nap.service", "Environment"), "\"A=b c\"");
    EXPECT_EQ(hearthd.show("nap.service", "User"), "65534");
    EXPECT_NE(
        hearthd.show("nap.service", "ControlGroup").find("/kiln.slice/nap.service"),
        std::string::npos);

    const Output again = systemd_run(hearthd, "--unit=nap /bin/true");
    EXPECT_EQ(again.status, 1);
    EXPECT_NE(again.err.find("already loaded"), std::string::npos) << again.err;

    EXPECT_EQ(hearthd.ctl({"stop", "nap.service"}).status, 0);
    expect_forgotten(hearthd, "nap.service");
}

TEST_F(SystemdRun, WaitsForTheEndAndGivesItsStatus) {
    const HearthdProcess hearthd;
    EXPECT_EQ(systemd_run(hearthd, "-q --wait --unit=good /bin/true").status, 0);
    expect_forgotten(hearthd, "good.service");
    EXPECT_EQ(systemd_run(hearthd, "-q --wait --unit=bad /bin/sh -c 'exit 3'").status, 3);
    // One that failed stays to be looked at, unless -G says otherwise.
    EXPECT_EQ(hearthd.show("bad.service", "ActiveState"), "failed");
    EXPECT_EQ(hearthd.ctl({"reset-failed", "bad.service"}).status, 0);
    expect_forgotten(hearthd, "bad.service");
    EXPECT_EQ(systemd_run(hearthd, "-q -G --wait --unit=worse /bin/sh -c 'exit 4'").status, 4);
    expect_forgotten(hearthd, "worse.service");
}

TEST_F(SystemdRun, ReachesTheCallersStreams) {
    const HearthdProcess hearthd;
    const Output out = systemd_run(
        hearthd,
        "-q --pipe --wait /bin/sh -c 'read -r a; echo \"<$a>\"; echo err >&2' <<'X'\n50%\nX");
    EXPECT_EQ(out.status, 0) << out.err << hearthd.log();
    EXPECT_EQ(out.out, "<50%>\n");
    EXPECT_EQ(out.err, "err\n");
}

TEST_F(SystemdRun, GivesTheServiceATerminal) {
    if (::access("/usr/bin/script", X_OK) != 0) {
        GTEST_SKIP() << "no script(1), which gives systemd-run a terminal";
    }
    const HearthdProcess hearthd;
    const Output out = run_stock(
        hearthd,
        "/usr/bin/script -qec '" + stock_client("systemd-run") +
            " -q --pty --wait /bin/sh -c \"test -t 0 && test -t 2 && echo terminal; "
            ": </dev/tty && echo controlling; exit 7\"' /dev/null");
    EXPECT_EQ(out.status, 7) << out.out << out.err << hearthd.log();
    EXPECT_NE(out.out.find("terminal"), std::string::npos) << out.out << out.err;
    EXPECT_NE(out.out.find("controlling"), std::string::npos) << out.out << out.err;
}

TEST_F(SystemdRun, StaysUpAfterItsEndWithRemainAfterExit) {
    const HearthdProcess hearthd;
    ASSERT_EQ(systemd_run(hearthd, "-r -p Type=oneshot --unit=stays /bin/true").status, 0);
    EXPECT_EQ(hearthd.show("stays.service", "SubState"), "exited");
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(hearthd.show("stays.service", "SubState"), "exited");
    EXPECT_EQ(hearthd.ctl({"stop", "stays.service"}).status, 0);
    expect_forgotten(hearthd, "stays.service");
}

TEST_F(SystemdRun, PassesEveryKindOfProperty) {
    const HearthdProcess hearthd;
    const Output ran = systemd_run(
        hearthd,
        "--unit=all -p CapabilityBoundingSet='CAP_KILL CAP_CHOWN' -p LimitNOFILE=100:200 "
        "-p UMask=0077 -p KillSignal=SIGINT -p SystemCallFilter='~@mount' -p CPUAffinity=0 "
        "-p ProtectSystem=strict -p ReadWritePaths=/var/tmp -p BindReadOnlyPaths=/etc:/mnt "
        "-p TemporaryFileSystem=/srv:mode=0700 -p TimeoutStopSec=7 -p RuntimeMaxSec=1h "
        "-p SuccessExitStatus='7 SIGUSR1' -p RestrictNamespaces=net -p MemoryMax=1G "
        "-p TasksMax=20 -p IOSchedulingClass=idle -p PrivateTmp=yes -p After=basic.target "
        "-p EnvironmentFile=-/nonexistent -p StateDirectoryMode=0711 -p StandardOutput=null "
        "-p RestrictAddressFamilies='AF_UNIX AF_INET' /bin/sleep infinity");
    ASSERT_EQ(ran.status, 0) << ran.err << hearthd.log();
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"ActiveState", "active"},
        {"CapabilityBoundingSet", "cap_chown cap_kill"},
        {"LimitNOFILE", "200"},
        {"LimitNOFILESoft", "100"},
        {"UMask", "0077"},
        {"KillSignal", "2"},
        {"ProtectSystem", "strict"},
        {"ReadWritePaths", "/var/tmp"},
        {"TimeoutStopUSec", "7s"},
        {"RuntimeMaxUSec", "1h"},
        {"RestrictNamespaces", "net"},
        {"MemoryMax", "1073741824"},
        {"TasksMax", "20"},
        {"IOSchedulingClass", "3"},
        {"PrivateTmp", "yes"},
        {"StateDirectoryMode", "0711"},
        {"StandardOutput", "null"},
    };
    for (const auto& [property, value] : expected) {
        EXPECT_EQ(hearthd.show("all.service", property), value) << property;
    }
    EXPECT_EQ(hearthd.ctl({"stop", "all.service"}).status, 0);
}

TEST_F(SystemdRun, RefusesByNameWhatItCannotGive) {
    const HearthdProcess hearthd;
    const Output refused = systemd_run(hearthd, "--unit=no -p RestrictFileSystems=ext4 /bin/true");
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("RestrictFileSystems"), std::string::npos) << refused.err;
    expect_forgotten(hearthd, "no.service");
}

TEST_F(SystemdRun, LeavesTheServiceToATimer) {
    const HearthdProcess hearthd;
    const Output timer = systemd_run(hearthd, "--unit=later --on-active=1h /bin/true");
    ASSERT_EQ(timer.status, 0) << timer.err << hearthd.log();
    EXPECT_EQ(hearthd.show("later.timer", "ActiveState"), "active");
    EXPECT_EQ(hearthd.show("later.service", "ActiveState"), "inactive");
    EXPECT_EQ(hearthd.ctl({"stop", "later.timer"}).status, 0);
    expect_forgotten(hearthd, "later.timer");
}

TEST_F(SystemdRun, OutlivesTheManager) {
    HearthdProcess hearthd;
    ASSERT_EQ(systemd_run(hearthd, "--unit=lasts /bin/sleep infinity").status, 0);
    const std::string pid = hearthd.show("lasts.service", "MainPID");
    hearthd.crash();
    hearthd.start_again();
    EXPECT_EQ(hearthd.show("lasts.service", "MainPID"), pid);
    EXPECT_EQ(hearthd.show("lasts.service", "Transient"), "yes");
    EXPECT_EQ(hearthd.ctl({"stop", "lasts.service"}).status, 0);
    expect_forgotten(hearthd, "lasts.service");
}

TEST_F(SystemdRun, LeavesNoFileAtTheEnd) {
    HearthdProcess hearthd;
    ASSERT_EQ(systemd_run(hearthd, "--unit=last /bin/sleep infinity").status, 0);
    EXPECT_EQ(hearthd.stop(), 0);
    EXPECT_FALSE(fs::exists(transient(hearthd, "last.service")));
}

}  // namespace
}  // namespace hearth::test
