// SPDX-License-Identifier: MIT
//
// Images, layers, /proc, propagation and execution: what the report makes of a mount table.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/supervisor/report_support.hpp"

namespace hearth::report {
namespace {

constexpr const char* host_table =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda rw\n"
    "22 21 0:20 / /proc rw shared:2 - proc proc rw\n";

/// The row of `directive` for a service that asks `lines` and has `table`.
Row row_of(
    const std::string& directive,
    const std::string& lines,
    const std::string& table,
    const std::map<std::string, PathFact>& paths = {},
    const std::map<std::string, std::string>& images = {}) {
    const Question question = question_of(unit_of(lines));
    KernelView view = good_view();
    view.mountinfo = table;
    view.own_mountinfo = host_table;
    view.paths = paths;
    view.images = images;
    const std::vector<Row> rows = judge(question, view);
    const auto row = std::ranges::find(rows, directive, &Row::directive);
    if (row == rows.end()) {
        ADD_FAILURE() << "no row for " << directive;
        return {};
    }
    return *row;
}

std::string verdict(const Row& row) {
    return std::string(name(row.verdict));
}

TEST(ReportRoots, ProcHasTheOptionOrNot) {
    const auto of = [](const std::string& lines, const std::string& options) {
        const std::string directive = lines.substr(0, lines.find('='));
        return verdict(row_of(
            directive,
            lines,
            "31 1 8:1 / / rw - ext4 /dev/sda rw\n32 31 0:50 / /proc rw - proc proc rw" + options +
                "\n"));
    };
    EXPECT_EQ(of("ProtectProc=invisible\n", ",hidepid=invisible"), "verified");
    EXPECT_EQ(of("ProtectProc=invisible\n", ",hidepid=noaccess"), "MISMATCH");
    EXPECT_EQ(of("ProtectProc=invisible\n", ""), "MISMATCH");
    EXPECT_EQ(of("ProcSubset=pid\n", ",subset=pid"), "verified");
    EXPECT_EQ(of("ProcSubset=pid\n", ",hidepid=invisible"), "MISMATCH");
}

TEST(ReportRoots, PropagationIsWhatTheTableSays) {
    const auto of = [](const std::string& value, const std::string& root) {
        return verdict(row_of(
            "MountFlags",
            "MountFlags=" + value + "\nPrivateMounts=yes\n",
            "31 1 8:1 / / rw " + root + " - ext4 /dev/sda rw\n"));
    };
    EXPECT_EQ(of("slave", "master:1"), "verified");
    EXPECT_EQ(of("slave", ""), "MISMATCH");
    EXPECT_EQ(of("slave", "shared:7 master:1"), "MISMATCH");
    EXPECT_EQ(of("slave", "shared:1"), "MISMATCH");
    EXPECT_EQ(of("private", ""), "verified");
    EXPECT_EQ(of("private", "master:1"), "MISMATCH");
    EXPECT_EQ(of("shared", "shared:7 master:1"), "verified");
    EXPECT_EQ(of("shared", "master:1"), "MISMATCH");
}

TEST(ReportRoots, NoExecPathsAndWhatIsMountedBelowThem) {
    const std::string lines = "NoExecPaths=/srv\nExecPaths=/srv/bin\n";
    const std::map<std::string, PathFact> paths = {
        {"/srv", place("/srv", 32, true)}, {"/srv/bin", place("/srv/bin", 33, true)}};
    const auto of = [&](const char* directive, const char* srv, const char* bin, const char* more) {
        return verdict(row_of(
            directive,
            lines,
            std::string("31 1 8:1 / / rw - ext4 /dev/sda rw\n32 31 8:1 /srv /srv ") + srv +
                " - ext4 /dev/sda rw\n33 32 8:1 /srv/bin /srv/bin " + bin +
                " - ext4 /dev/sda rw\n34 32 0:60 / /srv/tmp " + more + " - tmpfs tmpfs rw\n",
            paths));
    };
    EXPECT_EQ(of("NoExecPaths", "rw,noexec", "rw", "rw,noexec"), "verified");
    EXPECT_EQ(of("NoExecPaths", "rw", "rw", "rw,noexec"), "MISMATCH");
    EXPECT_EQ(of("NoExecPaths", "rw,noexec", "rw", "rw"), "MISMATCH") << "a mount below it";
    EXPECT_EQ(of("ExecPaths", "rw,noexec", "rw", "rw,noexec"), "verified");
    EXPECT_EQ(of("ExecPaths", "rw,noexec", "rw,noexec", "rw,noexec"), "MISMATCH");
}

TEST(ReportRoots, AnImageIsWhatTheDeviceShows) {
    const std::string table = "31 1 7:3 / / ro,nosuid,nodev - squashfs /dev/loop3 ro\n";
    const auto of = [&](const char* directive, const std::string& lines, const char* devices) {
        return verdict(row_of(directive, lines, table, {}, {{"/srv/r.raw", devices}}));
    };
    EXPECT_EQ(of("RootImage", "RootImage=/srv/r.raw\n", "7:1 7:3"), "verified");
    EXPECT_EQ(of("RootImage", "RootImage=/srv/r.raw\n", "7:33"), "MISMATCH");
    EXPECT_EQ(of("RootImage", "RootImage=/srv/r.raw\n", ""), "MISMATCH");
    const std::string options = "RootImage=/srv/r.raw\nRootImageOptions=";
    EXPECT_EQ(of("RootImageOptions", options + "ro,nosuid\n", "7:3"), "verified");
    EXPECT_EQ(of("RootImageOptions", options + "noexec\n", "7:3"), "MISMATCH");
    EXPECT_EQ(of("RootImageOptions", options + "errors=panic\n", "7:3"), "cannot know");
}

TEST(ReportRoots, AMountedImageIsAtItsPlace) {
    const std::string lines = "MountImages=/srv/x.raw:/mnt:ro\n";
    const auto of = [&](const char* options, bool exact, const char* devices) {
        return verdict(row_of(
            "MountImages",
            lines,
            std::string("31 1 8:1 / / rw - ext4 /dev/sda rw\n32 31 7:4 / /mnt ") + options +
                " - erofs /dev/loop4 ro\n",
            {{"/mnt", place("/mnt", exact ? 32 : 31, exact)}},
            {{"/srv/x.raw", devices}}));
    };
    EXPECT_EQ(of("ro,nodev", true, "7:4"), "verified");
    EXPECT_EQ(of("rw,nodev", true, "7:4"), "MISMATCH");
    EXPECT_EQ(of("ro,nodev", false, "7:4"), "MISMATCH");
    EXPECT_EQ(of("ro,nodev", true, "7:5"), "MISMATCH");
}

TEST(ReportRoots, LayersAreAnOverlayThatShowsEachExtension) {
    const std::string release = "/usr/lib/extension-release.d/extension-release.one";
    const auto of = [&](const char* usr, PathFact fact) {
        return verdict(row_of(
            "ExtensionDirectories",
            "ExtensionDirectories=/srv/one\n",
            std::string("31 1 8:1 / / rw - ext4 /dev/sda rw\n32 31 ") + usr + "\n",
            {{release, std::move(fact)}}));
    };
    const PathFact seen = place(release, 32, false);
    EXPECT_EQ(of("0:70 / /usr ro,nodev - overlay overlay ro", seen), "verified");
    EXPECT_EQ(of("0:70 / /usr ro,nodev - overlay overlay ro", missing()), "MISMATCH");
    EXPECT_EQ(of("0:70 / /usr rw,nodev - overlay overlay rw", seen), "MISMATCH");
    EXPECT_EQ(of("8:1 /usr /usr ro - ext4 /dev/sda rw", seen), "MISMATCH");
}

TEST(ReportRoots, AnEphemeralRootIsAnOverlayOfTheUnitsOwn) {
    const std::string lines = "RootDirectory=/srv/root\nRootEphemeral=yes\n";
    const std::string overlay = "31 1 0:70 / / rw - overlay overlay rw,upperdir=/var/tmp/hearth-";
    EXPECT_EQ(
        verdict(row_of("RootEphemeral", lines, overlay + "heat.service-12/tmp/upper\n")),
        "verified");
    EXPECT_EQ(
        verdict(row_of("RootEphemeral", lines, overlay + "other.service-12/tmp/upper\n")),
        "MISMATCH");
    EXPECT_EQ(
        verdict(row_of("RootEphemeral", lines, "31 1 8:1 / / rw - ext4 /dev/sda rw\n")),
        "MISMATCH");
}

}  // namespace
}  // namespace hearth::report
