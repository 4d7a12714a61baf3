// SPDX-License-Identifier: MIT
//
// Namespaces as a service meets them, on three grounds: root on the host, root without
// CAP_SYS_ADMIN, and a plain user's hearthd --user.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {
namespace {

std::string content(const std::string& path) {
    const std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A service that runs `script` once; what it wrote to $OUT is the answer. `lines`: of [Service].
std::string answer(
    const HearthdProcess& hearthd,
    const std::string& name,
    const std::string& lines,
    const std::string& script,
    const std::string& other_sections = {}) {
    const std::string out = hearthd.place() + "/" + name + ".out";
    const std::string program = hearthd.place() + "/" + name + ".sh";
    std::ofstream(program) << script << "\n";  // as a file: nothing in it is a specifier
    ::chmod(hearthd.place().c_str(), 0755);
    hearthd.add(
        name + ".service",
        other_sections + "[Service]\nType=oneshot\nStandardOutput=truncate:" + out +
            "\nStandardError=inherit\nExecStart=/bin/sh " + program + "\n" + lines + "\n");
    const Output started = hearthd.ctl({"start", name + ".service"});
    EXPECT_EQ(started.status, 0) << started.err << hearthd.log() << content(out);
    return content(out);
}

/// Why the unit doesn't start.
std::string refusal(
    const HearthdProcess& hearthd, const std::string& name, const std::string& text) {
    hearthd.add(name + ".service", text);
    const Output started = hearthd.ctl({"start", name + ".service"});
    EXPECT_NE(started.status, 0) << name << " starts";
    return started.err + hearthd.log();
}

/// A namespace that another program made: a thread unshares it and goes on living.
class Foreign {
public:
    explicit Foreign(int flag, const char* kind) {
        std::thread([&] {
            if (::unshare(flag) == 0) {
                descriptor_ =
                    ::open((std::string("/proc/thread-self/ns/") + kind).c_str(), O_RDONLY);
            }
        }).join();
    }
    ~Foreign() { ::close(descriptor_); }
    Foreign(const Foreign&) = delete;
    Foreign& operator=(const Foreign&) = delete;
    [[nodiscard]] std::string path() const {
        return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_);
    }
    [[nodiscard]] std::string identity() const { return *sys::readlink(path()); }

private:
    int descriptor_ = -1;
};

TEST(HearthdNamespaces, OfAPathAreJoined) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const Foreign network(CLONE_NEWNET, "net"), ipc(CLONE_NEWIPC, "ipc");
    const std::string said = answer(
        hearthd,
        "join",
        "NetworkNamespacePath=" + network.path() + "\nIPCNamespacePath=" + ipc.path(),
        "readlink /proc/self/ns/net /proc/self/ns/ipc");
    EXPECT_EQ(said, network.identity() + "\n" + ipc.identity() + "\n");
    EXPECT_TRUE(
        has(refusal(
                hearthd,
                "wrong",
                "[Service]\nType=oneshot\nExecStart=/bin/true\nNetworkNamespacePath=" + ipc.path() +
                    "\n"),
            "is not a network namespace"));
}

TEST(HearthdNamespaces, AreSharedByUnitsThatJoinEachOther) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const std::string first = hearthd.place() + "/first";
    const std::string own = "PrivateNetwork=yes\nPrivateIPC=yes\nPrivateTmp=yes\n";
    hearthd.add(
        "first.service",
        "[Service]\nExecStart=/bin/sh -c 'echo left >/tmp/note; readlink /proc/self/ns/net "
        "/proc/self/ns/ipc >" +
            first + "; exec sleep 1000'\n" + own);
    ASSERT_EQ(hearthd.ctl({"start", "first.service"}).status, 0) << hearthd.log();
    ASSERT_TRUE(eventually([&] { return has(content(first), "ipc"); }));
    const char* script =
        "readlink /proc/self/ns/net /proc/self/ns/ipc; cat /tmp/note; echo by >/tmp/second";
    const std::string joins = "[Unit]\nJoinsNamespaceOf=first.service\n";
    EXPECT_EQ(answer(hearthd, "second", own, script, joins), content(first) + "left\n");
    hearthd.add("beside.service", joins + "[Service]\nExecStart=/bin/sleep 1000\n" + own);
    ASSERT_EQ(hearthd.ctl({"start", "beside.service"}).status, 0) << hearthd.log();
    const std::string proof = hearthd.ctl({"confinement", "beside.service"}).out;
    EXPECT_TRUE(has(proof, "ipc, net, /tmp of first.service")) << proof;
    EXPECT_TRUE(has(proof, "0 mismatched")) << proof;
    ASSERT_EQ(hearthd.ctl({"stop", "beside.service"}).status, 0);
    const std::string alone = answer(hearthd, "stranger", own, "readlink /proc/self/ns/net");
    EXPECT_FALSE(has(content(first), alone)) << "who names nobody shares with nobody";
    // The private directories outlive the one that leaves first.
    EXPECT_EQ(answer(hearthd, "third", own, "cat /tmp/second", joins), "by\n");
    ASSERT_EQ(hearthd.ctl({"stop", "first.service"}).status, 0);
    EXPECT_TRUE(eventually([] {
        for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
            if (has(entry.path().string(), "hearth-first.service-")) {
                return false;
            }
        }
        return true;
    })) << "the last one took the directory along";
}

TEST(HearthdNamespaces, OfProcessesBeginWithTheService) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    EXPECT_EQ(
        answer(
            hearthd,
            "pids",
            "PrivatePIDs=yes",
            "echo $$; set -- /proc/[0-9]*; echo $#; kill -0 " + std::to_string(hearthd.pid()) +
                " 2>/dev/null || echo alone"),
        "1\n1\nalone\n")
        << "the shell, and nothing else";
}

TEST(HearthdNamespaces, MayHoldANameThatIsTheServicesToChange) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    char before[256] = {};
    ::gethostname(before, sizeof before);
    EXPECT_EQ(
        answer(
            hearthd,
            "name",
            "ProtectHostname=private:furnace",
            "cat /proc/sys/kernel/hostname; echo forge >/proc/sys/kernel/hostname; cat "
            "/proc/sys/kernel/hostname"),
        "furnace\nforge\n");
    char after[256] = {};
    ::gethostname(after, sizeof after);
    EXPECT_STREQ(before, after);
}

TEST(HearthdNamespaces, ShowItsOwnControlGroupsOnly) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const char* script =
        "grep -c . /proc/self/cgroup; grep ^0 /proc/self/cgroup; v2=$(findmnt -rno TARGET -t "
        "cgroup2 "
        "| tail -1); ls $v2/hearth* $v2/system.slice 2>/dev/null; cat $v2/cgroup.procs | wc -l; "
        "mkdir $v2/sub 2>/dev/null && rmdir $v2/sub && echo writable";
    const std::string own =
        answer(hearthd, "own", "MemoryMax=64M\nProtectControlGroups=private", script);
    EXPECT_TRUE(has(own, "\n0::/\n")) << own;
    EXPECT_TRUE(has(own, "\nwritable\n")) << own;
    const std::string strict =
        answer(hearthd, "strict", "ProtectControlGroups=strict", script + std::string("; true"));
    EXPECT_TRUE(has(strict, "\n0::/\n")) << strict;
    EXPECT_FALSE(has(strict, "writable")) << strict;
}

// ---- users

TEST(HearthdUsers, OfItsOwnHaveNoRightsOverTheHost) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const std::string theirs = hearthd.place() + "/theirs";
    std::ofstream(theirs) << "x";
    const std::string script = "cat /proc/self/uid_map | tr -s \" \"; id -u; chown 1:1 " + theirs +
                               " 2>/dev/null || echo kept; mount -t tmpfs t /mnt 2>/dev/null || "
                               "echo unmounted; grep CapEff "
                               "/proc/self/status";
    const std::string own = answer(hearthd, "users", "PrivateUsers=yes", script);
    EXPECT_TRUE(has(own, " 0 0 1\n0\nkept\nunmounted\nCapEff:\t000001ff")) << own;
    const std::string bounded = answer(
        hearthd,
        "bounded",
        "PrivateUsers=yes\nCapabilityBoundingSet=CAP_CHOWN",
        "grep CapBnd /proc/self/status");
    EXPECT_EQ(bounded, "CapBnd:\t0000000000000001\n");
    EXPECT_TRUE(
        has(answer(hearthd, "full", "PrivateUsers=full", "cat /proc/self/uid_map | tr -s \" \""),
            " 1 1 4294967294\n"));
    const std::string user = answer(
        hearthd,
        "named",
        "User=nobody\nPrivateUsers=yes",
        "id -u; cat /proc/self/uid_map | tr -s \" \"");
    EXPECT_EQ(user, "65534\n 0 0 1\n 65534 65534 1\n");
}

/// hearthd with an /etc/subuid and /etc/subgid of its own, in a mount namespace that ends with it.
Ground with_ranges(const std::string& file) {
    std::ofstream(file) << "hearth:200000:65536\nhearth:300000:65536\n";
    const std::string script = "mount --bind " + file + " /etc/subuid && mount --bind " + file +
                               " /etc/subgid && exec \"$@\"";
    return {{"unshare", "-m", "sh", "-c", script, "sh"}, 0};
}

TEST(HearthdUsers, OfARangeAreNobodyOutsideAndOwnTheirOldState) {
    SKIP_WITHOUT_ROOT();
    if (!std::filesystem::exists("/etc/subuid") || !std::filesystem::exists("/etc/subgid")) {
        GTEST_SKIP() << "no /etc/subuid to put another in the place of";
    }
    char place[] = "/var/tmp/hearth-range.XXXXXX";
    ASSERT_NE(::mkdtemp(place), nullptr);
    const std::string at = place, state = at + "/state";
    std::filesystem::create_directory(state);
    ::chmod(place, 0755);
    std::ofstream(state + "/old") << "old\n";
    ::chmod((state + "/old").c_str(), 0600);
    std::ofstream(at + "/outside") << "outside\n";
    ::chmod((at + "/outside").c_str(), 0600);
    {
        const HearthdProcess hearthd({}, {}, with_ranges(at + "/ranges"));
        const std::string said = answer(
            hearthd,
            "range",
            "BindPaths=" + state + "\n[X-Hearth]\nUserNamespaceRange=auto",
            "id -u; cat " + state + "/old; echo new >" + state + "/new; cat " + at +
                "/outside 2>/dev/null || echo closed; stat -c %u " + state + "/old /etc/passwd");
        EXPECT_EQ(said, "0\nold\nclosed\n0\n65534\n") << hearthd.log();
        struct stat made{};
        ASSERT_EQ(::stat((state + "/new").c_str(), &made), 0);
        EXPECT_EQ(made.st_uid, 0U) << "on disk it is the state's own owner";

        hearthd.add(
            "long.service",
            "[Service]\nExecStart=/bin/sleep 1000\n[X-Hearth]\nUserNamespaceRange=200000:65536\n");
        ASSERT_EQ(hearthd.ctl({"start", "long.service"}).status, 0) << hearthd.log();
        const std::string pid = hearthd.show("long.service", "MainPID");
        EXPECT_TRUE(
            has(content("/proc/" + pid + "/status"), "Uid:\t200000\t200000\t200000\t200000"));
        const Output report = hearthd.ctl({"confinement", "long.service"});
        EXPECT_EQ(report.status, 0) << report.out;
        EXPECT_TRUE(has(report.out, "UserNamespaceRange")) << report.out;
        EXPECT_TRUE(has(report.out, "0:200000:65536")) << report.out;
        const Output inside = hearthd.ctl({"attach", "long.service", "--", "id", "-u"});
        EXPECT_EQ(inside.out, "0\n") << inside.err;
        EXPECT_TRUE(has(
            refusal(
                hearthd,
                "far",
                "[Service]\nExecStart=/bin/true\n[X-Hearth]\nUserNamespaceRange=900000:65536\n"),
            "far.service:4: UserNamespaceRange=900000:65536 can't be given here"));
    }
    std::filesystem::remove_all(at);
}

// ---- verified

TEST(HearthdNamespaces, AreVerifiedByTheReport) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const Foreign network(CLONE_NEWNET, "net");
    hearthd.add(
        "all.service",
        "[Service]\nExecStart=/bin/sleep 1000\nUser=nobody\nNetworkNamespacePath=" +
            network.path() +
            "\nPrivatePIDs=yes\nPrivateUsers=identity\nPrivateIPC=yes\nMemoryMax=64M\n"
            "ProtectHostname=private\nProtectControlGroups=strict\n");
    ASSERT_EQ(hearthd.ctl({"start", "all.service"}).status, 0) << hearthd.log();
    const Output report = hearthd.ctl({"confinement", "all.service"});
    EXPECT_EQ(report.status, 0) << report.out << report.err;
    EXPECT_FALSE(has(report.out, "MISMATCH")) << report.out;
    EXPECT_FALSE(has(report.out, "cannot know")) << report.out;
    const Output stopped = hearthd.ctl({"kill", "-s", "KILL", "all.service"});
    EXPECT_EQ(stopped.status, 0) << stopped.err;  // number 1 takes no other signal by default
}

// ---- the other grounds

TEST(HearthdWithoutSysAdmin, RefusesOrTakesAUserNamespace) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd({}, {}, {{"setpriv", "--bounding-set=-sys_admin"}, 0});
    EXPECT_TRUE(has(
        refusal(
            hearthd, "net", "[Service]\nType=oneshot\nExecStart=/bin/true\nPrivateNetwork=yes\n"),
        "net.service:4: PrivateNetwork=yes can't be given here: hearthd lacks CAP_SYS_ADMIN"));
    const std::string host = *sys::namespace_identity("/proc/self/ns/net");
    const std::string said = answer(
        hearthd,
        "users",
        "PrivateUsers=yes\nPrivateNetwork=yes\nPrivateTmp=yes\nProtectSystem=strict",
        "readlink /proc/self/ns/net; ls /tmp | wc -l; touch /etc/x 2>/dev/null || echo locked");
    EXPECT_FALSE(has(said, host)) << said;
    EXPECT_TRUE(has(said, "\n0\nlocked\n")) << said;
    EXPECT_EQ(answer(hearthd, "plain", "", "echo runs"), "runs\n");
}

constexpr unsigned plain_user = 65534;

Ground plain() {
    const std::string id = std::to_string(plain_user);
    return {
        {"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--", "env", "HOME=/"},
        plain_user};
}

TEST(HearthdOfAUser, RunsAndConfinesWithoutAnyRight) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd({}, {"--user"}, plain());
    EXPECT_EQ(answer(hearthd, "plain", "", "id -u"), "65534\n");
    const std::string host = *sys::namespace_identity("/proc/self/ns/net");
    const std::string said = answer(
        hearthd,
        "confined",
        "PrivateNetwork=yes\nPrivateTmp=yes\nPrivateDevices=yes\nProtectSystem=strict\n"
        "ProtectHome=yes\nReadWritePaths=" +
            hearthd.place() + "\nNoNewPrivileges=yes\nSystemCallFilter=~@mount",
        "readlink /proc/self/ns/net; ls /tmp | wc -l; touch /var/tmp/x && echo private; touch " +
            hearthd.place() +
            "/here && echo hole; touch /dev/shm/../x 2>/dev/null || echo locked; "
            "echo y >/dev/null && id -u; grep NoNewPrivs /proc/self/status");
    EXPECT_FALSE(has(said, host)) << said;
    EXPECT_TRUE(has(said, "\n0\nprivate\nhole\nlocked\n65534\nNoNewPrivs:\t1\n")) << said;
    EXPECT_FALSE(std::filesystem::exists("/var/tmp/x"));
}

TEST(HearthdOfAUser, RefusesByLineWhatItCantGive) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd({}, {"--user"}, plain());
    const std::string service = "[Service]\nType=oneshot\nExecStart=/bin/true\n";
    EXPECT_TRUE(
        has(refusal(hearthd, "memory", service + "MemoryMax=10M\n"),
            "memory.service:4: MemoryMax=10M can't be given here: there is no cgroup"));
    EXPECT_TRUE(
        has(refusal(hearthd, "pids", service + "PrivatePIDs=yes\n"),
            "pids.service:4: PrivatePIDs=yes can't be given here: hearthd lacks CAP_SYS_ADMIN"));
    EXPECT_TRUE(
        has(refusal(hearthd, "daemon", service + "User=daemon\n"),
            "daemon.service:4: User=daemon can't be given here: hearthd lacks CAP_SETUID"));
}

TEST(HearthdOfAUser, EndsWhatItsServicesLeftWithoutCgroups) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd({}, {"--user"}, plain());
    const std::string note = hearthd.place() + "/orphan", program = note + ".sh";
    std::ofstream(program) << "echo $$ >" << note << "; exec sleep 1000\n";
    ::chmod(hearthd.place().c_str(), 0755);
    hearthd.add(
        "leaves.service",
        "[Service]\nExecStart=/bin/sh -c '(setsid sh " + program + " &) ; exec sleep 1000'\n");
    ASSERT_EQ(hearthd.ctl({"start", "leaves.service"}).status, 0) << hearthd.log();
    ASSERT_TRUE(eventually([&] { return has(content(note), "\n"); }));
    const pid_t orphan = std::stoi(content(note));
    ASSERT_EQ(::kill(orphan, 0), 0);
    EXPECT_EQ(hearthd.ctl({"stop", "leaves.service"}).status, 0) << hearthd.log();
    EXPECT_TRUE(eventually([&] { return ::kill(orphan, 0) != 0; })) << hearthd.log();
}

}  // namespace
}  // namespace hearth::testing
