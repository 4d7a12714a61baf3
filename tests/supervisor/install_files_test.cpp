// SPDX-License-Identifier: MIT
//
// The directories of enable as they are read and changed: roots that links don't lead out of, what
// is remembered, errors that say what to do.
#include "supervisor/unit_files/install_files.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "supervisor/unit_files/load_context.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
using testing_support::ScratchDirectory;
using Role = UnitDirectory::Role;

constexpr const char* installed =
    "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";

class InstallFilesTest : public ::testing::Test {
protected:
    [[nodiscard]] InstallFiles files() const {
        return {unit_directories(offline_unit_path(), "/run/hearth"), LoadContext{}, root.path()};
    }
    Result<void, RequestError> change(const UnitFileRequest& request) const {
        const InstallFiles own = files();
        return own.carry_out(plan_unit_files(own.read(request.names), request).changes);
    }
    [[nodiscard]] std::string target(const std::string& path) const {
        std::error_code none;
        const fs::path there = fs::read_symlink(root.path(path), none);
        return none ? std::string() : there.string();
    }

    ScratchDirectory root;
};

TEST_F(InstallFilesTest, ReadsUnitsDropInsAndLinks) {
    root.file("usr/lib/systemd/system/a.service", installed);
    root.file("usr/lib/systemd/system/a.service.d/x.conf", "[Install]\nAlias=b.service\n");
    root.file("usr/lib/systemd/system/empty.service", "");
    root.file("usr/lib/systemd/system/README", "no unit");
    root.link("/srv/far.service", "etc/systemd/system/far.service");
    root.file("srv/far.service", installed);
    const InstallView view = files().read();
    EXPECT_EQ(
        view.install.at("/usr/lib/systemd/system/a.service"),
        (std::vector<InstallLine>{{"WantedBy", "multi-user.target"}}));
    EXPECT_EQ(
        view.install.at("/usr/lib/systemd/system/a.service.d/x.conf"),
        (std::vector<InstallLine>{{"Alias", "b.service"}}));
    EXPECT_EQ(
        view.entries.at("/usr/lib/systemd/system/empty.service").kind, InstallEntry::Kind::Null);
    EXPECT_FALSE(view.entries.contains("/usr/lib/systemd/system/README"));
    EXPECT_EQ(view.entries.at("/etc/systemd/system/far.service").target, "/srv/far.service");
    EXPECT_TRUE(view.install.contains("/srv/far.service"));
}

TEST_F(InstallFilesTest, SeesThatAFileHasChanged) {
    root.file("usr/lib/systemd/system/a.service", installed);
    const InstallFiles own = files();
    EXPECT_EQ(enabled_state(own.read(), "a.service").value_or(""), "disabled");
    root.file("usr/lib/systemd/system/a.service", "[Service]\nExecStart=/bin/true\n");
    EXPECT_EQ(enabled_state(own.read(), "a.service").value_or(""), "static");
    root.file("usr/lib/systemd/system/a.service", "");
    EXPECT_EQ(enabled_state(own.read(), "a.service").value_or(""), "masked");
}

TEST_F(InstallFilesTest, LinksDoNotLeadOutOfTheRoot) {
    const ScratchDirectory outside;
    outside.file("a.service", installed);
    root.directory("usr/lib/systemd/system");
    // As the image sees it, the path of the directory outside is a path of its own.
    root.link(outside.path(), "etc/systemd/system");
    root.file(outside.path().substr(1) + "/b.service", installed);
    const InstallView view = files().read();
    EXPECT_FALSE(view.entries.contains("/etc/systemd/system/a.service"));
    EXPECT_TRUE(view.entries.contains("/etc/systemd/system/b.service"));
    const auto done = change({.verb = UnitFileVerb::Mask, .names = {"x.service"}});
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_FALSE(fs::is_symlink(outside.path("x.service")));
    EXPECT_EQ(target(outside.path().substr(1) + "/x.service"), "/dev/null");
    root.link(
        "../../../../../../../../.." + outside.path() + "/a.service",
        "usr/lib/systemd/system/up.service");
    EXPECT_FALSE(enabled_state(files().read(), "up.service"));  // there is no a.service within
}

TEST_F(InstallFilesTest, MakesReplacesAndRemovesLinks) {
    root.file("usr/lib/systemd/system/a.service", installed);
    root.link("/srv/other.service", "etc/systemd/system/multi-user.target.wants/a.service");
    ASSERT_TRUE(change({.verb = UnitFileVerb::Enable, .names = {"a.service"}}));
    const std::string wants = "etc/systemd/system/multi-user.target.wants";
    EXPECT_EQ(target(wants + "/a.service"), "/usr/lib/systemd/system/a.service");
    EXPECT_EQ(std::distance(fs::directory_iterator(root.path(wants)), {}), 1);  // nothing is left
    const InstallFiles own = files();
    const auto plan =
        plan_unit_files(own.read(), {.verb = UnitFileVerb::Disable, .names = {"a.service"}});
    fs::remove(root.path(wants + "/a.service"));  // by somebody else, meanwhile
    EXPECT_TRUE(own.carry_out(plan.changes));
    EXPECT_FALSE(fs::exists(root.path(wants)));
    EXPECT_TRUE(fs::exists(root.path("etc/systemd/system")));
}

TEST_F(InstallFilesTest, SaysWhatToDoWhereItCannot) {
    root.file("usr/lib/systemd/system/a.service", installed);
    root.file("etc/systemd", "no directory");
    const auto refused = change({.verb = UnitFileVerb::Enable, .names = {"a.service"}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(root.path("etc/systemd")), std::string::npos)
        << refused.error().message;
    EXPECT_NE(refused.error().message.find("move it away"), std::string::npos)
        << refused.error().message;
}

TEST_F(InstallFilesTest, TheFirstPresetFileOfANameCounts) {
    root.file("usr/lib/systemd/system-preset/10-a.preset", "disable a.service\n");
    root.file("etc/systemd/system-preset/10-a.preset", "enable a.service\n");
    root.file("usr/lib/systemd/system-preset/90-rest.preset", "disable *\n");
    root.file("etc/systemd/system-preset/notes.txt", "disable a.service\n");
    EXPECT_EQ(
        read_preset_files(offline_unit_path(), root.path()),
        (std::vector<PresetRule>{{true, "a.service", {}}, {false, "*", {}}}));
}

TEST(UnitDirectories, HaveTheirRoles) {
    const auto role = [](const std::vector<UnitDirectory>& all, const std::string& path) {
        const auto found = std::ranges::find(all, path, &UnitDirectory::path);
        return found == all.end() ? UnitDirectory{"none", Role::Vendor, false} : *found;
    };
    const auto system = unit_directories(offline_unit_path(), "/run/hearth");
    using Directory = UnitDirectory;
    for (const Directory& each :
         {Directory{"/etc/systemd/system", Role::Config, false},
          Directory{"/run/systemd/system", Role::Config, true},
          Directory{"/etc/systemd/system.control", Role::Control, false},
          Directory{"/run/systemd/transient", Role::Transient, true},
          Directory{"/run/systemd/generator.late", Role::Generator, true},
          Directory{"/etc/systemd/system.attached", Role::Attached, false},
          Directory{"/usr/lib/systemd/system", Role::Vendor, false}}) {
        EXPECT_EQ(role(system, each.path), each);
    }
    const auto own =
        unit_directories({"/run/x/units", "/run/h/system", "/run/systemd/system"}, "/run/h");
    EXPECT_EQ(own[0], (Directory{"/run/x/units", Role::Config, false}));
    EXPECT_EQ(own[1], (Directory{"/run/h/system", Role::Config, true}));
    EXPECT_EQ(own[2], (Directory{"/run/systemd/system", Role::Vendor, true}));
}

}  // namespace
}  // namespace hearth::test
