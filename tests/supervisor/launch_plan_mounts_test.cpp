// SPDX-License-Identifier: MIT
//
// The mount algebra: what is merged, dropped and in which order; then whole lists of steps for the
// combinations in which order is safety.
#include <algorithm>
#include <string>
#include <vector>

#include "supervisor/launch/mounts.hpp"
#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

using Kind = MountWish::Kind;
using Lines = std::vector<std::string>;

MountWish wish(std::string path, Kind kind, bool read_only = false) {
    MountWish made;
    made.path = std::move(path);
    made.kind = kind;
    made.read_only = read_only;
    return made;
}

std::string shown(const MountWish& each) {
    const std::map<Kind, std::string> names = {
        {Kind::Keep, each.opens() ? "exec" : "noexec"},
        {Kind::ReadWrite, "rw"},
        {Kind::ReadOnly, "ro"},
        {Kind::Bind, "bind"},
        {Kind::TemporaryFileSystem, "tmpfs"},
        {Kind::PrivateTmp, "tmp"},
        {Kind::PrivateDevices, "dev"},
        {Kind::Inaccessible, "hidden"}};
    const std::string execution =
        each.kind != Kind::Keep && each.holds.no_execution ? "(noexec)" : "";
    return names.at(each.kind) + execution + (each.read_only ? "(ro) " : " ") + each.path;
}

void check(std::vector<MountWish> wishes, const Lines& expected) {
    Lines found;
    for (const MountWish& each : normalised(std::move(wishes))) {
        found.push_back(shown(each));
    }
    EXPECT_EQ(found, expected);
}

TEST(MountAlgebra, ParentsComeBeforeWhatIsBelowThem) {
    check(
        {wish("/a-b", Kind::ReadOnly),
         wish("/b", Kind::ReadOnly),
         wish("/a/b", Kind::Bind),
         wish("/a", Kind::Bind)},
        {"bind /a", "bind /a/b", "ro /a-b", "ro /b"});
}

TEST(MountAlgebra, OnOnePathTheStrongestHolds) {
    check({wish("/a", Kind::ReadWrite), wish("/a", Kind::ReadOnly)}, {"ro /a"});
    check({wish("/a", Kind::ReadOnly), wish("/a", Kind::Inaccessible)}, {"hidden /a"});
    check({wish("/a", Kind::Bind), wish("/a", Kind::Inaccessible)}, {"hidden /a"});
    check({wish("/tmp", Kind::PrivateTmp), wish("/tmp", Kind::ReadWrite)}, {"tmp /tmp"});
}

TEST(MountAlgebra, ContentThatIsReplacedIsReadOnlyIfAnythingSaysSo) {
    check({wish("/a", Kind::ReadOnly), wish("/a", Kind::Bind)}, {"bind(ro) /a"});
    check({wish("/tmp", Kind::ReadOnly), wish("/tmp", Kind::PrivateTmp)}, {"tmp(ro) /tmp"});
}

TEST(MountAlgebra, WhatSaysNothingNewIsDropped) {
    check(
        {wish("/", Kind::ReadOnly), wish("/usr", Kind::ReadOnly), wish("/etc/ssl", Kind::ReadOnly)},
        {"ro /"});
    check({wish("/srv", Kind::ReadWrite)}, {});
    check(
        {wish("/srv", Kind::ReadOnly),
         wish("/srv/a", Kind::ReadWrite),
         wish("/srv/a/b", Kind::ReadWrite)},
        {"ro /srv", "rw /srv/a"});
    check({wish("/tmp", Kind::PrivateTmp), wish("/tmp/a", Kind::ReadWrite)}, {"tmp /tmp"});
    check({wish("/a", Kind::Bind, true), wish("/a/b", Kind::ReadOnly)}, {"bind(ro) /a"});
}

MountWish runs(std::string path, bool allowed) {
    MountWish made = wish(std::move(path), Kind::Keep);
    made.execution = allowed ? MountWish::Execution::Allowed : MountWish::Execution::Forbidden;
    return made;
}

TEST(MountAlgebra, ExecutionIsAMatterOfItsOwn) {
    check({runs("/a", true)}, {});
    check({runs("/a", false), runs("/a/b", false)}, {"noexec /a"});
    check({runs("/a", false), runs("/a", true)}, {"noexec /a"});
    check({runs("/a", false), runs("/a/b", true)}, {"noexec /a", "exec /a/b"});
    check({runs("/a", false), wish("/a", Kind::ReadOnly)}, {"ro(noexec) /a"});
}

TEST(MountAlgebra, ForbiddenExecutionReachesContentsAndHoles) {
    check(
        {runs("/", false), wish("/tmp", Kind::PrivateTmp), wish("/tmp/a", Kind::ReadOnly)},
        {"noexec /", "tmp(noexec) /tmp", "ro(noexec) /tmp/a"});
    check(
        {runs("/", false), wish("/", Kind::ReadOnly), wish("/srv", Kind::ReadWrite)},
        {"ro(noexec) /", "rw(noexec) /srv"});
    check(
        {runs("/", false), wish("/tmp", Kind::PrivateTmp), runs("/tmp", true)},
        {"noexec /", "tmp /tmp"});
}

TEST(MountAlgebra, WhatMayBeRunAgainStaysReadOnly) {
    const std::vector<MountWish> made =
        normalised({runs("/", false), wish("/", Kind::ReadOnly), runs("/usr", true)});
    ASSERT_EQ(made.size(), 2U);
    EXPECT_TRUE(made[1].holds.opens_execution);
    EXPECT_TRUE(made[1].holds.read_only);
    EXPECT_FALSE(made[1].holds.opens_writing);
}

TEST(MountAlgebra, OneProcHasTheOptionsOfAll) {
    MountWish plain = wish("/proc", Kind::Processes), hides = plain, only = plain;
    plain.unless_mounted = true;
    hides.options = "hidepid=invisible";
    only.options = "subset=pid";
    const std::vector<MountWish> made = normalised({plain, hides, only});
    ASSERT_EQ(made.size(), 1U);
    EXPECT_EQ(made[0].options, "hidepid=invisible,subset=pid");
    EXPECT_FALSE(made[0].unless_mounted) << "what is mounted there hides nothing";
}

TEST(MountAlgebra, NothingIsBelowAHiddenPath) {
    check(
        {wish("/srv", Kind::Inaccessible),
         wish("/srv/a", Kind::Bind),
         wish("/srv/a/b", Kind::ReadWrite),
         wish("/srv-b", Kind::Bind)},
        {"bind /srv-b", "hidden /srv"});
}

TEST(MountAlgebra, HolesNestInWhatIsReadOnlyToAnyDepth) {
    check(
        {wish("/a/b/c/d", Kind::ReadWrite),
         wish("/a/b/c", Kind::ReadOnly),
         wish("/a/b", Kind::ReadWrite),
         wish("/a", Kind::ReadOnly)},
        {"ro /a", "rw /a/b", "ro /a/b/c", "rw /a/b/c/d"});
}

// A path may be a symbolic link into another, which the text can't show: what restricts is mounted
// after what is not nested in it, so that it lies on top.
TEST(MountAlgebra, WhatRestrictsComesAfterHolesThatAreNotInIt) {
    check(
        {wish("/", Kind::ReadOnly),
         wish("/a", Kind::ReadWrite),
         wish("/a/etc", Kind::ReadOnly),
         wish("/b", Kind::Inaccessible),
         wish("/z", Kind::ReadWrite)},
        {"ro /", "rw /a", "rw /z", "ro /a/etc", "hidden /b"});
}

// ---- steps
// ----------------------------------------------------------------------------------------------

Host bare() {
    Host host = machine();
    host.runtime_directory.clear();
    return host;
}

Lines mounts(const std::string& lines) {
    return mount_lines(planned(service(lines), bare()));
}

TEST(MountSteps, NothingAskedIsNoNamespace) {
    EXPECT_EQ(mounts("NoNewPrivileges=yes"), Lines{});
}

TEST(MountSteps, PrivateMountsAloneIsANamespaceAndItsPropagation) {
    EXPECT_EQ(
        mounts("PrivateMounts=yes\nUser=nobody"),
        (Lines{"new-namespaces mount", "mount-propagation / slave"}));
}

TEST(MountSteps, AServiceThatMayMountSharesAmongItsOwnNamespaces) {
    EXPECT_EQ(
        mounts("PrivateMounts=yes"),
        (Lines{"new-namespaces mount", "mount-propagation / slave, then shared"}));
    EXPECT_EQ(
        mounts("PrivateMounts=yes\nCapabilityBoundingSet=~CAP_SYS_ADMIN"),
        (Lines{"new-namespaces mount", "mount-propagation / slave"}));
}

TEST(MountSteps, ProtectSystemYesAndFull) {
    EXPECT_EQ(
        mounts("ProtectSystem=yes\nUser=nobody"),
        (Lines{
            "new-namespaces mount",
            "mount-propagation / slave",
            "bind-mount /boot ro, if it exists",
            "bind-mount /efi ro, if it exists",
            "bind-mount /usr ro, if it exists"}));
    EXPECT_EQ(mounts("ProtectSystem=full\nUser=nobody").back(), "bind-mount /usr ro, if it exists");
    EXPECT_EQ(mounts("ProtectSystem=full\nUser=nobody")[4], "bind-mount /etc ro, if it exists");
}

TEST(MountSteps, StrictIsOneCallAndHolesWithTheHostsOwnFlags) {
    EXPECT_EQ(
        mounts("ProtectSystem=strict\nReadWritePaths=/var/lib/heat -/srv/x\nUser=nobody"),
        (Lines{
            "clone-tree writable:/dev of /dev, if it exists",
            "clone-tree writable:/proc of /proc, if it exists",
            "clone-tree writable:/srv/x of /srv/x, if it exists",
            "clone-tree writable:/sys of /sys, if it exists",
            "clone-tree writable:/var/lib/heat of /var/lib/heat",
            "new-namespaces mount",
            "mount-propagation / slave, read-only",
            "bind-mount tree:writable:/dev on /dev, if it exists",
            "bind-mount tree:writable:/proc on /proc, if it exists",
            "bind-mount tree:writable:/srv/x on /srv/x, if it exists",
            "bind-mount tree:writable:/sys on /sys, if it exists",
            "bind-mount tree:writable:/var/lib/heat on /var/lib/heat"}));
}

TEST(MountSteps, NoHoleIsMadeByClearingAFlag) {
    const Plan plan = planned(service(
        "ProtectSystem=strict\nReadWritePaths=/srv\nReadOnlyPaths=/var\nReadWritePaths=/var/x\n"
        "BindReadOnlyPaths=/a:/b\nReadWritePaths=/b/c"));
    for (const BindMount& mount : steps<BindMount>(plan)) {
        EXPECT_EQ(mount.clear, 0U) << mount.destination;
    }
}

TEST(MountSteps, AHoleInABindIsTheBindsSource) {
    const Lines lines = mounts("BindReadOnlyPaths=/a:/b\nReadWritePaths=/b/c\nUser=nobody");
    EXPECT_EQ(lines[1], "clone-tree writable:/b/c of /a/c within /a");
}

TEST(MountSteps, AHoleInAReplacedDirectoryIsNotTheHosts) {
    const Lines lines =
        mounts("TemporaryFileSystem=/srv:ro\nReadWritePaths=-/srv/data\nUser=nobody");
    EXPECT_EQ(
        lines,
        (Lines{
            "new-namespaces mount",
            "make-mount-point /srv",
            "mount-propagation / slave",
            "mount-file-system tmpfs on /srv nodev,strictatime mode=0755",
            "bind-mount /srv/data not:ro, if it exists",
            "mount-attributes /srv ro, not recursive"}));
}

TEST(MountSteps, TheManualsExampleOfATemporaryFileSystem) {
    EXPECT_EQ(
        mounts("TemporaryFileSystem=/var:ro\nBindReadOnlyPaths=/var/lib/systemd\nUser=nobody"),
        (Lines{
            "clone-tree bind:/var/lib/systemd of /var/lib/systemd",
            "new-namespaces mount",
            "make-mount-point /var",
            "mount-propagation / slave",
            "mount-file-system tmpfs on /var nodev,strictatime mode=0755",
            "make-mount-point /var/lib/systemd like tree:bind:/var/lib/systemd",
            "bind-mount tree:bind:/var/lib/systemd on /var/lib/systemd ro",
            "mount-attributes /var ro, not recursive"}));
}

TEST(MountSteps, PlacesForMountsAreMadeBeforeAnythingIsReadOnly) {
    const Lines lines = mounts("ProtectSystem=strict\nBindPaths=/srv/a:/opt/a\nUser=nobody");
    const auto point = std::ranges::find(lines, "make-mount-point /opt/a like /srv/a");
    const auto read_only = std::ranges::find(lines, "mount-propagation / slave, read-only");
    ASSERT_NE(point, lines.end());
    EXPECT_LT(point, read_only);
}

TEST(MountSteps, OptionsOfATemporaryFileSystem) {
    const auto options = [](const std::string& text) {
        return steps<MountFileSystem>(planned(service("TemporaryFileSystem=/x:" + text), bare()))
            .front();
    };
    EXPECT_EQ(
        describe(options("size=10%")),
        "mount-file-system tmpfs on /x nodev,strictatime mode=0755,size=10%");
    EXPECT_EQ(
        describe(options("mode=0700,dev,nostrictatime,noexec")),
        "mount-file-system tmpfs on /x noexec mode=0700");
    EXPECT_EQ(
        describe(options("noatime,nosuid")),
        "mount-file-system tmpfs on /x nosuid,nodev,noatime mode=0755");
}

TEST(MountSteps, PrivateTmpIsTheUnitsOwnAndOutOfReachOfACover) {
    EXPECT_EQ(
        mounts("PrivateTmp=yes\nUser=nobody"),
        (Lines{
            "make-private-tmp tmp below /tmp",
            "make-private-tmp var-tmp below /var/tmp",
            "new-namespaces mount",
            "mount-propagation / slave",
            "bind-mount slot:tmp on /tmp not:ro, not recursive",
            "bind-mount slot:var-tmp on /var/tmp not:ro, not recursive"}));
    const Lines covered = mounts("PrivateTmp=yes\nTemporaryFileSystem=/var\nUser=nobody");
    EXPECT_NE(
        std::ranges::find(covered, "clone-tree private-var-tmp of slot:var-tmp, not recursive"),
        covered.end());
    EXPECT_NE(
        std::ranges::find(
            covered, "bind-mount tree:private-var-tmp on /var/tmp not:ro, not recursive"),
        covered.end());
}

TEST(MountSteps, ProtectHome) {
    EXPECT_EQ(mounts("ProtectHome=read-only\nUser=nobody")[2], "bind-mount /home ro, if it exists");
    EXPECT_EQ(mounts("ProtectHome=yes\nUser=nobody")[2], "hide-path /home, if it exists");
    const Lines tmpfs = mounts("ProtectHome=tmpfs\nBindPaths=/home/heat\nUser=nobody");
    EXPECT_EQ(tmpfs[0], "clone-tree bind:/home/heat of /home/heat");
    EXPECT_NE(
        std::ranges::find(tmpfs, "make-mount-point /home/heat like tree:bind:/home/heat"),
        tmpfs.end());
    EXPECT_EQ(tmpfs[tmpfs.size() - 3], "mount-attributes /home ro, not recursive, if it exists");
}

TEST(MountSteps, KernelProtections) {
    const Lines logs = mounts("ProtectKernelLogs=yes\nUser=nobody");
    EXPECT_EQ(logs.back(), "hide-path /proc/kmsg, if it exists");
    const Lines tunables = mounts("ProtectKernelTunables=yes\nUser=nobody");
    EXPECT_NE(std::ranges::find(tunables, "bind-mount /proc/sys ro, if it exists"), tunables.end());
    EXPECT_EQ(tunables.back(), "hide-path /proc/kcore, if it exists");
    // Each is its own: cgroups stay writable until ProtectControlGroups= says otherwise.
    const auto hole = [](const Lines& lines) {
        return std::ranges::find(
                   lines,
                   "bind-mount tree:writable:/sys/fs/cgroup on /sys/fs/cgroup, if it exists") !=
               lines.end();
    };
    EXPECT_TRUE(hole(tunables));
    EXPECT_FALSE(hole(mounts("ProtectKernelTunables=yes\nProtectControlGroups=yes\nUser=nobody")));
}

TEST(MountSteps, PrivateDevicesAreOneTreeForAllWhoCanNotChangeIt) {
    EXPECT_EQ(
        mounts("PrivateDevices=yes\nUser=nobody"),
        (Lines{
            "make-devices devices",
            "new-namespaces mount",
            "mount-propagation / slave",
            "bind-devices devices on /dev"}));
    const Lines alone = mounts("PrivateDevices=yes");
    EXPECT_EQ(alone[0], "make-devices devices for this launch alone");
    EXPECT_EQ(alone.back(), "mount-attributes /dev ro, not recursive");
    const Lines more = mounts("PrivateDevices=yes\nBindPaths=/a:/dev/a\nUser=nobody");
    EXPECT_NE(std::ranges::find(more, "make-devices devices for this launch alone"), more.end());
    EXPECT_EQ(more.back(), "mount-attributes /dev ro, not recursive");
}

TEST(MountSteps, PrivateDevicesWithItsOwnMessageQueues) {
    const Lines lines = mounts("PrivateDevices=yes\nPrivateIPC=yes\nUser=nobody");
    EXPECT_EQ(lines[0], "make-devices devices without message queues");
    EXPECT_EQ(
        lines.back(), "mount-file-system mqueue on /dev/mqueue nosuid,nodev,noexec, if it exists");
}

TEST(MountSteps, ExecPathsAreHolesWithTheHostsOwnFlags) {
    EXPECT_EQ(
        mounts("NoExecPaths=/\nExecPaths=/usr -/lib\nUser=nobody"),
        (Lines{
            "clone-tree writable:/lib of /lib, if it exists",
            "clone-tree writable:/usr of /usr",
            "new-namespaces mount",
            "mount-propagation / slave, noexec",
            "bind-mount tree:writable:/lib on /lib, if it exists",
            "bind-mount tree:writable:/usr on /usr"}));
    EXPECT_EQ(mounts("NoExecPaths=/srv\nUser=nobody").back(), "bind-mount /srv noexec");
}

TEST(MountSteps, MountFlagsAreTheLastWord) {
    EXPECT_EQ(
        mounts("MountFlags=private\nUser=nobody"),
        (Lines{"new-namespaces mount", "mount-propagation / slave, then private"}));
    EXPECT_EQ(mounts("MountFlags=slave")[1], "mount-propagation / slave");
    EXPECT_EQ(mounts("MountFlags=shared"), Lines{}) << "alone it changes nothing";
    EXPECT_EQ(
        mounts("MountFlags=shared\nPrivateMounts=yes\nUser=nobody")[1],
        "mount-propagation / slave, then shared");
}

TEST(MountSteps, ProcHasOptionsAndImpliesTheApiFileSystems) {
    EXPECT_EQ(
        mounts("ProtectProc=invisible\nProcSubset=pid\nUser=nobody").back(),
        "mount-file-system proc on /proc nosuid,nodev,noexec hidepid=invisible,subset=pid");
    const Lines root =
        mounts("RootDirectory=/srv/root\nMountAPIVFS=no\nProtectProc=noaccess\nUser=nobody");
    EXPECT_NE(
        std::ranges::find(
            root, "mount-file-system proc on /srv/root/proc nosuid,nodev,noexec hidepid=noaccess"),
        root.end());
    EXPECT_NE(
        std::ranges::find(
            root, "mount-file-system sysfs on /srv/root/sys nosuid,nodev,noexec, unless mounted"),
        root.end());
}

TEST(MountSteps, AnImageIsPutTogetherAsideAndClosedAfterItIsFilled) {
    EXPECT_EQ(
        mounts("RootImage=/srv/r.raw\nRootImageOptions=ro,noload,nosuid\nMountAPIVFS=no\n"
               "ProtectSystem=strict\nReadWritePaths=+/data\nBindPaths=/a:/b\nUser=nobody"),
        (Lines{
            "mount-image root of /srv/r.raw nosuid,nodev, read-only noload",
            "clone-tree bind:/b of /a",
            "new-namespaces mount",
            "make-mount-point /run/hearth/root",
            "mount-propagation / slave",
            "bind-mount tree:root on /run/hearth/root",
            "make-mount-point /run/hearth/root/b like /a",
            "mount-attributes /run/hearth/root ro",
            "bind-mount tree:bind:/b on /run/hearth/root/b",
            "bind-mount /run/hearth/root/data not:ro",
            "bind-mount /run/hearth/root/dev not:ro, if it exists",
            "bind-mount /run/hearth/root/proc not:ro, if it exists",
            "bind-mount /run/hearth/root/sys not:ro, if it exists",
            "pivot-root /run/hearth/root"}));
}

TEST(MountSteps, ImagesAndExtensionsAreMountedBeforeTheClone) {
    EXPECT_EQ(
        mounts("MountImages=/srv/x.raw:/mnt:ro\nExtensionImages=-/srv/e.raw\n"
               "ExtensionDirectories=/srv/d\nUser=nobody"),
        (Lines{
            "mount-image image:/mnt of /srv/x.raw nodev, read-only",
            "mount-image extension:0 of /srv/e.raw nodev, read-only, if it exists",
            "mount-layers layers:/opt of /opt in / under tree:extension:0 under /srv/d",
            "mount-layers layers:/usr of /usr in / under tree:extension:0 under /srv/d",
            "new-namespaces mount",
            "make-mount-point /mnt",
            "make-mount-point /opt like tree:layers:/opt",
            "make-mount-point /usr like tree:layers:/usr",
            "mount-propagation / slave",
            "bind-mount tree:image:/mnt on /mnt ro",
            "bind-mount tree:layers:/opt on /opt",
            "bind-mount tree:layers:/usr on /usr"}));
}

TEST(MountSteps, AnEphemeralRootIsALayerOfTheActivation) {
    EXPECT_EQ(
        mounts("RootDirectory=/srv/root\nRootEphemeral=yes\nMountAPIVFS=no\n"
               "ReadOnlyPaths=/srv/root/etc\nUser=nobody"),
        (Lines{
            "make-private-tmp ephemeral below /var/tmp",
            "mount-ephemeral root over /srv/root in slot:ephemeral",
            "new-namespaces mount",
            "make-mount-point /run/hearth/root",
            "mount-propagation / slave",
            "bind-mount tree:root on /run/hearth/root",
            "bind-mount /run/hearth/root/etc ro",
            "pivot-root /run/hearth/root"}));
}

TEST(MountSteps, OfImagesOnlyTheRootPartitionIsKnown) {
    const auto lines = [](const std::string& text) { return refused(service(text), bare()); };
    ASSERT_EQ(lines("RootImage=/r\nRootImageOptions=home:ro").size(), 1U);
    EXPECT_NE(
        lines("RootImage=/r\nRootImageOptions=home:ro")[0].find("RootImageOptions=home:ro"),
        std::string::npos);
    EXPECT_EQ(lines("MountImages=/x:/y:usr:ro").size(), 1U);
    EXPECT_EQ(lines("ExtensionImages=/x:var:ro").size(), 1U);
    EXPECT_EQ(lines("MountImages=/x:/y:root:ro").size(), 0U);
}

TEST(MountSteps, ARootOfItsOwnIsBoundFilledAndPivotedInto) {
    EXPECT_EQ(
        mounts("RootDirectory=/srv/root\nMountAPIVFS=no\nReadOnlyPaths=+/etc\nUser=nobody"),
        (Lines{
            "new-namespaces mount",
            "mount-propagation / slave",
            "bind-mount /srv/root",
            "bind-mount /srv/root/etc ro",
            "pivot-root /srv/root"}));
    const Lines strict = mounts(
        "RootDirectory=/srv/root\nMountAPIVFS=no\nProtectSystem=strict\nReadWritePaths=+/"
        "data\nUser=nobody");
    EXPECT_NE(std::ranges::find(strict, "bind-mount /srv/root ro"), strict.end());
    // A link in that root must not lead to the host's files.
    EXPECT_NE(
        std::ranges::find(strict, "clone-tree writable:/data of /srv/root/data within /srv/root"),
        strict.end());
    EXPECT_EQ(strict.back(), "pivot-root /srv/root");
}

TEST(MountSteps, PathsAreOfTheHostUnlessAPlusSaysOfTheRoot) {
    EXPECT_EQ(
        mounts(
            "RootDirectory=/srv/root\nMountAPIVFS=no\nReadOnlyPaths=/srv/root/etc\nUser=nobody")[3],
        "bind-mount /srv/root/etc ro");
    const Plan outside =
        planned(service("RootDirectory=/srv/root\nMountAPIVFS=no\nReadOnlyPaths=/etc"), bare());
    ASSERT_EQ(outside.shortfalls.size(), 1U);
    EXPECT_EQ(outside.shortfalls[0].severity, Severity::Note);
    EXPECT_EQ(
        one_line(outside.shortfalls[0]).substr(0, 76),
        "/etc/systemd/system/test.service:5: ReadOnlyPaths=/etc lies outside RootDire");
}

TEST(MountSteps, ARootSlashIsNoRoot) {
    EXPECT_EQ(mounts("RootDirectory=/"), Lines{});
}

TEST(MountSteps, TheManagersOwnDirectoryIsHiddenUnderEveryName) {
    const auto hidden = [](const std::string& lines) {
        std::vector<std::string> paths;
        for (const HidePath& step : steps<HidePath>(planned(service(lines)))) {
            paths.push_back(step.path);
        }
        return paths;
    };
    EXPECT_EQ(hidden("PrivateTmp=yes"), Lines{"/run/hearth"});
    EXPECT_EQ(hidden("BindPaths=/run:/host/run"), (Lines{"/host/run/hearth", "/run/hearth"}));
    EXPECT_EQ(hidden("BindPaths=/:/host"), (Lines{"/host/run/hearth", "/run/hearth"}));
    EXPECT_EQ(hidden("RootDirectory=/srv/root"), Lines{});
    EXPECT_EQ(hidden("RootDirectory=/run\nMountAPIVFS=no"), Lines{"/run/hearth"});
    EXPECT_EQ(hidden("RootDirectory=/srv/root\nBindPaths=/run"), Lines{"/srv/root/run/hearth"});
}

TEST(MountSteps, WithNoNewPrivilegesNothingIsSetUserIdEither) {
    EXPECT_EQ(
        mounts("PrivateTmp=yes\nNoNewPrivileges=yes\nUser=nobody").back(),
        "mount-attributes / nosuid");
}

TEST(MountSteps, FullPrivilegesKeepTheRootAndLoseTheProtections) {
    const Unit unit = load(
        "test.service",
        "[Service]\nExecStart=+/bin/true\nRootDirectory=/srv/root\nMountAPIVFS=no\n"
        "ProtectHome=yes\nPrivateTmp=yes\nBindPaths=/a:/b\n");
    EXPECT_EQ(
        mount_lines(planned(unit)),
        (Lines{
            "clone-tree bind:/b of /a",
            "new-namespaces mount",
            "make-mount-point /srv/root/b like /a",
            "mount-propagation / slave, then shared",
            "bind-mount /srv/root",
            "bind-mount tree:bind:/b on /srv/root/b",
            "pivot-root /srv/root"}));
    EXPECT_EQ(
        mount_lines(planned(load(
            "test.service", "[Service]\nExecStart=+/bin/true\nProtectHome=yes\nPrivateTmp=yes\n"))),
        Lines{});
}

TEST(MountSteps, EveryMountStepSaysWhoAskedForIt) {
    const Plan plan = planned(
        service(
            "ProtectSystem=strict\nPrivateTmp=yes\nPrivateDevices=yes\nTemporaryFileSystem=/x:ro\n"
            "BindPaths=/a:/b\nInaccessiblePaths=/c\nProtectKernelTunables=yes"),
        bare());
    for (const Step& step : plan.steps) {
        if (step.stage == Stage::Mounts) {
            EXPECT_FALSE(step.asked.directive.empty()) << describe(step.action);
            EXPECT_NE(step.asked.origin.line, 0U) << describe(step.action);
            EXPECT_EQ(step.exit_status, 226) << describe(step.action);
        }
    }
}

}  // namespace
}  // namespace hearth::launch::testing
