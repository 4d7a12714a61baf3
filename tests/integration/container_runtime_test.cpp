// SPDX-License-Identifier: MIT
//
// contrib/container under container runtimes as they are used: crun (root's, with and without a
// terminal, and a user's) and bubblewrap (root's and a user's). Skipped where a runtime isn't
// installed.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::Output;
using hearth::testing::run_program;
namespace fs = std::filesystem;

/// crun wants one kind of cgroups; where this machine has both, v2 alone is shown to it. $1: script
constexpr const char* with_cgroup2 =
    "umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; "
    "mount -t tmpfs tmpfs /run; cd $0; ";  // crun makes a directory there whatever it is told

class ContainerRuntime : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        char name[] = "/var/tmp/hearth-runtime.XXXXXX";
        place = ::mkdtemp(name);
        const Output built = run_program(
            {HEARTH_SOURCE_DIR "/contrib/container/build",
             "--bin",
             HEARTH_BINARY_DIR,
             "--output",
             place});
        if (built.status == 77) {
            GTEST_SKIP() << built.err;
        }
        ASSERT_EQ(built.status, 0) << built.err;
        fs::permissions(place, fs::perms(0755));
    }
    void TearDown() override {
        if (!place.empty()) {
            fs::remove_all(place);
        }
    }
    static bool has(const std::string& program) {
        return run_program({"sh", "-c", "command -v " + program}).status == 0;
    }
    void add(const std::string& name, const std::string& text) const {
        std::ofstream(place + "/rootfs/etc/systemd/system/" + name) << text;
    }
    /// What PID 1 gets as arguments, in JSON's form.
    void arguments(const std::string& list, bool terminal = false) const {
        std::ifstream file(HEARTH_SOURCE_DIR "/contrib/container/config.json");
        std::string text{std::istreambuf_iterator<char>(file), {}};
        const std::string own = R"("--unit", "web.service")";
        text.replace(text.find(own), own.size(), list);
        if (terminal) {
            const std::string no = R"("terminal": false)";
            text.replace(text.find(no), no.size(), R"("terminal": true)");
        }
        std::ofstream(place + "/config.json") << text;
    }
    /// The container's root is that user, who needs no rights outside for it.
    void belong_to(uid_t user) const {
        std::ifstream file(place + "/config.json");
        std::string text{std::istreambuf_iterator<char>(file), {}};
        const std::string before = R"("namespaces": [)";
        const std::string mapping =
            R"([{ "containerID": 0, "hostID": )" + std::to_string(user) + R"(, "size": 1 }])";
        text.replace(
            text.find(before),
            before.size(),
            R"("uidMappings": )" + mapping + R"(, "gidMappings": )" + mapping + ", " + before +
                R"({ "type": "user" },)");
        std::ofstream(place + "/config.json") << text;
        fs::create_directory(place + "/state");
        EXPECT_EQ(::chown((place + "/state").c_str(), user, user), 0);
    }
    /// $crun is crun with a state directory of the test's own.
    [[nodiscard]] Output with_crun(const std::string& script) const {
        return run_program(
            {"unshare",
             "-m",
             "sh",
             "-c",
             with_cgroup2 + ("crun='crun --cgroup-manager=disabled --root " + place + "/state'\n") +
                 script,
             place});
    }
    [[nodiscard]] Output with_bubblewrap(const std::vector<std::string>& before) const {
        std::vector<std::string> words = before;
        for (const std::string& word : std::vector<std::string>{
                 "bwrap",
                 "--unshare-user",
                 "--unshare-pid",
                 "--as-pid-1",
                 "--ro-bind",
                 place + "/rootfs",
                 "/",
                 "--proc",
                 "/proc",
                 "--dev",
                 "/dev",
                 "--tmpfs",
                 "/tmp",
                 "/usr/bin/hearth-init",
                 "--unit",
                 "a.service"}) {
            words.push_back(word);
        }
        return run_program(words);
    }

    std::string place;
};

constexpr const char* leaves_a_daemon =
    "[Service]\nExecStart=/bin/sh -c 'echo up; (setsid sleep 1000 &); sleep 0.2; exit 7'\n";

TEST_F(ContainerRuntime, CrunRunsTheRecipe) {
    if (!has("crun")) {
        GTEST_SKIP() << "no crun on this machine (package crun)";
    }
    const Output said = with_crun(R"(
        $crun run --bundle . box >out 2>err & run=$!
        for try in `seq 400`; do
            page=`$crun exec box wget -q -O - http://127.0.0.1:8080/ 2>/dev/null` && break
            sleep 0.05
        done
        echo "$page"
        $crun exec box hearthctl is-active web.service
        $crun kill box TERM
        wait $run
        echo "status $?"
        cat out err)");
    EXPECT_NE(said.out.find("The stove is on."), std::string::npos) << said.out << said.err;
    EXPECT_NE(said.out.find("\nactive\n"), std::string::npos) << said.out << said.err;
    EXPECT_NE(said.out.find("\nstatus 0\n"), std::string::npos) << said.out << said.err;
    EXPECT_NE(said.out.find("web.service: "), std::string::npos) << said.out << said.err;
}

TEST_F(ContainerRuntime, CrunGetsTheStatusAndLeftoversEnd) {
    if (!has("crun")) {
        GTEST_SKIP() << "no crun on this machine (package crun)";
    }
    arguments(R"("--unit", "a.service")");
    add("a.service", leaves_a_daemon);
    const Output said = with_crun("$crun run --bundle . box");
    EXPECT_EQ(said.status, 7) << said.out << said.err;
    EXPECT_NE(said.out.find("a.service: up\n"), std::string::npos) << said.out << said.err;
}

/// Rootless: crun itself has no rights but those of its own user namespace.
TEST_F(ContainerRuntime, CrunOfAUser) {
    if (!has("crun")) {
        GTEST_SKIP() << "no crun on this machine (package crun)";
    }
    constexpr uid_t user = 1000;
    arguments(R"("--unit", "a.service")");
    add("a.service", leaves_a_daemon);
    belong_to(user);
    const Output said = with_crun(
        "exec setpriv --reuid 1000 --regid 1000 --clear-groups env XDG_RUNTIME_DIR=$0/state "
        "$crun run --bundle . box");
    EXPECT_EQ(said.status, 7) << said.out << said.err;
    EXPECT_NE(said.out.find("a.service: up\n"), std::string::npos) << said.out << said.err;
}

/// `docker run -it`: PID 1 is given the terminal as its own, and the command gets it from there.
TEST_F(ContainerRuntime, ACommandInATerminalHasJobControl) {
    if (!has("crun") || !has("script")) {
        GTEST_SKIP() << "crun and script are needed (packages crun and bsdutils)";
    }
    arguments(R"("--", "/bin/sh", "-ic", "sleep 50 & jobs; kill %1; exit 6")", true);
    const Output said = with_crun("script -qec \"$crun run --bundle . box\" /dev/null </dev/null");
    EXPECT_EQ(said.status, 6) << said.out << said.err;
    EXPECT_NE(said.out.find("Running"), std::string::npos) << said.out << said.err;
    EXPECT_EQ(said.out.find("can't access tty"), std::string::npos) << said.out;
}

TEST_F(ContainerRuntime, BubblewrapOfRootAndOfAUser) {
    if (!has("bwrap")) {
        GTEST_SKIP() << "no bubblewrap on this machine (package bubblewrap)";
    }
    add("a.service", leaves_a_daemon);
    const Output root = with_bubblewrap({});
    EXPECT_EQ(root.status, 7) << root.out << root.err;
    EXPECT_NE(root.out.find("a.service: up\n"), std::string::npos) << root.out << root.err;
    const Output user =
        with_bubblewrap({"setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups"});
    EXPECT_EQ(user.status, 7) << user.out << user.err;
    EXPECT_NE(user.out.find("a.service: up\n"), std::string::npos) << user.out << user.err;
}

}  // namespace
