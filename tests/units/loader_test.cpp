// SPDX-License-Identifier: MIT
#include "units/loader.hpp"

#include <gtest/gtest.h>

#include "tests/units/unit_text.hpp"

namespace hearth {

TEST(Loader, ReadsAServiceThatIsStartable) {
    const Unit unit = load_text(
        "[Unit]\nDescription=A warm room\n[Service]\nExecStart=/bin/dd if=/dev/zero of=/dev/null\n"
        "CPUQuota=20%\nRestart=on-failure\nUser=nobody\n[Install]\nWantedBy=multi-user.target\n");
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    EXPECT_EQ(messages(unit.diagnostics), "");
    EXPECT_EQ(messages(unit.refusals), "");
    EXPECT_EQ(unit.settings.unit.description, "A warm room");
    EXPECT_EQ(unit.settings.resources.cpu_quota.per_second_microseconds, 200'000U);
    EXPECT_EQ(unit.settings.service.restart, Restart::OnFailure);
    ASSERT_EQ(unit.settings.service.exec_start.size(), 1U);
    EXPECT_EQ(unit.origin_of("CPUQuota").line, 5U);
    EXPECT_EQ(unit.origin_of("MemoryMax"), (Origin{"/etc/systemd/system/heat.service", 0, 0}));
}

TEST(Loader, UsesTheNameWhereThereIsNoDescription) {
    EXPECT_EQ(load_service("").settings.unit.description, "heat.service");
}

TEST(Loader, WarnsOfUnknownKeysWithAHint) {
    const Unit unit = load_service("PrivateTemp=yes\nX-Mine=1\nWantedBy=x.target");
    EXPECT_EQ(
        messages(unit.diagnostics),
        "heat.service:3: Unknown key 'PrivateTemp' in section [Service], ignored\n"
        "heat.service:5: Unknown key 'WantedBy' in section [Service], ignored\n");
    EXPECT_EQ(unit.diagnostics[0].hint, "did you mean 'PrivateTmp'?");
    EXPECT_EQ(unit.diagnostics[1].hint, "did you mean '[Install] WantedBy'?");
    EXPECT_EQ(messages(unit.refusals), "");
}

TEST(Loader, WarnsOfUnknownSectionsOnce) {
    const Unit unit = load_service("[Sevice]\nA=1\nB=2\n[X-Other]\nC=3");
    EXPECT_EQ(messages(unit.diagnostics), "heat.service:4: Unknown section [Sevice], ignored\n");
}

TEST(Loader, IgnoresABadValueOfWhatDoesNotConfine) {
    const Unit unit = load_service("RestartSec=soon\nNice=30");
    ASSERT_EQ(unit.diagnostics.size(), 2U);
    EXPECT_TRUE(
        one_line(unit.diagnostics[0]).find(":3: Invalid RestartSec='soon', ignored: ") !=
        std::string::npos)
        << messages(unit.diagnostics);
    EXPECT_EQ(unit.diagnostics[0].severity, Severity::Warning);
    EXPECT_EQ(unit.settings.service.restart_delay, Timespan::milliseconds(100));
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    EXPECT_TRUE(unit.refusals.empty());
}

TEST(Loader, RefusesABadValueOfWhatConfines) {
    for (const char* const line :
         {"ProtectSystem=stric",
          "CapabilityBoundingSet=CAP_FOO",
          "SystemCallFilter=~montu",
          "MemoryMax=lots",
          "PrivateNetwork=maybe",
          "ReadOnlyPaths=relative",
          "User=a:b",
          "RestrictAddressFamilies=AF_FOO",
          "ExecStartPre=relative/path",
          "ExecStart='unbalanced"}) {
        const std::string_view text = line;
        const Unit unit = load_service(line);
        EXPECT_EQ(unit.load_state, LoadState::BadSetting) << line;
        ASSERT_EQ(unit.refusals.size(), 1U) << line;
        EXPECT_TRUE(unit.refusals[0].message.starts_with(
            "Invalid " + std::string(text.substr(0, text.find('=') + 1))))
            << unit.refusals[0].message;
        EXPECT_EQ(unit.refusals[0].origin.line, 3U);
        EXPECT_EQ(unit.diagnostics.size(), 1U);
    }
}

TEST(Loader, TakesABadValueBackByAReset) {
    const Unit unit = load_text(
        "[Service]\nExecStart=/bin/true\nSystemCallFilter=~montu\n",
        {"[Service]\nSystemCallFilter=\n"});
    EXPECT_EQ(unit.load_state, LoadState::Loaded) << messages(unit.refusals);
}

TEST(Loader, RelaxesABadValueByName) {
    const std::string text = "[Service]\nExecStart=/bin/true\nProtectSystem=stric\n[X-Hearth]\n";
    for (const char* const relaxed :
         {"RelaxConfinement=ProtectSystem\n", "Confinement=best-effort\n"}) {
        const Unit unit = load_text(text + relaxed);
        EXPECT_EQ(unit.load_state, LoadState::Loaded);
        EXPECT_TRUE(unit.refusals.empty()) << messages(unit.refusals);
        ASSERT_EQ(unit.diagnostics.size(), 1U);
        EXPECT_EQ(unit.diagnostics[0].severity, Severity::Warning);
    }
    EXPECT_EQ(load_text(text + "RelaxConfinement=ProtectHome\n").refusals.size(), 1U);
    LoadContext context = test_context();
    context.confinement = Confinement::BestEffort;
    EXPECT_TRUE(load_text(text, {}, "heat.service", context).refusals.empty());
}

TEST(Loader, AppliesDropInsInOrder) {
    const Unit unit = load_text(
        "[Service]\nExecStart=/bin/one\nEnvironment=A=1\nCPUQuota=10%\n",
        {"[Service]\nCPUQuota=20%\nEnvironment=B=2\n",
         "[Service]\nExecStart=\nExecStart=/bin/two\nCPUQuota=30%\n"});
    EXPECT_EQ(unit.load_state, LoadState::Loaded) << messages(unit.refusals);
    EXPECT_EQ(unit.settings.resources.cpu_quota.per_second_microseconds, 300'000U);
    ASSERT_EQ(unit.settings.service.exec_start.size(), 1U);
    EXPECT_EQ(unit.settings.service.exec_start[0].path, "/bin/two");
    EXPECT_EQ(unit.settings.exec.environment.variables.size(), 2U);
    EXPECT_EQ(unit.drop_in_paths.size(), 2U);
    EXPECT_EQ(
        unit.origin_of("CPUQuota"), (Origin{"/etc/systemd/system/heat.service.d/2.conf", 4, 1}));
}

TEST(Loader, PassesOverMaskedDropIns) {
    TextSource source;
    source.fragments["heat.service"] = {
        "/u/heat.service", "[Service]\nExecStart=/bin/true\n", false};
    source.drop_in_files["heat.service"] = {{"/u/heat.service.d/a.conf", "", true}};
    EXPECT_TRUE(load_unit("heat.service", source, test_context()).drop_in_paths.empty());
}

TEST(Loader, TellsMissingMaskedAndUnreadableUnitsApart) {
    TextSource source;
    source.fragments["masked.service"] = {"/u/masked.service", "", true};
    source.unreadable["secret.service"] = {"cannot read /u/secret.service: Permission denied", 13};
    source.fragments["half.service"] = {
        "/u/half.service", "[Service]\nExecStart=/bin/true\n", false};
    source.unreadable_drop_ins["half.service"] = {
        "cannot read /u/half.service.d/a.conf: Permission denied", 13};
    const std::tuple<std::string, LoadState, std::string> cases[] = {
        {"none.service", LoadState::NotFound, "none.service: unit 'none.service' not found\n"},
        {"masked.service", LoadState::Masked, "masked.service: unit 'masked.service' is masked\n"},
        {"secret.service",
         LoadState::Error,
         "secret.service: cannot read /u/secret.service: Permission denied\n"},
        {"half.service",
         LoadState::Error,
         "half.service: cannot read /u/half.service.d/a.conf: Permission denied\n"},
    };
    for (const auto& [name, state, text] : cases) {
        const Unit unit = load_unit(name, source, test_context());
        EXPECT_EQ(unit.load_state, state) << name;
        ASSERT_EQ(unit.refusals.size(), 1U) << name;
        std::string line = one_line(unit.refusals[0]) + "\n";
        line.erase(0, line.starts_with("/u/") ? 3 : 0);
        EXPECT_EQ(line, text);
        EXPECT_EQ(unit.settings.unit.description, name);
    }
}

TEST(Loader, ReplacesSpecifiersOfTheUnitAndTheHost) {
    const Unit unit = load_text(
        "[Unit]\nDescription=%n %N %p %i %I %j %f %% %m %H %l %v %a %o %t %S %C %L %E %T %V %u %U "
        "%h %s %Y\n"
        "[Service]\nExecStart=/bin/echo %i\nEnvironment='A=%p' B=%%\n",
        {},
        "warm-room@a-b\\x20c.service");
    EXPECT_EQ(messages(unit.diagnostics), "");
    EXPECT_EQ(
        unit.settings.unit.description,
        "warm-room@a-b\\x20c.service warm-room@a-b\\x20c warm-room a-b\\x20c a/b c room /a/b c % "
        "0123456789abcdef0123456789abcdef kettle.example.org kettle 6.1.0 x86-64 debian /run "
        "/var/lib /var/cache "
        "/var/log /etc /tmp /var/tmp root 0 /root /bin/sh /etc/systemd/system");
    EXPECT_EQ(unit.settings.service.exec_start[0].argv[1], "a-b\\x20c");
    EXPECT_EQ(unit.settings.exec.environment.variables[1].second, "%");
}

TEST(Loader, SaysWhySpecifierHasNoValue) {
    const Unit unit = load_service("SyslogIdentifier=%c");
    ASSERT_EQ(unit.diagnostics.size(), 1U);
    EXPECT_NE(
        unit.diagnostics[0].message.find("paths of cgroups are no part of a unit file"),
        std::string::npos)
        << unit.diagnostics[0].message;
}

TEST(Loader, RefusesTextThatItCannotRead) {
    // A line that is lost may have confined: the unit isn't started without it.
    const Unit unit = load_service(std::string("Protect\0System=strict", 21));
    EXPECT_EQ(unit.load_state, LoadState::BadSetting);
    EXPECT_FALSE(unit.refusals.empty());
}

TEST(Loader, SurvivesManyAssignments) {
    std::string text = "[Service]\nExecStart=/bin/true\n";
    for (int i = 0; i < 100'000; ++i) {
        text += i % 5 == 0 ? "Environment=V" + std::to_string(i) + "=x\n" : "Nice=5\n";
    }
    const Unit unit = load_text(text);
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    EXPECT_EQ(unit.settings.exec.environment.variables.size(), 20'000U);
}

TEST(Loader, BoundsWhatItSaysAboutRubbish) {
    std::string text = "[Service]\nExecStart=/bin/true\n";
    for (int i = 0; i < 5'000; ++i) {
        text += "Key" + std::to_string(i) + "=x\n";
    }
    const Unit unit = load_text(text);
    EXPECT_EQ(unit.diagnostics.size(), 1001U);
    EXPECT_EQ(unit.diagnostics.back().message, "4000 more messages left out");
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
}

TEST(Loader, ResolvesSharesOfTheMachine) {
    LoadContext context = test_context();
    context.memory_bytes = 1'000'000'000;
    context.tasks_maximum = 4096;
    const Unit unit = load_text(
        "[Service]\nExecStart=/bin/true\nMemoryMax=10%\nTasksMax=50%\n",
        {},
        "heat.service",
        context);
    EXPECT_EQ(unit.settings.resources.memory_max.bytes, 100'000'000U);
    EXPECT_EQ(unit.settings.resources.memory_max.permyriad, 1000U);
    EXPECT_EQ(unit.settings.resources.tasks_max.count, 2048U);
    EXPECT_EQ(load_service("MemoryMax=10%").settings.resources.memory_max.bytes, std::nullopt);
}

TEST(Loader, TimeoutsOfZeroAreNone) {
    Unit unit = load_service("TimeoutSec=0");
    EXPECT_EQ(unit.settings.service.timeout_start, Timespan::never());
    EXPECT_EQ(unit.settings.service.timeout_stop, Timespan::never());
    unit = load_service("TimeoutSec=20\nTimeoutStopSec=5");
    EXPECT_EQ(unit.settings.service.timeout_start, Timespan::seconds(20));
    EXPECT_EQ(unit.settings.service.timeout_stop, Timespan::seconds(5));
    EXPECT_EQ(unit.origin_of("TimeoutStartSec").line, 3U);
}

TEST(Loader, OldNamesMeanTheNewOnes) {
    const Unit unit =
        load_service("ReadOnlyDirectories=/srv\nStartLimitInterval=3s\nStartLimitBurst=7");
    EXPECT_EQ(unit.settings.sandbox.read_only_paths.size(), 1U);
    EXPECT_EQ(unit.settings.unit.start_limit_interval, Timespan::seconds(3));
    EXPECT_EQ(unit.settings.unit.start_limit_burst, 7U);
    EXPECT_EQ(unit.origin_of("ReadOnlyPaths").line, 3U);
}

TEST(Loader, AServiceThatOnlyStopsIsOneshotByItself) {
    const Unit unit = load_text("[Service]\nExecStop=/bin/true\nRemainAfterExit=yes\n");
    EXPECT_EQ(unit.settings.service.type, ServiceType::Oneshot);
    EXPECT_EQ(unit.load_state, LoadState::Loaded) << messages(unit.refusals);
}

}  // namespace hearth
