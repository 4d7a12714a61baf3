// SPDX-License-Identifier: MIT
//
// The stock family beside systemctl's everyday verbs, against a real hearthd: what is about the
// manager, and the programs that read all of it.
#include <fstream>
#include <sstream>

#include "tests/integration/stock_systemctl.hpp"

namespace {

using hearth::test::run_stock;
using hearth::test::run_stock_systemctl;
using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::Output;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

class SystemctlFamily : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (hearth::test::stock_systemctl().empty()) {
            GTEST_SKIP() << "no systemctl on this machine";
        }
        hearthd.add("a.service", "[Service]\nExecStart=/bin/sleep 1000\nExecReload=/bin/true\n");
    }
    [[nodiscard]] Output systemctl(const std::string& words) const {
        return run_stock_systemctl(hearthd, words);
    }
    /// What a command of a unit finds in its environment.
    [[nodiscard]] std::string seen() const {
        const std::string file = hearthd.place() + "/seen";
        hearthd.add(
            "environment.service",
            "[Service]\nType=oneshot\nEnvironment=OWN=mine\nExecStart=/bin/sh -c 'env | grep -E "
            "\"^(FOO|WITH|OWN|PATH)=\" | sort >" +
                file + "'\n");
        EXPECT_EQ(systemctl("start environment.service").status, 0) << hearthd.log();
        std::ostringstream text;
        text << std::ifstream(file).rdbuf();
        return std::move(text).str();
    }

    HearthdProcess hearthd;
};

TEST_F(SystemctlFamily, TheManagersEnvironmentIsThatOfCommands) {
    const std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";
    EXPECT_EQ(systemctl("set-environment FOO=bar 'WITH=a b' OWN=theirs").status, 0);
    EXPECT_EQ(seen(), "FOO=bar\nOWN=mine\n" + path + "WITH=a b\n") << "the unit's own wins";
    const Output shown = systemctl("show-environment");
    EXPECT_TRUE(has(shown.out, "FOO=bar\n") && has(shown.out, "WITH=$'a b'\n")) << shown.out;
    EXPECT_EQ(hearthd.ctl({"show-environment"}).out, shown.out);
    EXPECT_EQ(systemctl("unset-environment FOO=other OWN").status, 0);
    EXPECT_EQ(seen(), "FOO=bar\nOWN=mine\n" + path + "WITH=a b\n") << "FOO has another value";
    hearthd.crash();
    hearthd.start_again();
    EXPECT_EQ(seen(), "FOO=bar\nOWN=mine\n" + path + "WITH=a b\n") << "it outlives hearthd";
    EXPECT_EQ(hearthd.ctl({"unset-environment", "FOO", "WITH"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"set-environment", "PATH=/bin"}).status, 0);
    EXPECT_EQ(seen(), "OWN=mine\nPATH=/bin\n");
    const Output wrong = hearthd.ctl({"set-environment", "GOOD=1", "1BAD=x"});
    EXPECT_EQ(wrong.status, 1);
    EXPECT_TRUE(has(wrong.err, "'1BAD=x'") || has(wrong.err, "\"1BAD=x\"")) << wrong.err;
    EXPECT_FALSE(has(hearthd.ctl({"show-environment"}).out, "GOOD")) << "all or none";
}

// systemctl has --kill-value since 254; its method is called here by busctl.
TEST_F(SystemctlFamily, ARealTimeSignalComesWithItsValue) {
    const std::string seen = hearthd.place() + "/signal";
    hearthd.add(
        "signal.service",
        "[Service]\nType=notify\nNotifyAccess=all\nExecStart=" +
            hearthd.program("hearth-test-service") + " take-signal " + seen + "\n");
    ASSERT_EQ(hearthd.ctl({"start", "signal.service"}).status, 0) << hearthd.log();
    const std::string call =
        "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
        "org.freedesktop.systemd1.Manager QueueSignalUnit ssii signal.service main ";
    const Output wrong = run_stock(hearthd, call + "15 7");
    EXPECT_EQ(wrong.status, 1);
    EXPECT_TRUE(has(wrong.err, "real-time signals only")) << wrong.err;
    EXPECT_EQ(run_stock(hearthd, call + std::to_string(SIGRTMIN) + " 7").status, 0);
    std::string text;
    EXPECT_TRUE(eventually([&] {
        std::getline(std::ifstream(seen), text);
        return text == "7";
    })) << text
        << hearthd.log();
}

TEST_F(SystemctlFamily, WatchdogsCanBeSwitchedOff) {
    EXPECT_EQ(systemctl("service-watchdogs").out, "yes\n");
    EXPECT_EQ(systemctl("service-watchdogs no").status, 0);
    EXPECT_EQ(systemctl("service-watchdogs").out, "no\n");
    const std::string silent = "[Service]\nExecStart=/bin/sleep 1000\nWatchdogSec=100ms\n";
    hearthd.add("silent.service", silent);
    hearthd.add("marker.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 0.3\n");
    ASSERT_EQ(hearthd.ctl({"start", "silent.service"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"start", "marker.service"}).status, 0);  // longer than the watchdog's
    EXPECT_EQ(hearthd.show("silent.service", "ActiveState"), "active");
    EXPECT_EQ(hearthd.ctl({"service-watchdogs", "yes"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"restart", "silent.service"}).status, 0);
    EXPECT_TRUE(hearthd.becomes("silent.service", "Result", "watchdog"));
    EXPECT_EQ(hearthd.ctl({"service-watchdogs", "perhaps"}).status, 1);
}

TEST_F(SystemctlFamily, TheLogLevelIsSet) {
    EXPECT_EQ(systemctl("log-level").out, "info\n");
    EXPECT_EQ(systemctl("log-level err").status, 0);
    EXPECT_EQ(hearthd.ctl({"log-level"}).out, "err\n");
    const std::string before = hearthd.log();
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    EXPECT_EQ(hearthd.log(), before);
    EXPECT_EQ(hearthd.ctl({"log-level", "info"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"restart", "a.service"}).status, 0);
    EXPECT_NE(hearthd.log(), before);
    EXPECT_EQ(hearthd.ctl({"log-level", "loud"}).status, 1);
}

TEST_F(SystemctlFamily, ATransactionIsShown) {
    hearthd.add(
        "b.service",
        "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/sleep 1000\n");
    const Output shown = systemctl("--show-transaction start b.service");
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_TRUE(has(shown.err + shown.out, "b.service/start")) << shown.out << shown.err;
    EXPECT_TRUE(has(shown.err + shown.out, "a.service/start")) << shown.out << shown.err;
    EXPECT_EQ(hearthd.show("b.service", "ActiveState"), "active");
}

TEST_F(SystemctlFamily, AllIsDumpedAndUnitsAreFoundByWhatTheyHave) {
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    const Output dump = run_stock(hearthd, "systemd-analyze dump");
    EXPECT_EQ(dump.status, 0) << dump.err;
    EXPECT_TRUE(has(dump.out, "-> Unit a.service:\n")) << dump.out;
    EXPECT_TRUE(has(dump.out, hearthd.show("a.service", "InvocationID"))) << dump.out;
    const std::string call =
        "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
        "org.freedesktop.systemd1.Manager ";
    const std::string path = "o \"/org/freedesktop/systemd1/unit/a_2eservice\"\n";
    const std::string id = hearthd.show("a.service", "InvocationID");
    std::string bytes = "16";
    for (std::size_t at = 0; at < id.size(); at += 2) {
        bytes += " 0x" + id.substr(at, 2);
    }
    EXPECT_EQ(run_stock(hearthd, call + "GetUnitByInvocationID ay " + bytes).out, path);
    const std::string group = hearthd.show("a.service", "ControlGroup");
    EXPECT_EQ(run_stock(hearthd, call + "GetUnitByControlGroup s " + group + "/below").out, path);
    EXPECT_NE(run_stock(hearthd, call + "GetUnitByControlGroup s /elsewhere").status, 0);
}

TEST_F(SystemctlFamily, DynamicUsersAreFoundByNumberAndName) {
    hearthd.add("tea.service", "[Service]\nType=exec\nDynamicUser=yes\nExecStart=/bin/sleep 600\n");
    ASSERT_EQ(hearthd.ctl({"start", "tea.service"}).status, 0) << hearthd.log();
    const std::string call =
        "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
        "org.freedesktop.systemd1.Manager ";
    const std::string all = run_stock(hearthd, call + "GetDynamicUsers").out;
    ASSERT_TRUE(all.starts_with("a(us) 1 ") && all.ends_with(" \"tea\"\n")) << all;
    const std::string uid = all.substr(8, all.find(' ', 8) - 8);
    EXPECT_EQ(run_stock(hearthd, call + "LookupDynamicUserByName s tea").out, "u " + uid + "\n");
    EXPECT_EQ(run_stock(hearthd, call + "LookupDynamicUserByUID u " + uid).out, "s \"tea\"\n");
    EXPECT_NE(run_stock(hearthd, call + "LookupDynamicUserByName s coffee").status, 0);
}

TEST_F(SystemctlFamily, AGuestEndsNoMachineAndChangesNoMounts) {
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    const std::string call =
        "busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
        "org.freedesktop.systemd1.Manager ";
    for (const char* const method : {"PowerOff", "Reboot", "Halt", "KExec", "Exit"}) {
        const Output refused = run_stock(hearthd, call + method);
        EXPECT_NE(refused.status, 0) << method;
        EXPECT_TRUE(has(refused.err, "hearthd is a guest")) << refused.err;
    }
    const Output bind = systemctl("bind a.service /etc /mnt");
    EXPECT_NE(bind.status, 0);
    EXPECT_TRUE(has(bind.err, "BindPaths=")) << bind.err;
}

TEST_F(SystemctlFamily, ReadersOfEverythingAreServed) {
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    struct Reader {
        const char* command;
        const char* expected;
    };
    for (const Reader& each : std::vector<Reader>{
             {"systemctl is-system-running", "running"},
             {"systemctl list-dependencies a.service", "sysinit.target"},
             {"systemctl list-machines --no-legend", "running"},
             {"systemd-analyze time", "Startup finished"},
             {"systemd-analyze blame", "a.service"},
             {"systemd-analyze critical-chain a.service", "a.service"},
             {"systemd-analyze plot", "</svg>"},
             {"systemd-analyze dot a.service", "digraph systemd"},
             {"systemd-analyze security --no-pager a.service", "Overall exposure level"},
             {"systemd-cgls --no-pager -u a.service", "/bin/sleep 1000"},
             {"busctl list", "org.freedesktop.systemd1"},
             {"busctl tree org.freedesktop.systemd1", "/org/freedesktop/systemd1/unit/a_2eservice"},
             {"busctl introspect org.freedesktop.systemd1 /org/freedesktop/systemd1 "
              "org.freedesktop.systemd1.Manager",
              ".StartUnit"},
             {"busctl status org.freedesktop.systemd1", "UID=0"},
         }) {
        const Output read = run_stock(hearthd, each.command);
        EXPECT_EQ(read.status, 0) << each.command << ": " << read.err;
        EXPECT_TRUE(has(read.out, each.expected)) << each.command << ": " << read.out;
    }
    // The units of a hearthd that died began before the one that answers now.
    hearthd.crash();
    hearthd.start_again();
    EXPECT_TRUE(has(run_stock(hearthd, "systemd-analyze blame").out, "a.service"));
    const Output monitor = run_stock(hearthd, "busctl monitor");
    EXPECT_EQ(monitor.status, 1) << "refused, not hung";
    EXPECT_EQ(hearthd.ctl({"is-system-running"}).out, "running\n");
}

}  // namespace
