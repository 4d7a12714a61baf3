// SPDX-License-Identifier: MIT
//
// Conditions: how they are read, and what they say of a host whose facts are written by hand.
#include "units/conditions.hpp"

#include <gtest/gtest.h>

#include "units/condition_parts.hpp"

namespace hearth {

namespace {

ConditionFacts kettle() {
    ConditionFacts facts;
    facts.architecture = "x86-64";
    facts.virtualization = "docker";
    facts.is_container = true;
    facts.host_name = "kettle.example.org";
    facts.machine_id = "0123456789abcdef0123456789abcdef";
    facts.kernel_release = "6.1.0-42-amd64";
    facts.kernel_command_line = "root=/dev/vda quiet console=ttyS0";
    facts.security = {"apparmor"};
    facts.bounding_set = 1U << 21U;
    facts.os_release = {{"ID", "debian"}, {"VERSION_ID", "12"}};
    facts.memory_bytes = std::uint64_t{4} << 30U;
    facts.cpus = 4;
    facts.cpu_features = {"avx2"};
    facts.environment = {{"A", "1"}};
    facts.controllers = {"cpu", "memory", "v2"};
    facts.user_name = "root";
    facts.groups = {"0", "root", "adm"};
    facts.paths["/file"] = {.exists = true, .writable = true, .not_empty = true};
    facts.paths["/dir"] = {
        .exists = true, .directory = true, .mount_point = true, .not_empty = true};
    facts.paths["/run.sh"] = {.exists = true, .not_empty = true, .executable = true};
    facts.globs["/etc/heat*"] = true;
    facts.needs_update["/etc"] = true;
    facts.pressure["memory"].some = {{"10sec", 2000}, {"1min", 1000}, {"5min", 500}};
    facts.smbios["board_name"] = "Custom Board";
    return facts;
}

Condition condition(ConditionType type, const std::string& text) {
    return read_condition(type, text, {}).value();
}

TEST(Conditions, SayWhatIsSoOfThisHost) {
    struct Case {
        ConditionType type;
        const char* text;
        bool holds;
    };
    using enum ConditionType;
    const ConditionFacts facts = kettle();
    for (const Case& each : std::initializer_list<Case>{
             {PathExists, "/file", true},
             {PathExists, "/none", false},
             {PathExists, "!/none", true},
             {PathIsDirectory, "/dir", true},
             {PathIsDirectory, "/file", false},
             {PathIsMountPoint, "/dir", true},
             {PathIsReadWrite, "/file", true},
             {PathIsSymbolicLink, "/file", false},
             {DirectoryNotEmpty, "/dir", true},
             {DirectoryNotEmpty, "/file", false},
             {FileNotEmpty, "/file", true},
             {FileNotEmpty, "/dir", false},
             {FileIsExecutable, "/run.sh", true},
             {FileIsExecutable, "/file", false},
             {PathExistsGlob, "/etc/heat*", true},
             {NeedsUpdate, "/etc", true},
             {NeedsUpdate, "/var", false},
             {Architecture, "x86-64", true},
             {Architecture, "native", true},
             {Architecture, "arm64", false},
             {Virtualization, "yes", true},
             {Virtualization, "no", false},
             {Virtualization, "container", true},
             {Virtualization, "vm", false},
             {Virtualization, "docker", true},
             {Virtualization, "private-users", false},
             {Host, "kettle.*", true},
             {Host, "KETTLE.example.org", true},
             {Host, "0123456789abcdef0123456789abcdef", true},
             {Host, "pot", false},
             {KernelCommandLine, "quiet", true},
             {KernelCommandLine, "root", true},
             {KernelCommandLine, "console=ttyS0", true},
             {KernelCommandLine, "console=tty", false},
             {KernelVersion, ">= 5.14", true},
             {KernelVersion, ">=5.14 <6.1", false},
             {KernelVersion, "6.1.*", true},
             {KernelVersion, "<6", false},
             {Security, "apparmor", true},
             {Security, "selinux", false},
             {Capability, "CAP_SYS_ADMIN", true},
             {Capability, "CAP_CHOWN", false},
             {AcPower, "true", true},
             {AcPower, "maybe", false},
             {FirstBoot, "no", true},
             {FirstBoot, "yes", false},
             {OsRelease, "ID=debian", true},
             {OsRelease, "ID=debian VERSION_ID>=12", true},
             {OsRelease, "VERSION_ID<12", false},
             {OsRelease, "ID!=debian", false},
             {Memory, "> 1G", true},
             {Memory, "< 1G", false},
             {Cpus, ">= 4", true},
             {Cpus, "4", true},
             {Cpus, "!=4", false},
             {CpuFeature, "avx2", true},
             {Environment, "A", true},
             {Environment, "A=1", true},
             {Environment, "A=2", false},
             {ControlGroupController, "cpu memory", true},
             {ControlGroupController, "cpu io", false},
             {ControlGroupController, "v2", true},
             {ControlGroupController, "v1", false},
             {User, "root", true},
             {User, "0", true},
             {User, "@system", true},
             {User, "www-data", false},
             {Group, "adm", true},
             {Group, "@system", true},
             {Group, "wheel", false},
             {MemoryPressure, "5%", true},
             {MemoryPressure, "4%", false},
             {MemoryPressure, "15%/10sec", false},
             {MemoryPressure, "20%/10sec", true},
             {CpuPressure, "1%", true},
             {Credential, "secret", false},
             {Firmware, "uefi", false},
             {Firmware, "smbios-field(board_name=Custom*)", true},
             {Firmware, "smbios-field(board_name = Other)", false},
         }) {
        EXPECT_EQ(holds(condition(each.type, each.text), facts), each.holds)
            << name(each.type) << "=" << each.text;
    }
}

TEST(Conditions, AllMustHoldAndOneOfThoseWithABar) {
    using enum ConditionType;
    const ConditionFacts facts = kettle();
    const auto verdict = [&](std::initializer_list<const char*> texts) {
        std::vector<Condition> list;
        for (const char* const each : texts) {
            list.push_back(condition(PathExists, each));
        }
        return judge_conditions(list, facts);
    };
    EXPECT_TRUE(verdict({}).met);
    EXPECT_TRUE(verdict({"/file", "|/none", "|/dir"}).met);
    const Verdict none = verdict({"|/none", "|!/file"});
    EXPECT_FALSE(none.met);
    EXPECT_EQ(describe(*none.failed, false), "ConditionPathExists=|/none");
    const Verdict early = verdict({"/none", "/file"});
    EXPECT_FALSE(early.met);
    EXPECT_EQ(early.results, (std::vector<int>{-1, 0}));
    EXPECT_EQ(describe(*early.failed, true), "AssertPathExists=/none");
}

TEST(Conditions, SayWhatMustBeLookedAt) {
    using enum ConditionType;
    const ConditionNeeds needed = needs(
        {condition(PathExists, "!/a"),
         condition(PathExistsGlob, "/b*"),
         condition(NeedsUpdate, "/etc"),
         condition(IoPressure, "heat.slice:10%/1min"),
         condition(Host, "kettle")});
    EXPECT_EQ(needed, (ConditionNeeds{{"/a"}, {"/b*"}, {"/etc"}, {"io:heat.slice"}}));
}

TEST(Conditions, AreRefusedWhereTheTextMakesNoTest) {
    EXPECT_FALSE(read_condition(ConditionType::PathExists, "relative", {}));
    EXPECT_FALSE(read_condition(ConditionType::User, "|!", {}));
    EXPECT_EQ(read_condition(ConditionType::PathExists, "| ! /a//b/", {})->parameter, "/a/b");
}

TEST(Conditions, CompareVersionsAsDistributionsDo) {
    EXPECT_LT(compare_versions("5.9", "5.14"), 0);
    EXPECT_GT(compare_versions("6.1.0-42", "6.1"), 0);
    EXPECT_LT(compare_versions("1.0~rc1", "1.0"), 0);
    EXPECT_EQ(compare_versions("1.05", "1.5"), 0);
    EXPECT_TRUE(glob_matches("a*b?[x-z]", "aQQbQy"));
    EXPECT_FALSE(glob_matches("a*b?[!x-z]", "aQQbQy"));
    EXPECT_TRUE(glob_matches("**", ""));
    EXPECT_FALSE(glob_matches("a", ""));
}

}  // namespace

}  // namespace hearth
