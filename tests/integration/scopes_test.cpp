// SPDX-License-Identifier: MIT
//
// Scopes: processes of others in a cgroup of ours, by systemd-run --scope and hearthctl run.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "places.hpp"
#include "stock_systemctl.hpp"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using testing::HearthdProcess;
using testing::Output;

std::string contents(const std::string& path) {
    const std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A hearthctl that goes on beside the test.
class Beside {
public:
    Beside(const HearthdProcess& hearthd, std::vector<std::string> words) {
        words.insert(
            words.begin(),
            {HEARTH_BINARY_DIR "/hearthctl", "--runtime-dir", hearthd.place() + "/runtime"});
        std::vector<char*> argv;
        for (std::string& word : words) {
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;
    ~Beside() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Waits for its end: its status, or 128 + N.
    int end() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    pid_t pid_ = -1;
};

class Scopes : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }
    static std::string cgroup(const Beside& process) {
        return contents("/proc/" + std::to_string(process.pid()) + "/cgroup");
    }
    static void expect_forgotten(const HearthdProcess& hearthd, const std::string& unit) {
        EXPECT_TRUE(eventually([&] {
            return !fs::exists(hearthd.place() + "/runtime/transient/" + unit);
        })) << hearthd.log();
        EXPECT_EQ(hearthd.show(unit, "LoadState"), "not-found");
    }
};

TEST_F(Scopes, HoldAProcessThatWasThereBefore) {
    const HearthdProcess hearthd;
    Beside nap(
        hearthd,
        {"run",
         "--scope",
         "-q",
         "--unit=nap",
         "--slice=kiln.slice",
         "-p",
         "TasksMax=7",
         "-p",
         "MemoryMax=64M",
         "/bin/sleep",
         "infinity"});
    ASSERT_TRUE(hearthd.becomes("nap.scope", "SubState", "running"));
    EXPECT_NE(cgroup(nap).find("/kiln.slice/nap.scope"), std::string::npos) << cgroup(nap);
    EXPECT_EQ(hearthd.show("nap.scope", "TasksMax"), "7");
    EXPECT_EQ(hearthd.show("nap.scope", "TasksCurrent"), "1");
    EXPECT_NE(
        hearthd.ctl({"list-units", "--no-legend", "--plain", "nap.scope"})
            .out.find("nap.scope loaded active running"),
        std::string::npos);
    EXPECT_EQ(hearthd.ctl({"set-property", "--runtime", "nap.scope", "TasksMax=9"}).status, 0);
    EXPECT_EQ(hearthd.show("nap.scope", "TasksMax"), "9");
    EXPECT_EQ(hearthd.ctl({"stop", "nap.scope"}).status, 0);
    EXPECT_EQ(nap.end(), 128 + SIGTERM);
    expect_forgotten(hearthd, "nap.scope");
    EXPECT_FALSE(fs::exists(hearthd.place() + "/runtime/system.control/nap.scope.d"));
}

TEST_F(Scopes, EndWhenTheirLastProcessDoes) {
    const HearthdProcess hearthd;
    Beside command(hearthd, {"run", "--scope", "-q", "--unit=brief", "/bin/sh", "-c", "exit 5"});
    EXPECT_EQ(command.end(), 5);
    expect_forgotten(hearthd, "brief.scope");
}

TEST_F(Scopes, AreKilledWhereTheyDoNotObey) {
    const HearthdProcess hearthd;
    Beside deaf(
        hearthd,
        {"run",
         "--scope",
         "-q",
         "--unit=deaf",
         "-p",
         "TimeoutStopSec=1",
         "-p",
         "RuntimeMaxSec=1",
         "/bin/sh",
         "-c",
         "trap '' TERM; while :; do sleep 1; done"});
    EXPECT_EQ(deaf.end(), 128 + SIGKILL);
    ASSERT_TRUE(hearthd.becomes("deaf.scope", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("deaf.scope", "Result"), "timeout");
    EXPECT_EQ(hearthd.ctl({"reset-failed", "deaf.scope"}).status, 0);
    expect_forgotten(hearthd, "deaf.scope");
}

TEST_F(Scopes, OutliveTheManager) {
    HearthdProcess hearthd;
    Beside nap(hearthd, {"run", "--scope", "-q", "--unit=nap", "/bin/sleep", "infinity"});
    ASSERT_TRUE(hearthd.becomes("nap.scope", "SubState", "running"));
    const std::string id = hearthd.show("nap.scope", "InvocationID");
    hearthd.crash();
    hearthd.start_again();
    EXPECT_EQ(hearthd.show("nap.scope", "SubState"), "running");
    EXPECT_EQ(hearthd.show("nap.scope", "InvocationID"), id);
    EXPECT_EQ(hearthd.ctl({"kill", "-s", "KILL", "nap.scope"}).status, 0);
    EXPECT_EQ(nap.end(), 128 + SIGKILL);
    expect_forgotten(hearthd, "nap.scope");
}

TEST_F(Scopes, WorkWithTheStockClient) {
    const std::string systemd_run = stock_client("systemd-run");
    if (systemd_run.empty()) {
        GTEST_SKIP() << "no systemd-run on this machine";
    }
    const HearthdProcess hearthd;
    const Output ran = run_stock(
        hearthd,
        systemd_run +
            " --scope --unit=stock -p MemoryMax=64M /bin/sh -c 'cat /proc/self/cgroup; exit 6'");
    EXPECT_EQ(ran.status, 6) << ran.err << hearthd.log();
    EXPECT_NE(ran.out.find("/system.slice/stock.scope"), std::string::npos) << ran.out << ran.err;
    expect_forgotten(hearthd, "stock.scope");
}

TEST_F(Scopes, CanBeAbandonedByTheirMaker) {
    const std::string busctl = stock_client("busctl");
    if (busctl.empty()) {
        GTEST_SKIP() << "no busctl on this machine";
    }
    HearthdProcess hearthd;
    Beside nap(hearthd, {"run", "--scope", "-q", "--unit=nap", "/bin/sleep", "infinity"});
    ASSERT_TRUE(hearthd.becomes("nap.scope", "SubState", "running"));
    const auto abandon = [&](const std::string& unit) {
        return testing::run_program(
            {busctl,
             "--address=unix:path=" + hearthd.place() + "/runtime/private",
             "call",
             "org.freedesktop.systemd1",
             "/org/freedesktop/systemd1",
             "org.freedesktop.systemd1.Manager",
             "AbandonScope",
             "s",
             unit});
    };
    EXPECT_EQ(abandon("nap.scope").status, 0);
    EXPECT_TRUE(hearthd.becomes("nap.scope", "SubState", "abandoned"));
    EXPECT_NE(abandon("system.slice").status, 0);
    EXPECT_EQ(hearthd.ctl({"stop", "nap.scope"}).status, 0);
    EXPECT_EQ(nap.end(), 128 + SIGTERM);
}

TEST_F(Scopes, NeedProcessesAndNoFile) {
    const HearthdProcess hearthd;
    hearthd.add("written.scope", "[Scope]\nMemoryMax=1G\n");
    EXPECT_NE(hearthd.ctl({"start", "written.scope"}).status, 0);
    EXPECT_EQ(hearthd.show("written.scope", "LoadState"), "bad-setting");
}

// ---- hearthctl run ------------------------------------------------------------------------------

class Run : public Scopes {};

TEST_F(Run, WaitsForAServiceAndGivesItsStatusAndOutput) {
    const HearthdProcess hearthd;
    const Output out = hearthd.ctl(
        {"run",
         "-q",
         "--wait",
         "--pipe",
         "-E",
         "A=b c",
         "-p",
         "Nice=3",
         "--",
         "/bin/sh",
         "-c",
         "echo \"$A\"; nice; exit 9"});
    EXPECT_EQ(out.status, 9) << out.err << hearthd.log();
    EXPECT_EQ(out.out, "b c\n3\n");
    EXPECT_EQ(out.err, "");
}

TEST_F(Run, StartsAServiceByItsOptions) {
    const HearthdProcess hearthd;
    const Output out = hearthd.ctl(
        {"run",
         "--unit=nap",
         "--description=A 5% nap",
         "--uid=65534",
         "--nice=4",
         "--working-directory=/usr",
         "-G",
         "sleep",
         "infinity"});
    ASSERT_EQ(out.status, 0) << out.err;
    EXPECT_NE(out.err.find("Running as unit: nap.service"), std::string::npos) << out.err;
    EXPECT_EQ(hearthd.show("nap.service", "Description"), "A 5% nap");
    EXPECT_EQ(hearthd.show("nap.service", "User"), "65534");
    EXPECT_EQ(hearthd.show("nap.service", "Nice"), "4");
    EXPECT_EQ(hearthd.show("nap.service", "WorkingDirectory"), "/usr");
    EXPECT_EQ(hearthd.show("nap.service", "CollectMode"), "inactive-or-failed");
    EXPECT_EQ(hearthd.ctl({"stop", "nap.service"}).status, 0);
    expect_forgotten(hearthd, "nap.service");
}

TEST_F(Run, RefusesByName) {
    const HearthdProcess hearthd;
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{"run", "--socket-property=ListenStream=/x", "/bin/true"}, "--socket-property is refused"},
        {{"run", "--pty", "--pipe", "--scope", "/bin/true"},
         "--pty and --pipe are not for --scope"},
        {{"run", "--bogus", "/bin/true"}, "unknown option --bogus"},
        {{"run"}, "expected a command"},
        {{"run", "--scope", "--wait", "/bin/true"}, "are not for --scope"},
        {{"run", "nonexistent-program"}, "there is no program nonexistent-program"},
        {{"run", "-p", "Frobnicate=1", "/bin/true"}, "Cannot set property Frobnicate"},
        {{"run", "-p", "Nice=99", "/bin/true"}, "Invalid Nice '99'"},
    };
    for (const auto& [words, message] : cases) {
        const Output out = hearthd.ctl(words);
        EXPECT_NE(out.status, 0) << message;
        EXPECT_NE(out.err.find(message), std::string::npos) << out.err;
    }
    EXPECT_FALSE(fs::exists(hearthd.place() + "/runtime/transient"));
}

}  // namespace
}  // namespace hearth::test
