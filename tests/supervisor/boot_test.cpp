// SPDX-License-Identifier: MIT
//
// Generators: which run, what they are given, how long; and what of theirs, of fstab and of the
// kernel's command line ends where in the unit path.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "supervisor/boot/generators.hpp"
#include "supervisor/boot/unit_files.hpp"
#include "supervisor/sys/file.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::boot {
namespace {

class Generators : public ::testing::Test {
protected:
    void put(const std::string& path, const std::string& text, mode_t mode = 0755) const {
        const std::string whole = at(path);
        ASSERT_TRUE(sys::make_directories(whole.substr(0, whole.rfind('/')), 0755));
        ASSERT_TRUE(sys::replace_file(whole, text, mode));
    }
    [[nodiscard]] std::string at(const std::string& path) const {
        return scratch_.path() + "/" + path;
    }
    [[nodiscard]] std::string read(const std::string& path) const {
        return sys::read_file(at(path), 65536).value_or("(missing)");
    }
    [[nodiscard]] Asked asked() const {
        Asked asked;
        asked.places = {
            at("normal"), at("early"), at("late"), at("built-in"), at("fstab"), {at("generators")}};
        asked.virtualization = "vm:qemu";
        asked.architecture = "x86-64";
        return asked;
    }

private:
    testing_support::ScratchDirectory scratch_;
};

TEST_F(Generators, TheFirstDirectoryOfANameCounts) {
    put("a/one", "#!/bin/sh\n");
    put("b/one", "#!/bin/sh\n");
    put("b/two", "#!/bin/sh\n");
    put("a/masked", "");
    put("b/masked", "#!/bin/sh\n");
    put("b/no-program", "text", 0644);
    put("b/systemd-fstab-generator", "#!/bin/sh\n");
    ASSERT_TRUE(sys::symlink("/dev/null", at("a/gone")));
    put("b/gone", "#!/bin/sh\n");
    EXPECT_EQ(
        find_generators({at("a"), at("b"), at("c")}),
        (std::vector<std::string>{at("a/one"), at("b/two")}));
}

TEST_F(Generators, AreGivenThreeDirectoriesAndSystemdsVariables) {
    put("generators/g",
        "#!/bin/sh\n"
        "env | grep ^SYSTEMD_ | sort >\"$1/variables\"\necho $# >\"$2/words\"\n"
        "read line && echo $line >\"$3/input\" || echo nothing >\"$3/input\"\n");
    const Written written = write_unit_files(asked());
    EXPECT_TRUE(written.problems.empty()) << written.problems.front();
    EXPECT_EQ(
        read("normal/variables"),
        "SYSTEMD_ARCHITECTURE=x86-64\nSYSTEMD_FIRST_BOOT=0\nSYSTEMD_IN_INITRD=0\n"
        "SYSTEMD_SCOPE=system\nSYSTEMD_VIRTUALIZATION=vm:qemu\n");
    EXPECT_EQ(read("early/words"), "3\n");
    EXPECT_EQ(read("late/input"), "nothing\n");
}

TEST_F(Generators, WhatFailsOrHangsIsToldAndTheOthersRun) {
    put("a/fails", "#!/bin/sh\nexit 3\n");
    put("a/hangs", "#!/bin/sh\nsleep 1000 &\nwait\n");
    put("a/works", "#!/bin/sh\ntouch \"$1/works\"\n");
    put("normal/x", "");
    GeneratorRun run;
    run.arguments = {at("normal"), at("normal"), at("normal")};
    run.environment = {"PATH=/usr/bin:/bin"};
    run.time = std::chrono::milliseconds(1000);
    EXPECT_EQ(
        run_generators(find_generators({at("a")}), run),
        (std::vector<std::string>{
            "generator " + at("a/fails") + " exited with status 3",
            "generator " + at("a/hangs") + " took longer than 1 s and was killed"}));
    EXPECT_EQ(read("normal/works"), "");
}

TEST_F(Generators, OneThatFailsTakesNoUnitAway) {
    const auto generator = [&](const std::string& name, const std::string& body) {
        put("generators/" + name, "#!/bin/sh\n" + body);
    };
    generator("a", "echo first >\"$1/a.service\"\necho a >\"$3/late.service\"\n");
    generator(
        "b",
        "echo \"# $1/b.sh\" >\"$1/b.service\"\nmkdir \"$1/x.wants\"\n"
        "ln -s \"$1/b.service\" \"$1/x.wants/b.service\"\n");
    EXPECT_TRUE(write_unit_files(asked()).problems.empty());
    EXPECT_EQ(read("normal/a.service"), "first\n");
    // They are written elsewhere first, and name where they are now.
    EXPECT_EQ(read("normal/b.service"), "# " + at("normal/b.sh") + "\n");
    EXPECT_EQ(sys::readlink(at("normal/x.wants/b.service")).value_or(""), at("normal/b.service"));

    generator("a", "cat \"" + at("normal/b.service") + "\" >\"$1/a.service\"\n");
    generator("b", "echo half >\"$1/half.service\"\nexit 1\n");
    const Written failed = write_unit_files(asked());
    ASSERT_EQ(failed.problems.size(), 4U);
    EXPECT_EQ(failed.problems[0], "generator " + at("generators/b") + " exited with status 1");
    EXPECT_EQ(read("normal/a.service"), "# " + at("normal/b.sh") + "\n")
        << "what is in use stays in use while generators run";
    EXPECT_EQ(read("normal/b.service"), "# " + at("normal/b.sh") + "\n");
    EXPECT_EQ(sys::readlink(at("normal/x.wants/b.service")).value_or(""), at("normal/b.service"));
    EXPECT_EQ(read("late/late.service"), "a\n");

    generator("b", "");
    EXPECT_TRUE(write_unit_files(asked()).problems.empty());
    EXPECT_EQ(read("normal/b.service"), "(missing)");
    EXPECT_EQ(read("normal/half.service"), "(missing)");
    EXPECT_FALSE(sys::lstat(at("normal.new")));
}

TEST_F(Generators, WhatAKilledRunLeftIsNoHindrance) {
    put("normal/kept.service", "before\n");
    put("normal.new/half.service", "half\n");
    put("generators/a", "#!/bin/sh\ntest ! -e \"$1/half.service\" && echo now >\"$1/a.service\"\n");
    EXPECT_TRUE(write_unit_files(asked()).problems.empty());
    EXPECT_EQ(read("normal/a.service"), "now\n");
    EXPECT_EQ(read("normal/half.service"), "(missing)");
    EXPECT_EQ(read("normal/kept.service"), "(missing)");
}

TEST_F(Generators, EachWriterHasItsPlace) {
    put("fstab", "none /mnt/memory tmpfs defaults 0 0\n", 0644);
    put("normal/stale.service", "[Service]\n", 0644);
    Asked wanted = asked();
    wanted.kernel = parse_kernel_command_line(
        "console=ttyS7 systemd.mask=a.service systemd.wants=b.service", "cmdline");
    (void)write_unit_files(wanted);
    EXPECT_NE(read("normal/mnt-memory.mount").find("Where=/mnt/memory"), std::string::npos);
    EXPECT_EQ(read("normal/stale.service"), "(missing)");
    EXPECT_EQ(
        sys::readlink(at("normal/local-fs.target.requires/mnt-memory.mount")).value_or(""),
        "../mnt-memory.mount");
    EXPECT_EQ(
        sys::readlink(at("normal/getty.target.wants/serial-getty@ttyS7.service")).value_or(""),
        "../serial-getty@ttyS7.service");
    EXPECT_EQ(sys::readlink(at("early/a.service")).value_or(""), "/dev/null");
    EXPECT_TRUE(sys::lstat(at("early/default.target.wants/b.service")));
    EXPECT_NE(read("built-in/sysinit.target").find("Wants=local-fs.target"), std::string::npos);
    EXPECT_EQ(sys::readlink(at("built-in/default.target")).value_or(""), "multi-user.target");
}

}  // namespace
}  // namespace hearth::boot
