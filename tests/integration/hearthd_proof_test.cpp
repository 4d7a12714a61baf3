// SPDX-License-Identifier: MIT
//
// The proofs beside the report: tries from inside a sandbox, a sandbox without its program, what a
// machine can't give, how exposed a unit is, what changes while it runs.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::Output;
using hearth::testing::run_program;
using nlohmann::json;

constexpr const char* confined =
    "User=nobody\nNoNewPrivileges=yes\nCapabilityBoundingSet=\nProtectSystem=strict\n"
    "ProtectHome=yes\nPrivateTmp=yes\nPrivateDevices=yes\nPrivateNetwork=yes\nPrivateIPC=yes\n"
    "ProtectHostname=yes\nProtectKernelTunables=yes\nProtectKernelModules=yes\n"
    "ProtectKernelLogs=yes\nProtectControlGroups=yes\nProtectClock=yes\nLockPersonality=yes\n"
    "RestrictRealtime=yes\nRestrictSUIDSGID=yes\nMemoryDenyWriteExecute=yes\n"
    "RestrictAddressFamilies=AF_UNIX\nSystemCallFilter=@system-service\n"
    "SystemCallErrorNumber=EPERM\n";

std::string service(const std::string& lines) {
    return "[Service]\nExecStart=/bin/sleep infinity\n" + lines;
}

std::vector<std::string> in_tmp() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
        const std::string name = entry.path().filename();
        if (name.starts_with("hearth-probe-") || name.starts_with("hearth-fresh.service-")) {
            names.push_back(name);
        }
    }
    return names;
}

TEST(Proof, TheProbeFindsEveryDirectiveOfAConfinedServiceHeld) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("confined.service", service(confined));
    ASSERT_EQ(hearthd.ctl({"start", "confined.service"}).status, 0) << hearthd.log();
    const Output output = hearthd.ctl({"confinement", "--probe", "--json", "confined.service"});
    const json rows = json::parse(output.out, nullptr, false);
    ASSERT_TRUE(rows.is_array()) << output.out << output.err;
    EXPECT_EQ(output.status, 0) << output.out;
    std::size_t verified = 0;
    for (const json& row : rows) {
        EXPECT_NE(row.at("verdict"), "MISMATCH") << row.dump(1);
        verified += row.at("verdict") == "verified" ? 1 : 0;
    }
    EXPECT_GE(verified, 18U) << rows.dump(1);
    EXPECT_EQ(hearthd.ctl({"stop", "confined.service"}).status, 0);
    EXPECT_EQ(in_tmp(), std::vector<std::string>{});
}

TEST(Proof, TheProbeOfAFilterThatKillsGoesOnAfterEachDeath) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add(
        "killing.service",
        service("SystemCallFilter=~@mount @swap\nLockPersonality=yes\nPrivateTmp=yes\n"));
    ASSERT_EQ(hearthd.ctl({"start", "killing.service"}).status, 0) << hearthd.log();
    const Output output = hearthd.ctl({"confinement", "--probe", "--json", "killing.service"});
    const json rows = json::parse(output.out, nullptr, false);
    ASSERT_TRUE(rows.is_array()) << output.out << output.err;
    for (const json& row : rows) {
        EXPECT_EQ(row.at("verdict"), "verified") << row.dump(1);
    }
    EXPECT_NE(output.out.find("\"killed\""), std::string::npos) << output.out;
}

TEST(Proof, TheProbeSeesWhatTheReportCannotBeTold) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("open.service", service("ProtectHome=read-only\n"));
    ASSERT_EQ(hearthd.ctl({"start", "open.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.ctl({"confinement", "--probe", "open.service"}).status, 0);
    // A drop-in that the running process was never given: the probe is of what runs.
    hearthd.add("open.service", service("ProtectHome=read-only\nProtectSystem=strict\n"));
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    const Output report = hearthd.ctl({"confinement", "open.service"});
    EXPECT_EQ(report.status, 1) << report.out;
    EXPECT_NE(report.out.find("changed since start"), std::string::npos) << report.out;
    const Output probe = hearthd.ctl({"confinement", "--probe", "open.service"});
    EXPECT_EQ(probe.status, 0) << probe.out;
    EXPECT_EQ(probe.out.find("ProtectSystem"), std::string::npos) << probe.out;
}

TEST(Proof, AFreshSandboxIsTheUnitsOwnAndLeavesNothing) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("fresh.service", service(confined));
    const Output output = hearthd.ctl(
        {"attach",
         "--fresh",
         "fresh.service",
         "--",
         "/bin/sh",
         "-c",
         "id -un; touch /usr/x 2>&1; ls /home | wc -l; touch /tmp/mine && ls /tmp"});
    EXPECT_EQ(output.status, 0) << output.err << hearthd.log();
    EXPECT_NE(output.out.find("nobody\n"), std::string::npos) << output.out;
    EXPECT_NE(output.out.find("Read-only file system"), std::string::npos) << output.out;
    EXPECT_NE(output.out.find("\nmine\n"), std::string::npos) << output.out;
    EXPECT_EQ(hearthd.show("fresh.service", "ActiveState"), "inactive");
    EXPECT_TRUE(eventually([] { return in_tmp().empty(); }));
    ASSERT_EQ(hearthd.ctl({"start", "fresh.service"}).status, 0) << hearthd.log();
    const Output refused = hearthd.ctl({"attach", "--fresh", "fresh.service", "--", "/bin/true"});
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(refused.err.find("without --fresh"), std::string::npos) << refused.err;
}

TEST(Proof, TheDoctorTellsWhatIsMissingAndWhatItBreaks) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("fine.service", service("PrivateTmp=yes\n"));
    hearthd.add("profile.service", service("AppArmorProfile=nobody-loaded\n"));
    EXPECT_EQ(hearthd.ctl({"doctor", "fine.service"}).status, 0);
    const Output output = hearthd.ctl({"doctor", "profile.service"});
    EXPECT_EQ(output.status, 1) << output.out;
    EXPECT_NE(output.out.find("RelaxConfinement=AppArmorProfile"), std::string::npos) << output.out;
    const json report = json::parse(hearthd.ctl({"doctor", "--json"}).out, nullptr, false);
    ASSERT_TRUE(report.is_object());
    const auto breaks = [&](const std::string& facility, const std::string& directive) {
        for (const json& each : report.at("facilities")) {
            if (each.at("name") == facility) {
                const auto& list = each.at("breaks");
                return std::ranges::find(list, json(directive)) != list.end();
            }
        }
        ADD_FAILURE() << "no facility " << facility;
        return false;
    };
    EXPECT_TRUE(breaks("seccomp", "SystemCallFilter"));
    EXPECT_TRUE(breaks("CAP_SYS_ADMIN", "ProtectSystem"));
    EXPECT_TRUE(breaks("cgroup controller memory", "MemoryMax"));
    EXPECT_TRUE(breaks("LSM apparmor", "AppArmorProfile"));
    EXPECT_FALSE(breaks("seccomp", "MemoryMax"));
    // Without a hearthd the same, from the program beside.
    const Output alone = run_program(
        {HEARTH_BINARY_DIR "/hearthctl",
         "--runtime-dir",
         hearthd.place() + "/none",
         "doctor",
         "--json"});
    EXPECT_EQ(alone.status, 0) << alone.err;
    const json apart = json::parse(alone.out, nullptr, false).at("facilities");
    ASSERT_EQ(apart.size(), report.at("facilities").size());
    for (std::size_t index = 0; index < apart.size(); ++index) {
        for (const char* key : {"name", "given", "breaks"}) {
            EXPECT_EQ(apart.at(index).at(key), report.at("facilities").at(index).at(key));
        }
    }
}

TEST(Proof, TheScoreIsOfWhatTheKernelShows) {
    SKIP_WITHOUT_ROOT();
    HearthdProcess hearthd;
    hearthd.add("open.service", service("User=nobody\n"));
    const auto score = [&] {
        return json::parse(hearthd.ctl({"security", "--json", "open.service"}).out)
            .at(0)
            .at("score")
            .get<double>();
    };
    ASSERT_EQ(hearthd.ctl({"start", "open.service"}).status, 0) << hearthd.log();
    const double before = score();
    EXPECT_EQ(hearthd.ctl({"security", "--threshold", "9.9", "open.service"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"security", "--threshold", "5", "open.service"}).status, 1);
    // Asked for in the file, not held by the process: counts as open.
    hearthd.add("open.service", service("User=nobody\nPrivateNetwork=yes\n"));
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_NEAR(score(), before, 0.01);
    const Output offline = run_program(
        {HEARTH_BINARY_DIR "/hearthctl",
         "security",
         "--offline",
         "--json",
         hearthd.units() + "/open.service"});
    EXPECT_LT(json::parse(offline.out).at(0).at("score").get<double>(), before) << offline.out;
    ASSERT_EQ(hearthd.ctl({"restart", "open.service"}).status, 0) << hearthd.log();
    EXPECT_LT(score(), before);
}

TEST(Proof, OurScoreStandsBesideSystemds) {
    // Debian's package, unpacked below a cache outside the repository (contrib/…: see
    // CONTRIBUTING).
    const std::string tool = "/opt/systemd-man/usr/bin/systemd-analyze";
    if (!std::filesystem::exists(tool)) {
        GTEST_SKIP() << tool << " is not there: apt-get download systemd, dpkg-deb -x";
    }
    const std::string unit = HEARTH_SOURCE_DIR "/examples/heat.service";
    const Output theirs = run_program(
        {tool, "security", "--offline=yes", "--no-pager", unit},
        {"LD_LIBRARY_PATH=/opt/systemd-shared/usr/lib/x86_64-linux-gnu/systemd:/opt/systemd-man/"
         "usr/lib/x86_64-linux-gnu/systemd",
         "PATH=/usr/bin:/bin"});
    const auto at = theirs.out.find("Overall exposure level");
    if (at == std::string::npos) {
        GTEST_SKIP() << "systemd-analyze doesn't run here: " << theirs.err;
    }
    const double their_score = std::stod(theirs.out.substr(theirs.out.find(": ", at) + 2));
    const Output ours =
        run_program({HEARTH_BINARY_DIR "/hearthctl", "security", "--offline", "--json", unit});
    const double our_score = json::parse(ours.out).at(0).at("score").get<double>();
    std::printf("heat.service: systemd-analyze %.1f, hearthctl %.1f\n", their_score, our_score);
    EXPECT_NEAR(our_score, their_score, 2.0);
}

TEST(Proof, WatchingTellsADriftOnce) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("drifts.service", service("MemoryMax=64M\nOOMScoreAdjust=100\n"));
    ASSERT_EQ(hearthd.ctl({"start", "drifts.service"}).status, 0) << hearthd.log();
    const std::string pid = hearthd.show("drifts.service", "MainPID");
    const std::string file = hearthd.place() + "/watched";
    // The watcher ends when the unit stops.
    const std::string script =
        HEARTH_BINARY_DIR "/hearthctl --runtime-dir " + hearthd.place() +
        "/runtime confinement --watch --interval 0.1 drifts.service >" + file +
        " & w=$!; "
        "until grep -q watching " +
        file +
        "; do sleep 0.02; done; "
        "echo 300 >/proc/" +
        pid +
        "/oom_score_adj; "
        "until grep -q OOMScoreAdjust " +
        file + "; do sleep 0.02; done; " + HEARTH_BINARY_DIR "/hearthctl --runtime-dir " +
        hearthd.place() + "/runtime stop drifts.service; wait $w; echo status $?";
    const Output output = run_program({"/bin/bash", "-c", script}, {"PATH=/usr/bin:/bin"});
    std::ifstream watched(file);
    const std::string text{std::istreambuf_iterator<char>(watched), {}};
    EXPECT_NE(output.out.find("status 1"), std::string::npos) << output.out << text;
    EXPECT_NE(
        text.find("OOMScoreAdjust: MISMATCH (oom_score_adj 300), was verified (oom_score_adj 100)"),
        std::string::npos)
        << text;
}

TEST(Proof, WhatIsRelaxedMayAlsoFailInTheLaunch) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const std::string lines = "Type=exec\nReadOnlyPaths=/srv/no-such-place\nProtectHome=yes\n";
    hearthd.add("strict.service", service(lines));
    hearthd.add("relaxed.service", service(lines + "[X-Hearth]\nConfinement=best-effort\n"));
    EXPECT_NE(hearthd.ctl({"start", "strict.service"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"start", "relaxed.service"}).status, 0) << hearthd.log();
    const Output report = hearthd.ctl({"confinement", "--json", "relaxed.service"});
    const json rows = json::parse(report.out, nullptr, false);
    ASSERT_TRUE(rows.is_array()) << report.out;
    EXPECT_EQ(report.status, 0) << report.out;
    for (const json& row : rows) {
        EXPECT_EQ(
            row.at("verdict"), row.at("directive") == "ProtectHome" ? "verified" : "falls short")
            << row.dump(1);
    }
    EXPECT_NE(report.out.find("No such file or directory"), std::string::npos) << report.out;
}

}  // namespace
