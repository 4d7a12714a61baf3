// SPDX-License-Identifier: MIT
//
// The rows of docs/systemctl.md that no other file shows: the unmodified systemctl and its family
// against a real hearthd, each verb by its effect and its exit status.
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "stock_systemctl.hpp"

namespace hearth::test {
namespace {

using testing::eventually;
using testing::HearthdProcess;
using testing::Output;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

class SystemctlRows : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (stock_systemctl().empty()) {
            GTEST_SKIP() << "no systemctl on this machine";
        }
        hearthd.add(
            "kiln.service",
            "[Unit]\nDescription=A kiln\nDocumentation=man:kiln(8)\n[Service]\n"
            "ExecStart=/bin/sleep 1000\nExecReload=/bin/touch " +
                hearthd.place() +
                "/reloaded\nRuntimeDirectory=kiln\n"
                "[Install]\nWantedBy=shop.target\n");
        hearthd.add(
            "potter.service",
            "[Unit]\nRequires=kiln.service\nAfter=kiln.service\n"
            "[Service]\nExecStart=/bin/sleep 1000\n");
        hearthd.add("shop.target", "[Unit]\nAllowIsolate=yes\nRequires=potter.service\n");
    }
    Output systemctl(const std::string& words) { return run_stock_systemctl(hearthd, words); }
    std::string state(const std::string& unit) { return hearthd.show(unit, "ActiveState"); }
    std::string main_pid() { return hearthd.show("kiln.service", "MainPID"); }
    /// The verb ends with that status and says nothing but what is expected.
    Output expect(const std::string& words, int status, const std::string& out = {}) {
        Output said = systemctl(words);
        EXPECT_EQ(said.status, status) << words << ": " << said.out << said.err;
        EXPECT_TRUE(has(said.out + said.err, out)) << words << ": " << said.out << said.err;
        return said;
    }

    HearthdProcess hearthd;
};

TEST_F(SystemctlRows, JobVerbs) {
    expect("try-restart kiln", 0);
    EXPECT_EQ(state("kiln.service"), "inactive") << "it did not run";
    expect("try-reload-or-restart kiln", 0);
    EXPECT_EQ(state("kiln.service"), "inactive");
    expect("reload kiln", 1, "not active");
    expect("start --no-block kiln", 0);
    EXPECT_TRUE(hearthd.becomes("kiln.service", "ActiveState", "active"));
    const std::string first = main_pid();
    expect("reload kiln", 0);
    struct stat status{};
    EXPECT_EQ(::stat((hearthd.place() + "/reloaded").c_str(), &status), 0);
    expect("reload-or-restart kiln", 0);
    EXPECT_EQ(main_pid(), first) << "reloaded, not restarted";
    expect("try-restart kiln", 0);
    EXPECT_NE(main_pid(), first);
    expect("condrestart kiln", 0);
    expect("start potter", 0);
    expect("stop kiln", 0);
    EXPECT_EQ(state("potter.service"), "inactive") << "it requires what was stopped";
    expect("start nothing", 5, "nothing.service not found");
    expect("restart nothing kiln", 5);
    EXPECT_EQ(state("kiln.service"), "active") << "one failure holds up no other";
}

TEST_F(SystemctlRows, KillFreezeThawAndClean) {
    expect("start kiln", 0);
    expect("kill -s STOP --kill-whom=main kiln", 0);
    const auto process_state = [&] {
        std::ifstream file("/proc/" + main_pid() + "/stat");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        return text.substr(text.rfind(')') + 2, 1);
    };
    EXPECT_TRUE(eventually([&] { return process_state() == "T"; }));
    expect("kill -s CONT kiln", 0);
    expect("kill --kill-whom=control kiln", 1, "No control process");
    expect("freeze kiln", 0);
    EXPECT_EQ(hearthd.show("kiln.service", "FreezerState"), "frozen");
    expect("thaw kiln", 0);
    EXPECT_EQ(hearthd.show("kiln.service", "FreezerState"), "running");
    expect("clean kiln", 1, "not inactive");
    expect("stop kiln", 0);
    expect("clean --what=runtime kiln", 0);
}

TEST_F(SystemctlRows, StatusFindsUnitsByPidAndSaysHowTheyAre) {
    expect("status kiln", 3, "Docs: man:kiln(8)");
    expect("status nothing", 4, "could not be found");
    expect("start kiln", 0);
    expect("status " + main_pid(), 0, "kiln.service - A kiln");
    expect("status 1", 1, "does not belong to any loaded unit");
    expect("status", 0, "State: running");
    expect("help kiln", 0, "kiln");  // man(1) has no such page, and says so
    expect("show -p Version --value", 0, "252 (hearth");
    expect("is-active nothing kiln", 0, "inactive\nactive\n");
}

TEST_F(SystemctlRows, UnitFileVerbs) {
    const std::string wants = hearthd.units() + "/shop.target.wants/kiln.service";
    struct stat status{};
    const auto exists = [&](const std::string& path) {
        return ::lstat(path.c_str(), &status) == 0;
    };
    expect("is-enabled kiln", 1, "disabled");
    expect("enable kiln", 0, "Created symlink");
    EXPECT_TRUE(exists(wants));
    expect("is-enabled --full kiln", 0, wants);
    expect("reenable kiln", 0);
    expect("enable --now kiln", 0);
    EXPECT_EQ(state("kiln.service"), "active");
    expect("disable --now kiln", 0);
    EXPECT_FALSE(exists(wants));
    EXPECT_EQ(state("kiln.service"), "inactive");
    expect("preset kiln", 0);
    EXPECT_TRUE(exists(wants)) << "no preset file speaks of it";
    expect("disable kiln", 0);
    expect("add-wants shop.target kiln", 0);
    EXPECT_TRUE(exists(wants));
    expect("mask kiln", 1, "already exists");
    expect("mask ghost", 0, "Created symlink");
    expect("is-enabled ghost", 1, "masked");
    expect("start ghost", 1, "masked");
    expect("unmask ghost", 0, "Removed");
    expect("start kiln", 0);
    const std::string elsewhere = hearthd.place() + "/elsewhere.service";
    std::ofstream(elsewhere) << "[Service]\nExecStart=/bin/true\n";
    expect("link " + elsewhere, 0, "Created symlink");
    expect("is-enabled elsewhere", 1, "linked");
    expect("disable elsewhere", 0);
    expect("set-default shop.target", 0);
    expect("get-default", 0, "shop.target");
    expect("list-unit-files --no-legend kiln.service", 0, "kiln.service");
    expect("cat kiln", 0, "# " + hearthd.units() + "/kiln.service\n[Unit]\nDescription=A kiln");
    expect("set-property kiln TasksMax=7", 0);
    EXPECT_EQ(hearthd.show("kiln.service", "TasksMax"), "7");
    expect("revert kiln", 0, "Removed");
    EXPECT_NE(hearthd.show("kiln.service", "TasksMax"), "7");
}

TEST_F(SystemctlRows, ListsAndDependencies) {
    expect("start potter", 0);
    const Output tree = expect("list-dependencies --plain potter", 0);
    EXPECT_TRUE(has(tree.out, "kiln.service")) << tree.out;
    expect("list-dependencies --reverse kiln", 0, "potter.service");
    expect("list-dependencies --before kiln", 0, "potter.service");
    expect("list-units --plain --no-legend 'k*'", 0, "kiln.service loaded active running A kiln");
    expect(
        "list-units --output=json --type=service potter.service", 0, R"("unit":"potter.service")");
    for (const char* const kind : {"list-sockets", "list-timers", "list-automounts"}) {
        expect(std::string(kind) + " --no-legend", 0);
    }
    hearthd.add("slow.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n");
    expect("start --no-block slow", 0);
    const Output jobs = expect("list-jobs --no-legend", 0, "slow.service");
    const std::string number = jobs.out.substr(0, jobs.out.find(' '));
    expect("show " + number, 0, "JobType=start");
    expect("cancel " + number, 0);
    expect("list-jobs", 0, "No jobs running.");
}

TEST_F(SystemctlRows, IsolateAndWhatAGuestRefuses) {
    expect("start kiln", 0);
    hearthd.add("lone.service", "[Service]\nExecStart=/bin/sleep 1000\n");
    expect("start lone", 0);
    expect("isolate kiln.service", 4, "isolat");
    expect("isolate shop.target", 0);
    EXPECT_EQ(state("lone.service"), "inactive");
    EXPECT_EQ(state("potter.service"), "active");
    for (const char* const verb : {"rescue", "emergency", "poweroff", "reboot", "halt"}) {
        const Output refused = systemctl(verb);
        EXPECT_NE(refused.status, 0) << verb;
        EXPECT_TRUE(has(refused.err, "guest") || has(refused.err, "not found")) << refused.err;
    }
    EXPECT_EQ(state("potter.service"), "active") << "nothing was stopped";
}

TEST_F(SystemctlRows, LogTargetAndEnvironment) {
    expect("log-target", 0, "console");
    expect("log-target console", 0);
    expect("log-target kmsg", 1, "standard error");
    expect("import-environment HOME", 0);
    expect("show-environment", 0, "HOME=");
    expect("is-system-running --wait", 0, "running");
}

TEST_F(SystemctlRows, RunTakesItsOptions) {
    const auto run = [&](const std::string& words) {
        return run_stock(hearthd, stock_client("systemd-run") + " -q --wait -P " + words);
    };
    EXPECT_EQ(run("-p Nice=3 --nice=4 nice").out, "4\n");
    EXPECT_EQ(run("--uid=65534 --gid=65534 id -u").out, "65534\n");
    EXPECT_EQ(run("--working-directory=/usr pwd").out, "/usr\n");
    EXPECT_EQ(run("--same-dir pwd").status, 0);
    EXPECT_EQ(run("-E A=b sh -c 'echo $A'").out, "b\n");
    EXPECT_EQ(run("--service-type=oneshot sh -c 'exit 9'").status, 9);
    EXPECT_EQ(run("--slice=a-b.slice cat /proc/self/cgroup").status, 0);
    const Output scope = run_stock(
        hearthd, stock_client("systemd-run") + " -q --scope --slice=s.slice cat /proc/self/cgroup");
    EXPECT_TRUE(has(scope.out, "/s.slice/run-")) << scope.out << scope.err;
}

/// What other libraries say: go's by the same calls as node_exporter's, GLib's, libdbus'.
TEST_F(SystemctlRows, OtherClientsOfTheBus) {
    expect("start kiln", 0);
    const std::string to = " --system --dest org.freedesktop.systemd1 ";
    if (!stock_client("gdbus").empty()) {
        const Output called = run_stock(
            hearthd,
            "gdbus call" + to +
                "--object-path /org/freedesktop/systemd1 --method "
                "org.freedesktop.systemd1.Manager.GetUnit kiln.service");
        EXPECT_TRUE(has(called.out, "/unit/kiln_2eservice")) << called.out << called.err;
        const Output described =
            run_stock(hearthd, "gdbus introspect" + to + "--object-path /org/freedesktop/systemd1");
        EXPECT_TRUE(has(described.out, "StartUnit(in  s ")) << described.out;
    }
    if (!stock_client("dbus-send").empty()) {
        const Output listed = run_stock(
            hearthd,
            "dbus-send --system --print-reply --dest=org.freedesktop.systemd1 "
            "/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager.ListUnits");
        EXPECT_TRUE(has(listed.out, "\"kiln.service\"")) << listed.out << listed.err;
    }
    const Output monitor = run_stock(hearthd, "timeout 20 busctl monitor");
    EXPECT_EQ(monitor.status, 1) << "refused, not hung";
    EXPECT_TRUE(has(monitor.err, "hearth has no method")) << monitor.err;
    const Output top = run_stock(hearthd, stock_client("systemd-cgtop") + " -b -n 1");
    EXPECT_EQ(top.status, 0) << top.err;
}

}  // namespace
}  // namespace hearth::test
