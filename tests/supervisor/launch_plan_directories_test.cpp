// SPDX-License-Identifier: MIT
//
// StateDirectory= and kin, credentials, dynamic users, keyrings: what the plan has of them.
#include <algorithm>

#include "supervisor/launch/dynamic_user.hpp"
#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

std::string variable(const Plan& plan, const std::string& name) {
    for (const std::string& each : plan.environment) {
        if (each.starts_with(name + "=")) {
            return each.substr(name.size() + 1);
        }
    }
    return "(unset)";
}

std::vector<std::string> described(const Plan& plan) {
    std::vector<std::string> lines;
    for (const Prepared& prepared : plan.preparations) {
        if (std::holds_alternative<MakeServiceDirectory>(prepared.preparation) ||
            std::holds_alternative<MakeCredentials>(prepared.preparation) ||
            std::holds_alternative<RemoveIpc>(prepared.preparation)) {
            lines.push_back(describe(prepared.preparation));
        }
    }
    return lines;
}

using Lines = std::vector<std::string>;

TEST(PlanDirectories, AreMadeForTheUsersAccountAndTold) {
    const Plan plan = planned(service(
        "User=heat\nStateDirectory=a/b c:link\nStateDirectoryMode=0700\nRuntimeDirectory=r\n"
        "ConfigurationDirectory=conf"));
    EXPECT_EQ(
        described(plan),
        (Lines{
            "make-service-directory /run/r 0755 990:991, until it stops",
            "make-service-directory /var/lib/a/b 0700 990:991",
            "make-service-directory /var/lib/c 0700 990:991, link leads to it",
            "make-service-directory /etc/conf 0755 0:0"}));
    EXPECT_EQ(variable(plan, "STATE_DIRECTORY"), "/var/lib/a/b:/var/lib/c");
    EXPECT_EQ(variable(plan, "RUNTIME_DIRECTORY"), "/run/r");
    EXPECT_EQ(variable(plan, "CONFIGURATION_DIRECTORY"), "/etc/conf");
    EXPECT_EQ(variable(plan, "CACHE_DIRECTORY"), "(unset)");
    EXPECT_TRUE(steps<NewNamespaces>(plan).empty()) << "they ask for no mounts";
}

TEST(PlanDirectories, ArePreparedForTheUnitsUserWhoeverTheCommandRunsAs) {
    Unit unit = service("User=heat\nStateDirectory=a");
    unit.settings.service.exec_start.front().full_privileges = true;
    const Plan plan = planned(unit);
    EXPECT_EQ(described(plan), (Lines{"make-service-directory /var/lib/a 0755 990:991"}));
    EXPECT_TRUE(steps<SetUser>(plan).empty());
}

TEST(PlanDirectories, AreNeverHearthdsOwn) {
    const auto lines = refused(service("RuntimeDirectory=hearth"));
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(lines.front().find(":3: RuntimeDirectory=hearth: hearthd itself"), std::string::npos)
        << lines.front();
}

TEST(PlanDirectories, SayHowLongTheRuntimeDirectoryLives) {
    const auto lifetime = [](const std::string& preserve) {
        const Plan plan =
            planned(service("RuntimeDirectory=r\nRuntimeDirectoryPreserve=" + preserve));
        return preparations<MakeServiceDirectory>(plan).front().lifetime;
    };
    EXPECT_EQ(lifetime("no"), MakeServiceDirectory::Lifetime::Activation);
    EXPECT_EQ(lifetime("restart"), MakeServiceDirectory::Lifetime::UntilStop);
    EXPECT_EQ(lifetime("yes"), MakeServiceDirectory::Lifetime::Unlimited);
}

TEST(PlanDirectories, StayWritableInAReadOnlySystem) {
    const auto lines = mount_lines(planned(service("ProtectSystem=strict\nStateDirectory=a")));
    EXPECT_NE(std::ranges::find(lines, "clone-tree bind:/var/lib/a of slot:state:a"), lines.end());
    const auto bind = std::ranges::find_if(lines, [](const std::string& line) {
        return line.starts_with("bind-mount tree:bind:/var/lib/a ");
    });
    ASSERT_NE(bind, lines.end());
    EXPECT_EQ(bind->find("ro"), std::string::npos) << *bind;
}

TEST(PlanDirectories, AreMountedIntoARootWithTheirLinks) {
    const Plan plan = planned(service("RootDirectory=/srv/root\nStateDirectory=a:b"));
    const auto links = steps<MakeSymlink>(plan);
    ASSERT_EQ(links.size(), 1U);
    EXPECT_EQ(links.front(), (MakeSymlink{"/var/lib/a", "/srv/root/var/lib/b"}));
    const auto binds = steps<BindMount>(plan);
    EXPECT_TRUE(std::ranges::any_of(
        binds, [](const BindMount& bind) { return bind.destination == "/srv/root/var/lib/a"; }));
}

TEST(PlanDirectories, AreThoseOfTheUserUnderAUsersManager) {
    Host host = machine();
    host.bases = {
        "/run/user/7", "/home/u/state", "/home/u/cache", "/home/u/state/log", "/home/u/c"};
    host.user_manager = true;
    host.environment["HOME"] = "/home/u";
    const Plan plan =
        planned(service("StateDirectory=a\nLogsDirectory=l\nSetCredential=x:y"), host);
    EXPECT_EQ(variable(plan, "STATE_DIRECTORY"), "/home/u/state/a");
    EXPECT_EQ(variable(plan, "LOGS_DIRECTORY"), "/home/u/state/log/l");
    EXPECT_EQ(variable(plan, "CREDENTIALS_DIRECTORY"), "/run/user/7/credentials/test.service");
    EXPECT_EQ(steps<ChangeDirectory>(plan).front().path, "/home/u");
}

TEST(PlanDynamicUser, GetsANumberAndWhatItImplies) {
    const Unit unit =
        load("warm.service", "[Service]\nExecStart=/bin/true\nDynamicUser=yes\nStateDirectory=a\n");
    Invocation invocation;
    invocation.dynamic_uid = 61500;
    const Plan plan = planned(unit, machine(), invocation);
    EXPECT_EQ(steps<SetUser>(plan), (std::vector<SetUser>{{61500}}));
    EXPECT_EQ(steps<SetGroups>(plan), (std::vector<SetGroups>{{61500, {61500}}}));
    EXPECT_EQ(variable(plan, "USER"), "warm");
    EXPECT_EQ(variable(plan, "HOME"), "(unset)");
    EXPECT_EQ(
        described(plan),
        (Lines{
            "make-service-directory /var/lib/private/a 0755 61500:61500",
            "remove-ipc-at-the-end 61500:61500"}));
    EXPECT_EQ(preparations<MakePrivateTmp>(plan).size(), 2U);
    EXPECT_EQ(steps<NoNewPrivileges>(plan).size(), 1U);
    EXPECT_EQ(steps<LoadSeccomp>(plan).size(), 1U) << "RestrictSUIDSGID=";
    const SandboxSettings& sandbox = unit.settings.sandbox;
    EXPECT_EQ(sandbox.protect_system, ProtectSystem::Strict);
    EXPECT_EQ(sandbox.protect_home, ProtectHome::ReadOnly);
    EXPECT_EQ(unit.origin_of("PrivateTmp").line, 3U);
}

TEST(PlanDynamicUser, CannotLoosenWhatIsImpliedButCanTightenIt) {
    const Unit unit = service(
        "DynamicUser=yes\nPrivateTmp=no\nProtectSystem=full\nNoNewPrivileges=no\nProtectHome="
        "tmpfs");
    EXPECT_TRUE(unit.settings.sandbox.private_tmp);
    EXPECT_TRUE(unit.settings.sandbox.no_new_privileges);
    EXPECT_EQ(unit.settings.sandbox.protect_system, ProtectSystem::Strict);
    EXPECT_EQ(unit.settings.sandbox.protect_home, ProtectHome::Tmpfs);
}

TEST(PlanDynamicUser, TakesAStaticUserOfTheName) {
    const Plan plan = planned(service("DynamicUser=yes\nUser=heat"));
    EXPECT_EQ(steps<SetUser>(plan), (std::vector<SetUser>{{990}}));
    const auto lines = refused(service("DynamicUser=yes\nUser=video"));
    ASSERT_FALSE(lines.empty());
    EXPECT_NE(lines.front().find("DynamicUser=yes: there is a group video"), std::string::npos);
}

TEST(PlanDynamicUser, SeesItsOwnPrivateDirectoriesAlone) {
    const auto lines = mount_lines(planned(service("DynamicUser=yes\nStateDirectory=a")));
    const auto has = [&](std::string_view start) {
        return std::ranges::any_of(
            lines, [&](const std::string& line) { return line.starts_with(start); });
    };
    EXPECT_TRUE(has("mount-file-system tmpfs on /var/lib/private "))
        << ::testing::PrintToString(lines);
    EXPECT_TRUE(has("bind-mount tree:bind:/var/lib/private/a on /var/lib/private/a"));
}

TEST(PlanDynamicUser, IsRefusedWithoutTheCapability) {
    Host host = machine();
    host.capabilities &= ~(std::uint64_t{1} << 7);
    const auto lines = refused(service("DynamicUser=yes"), host);
    EXPECT_TRUE(std::ranges::any_of(lines, [](const std::string& line) {
        return line.find("DynamicUser=yes can't be given here: hearthd lacks CAP_SETUID") !=
               std::string::npos;
    }));
}

TEST(DynamicUserName, ComesFromTheUnitOrItsHash) {
    Unit unit;
    unit.name = "warm.service";
    EXPECT_EQ(dynamic_user_name(unit), "warm");
    unit.name = "warm@1.service";
    EXPECT_TRUE(dynamic_user_name(unit).starts_with("_du"));
    EXPECT_EQ(dynamic_user_name(unit).size(), 19U);
    unit.settings.exec.user = "u";
    EXPECT_EQ(dynamic_user_name(unit), "u");
}

TEST(DynamicUserName, WalksThroughTheWholeRangeOnce) {
    std::vector<bool> seen(last_dynamic_uid - first_dynamic_uid + 1);
    for (std::uint32_t attempt = 0; attempt < seen.size(); ++attempt) {
        const std::uint32_t uid = dynamic_uid_candidate("warm", attempt);
        ASSERT_TRUE(is_dynamic_uid(uid));
        seen[uid - first_dynamic_uid] = true;
    }
    EXPECT_TRUE(std::ranges::all_of(seen, [](bool each) { return each; }));
}

TEST(PlanCredentials, NamePlacesAndNeverValues) {
    const Plan plan = planned(
        service("User=heat\nLoadCredential=a:/etc/a\nLoadCredential=b\nSetCredential=c:hunter2\n"
                "SetCredential=a:spare"));
    EXPECT_EQ(variable(plan, "CREDENTIALS_DIRECTORY"), "/run/credentials/test.service");
    EXPECT_EQ(print(plan).find("hunter2"), std::string::npos);
    const auto made = preparations<MakeCredentials>(plan);
    ASSERT_EQ(made.size(), 1U);
    EXPECT_EQ(made.front().owner, 990U);
    ASSERT_EQ(made.front().sources.size(), 2U);
    EXPECT_TRUE(made.front().sources[0].optional) << "SetCredential= stands in";
    EXPECT_EQ(
        made.front().sources[1].paths,
        (Lines{"/etc/credstore/b", "/run/credstore/b", "/usr/lib/credstore/b"}));
    EXPECT_EQ(made.front().literals.size(), 2U);
}

TEST(PlanCredentials, TellWhereTheyGetNoMount) {
    Host host = machine();
    host.capabilities &= ~(std::uint64_t{1} << 21);
    const Plan plan = planned(service("LoadCredential=a:/etc/a"), host);
    EXPECT_FALSE(preparations<MakeCredentials>(plan).front().mounted);
    ASSERT_EQ(plan.shortfalls.size(), 1U);
}

TEST(PlanCredentials, OfOthersAreOutOfSight) {
    Host host = machine();
    host.hides_credentials = true;
    const auto none = mount_lines(planned(service("PrivateMounts=yes"), host));
    EXPECT_NE(std::ranges::find(none, "hide-path /run/credentials, if it exists"), none.end())
        << ::testing::PrintToString(none);
    const auto own = mount_lines(planned(service("PrivateMounts=yes\nSetCredential=a:b"), host));
    EXPECT_TRUE(std::ranges::any_of(own, [](const std::string& line) {
        return line.starts_with("mount-file-system tmpfs on /run/credentials ");
    })) << ::testing::PrintToString(own);
    EXPECT_TRUE(std::ranges::any_of(own, [](const std::string& line) {
        return line.starts_with("bind-mount tree:bind:/run/credentials/test.service on ") &&
               line.find("ro") != std::string::npos;
    }));
}

TEST(PlanCredentials, EncryptedOnesAreRefusedByName) {
    for (const char* const name :
         {"LoadCredentialEncrypted", "SetCredentialEncrypted", "PAMName"}) {
        const auto lines = refused(service(std::string(name) + "=a:b"));
        ASSERT_FALSE(lines.empty()) << name;
        EXPECT_NE(lines.front().find(name), std::string::npos);
    }
}

TEST(PlanKeyring, IsPrivateUnlessAskedOtherwise) {
    EXPECT_EQ(steps<NewSessionKeyring>(planned(service(""))).size(), 1U);
    EXPECT_TRUE(steps<NewSessionKeyring>(planned(service("KeyringMode=inherit"))).empty());
    const Plan shared = planned(service("User=heat\nKeyringMode=shared"));
    EXPECT_EQ(steps<NewSessionKeyring>(shared).size(), 1U);
    const auto position = [&](auto* kind) {
        using Kind = std::remove_pointer_t<decltype(kind)>;
        return std::ranges::find_if(
                   shared.steps,
                   [](const Step& step) { return std::holds_alternative<Kind>(step.action); }) -
               shared.steps.begin();
    };
    EXPECT_LT(
        position(static_cast<SetUser*>(nullptr)), position(static_cast<LinkUserKeyring*>(nullptr)));
}

TEST(PlanEnvironment, LoginVariablesAndSearchPath) {
    const Plan plain = planned(service("User=heat"));
    EXPECT_EQ(variable(plain, "HOME"), "/var/lib/heat");
    EXPECT_EQ(variable(planned(service("User=heat\nSetLoginEnvironment=no")), "HOME"), "(unset)");
    EXPECT_EQ(variable(planned(service("SetLoginEnvironment=yes")), "HOME"), "/root");
    EXPECT_EQ(variable(planned(service("")), "HOME"), "(unset)");
    EXPECT_EQ(variable(planned(service("ExecSearchPath=/opt/a:/opt/b")), "PATH"), "/opt/a:/opt/b");
    EXPECT_EQ(
        variable(planned(service("ExecSearchPath=/opt/a\nEnvironment=PATH=/x")), "PATH"), "/x");
}

TEST(PlanIpc, IsRemovedForAnOwnerWhoIsNotRoot) {
    EXPECT_TRUE(described(planned(service("RemoveIPC=yes"))).empty());
    EXPECT_TRUE(described(planned(service("RemoveIPC=yes\nUser=root"))).empty());
    EXPECT_EQ(
        described(planned(service("RemoveIPC=yes\nUser=heat"))),
        (Lines{"remove-ipc-at-the-end 990:991"}));
}

}  // namespace
}  // namespace hearth::launch::testing
