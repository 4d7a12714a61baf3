// SPDX-License-Identifier: MIT
#include "units/rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/units/unit_text.hpp"
#include "units/lint.hpp"
#include "units/special.hpp"

namespace hearth {

namespace {

std::vector<std::string_view> ids(const std::vector<Finding>& findings) {
    std::vector<std::string_view> made;
    for (const Finding& each : findings) {
        made.push_back(each.id);
    }
    return made;
}

void check(const std::string& text, LoadState state, const std::string& refusal) {
    const Unit unit = load_text(text);
    EXPECT_EQ(unit.load_state, state) << text;
    EXPECT_EQ(messages(unit.refusals), refusal) << text;
}

const std::string start = "[Service]\nExecStart=/bin/true\n";

}  // namespace

TEST(Rules, RefuseWhatSystemdDoesNotLoad) {
    check(
        "[Service]\n",
        LoadState::BadSetting,
        "heat.service: the service has neither ExecStart= nor ExecStop=\n");
    check("[Unit]\nSuccessAction=exit\n", LoadState::Loaded, "");  // systemd-exit.service
    check(
        "[Unit]\nSuccessAction=exit\n[Service]\nType=simple\n",
        LoadState::BadSetting,
        "heat.service:4: the service has no ExecStart=, which only Type=oneshot may leave out\n");
    check(
        "[Service]\nType=simple\nExecStop=/bin/true\n",
        LoadState::BadSetting,
        "heat.service:2: the service has no ExecStart=, which only Type=oneshot may leave out\n");
    check(
        "[Service]\nType=oneshot\nExecStop=/bin/true\n",
        LoadState::BadSetting,
        "heat.service:3: the service has no ExecStart= and does not have RemainAfterExit=yes\n");
    check(
        start + "ExecStart=/bin/false\n",
        LoadState::BadSetting,
        "heat.service:3: the service has more than one ExecStart=, which only Type=oneshot may "
        "have\n");
    check(start + "ExecStart=/bin/false\nType=oneshot\n", LoadState::Loaded, "");
    check(
        start + "Type=oneshot\nRestart=always\n",
        LoadState::BadSetting,
        "heat.service:4: Restart=always is not allowed with Type=oneshot\n");
    check(start + "Type=oneshot\nRestart=on-failure\n", LoadState::Loaded, "");
    check(
        start + "Type=oneshot\nRestartForceExitStatus=1\n",
        LoadState::BadSetting,
        "heat.service:4: RestartForceExitStatus= is not allowed with Type=oneshot\n");
}

TEST(Rules, ANameOnTheBusIsOne) {
    check(
        start + "Type=dbus\n",
        LoadState::BadSetting,
        "heat.service:3: Type=dbus needs the name whose appearance means that the service has "
        "started\n");
    check(start + "Type=dbus\nBusName=org.example.Heat-1\n", LoadState::Loaded, "");
    EXPECT_EQ(
        load_text(start + "BusName=org.example.Heat\n").settings.service.type, ServiceType::Dbus);
    EXPECT_EQ(load_text(start).settings.service.type, ServiceType::Simple);
    for (const char* const wrong :
         {"heat", ".org.heat", "org..heat", "org.1heat", "org.heat.", "org.he/at"}) {
        check(
            start + "BusName=" + wrong + "\n",
            LoadState::Loaded,
            std::string("heat.service:3: '") + wrong +
                "' is no well-known name on a message bus\n");
    }
}

TEST(Rules, RefuseByNameWhatIsNotBuilt) {
    check(
        start + "RestrictFileSystems=ext4\n",
        LoadState::Loaded,
        "heat.service:3: RestrictFileSystems=ext4 is not built yet\n");
    check(
        start + "RestrictFileSystems=ext4\n",
        LoadState::Loaded,
        "heat.service:3: RestrictFileSystems=ext4 is not built yet\n");
    check(
        start + "StandardInput=fd:web\n",
        LoadState::Loaded,
        "heat.service:3: StandardInput=fd:web is not built yet\n");
    check(
        start + "StandardOutput=kmsg\nStandardError=socket\n",
        LoadState::Loaded,
        "heat.service:3: StandardOutput=kmsg is not built yet\n"
        "heat.service:4: StandardError=socket is not built yet\n");
    check(
        "[Unit]\nAfter=network-online.target\nWants=network-online.target\nBefore=shutdown."
        "target\n" +
            start,
        LoadState::Loaded,
        "");
    check(
        "[Unit]\nAfter=postgresql.service\nConditionPathExists=/x\nFailureAction=exit\n" + start,
        LoadState::Loaded,
        "");
    check(
        "[Unit]\nFailureAction=reboot\n" + start,
        LoadState::Loaded,
        "heat.service:2: FailureAction=reboot is not built yet\n");
    check(
        start + "PrivateUsers=no\nProtectProc=default\nSlice=system.slice\nStandardOutput=null\n",
        LoadState::Loaded,
        "");
}

TEST(Rules, LetAMachinesUnitsEndTheMachine) {
    Unit unit = load_text("[Unit]\nFailureAction=reboot\nSuccessAction=poweroff-force\n" + start);
    EXPECT_EQ(unit.refusals.size(), 2U);
    unit.refusals.clear();
    judge(unit, false);
    EXPECT_EQ(messages(unit.refusals), "");
}

TEST(Rules, RelaxByName) {
    const std::string text = start +
                             "RestrictFileSystems=ext4\nPAMName=login\n[X-Hearth]"
                             "\nRelaxConfinement=RestrictFileSystems\n";
    check(
        text,
        LoadState::Loaded,
        "heat.service:4: PAMName=login is refused: PAM modules would run inside hearthd, as root, "
        "and open a session that logind keeps\n");
    // Best effort is about confinement; it doesn't drop what a unit does.
    const std::string best = "[X-Hearth]\nConfinement=best-effort\n";
    check(
        "[Unit]\nFailureAction=reboot\n" + start + "RestrictFileSystems=ext4\n" + best,
        LoadState::Loaded,
        "heat.service:2: FailureAction=reboot is not built yet\n");
    const Unit relaxed = load_text(start + "RestrictFileSystems=ext4\n" + best);
    EXPECT_EQ(
        messages(relaxed.diagnostics),
        "heat.service:3: RestrictFileSystems=ext4 is not built yet; relaxed, so the service runs "
        "without "
        "it\n");
}

TEST(Rules, DoNotRelaxWhatAPlanWouldStillHave) {
    check(
        start + "StandardOutput=kmsg\n[X-Hearth]\nRelaxConfinement=StandardOutput\n",
        LoadState::Loaded,
        "heat.service:3: StandardOutput=kmsg is not built yet\n");
}

TEST(Rules, RefuseTemplates) {
    const Unit unit = load_text(start, {}, "heat@.service");
    ASSERT_EQ(unit.refusals.size(), 1U);
    EXPECT_EQ(unit.refusals[0].message, "'heat@.service' is a template");
    EXPECT_EQ(unit.refusals[0].hint, "start an instance of it, as in heat@NAME.service");
}

TEST(Rules, SayNothingAtLoadAboutWhatHasNoEffect) {
    const Unit unit = load_service("IOWeight=100\nSyslogLevel=info\nCPUSchedulingPolicy=other");
    EXPECT_EQ(messages(unit.diagnostics), "");
    EXPECT_EQ(messages(unit.refusals), "");
}

TEST(Lint, TellsEachThingOnceInTheOrderOfTheFile) {
    const Unit unit = load_text(
        "[Service]\nLogLevelMax=notice\nPrivateTemp=yes\nExecStart=/bin/true\nRestartSec=soon\n"
        "SystemCallFilter=~@mount\nType=dbus\nKillMode=none\n");
    const std::vector<std::string_view> expected = {
        "no-effect",
        "unknown-key",
        "invalid-value",
        "filter-architectures",
        "filter-deny-list",
        "bus-name-missing",
        "kill-mode-none"};
    EXPECT_EQ(ids(lint(unit)), expected);
    EXPECT_EQ(worst(lint(unit)), Severity::Error);
}

TEST(Lint, AdvisesWhereCombinationsMissTheirAim) {
    const std::pair<std::string, std::string_view> cases[] = {
        {"SystemCallFilter=@system-service", "filter-architectures"},
        {"SystemCallErrorNumber=EPERM", "error-number-alone"},
        {"ProtectSystem=strict", "mounts-undone"},
        {"ReadWritePaths=/srv", "read-write-alone"},
        {"AmbientCapabilities=CAP_CHOWN\nCapabilityBoundingSet=CAP_KILL", "ambient-not-bounded"},
        {"CPUQuotaPeriodSec=10ms", "quota-period-alone"},
        {"DisableControllers=cpu", "slice-directive"},
        {"DefaultMemoryLow=1M", "slice-directive"},
        {"MemoryMax=1M\nMemoryHigh=2M", "memory-high-above-max"},
        {"Restart=always\nStartLimitBurst=0", "restart-unlimited"},
        {"RuntimeMaxSec=1\nType=oneshot", "runtime-max-oneshot"},
        {"ExecStartPre=/bin/echo a | b", "shell-syntax"},
        {"Restart=always\nRemainAfterExit=yes", "restart-remain"},
        {"Restart=always\nRestartSec=3s", "start-limit-unreachable"},
        {"DynamicUser=yes\nUser=root\nCapabilityBoundingSet=~CAP_SYS_ADMIN", "dynamic-user-root"},
        {"User=nobody\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE", "bounding-without-ambient"},
        {"Type=forking", "forking-without-pid-file"},
        {"Type=forking\nPIDFile=/run/x.pid\nUser=nobody", "pid-file-not-writable"},
        {"Type=forking\nPIDFile=/var/run/x/x.pid\nUser=nobody\nProtectSystem=strict",
         "pid-file-read-only"},
        {"[X-Hearth]\nResumeWith=yes", "resume-alone"},
        {"[Unit]\nRequires=a.service", "requires-unordered"},
    };
    for (const auto& [lines, id] : cases) {
        EXPECT_EQ(ids(lint(load_service(lines))), std::vector<std::string_view>{id}) << lines;
    }
    for (const char* const fine :
         {"ProtectSystem=strict\nUser=nobody",
          "ProtectSystem=strict\nCapabilityBoundingSet=~CAP_SYS_ADMIN",
          "ProtectSystem=strict\nReadWritePaths=/srv\nUser=nobody",
          "ExecStartPre=/bin/sh -c 'echo a | b'",
          "Restart=on-failure\nRemainAfterExit=yes",
          "Restart=always\nRestartSec=3s\n[Unit]\nStartLimitIntervalSec=1min",
          "User=nobody\nCapabilityBoundingSet=CAP_KILL\nAmbientCapabilities=CAP_KILL",
          "Type=forking\nPIDFile=/run/x.pid",
          "Type=forking\nPIDFile=/var/run/x/x.pid\nUser=nobody\nRuntimeDirectory=x",
          "Type=forking\nPIDFile=/run/x/x.pid\nUser=nobody\nRuntimeDirectory=x\n"
          "ProtectSystem=strict",
          "[Unit]\nRequires=a.service\nAfter=a.service\n[X-Hearth]\nResumeWith=yes",
          "[Unit]\nWants=a.service",
          "SystemCallFilter=@system-service\nSystemCallArchitectures=native\nSystemCallErrorNumber="
          "EPERM\nProtectHome=yes"}) {
        EXPECT_TRUE(lint(load_service(fine)).empty()) << fine;
    }
}

TEST(Lint, HintsAtMistypedRelaxations) {
    const Unit unit = load_text(start + "[X-Hearth]\nRelaxConfinement=PrivateTemp\n");
    const std::vector<Finding> findings = lint(unit);
    ASSERT_EQ(ids(findings), std::vector<std::string_view>{"relax-unknown"});
    EXPECT_EQ(findings[0].diagnostic.hint, "did you mean 'PrivateTmp'?");
}

TEST(Lint, TellsOfUnitsThatCouldNotBeLoaded) {
    EXPECT_EQ(
        ids(lint(load_unit("none.service", TextSource(), test_context()))),
        std::vector<std::string_view>{"not-loaded"});
}

TEST(Rules, AreListedSortedAndEachIdOnce) {
    const std::vector<Rule> all = rules();
    EXPECT_TRUE(std::ranges::is_sorted(all, std::ranges::less{}, &Rule::id));
    EXPECT_EQ(std::ranges::adjacent_find(all, {}, &Rule::id), all.end());
    for (const Rule& rule : all) {
        EXPECT_TRUE(rule.summary.ends_with('.')) << rule.id;
    }
}

TEST(SpecialUnits, AreKnownByName) {
    EXPECT_TRUE(is_built_in_unit("network-online.target"));
    EXPECT_TRUE(is_built_in_unit("-.slice"));
    EXPECT_FALSE(is_built_in_unit("postgresql.service"));
}

}  // namespace hearth
