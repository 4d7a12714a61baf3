// SPDX-License-Identifier: MIT
//
// What a program sees of the file system. Each test mounts in the namespace of its own child only;
// a scratch directory below /tmp is all that it makes on the host.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <thread>

#include "supervisor/launch/launcher_run.hpp"
#include "supervisor/report/mount_table.hpp"
#include "supervisor/sys/namespace.hpp"
#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;

class LaunchMounts : public ::testing::Test {
protected:
    void SetUp() override {
        HEARTH_NEEDS_ROOT();
        if (report::MountTable(*sys::read_file("/proc/self/mountinfo", 1 << 20)).at("/") ==
            nullptr) {
            GTEST_SKIP() << "the root directory is no mount point (a chroot?): no namespace of a "
                            "child can be cut off from the host's";
        }
        scratch_ = "/tmp/hearth-mounts-" + *sys::random_hex(6);
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
    /// A file or directory below the scratch directory, with its parents.
    std::string file(const std::string& name, const std::string& content = "x") const {
        const std::string path = scratch_ + "/" + name;
        EXPECT_TRUE(sys::make_directories(path.substr(0, path.rfind('/')), 0755).has_value());
        EXPECT_TRUE(sys::replace_file(path, content, 0644).has_value());
        return path;
    }
    std::string directory(const std::string& name) const {
        const std::string path = scratch_ + "/" + name;
        EXPECT_TRUE(sys::make_directories(path, 0755).has_value());
        return path;
    }

    std::string scratch_;
    std::string mounts_;
};

TEST_F(LaunchMounts, MakeEverythingReadOnlyButTheHolesClonedBefore) {
    const std::string hole = directory("hole");
    LaunchProbe probe(
        "cd " + scratch_ +
        "; (echo a >hole/a) && echo hole; (echo b >b) 2>/dev/null || echo closed");
    probe.plan.preparations.push_back({CloneTree{"rw0", hole, true, false, ""}, {}, 226});
    probe.with_mounts(true);
    probe.add(Stage::Mounts, BindMount{"tree:rw0", hole, true, false, 0, 0}, {}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "hole\nclosed\n");
    EXPECT_TRUE(sys::stat(hole + "/a").has_value()) << "the hole is the host's directory";
}

TEST_F(LaunchMounts, InAPlainChrootSayWhyTheyFail) {
    const std::string plain = directory("plain");
    auto pipe = sys::pipe2();
    ASSERT_TRUE(pipe.has_value());
    const pid_t child = ::fork();
    if (child == 0) {
        const bool inside = ::chroot(plain.c_str()) == 0 && ::chdir("/") == 0;
        LaunchProbe probe("echo ran");
        probe.with_mounts();
        const std::string said = inside ? probe.run().failure() : "no chroot";
        (void)sys::write_all(pipe->write.number(), said, "pipe");
        ::_exit(0);
    }
    pipe->write = {};
    const std::string said = sys::read_all(pipe->read.number(), 1 << 16, "pipe").value_or("");
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(said.starts_with("step \"mount-propagation\" failed: Invalid argument")) << said;
    EXPECT_NE(said.find("no mount point"), std::string::npos) << said;
}

TEST_F(LaunchMounts, SkipAHoleWhoseOptionalSourceIsMissing) {
    LaunchProbe probe("echo ran");
    probe.plan.preparations.push_back(
        {CloneTree{"rw0", scratch_ + "/none", true, true, ""}, {}, 226});
    probe.with_mounts(true);
    probe.add(Stage::Mounts, BindMount{"tree:rw0", scratch_ + "/none", true, true, 0, 0}, {}, 226);
    EXPECT_EQ(probe.run().output, "ran\n");

    LaunchProbe needed("echo ran");
    needed.plan.preparations.push_back(
        {CloneTree{"rw0", scratch_ + "/none", true, false, ""},
         {"ReadWritePaths", scratch_ + "/none", {"u", 5, 1}},
         226});
    const ProbeResult result = needed.run();
    EXPECT_TRUE(result.failure().starts_with(
        "u:5: ReadWritePaths=" + scratch_ + "/none: step \"clone-tree\" failed: No such file"))
        << result.failure();
    EXPECT_TRUE(result.launch.failure->before_clone);
}

TEST_F(LaunchMounts, CloseOnePathAndNameItWhenItIsMissing) {
    const std::string closed = directory("closed");
    LaunchProbe probe(
        "(echo x >" + closed + "/x) 2>/dev/null || echo closed; echo y >" + scratch_ +
        "/y && echo open");
    probe.with_mounts();
    probe.add(Stage::Mounts, MountAttributes{closed, 1, 0, true, false}, {}, 226);
    // A second time: it is a mount point by now, and is changed in place.
    probe.add(Stage::Mounts, MountAttributes{closed, 8, 0, true, false}, {}, 226);
    probe.add(Stage::Mounts, MountAttributes{scratch_ + "/none", 1, 0, true, true}, {}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "closed\nopen\n");

    LaunchProbe missing("true");
    missing.with_mounts();
    missing.add(
        Stage::Mounts,
        MountAttributes{"/srv/nonexistent", 1, 0, true, false},
        {"ReadOnlyPaths", "/srv/nonexistent", {"heat.service", 14, 1}},
        226);
    const ProbeResult failed = missing.run();
    EXPECT_EQ(
        failed.failure(),
        "heat.service:14: ReadOnlyPaths=/srv/nonexistent: step \"mount-attributes\" failed: "
        "No such file or directory");
    EXPECT_EQ(failed.exit->status, 226);
}

TEST_F(LaunchMounts, BindPathsAndSayWhichEndIsMissing) {
    const std::string source = file("source", "from the source");
    const std::string place = file("place", "covered");
    LaunchProbe probe("cat " + place + "; (echo x >" + place + ") 2>/dev/null || echo closed");
    probe.with_mounts();
    probe.add(Stage::Mounts, BindMount{source, place, true, false, 1, 0}, {}, 226);
    EXPECT_EQ(probe.run().output, "from the sourceclosed\n");
    EXPECT_EQ(*sys::read_file(place, 100), "covered");

    for (const bool source_missing : {true, false}) {
        LaunchProbe missing("true");
        missing.with_mounts();
        const std::string none = scratch_ + "/none";
        missing.add(
            Stage::Mounts,
            BindMount{
                source_missing ? none : source, source_missing ? place : none, true, false, 0, 0});
        const ProbeResult result = missing.run();
        EXPECT_EQ(
            result.failure(),
            std::string("step \"bind-mount\" failed: No such file or directory (its ") +
                (source_missing ? "source)" : "destination)"));
    }
    LaunchProbe optional("echo ran");
    optional.with_mounts();
    optional.add(Stage::Mounts, BindMount{scratch_ + "/none", place, true, true, 0, 0});
    EXPECT_EQ(optional.run().output, "ran\n");
}

TEST_F(LaunchMounts, DoNotTravelToTheHost) {
    // Trap 14: "/" becomes a slave before anything else is mounted. A host whose mounts are shared
    // is played by a thread with a mount namespace of its own.
    std::string before, after;
    ProbeResult result;
    std::thread([&] {
        ASSERT_TRUE(sys::unshare(0x00020000).has_value());
        ASSERT_TRUE(sys::mount("", "/", "", MS_REC | MS_SLAVE, "").has_value());
        ASSERT_TRUE(sys::mount("", "/", "", MS_REC | MS_SHARED, "").has_value());
        before = *sys::read_file("/proc/thread-self/mountinfo", 1 << 20);
        LaunchProbe probe("grep -c ' " + scratch_ + " ' /proc/self/mountinfo");
        probe.plan.preparations.push_back({CloneTree{"usr", "/usr", true, false, ""}, {}, 226});
        probe.with_mounts();
        probe.add(Stage::Mounts, MountFileSystem{"tmpfs", scratch_, "mode=0700", 0, false});
        probe.add(Stage::Mounts, MakeDirectory{scratch_ + "/usr", 0755});
        probe.add(Stage::Mounts, BindMount{"tree:usr", scratch_ + "/usr", true, false, 0, 0});
        probe.add(Stage::Mounts, MountFileSystem{"tmpfs", scratch_ + "/usr/bin", "", 0, false});
        probe.add(Stage::Mounts, MountAttributes{scratch_ + "/usr/lib", 1, 0, true, true});
        probe.plan.executable = "/bin/sh";
        result = probe.run();
        after = *sys::read_file("/proc/thread-self/mountinfo", 1 << 20);
    }).join();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "1\n");
    EXPECT_EQ(after, before);
}

TEST_F(LaunchMounts, OfFileSystemsTakeOptionsAndFlags) {
    const std::string place = directory("place");
    LaunchProbe probe(
        "grep ' " + place + " ' /proc/self/mountinfo | cut -d' ' -f6,9-; stat -c %a " + place);
    probe.with_mounts();
    probe.add(
        Stage::Mounts,
        MountFileSystem{
            "tmpfs", place, "mode=0710,size=64k", MS_NOSUID | MS_NODEV | MS_NOEXEC, false});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_TRUE(result.output.starts_with("rw,nosuid,nodev,noexec,relatime tmpfs "))
        << result.output;
    EXPECT_NE(result.output.find("size=64k"), std::string::npos) << result.output;
    EXPECT_TRUE(result.output.ends_with("\n710\n")) << result.output;

    LaunchProbe bad("true");
    bad.with_mounts();
    bad.add(Stage::Mounts, MountFileSystem{"tmpfs", place, "size=lots", 0, false});
    EXPECT_EQ(bad.run().failure(), "step \"mount-file-system\" failed: Invalid argument");
    LaunchProbe unknown("true");
    unknown.with_mounts();
    unknown.add(Stage::Mounts, MountFileSystem{"nosuchfs", place, "", 0, false});
    EXPECT_EQ(unknown.run().failure(), "step \"mount-file-system\" failed: No such device");
}

TEST_F(LaunchMounts, OfAProcForTheServiceAlone) {
    LaunchProbe probe("ls -d /proc/[0-9]* | wc -l; ls /proc/1/status 2>/dev/null || echo hidden");
    probe.with_mounts();
    probe.add(
        Stage::Mounts, MountFileSystem{"proc", "/proc", "hidepid=invisible,subset=pid", 14, false});
    probe.add(Stage::Identity, SetGroups{65534, {}});
    probe.add(Stage::Identity, SetUser{65534});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_TRUE(result.output.ends_with("hidden\n")) << result.output;
}

/// The same, with and without a kernel that clones out of detached trees.
void check_hiding(const std::string& scratch, int inaccessible) {
    LaunchProbe probe(
        "stat -c '%a %F' " + scratch + "/dir " + scratch + "/file; ls " + scratch +
        "/dir | wc -l; wc -c <" + scratch + "/file; (echo x >" + scratch +
        "/file) 2>/dev/null || echo closed; stat -c %F /dev/null");
    probe.with_mounts();
    probe.add(Stage::Mounts, HidePath{scratch + "/dir", false}, {}, 226);
    probe.add(Stage::Mounts, HidePath{scratch + "/file", false}, {}, 226);
    probe.add(Stage::Mounts, HidePath{scratch + "/none", true}, {}, 226);
    sys::Descriptor output;
    LaunchRequest request = probe.request(output);
    const SignalsBlocked blocked;
    const ChildStack stack;
    const cgroup::Tree tree;
    InFlight in_flight;
    LaunchOutcome outcome =
        run_launch(std::move(request), LaunchMeans{tree, stack, inaccessible}, in_flight);
    const std::string seen = *sys::read_all(output.number(), 4096, "output");
    testing_support::reap(outcome.result.pidfd);
    EXPECT_FALSE(outcome.result.failure) << message(*outcome.result.failure);
    EXPECT_EQ(seen, "0 directory\n0 regular empty file\n0\n0\nclosed\ncharacter special file\n");
}

TEST_F(LaunchMounts, HidePathsBehindNodesThatNobodyCanUse) {
    file("dir/secret");
    file("file", "secret");
    const sys::Descriptor nodes = make_inaccessible();
    if (nodes) {
        check_hiding(scratch_, nodes.number());
    }
    check_hiding(scratch_, -1);  // what kernels before 6.15 get
}

TEST_F(LaunchMounts, MakePlacesForMounts) {
    const std::string source = file("source", "content");
    const std::string deep = scratch_ + "/a/b/c";
    LaunchProbe probe(
        "stat -c %F " + deep + "/dir " + deep + "/file; cat " + deep + "/file; ls " + scratch_ +
        "/never 2>&1 | wc -l");
    probe.with_mounts();
    probe.add(Stage::Mounts, MakeMountPoint{deep + "/dir", ""}, {}, 226);
    probe.add(Stage::Mounts, MakeMountPoint{deep + "/dir", ""}, {}, 226);  // it is there now
    probe.add(Stage::Mounts, MakeMountPoint{deep + "/file", source}, {}, 226);
    probe.add(Stage::Mounts, MakeMountPoint{scratch_ + "/never/x", scratch_ + "/missing"}, {}, 226);
    probe.add(Stage::Mounts, BindMount{source, deep + "/file", true, false, 0, 0}, {}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "directory\nregular file\ncontent1\n");
    EXPECT_FALSE(sys::stat(scratch_ + "/never").has_value());
}

TEST_F(LaunchMounts, MakeDevicesDirectoriesAndSymlinksWhateverTheUmask) {
    const std::string dev = directory("dev");
    LaunchProbe probe(
        "cd " + dev +
        "; stat -c '%a %F %t:%T' null; stat -c '%a' pts; readlink fd; echo gone >null && head -c 3 "
        "zero | wc -c");
    probe.with_mounts();
    probe.add(Stage::Scheduling, SetUmask{0077});
    probe.add(Stage::Mounts, MountFileSystem{"tmpfs", dev, "mode=0755", MS_NOSUID, false}, {}, 226);
    probe.add(Stage::Mounts, MakeDevice{dev + "/null", 1, 3, 0666}, {}, 226);
    probe.add(Stage::Mounts, MakeDevice{dev + "/zero", 1, 5, 0666}, {}, 226);
    probe.add(Stage::Mounts, MakeDirectory{dev + "/pts", 0755}, {}, 226);
    probe.add(Stage::Mounts, MakeSymlink{"/proc/self/fd", dev + "/fd"}, {}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "666 character special file 1:3\n755\n/proc/self/fd\n3\n");
}

TEST_F(LaunchMounts, BindTheHostsDeviceWhereMknodIsRefused) {
    // Without CAP_MKNOD, and with the host's /dev already covered by the new one.
    constexpr std::uint64_t All = ~std::uint64_t{0};
    constexpr std::uint64_t WithoutMknod = 0x1fffeffffff & ~(std::uint64_t{1} << 27);
    const auto own = sys::read_file("/proc/self/status", 8192);
    const std::uint64_t permitted =
        std::stoull(own->substr(own->find("CapPrm:\t") + 8, 16), nullptr, 16) & WithoutMknod;
    LaunchProbe probe("stat -c '%F %t:%T' /dev/null; echo gone >/dev/null && echo usable");
    probe.with_mounts();
    probe.add(Stage::Session, DropBoundingSet{All & ~(std::uint64_t{1} << 27)});
    probe.add(Stage::Session, SetCapabilities{permitted, permitted, 0});
    probe.add(Stage::Mounts, MountFileSystem{"tmpfs", "/dev", "mode=0755", MS_NOSUID, false});
    probe.add(Stage::Mounts, MakeDevice{"/dev/null", 1, 3, 0666}, {}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "character special file 1:3\nusable\n");

    LaunchProbe wrong("true");  // a node of that name that is another device does not count
    wrong.with_mounts();
    wrong.add(Stage::Session, DropBoundingSet{All & ~(std::uint64_t{1} << 27)});
    wrong.add(Stage::Session, SetCapabilities{permitted, permitted, 0});
    wrong.add(Stage::Mounts, MountFileSystem{"tmpfs", "/dev", "mode=0755", MS_NOSUID, false});
    wrong.add(Stage::Mounts, MakeDevice{"/dev/null", 1, 9, 0666}, {}, 226);
    EXPECT_EQ(wrong.run().failure(), "step \"make-device\" failed: Operation not permitted");
}

TEST_F(LaunchMounts, HavePrivateTemporaryDirectoriesForOneActivation) {
    const char* script = "ls -A /tmp | wc -l; echo kept >/tmp/file; stat -c %a /tmp";
    LaunchProbe probe(script);
    probe.plan.preparations.push_back({MakePrivateTmp{"tmp", "/tmp"}, {}, 226});
    probe.with_mounts();
    probe.add(Stage::Mounts, BindMount{"slot:tmp", "/tmp", true, false, 2, 0}, {}, 226);
    const ProbeResult first = probe.run();
    EXPECT_EQ(first.failure(), "");
    EXPECT_EQ(first.output, "0\n1777\n");
    const std::string inner = probe.activation.directories.at("tmp");
    EXPECT_TRUE(inner.starts_with("/tmp/hearth-probe.service-")) << inner;
    EXPECT_EQ(sys::stat(inner.substr(0, inner.rfind('/')))->st_mode & 07777, 0700U);

    LaunchProbe next(script);
    next.plan.preparations = probe.plan.preparations;
    next.activation = std::move(probe.activation);
    next.with_mounts();
    next.add(Stage::Mounts, BindMount{"slot:tmp", "/tmp", true, false, 2, 0}, {}, 226);
    EXPECT_EQ(next.run().output, "1\n1777\n") << "the same directory for the next command";
    release(next.activation);
    EXPECT_FALSE(sys::stat(inner.substr(0, inner.rfind('/'))).has_value());
}

/// A root of its own: busybox with a few directories.
std::string make_root(const std::string& scratch) {
    const std::string root = scratch + "/root";
    for (const char* name : {"/bin", "/proc", "/dev", "/etc", "/tmp"}) {
        EXPECT_TRUE(sys::make_directories(root + name, 0755).has_value());
    }
    EXPECT_TRUE(sys::replace_file(root + "/bin/sh", *sys::read_file("/bin/busybox", 1 << 24), 0755)
                    .has_value());
    return root;
}

TEST_F(LaunchMounts, ChangeTheRootSoThatTheOldOneIsGone) {
    if (!sys::stat("/bin/busybox")) {
        GTEST_SKIP() << "needs /bin/busybox (package busybox-static)";
    }
    const std::string root = make_root(scratch_);
    LaunchProbe probe("pwd; echo /*; busybox wc -l </proc/self/mountinfo");
    probe.plan.argv.back() = "pwd; echo /*; while read l; do echo m; done </proc/self/mountinfo";
    probe.with_mounts();
    probe.add(Stage::Mounts, BindMount{root, root, true, false, 0, 0}, {}, 226);
    probe.add(Stage::Mounts, MountFileSystem{"proc", root + "/proc", "", 14, false}, {}, 226);
    probe.add(Stage::Root, PivotRoot{root}, {"RootDirectory", root, {"u", 3, 1}}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "/\n/bin /dev /etc /proc /tmp\nm\nm\n");

    LaunchProbe unbound("pwd");  // a root that is no mount point yet
    unbound.plan.argv.back() = "pwd; echo /*";
    unbound.with_mounts();
    unbound.add(Stage::Root, PivotRoot{root}, {}, 226);
    EXPECT_EQ(unbound.run().output, "/\n/bin /dev /etc /proc /tmp\n");
}

TEST_F(LaunchMounts, NeverLeaveTheNewRootByASymlinkInIt) {
    if (!sys::stat("/bin/busybox")) {
        GTEST_SKIP() << "needs /bin/busybox (package busybox-static)";
    }
    const std::string root = make_root(scratch_);
    const std::string outside = directory("outside");
    ASSERT_TRUE(sys::rmdir(root + "/etc").has_value());
    // As the host would follow it, this leads to the host's directory; as the root would, to its
    // own.
    ASSERT_TRUE(sys::symlink(outside, root + "/etc").has_value());
    const auto prepared = [&](const std::string& script) {
        LaunchProbe probe("");
        probe.plan.argv.back() = script;
        probe.with_mounts();
        probe.add(Stage::Mounts, BindMount{root, root, true, false, 0, 0}, {}, 226);
        return probe;
    };
    LaunchProbe escaping = prepared("true");
    escaping.add(
        Stage::Mounts,
        MakeDirectory{root + "/etc/made", 0755},
        {"BindPaths", "x", {"u", 6, 1}},
        226);
    escaping.add(Stage::Root, PivotRoot{root}, {}, 226);
    EXPECT_EQ(
        escaping.run().failure(),
        "u:6: BindPaths=x: step \"make-directory\" failed: No such file or directory");
    EXPECT_FALSE(sys::stat(outside + "/made").has_value());

    ASSERT_TRUE(sys::make_directories(root + outside, 0755).has_value());
    LaunchProbe staying = prepared("echo " + outside + "/*");
    staying.add(Stage::Mounts, MakeDirectory{root + "/etc/made", 0755}, {}, 226);
    staying.add(Stage::Mounts, MountFileSystem{"tmpfs", root + "/etc/made", "", 0, false}, {}, 226);
    staying.add(Stage::Mounts, HidePath{root + "/proc", false}, {}, 226);
    staying.add(Stage::Root, PivotRoot{root}, {}, 226);
    EXPECT_EQ(staying.run().output, outside + "/made\n");
    EXPECT_FALSE(sys::stat(outside + "/made").has_value());
}

TEST_F(LaunchMounts, AreSharedAfterwardsWhereAsked) {
    LaunchProbe probe(
        "grep -c 'shared:' /proc/self/mountinfo; grep -cv 'shared:' /proc/self/mountinfo");
    probe.add(Stage::Namespaces, NewNamespaces{0x00020000});
    probe.add(Stage::Mounts, MountPropagation{false, MountPropagation::Final::Shared});
    probe.add(Stage::Mounts, MountFileSystem{"tmpfs", scratch_, "", 0, false});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_TRUE(result.output.ends_with("\n0\n")) << result.output;
}

}  // namespace
}  // namespace hearth::launch
