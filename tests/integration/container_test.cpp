// SPDX-License-Identifier: MIT
//
// hearth-init as PID 1 of a plain container: a root that is read-only, uid 1000 without a single
// capability, no cgroup and no /run to write to (issue 6, point 6). The container is made here by
// unshare(1), in namespaces of its own, and goes with them.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::Output;
using hearth::testing::run_program;
namespace fs = std::filesystem;

/// $1: the test's place, $2: what to write to: a directory of tmpfs, or "nothing"; then the
/// command.
constexpr const char* enter = R"(
set -e
place=$1 writable=$2
shift 2
mount --make-rprivate /
root=$place/root
mount --rbind / $root
mount -t proc proc $root/proc
for each in /sys /run /tmp /dev/shm /var/log; do
    [ -d $root$each ] || continue
    mode=755,ro
    [ $each != "$writable" ] || mode=1777
    mount -t tmpfs -o mode=$mode tmpfs $root$each
done
mount -t tmpfs tmpfs $root/mnt
mkdir $root/mnt/hearth $root/mnt/old
mount --bind $place/hearth $root/mnt/hearth
mount -o remount,ro,bind $root
cd $root
pivot_root . mnt/old
umount -l /mnt/old
exec chroot . setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all \
    --no-new-privs "$@"
)";

class Container : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (run_program({"setpriv", "--help"}).out.find("--bounding-set") == std::string::npos) {
            GTEST_SKIP() << "no setpriv of util-linux on this machine";
        }
        char name[] = "/var/tmp/hearth-container.XXXXXX";
        place = ::mkdtemp(name);
        fs::create_directories(place + "/hearth/units");
        fs::create_directory(place + "/root");
        for (const char* const program : {"hearth-init", "hearthd", "hearth-logd", "hearthctl"}) {
            fs::copy_file(
                std::string(HEARTH_BINARY_DIR "/") + program, place + "/hearth/" + program);
        }
        fs::permissions(place, fs::perms::all);
    }
    void TearDown() override {
        if (!place.empty()) {
            fs::remove_all(place);
        }
    }
    void add(const std::string& name, const std::string& text) const {
        std::ofstream(place + "/hearth/units/" + name) << text;
    }
    /// hearth-init as PID 1 of a container in which only `writable` can be written to.
    [[nodiscard]] std::vector<std::string> command(
        const std::vector<std::string>& words, const std::string& writable = "/tmp") const {
        std::vector<std::string> all = {
            "unshare",
            "-m",
            "-p",
            "-f",
            "-i",
            "--kill-child",
            "sh",
            "-c",
            enter,
            "sh",
            place,
            writable,
            "/mnt/hearth/hearth-init",
            "--unit-path",
            "/mnt/hearth/units"};
        all.insert(all.end(), words.begin(), words.end());
        return all;
    }
    [[nodiscard]] Output run(
        const std::vector<std::string>& words, const std::string& writable = "/tmp") const {
        return run_program(command(words, writable));
    }

    std::string place;
};

TEST_F(Container, ServicesRunAndTheirOutputHasTheirNames) {
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'id -u; echo one; echo two >&2; sleep 0.2; exit 3'\n");
    add("b.service", "[Service]\nExecStart=/bin/sh -c 'echo three'\n");
    const Output said = run({"--unit", "a.service", "--unit", "b.service"});
    EXPECT_EQ(said.status, 3) << said.err;
    for (const char* const line :
         {"a.service: 1000\n", "a.service: one\n", "a.service: two\n", "b.service: three\n"}) {
        EXPECT_NE(said.out.find(line), std::string::npos) << said.out << said.err;
    }
    EXPECT_EQ(said.out.find("hearthd:"), std::string::npos) << said.out;
    EXPECT_NE(said.err.find("running without cgroups"), std::string::npos) << said.err;
    EXPECT_NE(said.err.find("/tmp/hearth-1000/private"), std::string::npos) << said.err;
}

TEST_F(Container, OutputAsJsonOrNotAtAll) {
    add("a.service",
        "[Service]\nSyslogIdentifier=some\nExecStart=/bin/printf 'a \"quote\" \\\\t\\n'\n");
    const Output json = run({"--log-to-stdout", "json", "--unit", "a.service"}, "/dev/shm");
    EXPECT_EQ(json.status, 0) << json.err;
    EXPECT_NE(
        json.out.find(
            "\",\"unit\":\"a.service\",\"identifier\":\"some\",\"message\":\"a \\\"quote\\\" "),
        std::string::npos)
        << json.out;
    EXPECT_EQ(run({"--log-to-stdout=no", "--unit", "a.service"}).out, "");
}

TEST_F(Container, ACommandHasTheStreamsAndGivesTheStatus) {
    const Output said = run({"--", "sh", "-c", "echo out; cat; echo err >&2; exit 5"});
    EXPECT_EQ(said.status, 5) << said.err;
    EXPECT_EQ(said.out, "out\n") << said.err;
    EXPECT_EQ(run({"--", "sh", "-c", "kill -KILL $$"}).status, 128 + SIGKILL);
}

TEST_F(Container, HearthctlFindsIt) {
    // A process may run before hearthd has heard that it does.
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'until /mnt/hearth/hearthctl -q is-active a.service; do "
        "sleep 0.05; done; exec /mnt/hearth/hearthctl is-active a.service'\n");
    const Output said = run({"--unit", "a.service"});
    EXPECT_EQ(said.out, "a.service: active\n") << said.err;
    EXPECT_EQ(said.status, 0) << said.err;
}

/// What can't be given is refused by name, with the way out.
TEST_F(Container, ALimitIsRefusedByName) {
    add("a.service", "[Service]\nMemoryMax=1G\nExecStart=/bin/true\n");
    const Output said = run({"--unit", "a.service"});
    EXPECT_EQ(said.status, 1) << said.err;
    EXPECT_NE(said.err.find("a.service:2: MemoryMax="), std::string::npos) << said.err;
    EXPECT_NE(said.err.find("RelaxConfinement=MemoryMax"), std::string::npos) << said.err;
}

TEST_F(Container, WhereNothingCanBeWrittenItSaysWhatToMount) {
    const Output said = run({"--", "true"}, "nothing");
    EXPECT_EQ(said.status, 2) << said.err;
    EXPECT_NE(said.err.find("mount a tmpfs on /run"), std::string::npos) << said.err;
    EXPECT_EQ(said.err.find("starting it again"), std::string::npos) << said.err;
}

TEST_F(Container, AnOutputThatNobodyReadsStallsNoService) {
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'head -c 6000000 /dev/zero | tr \"\\\\0\" x | fold -w "
        "100; "
        "echo; echo written > /tmp/done'\n");
    add("b.service",
        "[Unit]\nAfter=a.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c "
        "'while ! [ -e /tmp/done ]; do sleep 0.05; done; echo end >&2'\n");
    // The reader begins only when the service has written all that it had.
    std::vector<std::string> words = {
        "sh",
        "-c",
        "\"$@\" 2>" + place + "/err | { while ! grep -q 'a.service: running' " + place +
            "/err; do sleep 0.05; done; cat; }",
        "sh"};
    std::ranges::copy(
        command({"--unit", "a.service", "--unit", "b.service"}), std::back_inserter(words));
    const Output said = run_program(words);
    EXPECT_NE(said.out.find("hearth-logd: "), std::string::npos) << said.out.size();
    EXPECT_NE(
        said.out.find(" lines not shown here: standard output is read too slowly\n"),
        std::string::npos)
        << said.out.size();
}

TEST_F(Container, SigtermStopsAllInOrder) {
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'trap \"echo a ends; exit 0\" TERM; echo up; while :; do "
        "sleep 0.05; done'\n");
    add("b.service",
        "[Unit]\nAfter=a.service\nRequires=a.service\n[Service]\nExecStart=/bin/sh -c 'trap "
        "\"sleep "
        "0.2; echo b ends; exit 0\" TERM; sleep 0.3; kill -TERM 1; while :; do sleep 0.05; "
        "done'\n");

    const Output said = run({"--unit", "b.service"});
    EXPECT_EQ(said.status, 0) << said.err;
    const std::size_t b = said.out.find("b.service: b ends");
    const std::size_t a = said.out.find("a.service: a ends");
    EXPECT_NE(a, std::string::npos) << said.out << said.err;
    EXPECT_LT(b, a) << said.out << said.err;
}

/// Ordered, and no more than that: whatever they are called, and however they are named.
TEST_F(Container, UnitsStartAndStopInTheirOrder) {
    const auto stays = [](const std::string& name) {
        return "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'sleep 0.2; "
               "echo " +
               name + " up'\nExecStop=/bin/sh -c 'sleep 0.2; echo " + name + " ends'\n";
    };
    add("a.service", stays("a"));
    add("b.service", "[Unit]\nAfter=a.service\n" + stays("b"));
    add("c.service",
        "[Unit]\nAfter=b.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'kill -TERM 1'\n");
    const Output said = run({"--unit", "c.service", "--unit", "b.service", "--unit", "a.service"});
    EXPECT_EQ(said.status, 0) << said.err;
    std::string order;
    std::istringstream lines(said.out);
    for (std::string unit, name, what; lines >> unit >> name >> what;) {
        order += name + " " + what + "; ";
    }
    EXPECT_EQ(order, "a up; b up; b ends; a ends; ") << said.out << said.err;
}

/// docker run --init, or a pod's shared PID namespace.
TEST_F(Container, BelowAnotherFirstProcess) {
    add("a.service", "[Service]\nExecStart=/bin/true\n");
    const auto below = [this](const std::vector<std::string>& words) {
        std::vector<std::string> all = command(words);
        const auto program = std::ranges::find(all, "/mnt/hearth/hearth-init");
        all.insert(program, {"sh", "-c", "\"$0\" \"$@\"; exit $?"});
        return run_program(all);
    };
    const Output as_command = below({"--", "sh", "-c", "echo $$; exit 8"});
    EXPECT_EQ(as_command.status, 8) << as_command.err;
    EXPECT_EQ(as_command.err, "");
    const Output as_guest = below({"--unit", "a.service"});
    EXPECT_EQ(as_guest.status, 2) << "it has nowhere to be\n" << as_guest.err;
}

TEST_F(Container, AStatusWithoutCgroupsAndLogs) {
    add("a.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    add("b.service",
        "[Unit]\nAfter=a.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c "
        "'/mnt/hearth/hearthctl status a.service; /mnt/hearth/hearthctl logs a.service; kill -TERM "
        "1'\n");
    const Output said = run({"--unit", "a.service", "--unit", "b.service"});
    EXPECT_NE(said.out.find("Processes: 1\n"), std::string::npos) << said.out << said.err;
    EXPECT_NE(said.out.find("sleep infinity\n"), std::string::npos) << said.out << said.err;
    EXPECT_NE(said.out.find("no directory that logs could be kept in"), std::string::npos)
        << said.out << said.err;
}

// ---- nothing escapes being stopped --------------------------------------------------------------

/// Leaves its service twice over: two forks, a session of its own, an environment that tells
/// nothing, and a subreaper of its own above what it leaves. perl, for it can make system calls.
constexpr const char* fugitive = R"(
    $0 = "fugitive";
    exit 0 if fork;
    POSIX::setsid();
    exit 0 if fork;
    syscall(157, 36, 1, 0, 0, 0) if $ARGV[1] eq "x86_64";
    exit 0 if !defined(my $child = fork);
    if (!$child) { POSIX::setsid(); exit 0 if fork; }
    $SIG{TERM} = $SIG{HUP} = $SIG{INT} = "IGNORE";
    open(my $out, ">>", "/tmp/alive"); $out->autoflush(1);
    while (1) { print $out "x"; select(undef, undef, undef, 0.02); }
)";

TEST_F(Container, NothingEscapesBeingStopped) {
    if (run_program({"perl", "-MPOSIX", "-e", "exit 0"}).status != 0) {
        GTEST_SKIP() << "no perl on this machine";
    }
    std::ofstream(place + "/hearth/fugitive.pl") << "use POSIX; use IO::Handle;\n" << fugitive;
    // What is left alone for a while, and no child of its service any more, still is the service's.
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'env -i /usr/bin/perl /mnt/hearth/fugitive.pl - `uname "
        "-m`; (env -i /usr/bin/setsid /usr/bin/nohup /bin/sleep 1000 >/dev/null 2>&1 &); exec "
        "sleep 1000'\nTimeoutStopSec=1\n");
    add("b.service",
        "[Service]\nExecStart=/bin/sh -c '/mnt/hearth/hearthctl start a.service; sleep 0.5; "
        "[ -s /tmp/alive ] || exit 2; /mnt/hearth/hearthctl stop a.service; "
        "a=`wc -c </tmp/alive`; sleep 0.3; [ $a = `wc -c </tmp/alive` ] || exit 3; "
        "for each in /proc/[0-9]*/cmdline; do tr \"\\\\0\" \" \" <$each; echo; done'\n");
    const Output said = run({"--unit", "b.service"});
    EXPECT_EQ(said.status, 0) << said.out << said.err;
    EXPECT_EQ(said.out.find("sleep 1000"), std::string::npos) << said.out;
    EXPECT_EQ(said.out.find("fugitive"), std::string::npos) << said.out;
    EXPECT_EQ(said.out.find("hearth-shim a.service"), std::string::npos) << said.out;
    EXPECT_NE(said.out.find("hearth-shim b.service"), std::string::npos) << said.out;
}

/// A forking service's main process is no child of hearthd's; how it ended is known all the same.
TEST_F(Container, TheStatusOfADaemonIsKnown) {
    add("a.service",
        "[Service]\nType=forking\nPIDFile=/tmp/a.pid\nExecStart=/bin/sh -c '(sleep 0.2; exit 7) & "
        "echo $! >/tmp/a.pid'\n");
    EXPECT_EQ(run({"--unit", "a.service"}).status, 7);
    add("b.service",
        "[Service]\nType=forking\nPIDFile=/tmp/b.pid\nExecStart=/bin/sh -c 'sleep 1000 & echo $! "
        ">/tmp/b.pid'\nExecStartPost=/bin/sh -c 'sleep 0.1; kill -KILL $MAINPID'\n");
    EXPECT_EQ(run({"--unit", "b.service"}).status, 128 + SIGKILL);
}

/// hearthd dies, the main process ends while there is none, and the next one knows how.
TEST_F(Container, AStatusOutlivesHearthd) {
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 9'\n");
    add("b.service",
        "[Service]\nExecStart=/bin/sh -c 'main=`/mnt/hearth/hearthctl show -p MainPID --value "
        "a.service`; for each in /proc/[0-9]*; do case `cat $each/comm` in hearthd) "
        "kill -STOP $${each#/proc/}; touch /tmp/go; "
        "while [ -e /proc/$main ]; do sleep 0.02; done; kill -KILL $${each#/proc/};; esac; done; "
        "sleep 0.3; /mnt/hearth/hearthctl show -p ExecMainStatus -p MainPID a.service'\n");
    const Output said = run({"--unit", "a.service", "--unit", "b.service"});
    EXPECT_EQ(said.status, 9) << said.out << said.err;
    EXPECT_NE(said.out.find("b.service: ExecMainStatus=9"), std::string::npos)
        << said.out << said.err;
    EXPECT_NE(said.out.find("b.service: MainPID=0"), std::string::npos) << said.out;
    EXPECT_EQ(said.err.find("counts as a failure"), std::string::npos) << said.err;
}

/// A service of the same user may kill what holds it; its processes are found one by one then.
TEST_F(Container, AKilledParentIsToldAndItsProcessesAreStopped) {
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'sleep 1000 & sleep 0.2; kill -KILL $PPID; exec sleep "
        "1000'\n");
    add("b.service",
        "[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/sh -c 'sleep 0.6; "
        "/mnt/hearth/hearthctl is-active a.service; /mnt/hearth/hearthctl stop a.service; "
        "for each in /proc/[0-9]*/cmdline; do tr \"\\\\0\" \" \" <$each; echo; done'\n");
    const Output said = run({"--unit", "a.service", "--unit", "b.service"});
    EXPECT_NE(said.err.find("the parent of its processes, was killed"), std::string::npos)
        << said.err;
    EXPECT_NE(said.out.find("b.service: active"), std::string::npos) << said.out << said.err;
    EXPECT_EQ(said.out.find("sleep 1000"), std::string::npos) << said.out;
}

}  // namespace
