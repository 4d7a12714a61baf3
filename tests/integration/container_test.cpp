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
    add("a.service", "[Service]\nExecStart=/mnt/hearth/hearthctl is-active a.service\n");
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

}  // namespace
