// SPDX-License-Identifier: MIT
//
// What a service sees of the file system, by its unit's own lines: each test plans them, launches a
// script and reads what the kernel answered it. Images are made here, with Debian's tools.
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <fstream>
#include <thread>

#include "supervisor/sys/namespace.hpp"
#include "tests/integration/roots_support.hpp"

namespace hearth::roots {
namespace {

class Roots : public ::testing::Test {
protected:
    void SetUp() override {
        HEARTH_NEEDS_ROOT();
        scratch_ = "/var/hearth-roots-" + *sys::random_hex(6);
        ASSERT_TRUE(sys::mkdir(scratch_, 0755).has_value());
        mounts_ = *sys::read_file("/proc/self/mountinfo", 1 << 20);
    }
    void TearDown() override {
        if (!scratch_.empty()) {
            EXPECT_TRUE(sys::remove_tree(scratch_).has_value());
            EXPECT_EQ(*sys::read_file("/proc/self/mountinfo", 1 << 20), mounts_)
                << "a mount leaked";
        }
    }
    std::string directory(const std::string& name) const {
        const std::string path = scratch_ + "/" + name;
        EXPECT_TRUE(sys::make_directories(path, 0755).has_value());
        return path;
    }
    static void write(const std::string& path, const std::string& text) {
        EXPECT_TRUE(sys::replace_file(path, text, 0644).has_value());
    }
    /// How many loop devices show a file of this test.
    [[nodiscard]] int loop_devices() const {
        int devices = 0;
        const auto names = sys::read_directory("/sys/block");
        for (const std::string& name : names.value_or(std::vector<std::string>{})) {
            const auto file = sys::read_file("/sys/block/" + name + "/loop/backing_file", 4096);
            devices += file && file->starts_with(scratch_) ? 1 : 0;
        }
        return devices;
    }

    std::string scratch_;
    std::string mounts_;
};

// ---- what may be executed

TEST_F(Roots, NoExecPathsReachEveryFileSystemBelowAndExecPathsOpenAgain) {
    const std::string place = directory("place"), open = directory("place/open");
    PlannedProbe probe(
        "PrivateTmp=yes\nNoExecPaths=/\nExecPaths=/usr /bin -/lib -/lib64 " + open + "\n",
        "for at in /tmp " + place + " " + open +
            "; do cp /bin/true $at/program && { $at/program 2>/dev/null && echo ran || echo no; }; "
            "done");
    const Shown shown = probe.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "no\nno\nran\n");
}

TEST_F(Roots, ExecPathsStayReadOnlyWhereTheSystemIs) {
    const std::string place = directory("place");
    PlannedProbe probe(
        "ProtectSystem=strict\nNoExecPaths=" + scratch_ + "\nExecPaths=" + place + " -" + scratch_ +
            "/none\n",
        "(echo x >" + place + "/x) 2>/dev/null || echo closed");
    const Shown shown = probe.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "closed\n");
}

TEST_F(Roots, NoExecPathsThatAreMissingFailUnlessADashSaysSo) {
    PlannedProbe missing("NoExecPaths=" + scratch_ + "/none\n", "echo ran");
    const Shown shown = missing.run();
    EXPECT_NE(shown.failure.find("roots.service:3: NoExecPaths=" + scratch_), std::string::npos)
        << shown.failure;
    EXPECT_NE(shown.failure.find("No such file"), std::string::npos) << shown.failure;
    PlannedProbe optional("NoExecPaths=-" + scratch_ + "/none\n", "echo ran");
    EXPECT_EQ(optional.run().output, "ran\n");
}

// ---- propagation

TEST_F(Roots, MountFlagsDecideWhetherTheHostsMountsArrive) {
    const std::string place = directory("place"), gate = scratch_ + "/gate";
    ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"MountFlags=slave\n", "arrived\n"},
        {"MountFlags=private\n", "nothing\n"},
        {"MountFlags=shared\nPrivateMounts=yes\n", "arrived\n"},
        {"PrivateMounts=yes\n", "arrived\n"}};
    for (const auto& [lines, output] : expected) {
        Shown shown;
        bool travelled_back = true;
        // A host whose mounts are shared is played by a thread with mounts of its own.
        std::thread([&] {
            ASSERT_TRUE(sys::unshare(CLONE_NEWNS).has_value());
            ASSERT_TRUE(sys::mount("", "/", "", MS_REC | MS_PRIVATE, "").has_value());
            ASSERT_TRUE(sys::mount(scratch_, scratch_, "", MS_BIND, "").has_value());
            ASSERT_TRUE(sys::mount("", scratch_, "", MS_SHARED, "").has_value());
            ASSERT_TRUE(sys::mkdir(scratch_ + "/back", 0755).has_value());
            PlannedProbe probe(
                lines,
                "mount -t tmpfs none " + scratch_ + "/back; read line <" + gate + "; test -e " +
                    place + "/mark && echo arrived || echo nothing");
            probe.launch();
            ASSERT_TRUE(sys::mount("none", place, "tmpfs", 0, "").has_value());
            write(place + "/mark", "");
            std::ofstream(gate) << "go\n";
            shown = probe.finish();
            const auto table = *sys::read_file("/proc/thread-self/mountinfo", 1 << 20);
            travelled_back = table.find(" " + scratch_ + "/back ") != std::string::npos;
        }).join();
        EXPECT_TRUE(sys::rmdir(scratch_ + "/back").has_value());
        EXPECT_EQ(shown.failure, "") << lines;
        EXPECT_EQ(shown.output, output) << lines;
        EXPECT_FALSE(travelled_back) << lines << "what the service mounts is its own";
    }
}

// ---- /proc

TEST_F(Roots, ProtectProcHidesOtherUsersProcesses) {
    const std::string script =
        "test -d /proc/self && test -d /proc/$$ && echo own; "
        "cat /proc/1/stat >/dev/null 2>&1 && echo foreign; test -d /proc/1 && echo seen; true";
    const auto shown = [&](const std::string& lines) {
        return PlannedProbe("User=nobody\nPrivateMounts=yes\n" + lines, script).run();
    };
    EXPECT_EQ(shown("").output, "own\nforeign\nseen\n");
    EXPECT_EQ(shown("ProtectProc=default\n").output, "own\nforeign\nseen\n");
    EXPECT_EQ(shown("ProtectProc=noaccess\n").output, "own\nseen\n");
    EXPECT_EQ(shown("ProtectProc=invisible\n").output, "own\n");
    EXPECT_EQ(shown("ProtectProc=ptraceable\n").output, "own\n");
    EXPECT_EQ(shown("ProtectProc=invisible\nProtectKernelTunables=yes\n").failure, "");
}

TEST_F(Roots, ProcSubsetLeavesProcessesOnly) {
    const std::string script =
        "test -d /proc/self && echo processes; test -e /proc/meminfo && echo more; true";
    EXPECT_EQ(PlannedProbe("PrivateMounts=yes\n", script).run().output, "processes\nmore\n");
    PlannedProbe subset("ProcSubset=pid\nProtectProc=invisible\n", script);
    const Shown shown = subset.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "processes\n");
}

// ---- /tmp and /dev

TEST_F(Roots, DisconnectedTmpIsInMemoryAndLeavesNothing) {
    PlannedProbe probe(
        "PrivateTmp=disconnected\nUser=nobody\n",
        "for at in /tmp /var/tmp; do stat -f -c %T $at; stat -c %a $at; echo x >$at/x && ls $at; "
        "done");
    const Shown shown = probe.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "tmpfs\n1777\nx\ntmpfs\n1777\nx\n");
    EXPECT_TRUE(probe.activation().directories.empty());
}

constexpr const char* look_at_devices =
    "cd /dev; stat -c '%n %a %F %t:%T' null zero full random urandom tty ptmx; readlink fd core; "
    "test -e /dev/loop-control && echo hardware; echo gone >null && echo usable; "
    "(touch /dev/x) 2>/dev/null || echo closed; stat -f -c %T shm; test -c pts/ptmx && echo pts; "
    "head -c 3 zero | wc -c";
constexpr const char* pseudo_devices =
    "null 666 character special file 1:3\nzero 666 character special file 1:5\n"
    "full 666 character special file 1:7\nrandom 666 character special file 1:8\n"
    "urandom 666 character special file 1:9\ntty 666 character special file 5:0\n"
    "ptmx 666 character special file 5:2\n/proc/self/fd\n/proc/kcore\nusable\nclosed\ntmpfs\npts\n"
    "3\n";

TEST_F(Roots, PrivateDevicesAreCloneOfOneTreeOrTheServicesOwn) {
    // Shared, shared again, and one for a service that could change it.
    for (const char* lines :
         {"User=nobody\n", "CapabilityBoundingSet=~CAP_SYS_ADMIN\n", "UMask=0077\n"}) {
        PlannedProbe probe(std::string("PrivateDevices=yes\n") + lines, look_at_devices);
        const Shown shown = probe.run();
        EXPECT_EQ(shown.failure, "");
        EXPECT_EQ(shown.output, pseudo_devices) << lines;
    }
    PlannedProbe outside("PrivateMounts=yes\n", "test -e /dev/loop-control && echo hardware");
    EXPECT_EQ(outside.run().output, "hardware\n") << "else the others show nothing";
}

TEST_F(Roots, WhereMknodIsRefusedTheHostsDevicesAreBound) {
    std::string failure, output;
    std::thread([&] {
        // Of this thread alone: the raw call knows no process.
        struct {
            std::uint32_t version = 0x20080522;
            int pid = 0;
        } header;
        struct {
            std::uint32_t effective, permitted, inheritable;
        } sets[2];
        ASSERT_EQ(::syscall(SYS_capget, &header, sets), 0);
        sets[0].effective &= ~(1U << 27);  // CAP_MKNOD
        ASSERT_EQ(::syscall(SYS_capset, &header, sets), 0);
        // With CAP_SYS_ADMIN the tree is made for this launch.
        PlannedProbe probe("PrivateDevices=yes\n", look_at_devices);
        const Shown shown = probe.run();
        failure = shown.failure;
        output = shown.output;
    }).join();
    EXPECT_EQ(failure, "");
    EXPECT_EQ(output, pseudo_devices);
}

TEST_F(Roots, AServiceThatCanMountCanNotChangeTheDevicesOfOthers) {
    PlannedProbe strong(
        "PrivateDevices=yes\n", "mount -o remount,rw /dev && touch /dev/mark && ls /dev/mark");
    EXPECT_EQ(strong.run().output, "/dev/mark\n") << "else this shows nothing";
    PlannedProbe other(
        "PrivateDevices=yes\nUser=nobody\n", "ls /dev/mark 2>/dev/null || echo none");
    EXPECT_EQ(other.run().output, "none\n");
}

TEST_F(Roots, MoreIsMountedInPrivateDevices) {
    const std::string place = directory("place");
    write(place + "/file", "bound\n");
    PlannedProbe probe(
        "PrivateDevices=yes\nUser=nobody\nBindReadOnlyPaths=" + place + ":/dev/heat\n",
        "cat /dev/heat/file; (touch /dev/x) 2>/dev/null || echo closed; echo >/dev/null && echo "
        "ok");
    const Shown shown = probe.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "bound\nclosed\nok\n");
}

TEST_F(Roots, TheDevicesFollowTheHosts) {
    // What is mounted anew on the host's /dev/shm is what the next launch sees.
    std::string output;
    std::thread([&] {
        ASSERT_TRUE(sys::unshare(CLONE_NEWNS).has_value());
        ASSERT_TRUE(sys::mount("", "/", "", MS_REC | MS_PRIVATE, "").has_value());
        const auto look = [] {
            return PlannedProbe("PrivateDevices=yes\nUser=nobody\n", "ls /dev/shm/mark 2>&1").run();
        };
        (void)look();
        ASSERT_TRUE(sys::mount("none", "/dev/shm", "tmpfs", 0, "mode=1777").has_value());
        write("/dev/shm/mark", "");
        output = look().output;
    }).join();
    EXPECT_EQ(output, "/dev/shm/mark\n");
}

// ---- images

class Images : public Roots, public ::testing::WithParamInterface<const char*> {
protected:
    void SetUp() override {
        Roots::SetUp();
        if (IsSkipped()) {
            return;
        }
        if (!kernel_has(GetParam())) {
            GTEST_SKIP() << "this kernel has no file system " << GetParam();
        }
        if (::access("/dev/loop-control", R_OK | W_OK) != 0) {
            GTEST_SKIP() << "there are no loop devices here";
        }
        root_ = directory("root");
        if (!fill_root(root_)) {
            GTEST_SKIP() << "needs busybox-static for a root";
        }
        image_ = scratch_ + "/root.raw";
        if (!make_image(GetParam(), root_, image_)) {
            GTEST_SKIP() << "the tool that makes a " << GetParam() << " image is missing";
        }
    }
    [[nodiscard]] bool writable() const { return std::string(GetParam()) == "ext4"; }

    std::string root_, image_;
};

TEST_P(Images, AreTheServicesRoot) {
    {
        PlannedProbe probe(
            "RootImage=" + image_ + "\nProtectSystem=no\n",
            "cat /etc/mark; ls / | grep -c var; test -d /proc/self && echo proc; "
            "test -d " +
                scratch_ + " && echo host; (touch /data/x) 2>/dev/null && echo written",
            "/bin/sh");
        const Shown shown = probe.run();
        EXPECT_EQ(shown.failure, "");
        EXPECT_EQ(shown.output, std::string("inside\n1\nproc\n") + (writable() ? "written\n" : ""));
        // The next command of the activation has the same file system.
        probe.script("test -e /data/x && echo kept || echo none");
        EXPECT_EQ(probe.run().output, writable() ? "kept\n" : "none\n");
    }
    EXPECT_TRUE(testing::eventually([&] { return loop_devices() == 0; }));
}

TEST_P(Images, TakeOptionsAndProtections) {
    {
        PlannedProbe probe(
            "RootImage=" + image_ +
                "\nRootImageOptions=root:ro,nosuid\nPrivateTmp=yes\n"
                "PrivateDevices=yes\nProtectProc=invisible\n",
            "(touch /data/x) 2>/dev/null || echo closed; grep ' / / ' /proc/self/mountinfo | grep "
            "-c "
            "'ro,nosuid,nodev'; touch /tmp/x && echo tmp; echo >/dev/null && echo dev");
        const Shown shown = probe.run();
        EXPECT_EQ(shown.failure, "");
        EXPECT_EQ(shown.output, "closed\n1\ntmp\ndev\n");
    }
    PlannedProbe strict(
        "RootImage=" + image_ + "\nProtectSystem=strict\nReadWritePaths=+/data\n",
        "(touch /etc/x) 2>/dev/null || echo closed; (touch /data/x) 2>/dev/null && echo open");
    const Shown shown = strict.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, writable() ? "closed\nopen\n" : "closed\n");
}

TEST_P(Images, AreMountedWhereTheUnitSays) {
    PlannedProbe probe(
        "MountImages=" + image_ + ":" + scratch_ + "/made/place:nosuid,ro -" + scratch_ +
            "/none:/mnt\nNoExecPaths=" + scratch_ + "\n",
        "cat " + scratch_ + "/made/place/etc/mark; " + scratch_ +
            "/made/place/bin/busybox true 2>/dev/null || echo no program");
    const Shown shown = probe.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "inside\nno program\n");
}

TEST_P(Images, ThatAreWrittenToAreSharedByOneDeviceOrRefused) {
    if (!writable()) {
        GTEST_SKIP() << GetParam() << " is never written to";
    }
    PlannedProbe first("RootImage=" + image_ + "\n", "touch /data/first");
    PlannedProbe second("RootImage=" + image_ + "\n", "ls /data");
    EXPECT_EQ(first.run().failure, "");
    // A second device over the same file would destroy the file system.
    const Shown shown = second.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "first\n");
    EXPECT_EQ(loop_devices(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    FileSystems, Images, ::testing::Values("squashfs", "erofs", "ext4"), [](const auto& each) {
        return std::string(each.param);
    });

TEST_F(Roots, ImagesThatAreNoneAreRefusedInWords) {
    const std::string image = scratch_ + "/bad.raw";
    write(image, std::string(70000, 'x'));
    PlannedProbe rubbish("RootImage=" + image + "\n", "true");
    EXPECT_NE(
        rubbish.run().failure.find("neither a file system that hearth knows"), std::string::npos);
    PlannedProbe missing("RootImage=" + scratch_ + "/none.raw\n", "true");
    const std::string failure = missing.run().failure;
    EXPECT_NE(failure.find("roots.service:3: RootImage=" + scratch_), std::string::npos) << failure;
    EXPECT_NE(failure.find("No such file"), std::string::npos) << failure;
}

// ---- layers

class Layers : public Roots {
protected:
    void SetUp() override {
        Roots::SetUp();
        if (!IsSkipped() && !kernel_has("overlay")) {
            GTEST_SKIP() << "this kernel has no overlay file system";
        }
    }
    /// An extension that fits this machine, with a file below /usr and one below /opt.
    std::string extension(const std::string& name, const std::string& release) const {
        const std::string path = directory(name);
        directory(name + "/usr/lib/extension-release.d");
        directory(name + "/usr/share");
        directory(name + "/opt");
        write(path + "/usr/lib/extension-release.d/extension-release." + name, release);
        write(path + "/usr/share/hearth-" + name, name + "\n");
        write(path + "/usr/share/hearth-common", name + "\n");
        write(path + "/opt/hearth-" + name, name + "\n");
        return path;
    }
};

TEST_F(Layers, ExtensionsLieOverUsrAndOptTheLastOnTop) {
    const std::string one = extension("one", "ID=_any\n"), two = extension("two", "ID=_any\n");
    PlannedProbe probe(
        "ExtensionDirectories=" + one + " " + two + " -" + scratch_ + "/none\n",
        "cat /usr/share/hearth-one /usr/share/hearth-two /usr/share/hearth-common /opt/hearth-one; "
        "(touch /usr/share/x) 2>/dev/null || echo closed; test -x /usr/bin/env && echo still");
    const Shown shown = probe.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "one\ntwo\ntwo\none\nclosed\nstill\n");
    EXPECT_FALSE(sys::stat("/usr/share/hearth-one").has_value());
}

TEST_F(Layers, ExtensionsThatDoNotFitAreRefused) {
    const std::string wrong = extension("wrong", "ID=elsewhere\nVERSION_ID=1\n");
    PlannedProbe probe("ExtensionDirectories=" + wrong + "\n", "true");
    const std::string failure = probe.run().failure;
    EXPECT_NE(failure.find("extension 'wrong': it is made for ID='elsewhere'"), std::string::npos)
        << failure;
    (void)directory("bare/usr/share");
    PlannedProbe nameless("ExtensionDirectories=" + scratch_ + "/bare\n", "true");
    EXPECT_NE(
        nameless.run().failure.find("usr/lib/extension-release.d/extension-release.bare"),
        std::string::npos);
}

TEST_F(Layers, ExtensionImagesTooWithAnotherNameIfTheUnitSaysSo) {
    const std::string image = scratch_ + "/renamed.raw";
    if (!kernel_has("squashfs") ||
        !make_image("squashfs", extension("original", "ID=_any\n"), image)) {
        GTEST_SKIP() << "needs squashfs and squashfs-tools";
    }
    PlannedProbe strict("ExtensionImages=" + image + "\n", "true");
    EXPECT_NE(strict.run().failure.find("extension-release.renamed"), std::string::npos);
    PlannedProbe relaxed(
        "ExtensionImages=" + image + ":x-systemd.relax-extension-release-check\n",
        "cat /usr/share/hearth-original");
    const Shown shown = relaxed.run();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "original\n");
}

TEST_F(Layers, AnEphemeralRootForgetsWhatWasWritten) {
    const std::string root = directory("root");
    if (!fill_root(root)) {
        GTEST_SKIP() << "needs busybox-static for a root";
    }
    {
        PlannedProbe probe(
            "RootDirectory=" + root + "\nRootEphemeral=yes\n",
            "echo changed >/etc/mark && cat /etc/mark; touch /new && echo new");
        const Shown shown = probe.run();
        EXPECT_EQ(shown.failure, "");
        EXPECT_EQ(shown.output, "changed\nnew\n");
        probe.script("cat /etc/mark");  // the next command of the activation
        EXPECT_EQ(probe.run().output, "changed\n");
    }
    EXPECT_EQ(*sys::read_file(root + "/etc/mark", 100), "inside\n");
    EXPECT_FALSE(sys::stat(root + "/new").has_value());
}

TEST_F(Roots, ApiFileSystemsThatAreMountedInTheRootStay) {
    const std::string root = directory("root");
    if (!fill_root(root)) {
        GTEST_SKIP() << "needs busybox-static for a root";
    }
    Shown shown;
    std::thread([&] {
        ASSERT_TRUE(sys::unshare(CLONE_NEWNS).has_value());
        ASSERT_TRUE(sys::mount("", "/", "", MS_REC | MS_PRIVATE, "").has_value());
        ASSERT_TRUE(sys::mount("none", root + "/run", "tmpfs", 0, "").has_value());
        write(root + "/run/mark", "kept\n");
        PlannedProbe probe(
            "RootDirectory=" + root + "\n", "cat /run/mark; test -d /proc/self && echo p");
        shown = probe.run();
    }).join();
    EXPECT_EQ(shown.failure, "");
    EXPECT_EQ(shown.output, "kept\np\n");
}

}  // namespace
}  // namespace hearth::roots
