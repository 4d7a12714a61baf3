// SPDX-License-Identifier: MIT
#include "supervisor/unit_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/support/scratch_directory.hpp"

namespace hearth {
namespace {

class UnitStoreTest : public ::testing::Test {
protected:
    UnitStoreTest() {
        disk.directory("etc");
        disk.directory("run");
        disk.directory("lib");
    }
    [[nodiscard]] std::string fragment(const std::string& name) const {
        const auto file = store.fragment(name);
        if (!file) {
            return "error: " + file.error().what;
        }
        return !*file ? "none" : (*file)->masked ? "masked" : (*file)->text;
    }
    [[nodiscard]] std::string drop_ins(const std::string& name) const {
        const auto files = store.drop_ins(name);
        if (!files) {
            return "error: " + files.error().what;
        }
        std::string texts;
        for (const UnitSource::File& file : *files) {
            texts += (texts.empty() ? "" : " ") + file.text;
        }
        return texts;
    }
    [[nodiscard]] Unit load(const std::string& name) const { return load_unit(name, store, {}); }

    testing_support::ScratchDirectory disk;
    UnitStore store{{disk.path("etc"), disk.path("run"), disk.path("missing"), disk.path("lib")}};
};

constexpr const char* service = "[Service]\nExecStart=/bin/true\n";

TEST_F(UnitStoreTest, TakesTheFirstFragmentAlongThePath) {
    disk.file("lib/a.service", "lib");
    EXPECT_EQ(fragment("a.service"), "lib");
    disk.file("run/a.service", "run");
    EXPECT_EQ(fragment("a.service"), "run");
    disk.file("etc/a.service", "etc");
    EXPECT_EQ(fragment("a.service"), "etc");
    EXPECT_EQ(fragment("b.service"), "none");
}

TEST_F(UnitStoreTest, ReadsAnInstanceFromItsTemplate) {
    disk.file("etc/a@.service", "template");
    EXPECT_EQ(fragment("a@x.service"), "template");
    EXPECT_EQ(fragment("a@.service"), "template");
    EXPECT_EQ(fragment("a.service"), "none");
    disk.file("lib/a@x.service", "instance");  // nearer, though further down the path
    EXPECT_EQ(fragment("a@x.service"), "instance");
    EXPECT_EQ(fragment("a@y.service"), "template");
}

TEST_F(UnitStoreTest, KnowsAMaskInEachOfItsForms) {
    disk.file("lib/a.service", "lib");
    disk.link("/dev/null", "etc/a.service");
    EXPECT_EQ(fragment("a.service"), "masked");
    disk.file("lib/b.service", "lib");
    disk.file("run/b.service", "");
    EXPECT_EQ(fragment("b.service"), "masked");
    disk.link("a.service", "etc/c.service");  // by way of another link
    EXPECT_EQ(fragment("c.service"), "masked");
    EXPECT_EQ(load("a.service").load_state, LoadState::Masked);
}

TEST_F(UnitStoreTest, PassesOverDirectoriesAndDanglingLinks) {
    disk.directory("etc/a.service");
    disk.link("/nowhere/at/all", "run/a.service");
    disk.file("lib/a.service", "lib");
    EXPECT_EQ(fragment("a.service"), "lib");
}

TEST_F(UnitStoreTest, NamesWhatCanNotBeRead) {
    ASSERT_EQ(::mkfifo(disk.path("etc/a.service").c_str(), 0600), 0);
    EXPECT_EQ(
        fragment("a.service"), "error: " + disk.path("etc/a.service") + ": not a regular file");
    disk.link("b.service", "etc/b.service");
    EXPECT_NE(fragment("b.service").find("Too many levels of symbolic links"), std::string::npos);
    if (::geteuid() != 0) {
        disk.file("etc/c.service", "secret");
        ASSERT_EQ(::chmod(disk.path("etc/c.service").c_str(), 0), 0);
        EXPECT_NE(fragment("c.service").find("Permission denied"), std::string::npos);
    }
    const Unit unit = load("a.service");
    EXPECT_EQ(unit.load_state, LoadState::Error);
    EXPECT_FALSE(unit.refusals.empty());
}

TEST_F(UnitStoreTest, KnowsAliasesByTheUnitsOwnName) {
    disk.file("lib/real.service", service);
    disk.link("real.service", "lib/alias.service");
    disk.link(disk.path("lib/real.service"), "etc/other.service");
    disk.link("../etc/other.service", "run/chain.service");
    disk.file("lib/other.service.d/a.conf", "[Unit]\nDescription=by an alias\n");
    for (const char* name : {"alias.service", "other.service", "chain.service", "real.service"}) {
        const Unit unit = load(name);
        EXPECT_EQ(unit.load_state, LoadState::Loaded) << name;
        EXPECT_EQ(unit.name, "real.service");
        EXPECT_EQ(
            unit.aliases,
            (std::vector<std::string>{"alias.service", "chain.service", "other.service"}));
        EXPECT_EQ(unit.settings.unit.description, "by an alias") << name;
    }
}

TEST_F(UnitStoreTest, KnowsAliasesOfTemplates) {
    disk.file("lib/real@.service", service);
    disk.link("real@.service", "etc/alias@.service");
    disk.link("../lib/real@.service", "etc/one@x.service");
    EXPECT_EQ(load("alias@y.service").name, "real@y.service");
    EXPECT_EQ(load("one@x.service").name, "real@x.service");
    disk.link("real@.service", "lib/real@z.service");
    EXPECT_EQ(load("real@z.service").name, "real@z.service");
}

TEST_F(UnitStoreTest, ReadsLinkedDependencies) {
    disk.file("lib/a.service", service);
    disk.link("a.service", "etc/alias.service");
    disk.link("/lib/b.service", "etc/a.service.wants/b.service");
    disk.link("/lib/c.service", "lib/a.service.requires/c.service");
    disk.link("/lib/d.service", "run/alias.service.upholds/d.service");
    disk.link("/lib/e.service", "lib/a.service.wants/e.service");
    disk.link("/dev/null", "etc/a.service.wants/e.service");  // masks the one in lib
    EXPECT_EQ(
        store.links("a.service"),
        (LinkedDependencies{{"b.service"}, {"c.service"}, {"d.service"}}));
    const Unit unit = load("a.service");
    EXPECT_TRUE(std::ranges::count(
        unit.dependencies,
        Dependency{Relation::Requires, "c.service", DependencySource::Directory}));
}

TEST_F(UnitStoreTest, KnowsWhatTheKernelHas) {
    EXPECT_TRUE(store.is_present("dev-null.device"));
    EXPECT_FALSE(store.is_present("dev-nothing\\x2dat\\x2dall.device"));
    EXPECT_TRUE(store.is_present("proc.mount"));
    EXPECT_FALSE(store.is_present("no-such-place.mount"));
    EXPECT_EQ(load("dev-null.device").load_state, LoadState::Loaded);
    EXPECT_EQ(load("no-such-place.mount").load_state, LoadState::NotFound);
    EXPECT_EQ(load("any-where.slice").load_state, LoadState::Loaded);
}

TEST_F(UnitStoreTest, FollowsLinksThatAreNoAlias) {
    disk.file("elsewhere/a.service", "linked");
    disk.link(disk.path("elsewhere/a.service"), "etc/a.service");
    EXPECT_EQ(fragment("a.service"), "linked");
    disk.file("lib/b.service", "same name");
    disk.link(disk.path("lib/b.service"), "etc/b.service");
    EXPECT_EQ(fragment("b.service"), "same name");
    disk.file("lib/c@.service", "template");
    disk.link("c@.service", "lib/c@x.service");
    EXPECT_EQ(fragment("c@x.service"), "template");
}

TEST_F(UnitStoreTest, MergesDropInsByFileName) {
    disk.file("lib/a.service.d/20-x.conf", "lib20");
    disk.file("etc/a.service.d/30-x.conf", "etc30");
    disk.file("run/a.service.d/10-x.conf", "run10");
    disk.file("run/a.service.d/20-x.conf", "run20");
    disk.file("run/a.service.d/readme.txt", "no");
    disk.file("run/a.service.d/.conf", "no");
    disk.directory("run/a.service.d/40-x.conf");
    EXPECT_EQ(drop_ins("a.service"), "run10 run20 etc30");
    disk.link("/dev/null", "etc/a.service.d/20-x.conf");  // masks both
    EXPECT_EQ(drop_ins("a.service"), "run10 etc30");
}

TEST_F(UnitStoreTest, PrefersTheNearerFolderOfDropIns) {
    disk.file("etc/service.d/x.conf", "type");
    EXPECT_EQ(drop_ins("foo-bar@baz.service"), "type");
    disk.file("etc/foo-.service.d/x.conf", "prefix");
    EXPECT_EQ(drop_ins("foo-bar@baz.service"), "prefix");
    EXPECT_EQ(drop_ins("foo-bar-qux.service"), "prefix");
    disk.file("lib/foo-bar-.service.d/x.conf", "longer");
    EXPECT_EQ(drop_ins("foo-bar-qux.service"), "longer");
    disk.file("lib/foo-bar@.service.d/x.conf", "template");
    EXPECT_EQ(drop_ins("foo-bar@baz.service"), "template");
    disk.file("lib/foo-bar@baz.service.d/x.conf", "instance");
    EXPECT_EQ(drop_ins("foo-bar@baz.service"), "instance");
    EXPECT_EQ(drop_ins("foo-bar@other.service"), "template");
    EXPECT_EQ(drop_ins("plain.service"), "type");
    disk.file("etc/service.d/y.conf", "y");
    EXPECT_EQ(drop_ins("foo-bar@baz.service"), "instance y");
}

TEST_F(UnitStoreTest, AppliesDropInsOverTheFragment) {
    disk.file("lib/a.service", service);
    disk.file("etc/service.d/10-all.conf", "[Service]\nNice=3\nUMask=0027\n");
    disk.file("run/a.service.d/20-own.conf", "[Service]\nNice=7\n");
    const Unit unit = load("a.service");
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    EXPECT_EQ(unit.settings.exec.nice, 7);
    EXPECT_EQ(unit.settings.exec.umask.bits, 0027U);
    EXPECT_EQ(unit.origin_of("Nice").file, disk.path("run/a.service.d/20-own.conf"));
}

TEST_F(UnitStoreTest, WantsAReloadWhereAnythingElseWouldBeRead) {
    struct Case {
        const char* what;
        void (*change)(const testing_support::ScratchDirectory&);
        bool needed;
    };
    const auto cases = std::to_array<Case>({
        {"nothing", [](const auto&) {}, false},
        {"a changed fragment",
         [](const auto& at) { at.file("lib/a.service", std::string(service) + "Nice=1\n"); },
         true},
        {"a fragment that is gone", [](const auto& at) { at.remove("lib/a.service"); }, true},
        {"a fragment before it", [](const auto& at) { at.file("etc/a.service", service); }, true},
        {"a mask before it", [](const auto& at) { at.link("/dev/null", "etc/a.service"); }, true},
        {"a fragment behind it", [](const auto& at) { at.file("zzz/a.service", service); }, false},
        {"a changed drop-in",
         [](const auto& at) { at.file("run/a.service.d/x.conf", "[Service]\nNice=11\n"); },
         true},
        {"a drop-in that is gone", [](const auto& at) { at.remove("run/a.service.d"); }, true},
        {"a new drop-in",
         [](const auto& at) { at.file("etc/a.service.d/y.conf", "[Service]\n"); },
         true},
        {"a new drop-in of the type",
         [](const auto& at) { at.file("etc/service.d/y.conf", "[Service]\n"); },
         true},
        {"a masked drop-in",
         [](const auto& at) { at.link("/dev/null", "etc/a.service.d/x.conf"); },
         true},
        {"a new mask of nothing",
         [](const auto& at) { at.file("etc/a.service.d/y.conf", ""); },
         false},
        {"a directory like a drop-in",
         [](const auto& at) { at.directory("etc/a.service.d/y.conf"); },
         false},
        {"another unit", [](const auto& at) { at.file("etc/b.service", service); }, false},
    });
    for (const Case& test : cases) {
        SCOPED_TRACE(test.what);
        const testing_support::ScratchDirectory other;
        other.file("lib/a.service", service);
        other.file("run/a.service.d/x.conf", "[Service]\nNice=1\n");
        const UnitStore units(
            {other.path("etc"), other.path("run"), other.path("lib"), other.path("zzz")});
        const Unit unit = load_unit("a.service", units, {});
        ASSERT_EQ(unit.load_state, LoadState::Loaded);
        ASSERT_FALSE(units.need_reload(unit));
        test.change(other);
        EXPECT_EQ(units.need_reload(unit), test.needed);
        (void)load_unit("a.service", units, {});
    }
}

// A file that two units share was remembered once: reading it for one hid its change from the
// other.
TEST_F(UnitStoreTest, RemembersASharedFileForEachUnit) {
    disk.file("lib/a.service", service);
    disk.file("lib/b.service", service);
    disk.file("etc/service.d/all.conf", "[Service]\nNice=1\n");
    const Unit first = load("a.service");
    (void)load("b.service");
    disk.file("etc/service.d/all.conf", "[Service]\nNice=19\n");
    const Unit second = load("b.service");
    EXPECT_TRUE(store.need_reload(first));
    EXPECT_FALSE(store.need_reload(second));
}

TEST_F(UnitStoreTest, ABatchSeesOneMoment) {
    disk.file("etc/a.service", service);
    {
        const UnitStore::Batch batch(store);
        EXPECT_EQ(fragment("a.service"), service);
        disk.file("etc/b.service", service);
        disk.file("etc/a.service.d/x.conf", "late");
        EXPECT_EQ(fragment("b.service"), "none");
        EXPECT_EQ(drop_ins("a.service"), "");
    }
    EXPECT_EQ(fragment("b.service"), service);
    EXPECT_EQ(drop_ins("a.service"), "late");
    disk.file("etc/a.service.d/y.conf", "later");  // changes the folder, not its parent
    EXPECT_EQ(drop_ins("a.service"), "late later");
    disk.remove("etc/a.service.d");
    EXPECT_EQ(drop_ins("a.service"), "");
}

TEST_F(UnitStoreTest, WantsAReloadWhenAMaskIsLifted) {
    disk.link("/dev/null", "etc/a.service");
    const Unit unit = load("a.service");
    EXPECT_FALSE(store.need_reload(unit));
    disk.remove("etc/a.service");
    EXPECT_TRUE(store.need_reload(unit));
    disk.file("etc/a.service", service);
    EXPECT_TRUE(store.need_reload(unit));
    EXPECT_FALSE(store.need_reload(load("missing.service")));
}

TEST_F(UnitStoreTest, ListsEachFileOnceAndNoDirectory) {
    disk.file("lib/b.service", "lib");
    disk.file("etc/b.service", "etc");
    disk.file("run/a.service", "run");
    disk.file("lib/readme", "no");
    disk.directory("lib/c.service");
    disk.directory("lib/b.service.d");
    EXPECT_EQ(
        store.files(),
        (std::vector<std::string>{disk.path("run/a.service"), disk.path("etc/b.service")}));
}

}  // namespace
}  // namespace hearth
