// SPDX-License-Identifier: MIT
//
// Another hearthd in the place of the one that runs: nothing is restarted, what can't be carried is
// refused, one that doesn't become ready makes way for the one before.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "places.hpp"
#include "tests/support/keeper_fixture.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::Keeper;
using hearth::testing::Output;
namespace fs = std::filesystem;

class Upgrade : public Keeper {
protected:
    static std::string built(const std::string& program) {
        return std::string(HEARTH_BINARY_DIR) + "/" + program;
    }
    [[nodiscard]] std::string state(const std::string& unit) const {
        return text("runtime/units/" + unit);
    }
    [[nodiscard]] static std::string line(const std::string& text, const std::string& key) {
        std::istringstream lines(text);
        for (std::string each; std::getline(lines, each);) {
            if (each.starts_with(key + "=")) {
                return each.substr(key.size() + 1);
            }
        }
        return "none";
    }
    /// A service that has been restarted twice.
    void start_twice_restarted(const std::string& unit) const {
        hearthd.add(
            unit, "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=0\n");
        ASSERT_EQ(hearthd.ctl({"start", unit}).status, 0) << hearthd.log();
        for (const char* const count : {"1", "2"}) {
            ASSERT_EQ(::kill(main_pid(unit), SIGKILL), 0);
            ASSERT_TRUE(hearthd.becomes(unit, "NRestarts", count)) << hearthd.log();
            ASSERT_TRUE(hearthd.becomes(unit, "SubState", "running")) << hearthd.log();
        }
    }
};

TEST_F(Upgrade, ToTheSameProgramNothingIsRestarted) {
    start_twice_restarted("a.service");
    const pid_t main = main_pid("a.service");
    const pid_t before = hearthd.kept();
    const Output done = hearthd.ctl({"upgrade"});
    EXPECT_EQ(done.status, 0) << done.err << hearthd.log();
    EXPECT_NE(
        done.out.find("without a manager, 1 units carried on, 1 of them running"),
        std::string::npos)
        << done.out;
    EXPECT_NE(hearthd.kept(), before);
    EXPECT_EQ(main_pid("a.service"), main);
    EXPECT_EQ(hearthd.show("a.service", "NRestarts"), "2");
    EXPECT_EQ(hearthd.ctl({"daemon-reexec"}).status, 0);
    EXPECT_EQ(main_pid("a.service"), main);
}

TEST_F(Upgrade, TheNextStateVersionAndBack) {
    start_twice_restarted("a.service");
    const pid_t main = main_pid("a.service");
    ASSERT_TRUE(state("a.service").starts_with("hearth-state=1 ")) << state("a.service");
    EXPECT_EQ(line(state("a.service"), "restarts"), "2");

    const Output up = hearthd.ctl({"upgrade", built("hearthd-next")});
    ASSERT_EQ(up.status, 0) << up.err << hearthd.log();
    EXPECT_NE(up.out.find("state version 1 -> 2"), std::string::npos) << up.out;
    EXPECT_TRUE(state("a.service").starts_with("hearth-state=2 ")) << state("a.service");
    EXPECT_EQ(line(state("a.service"), "automatic-restarts"), "2");
    EXPECT_EQ(line(state("a.service"), "restarts"), "none");
    const std::string since = line(state("a.service"), "kept-since");
    EXPECT_NE(since, "none");
    EXPECT_EQ(main_pid("a.service"), main);
    EXPECT_EQ(hearthd.show("a.service", "NRestarts"), "2");
    const Output down = hearthd.ctl({"upgrade", built("hearthd")});
    ASSERT_EQ(down.status, 0) << down.err << hearthd.log();
    EXPECT_NE(down.out.find("note: a.service: kept-since= is not known here"), std::string::npos)
        << down.out;
    EXPECT_NE(down.out.find("state version 2 -> 1"), std::string::npos) << down.out;
    EXPECT_TRUE(state("a.service").starts_with("hearth-state=1 ")) << state("a.service");
    EXPECT_EQ(line(state("a.service"), "restarts"), "2");
    EXPECT_EQ(line(state("a.service"), "kept-since"), since) << "carried, though not known";
    EXPECT_EQ(main_pid("a.service"), main);
    EXPECT_EQ(hearthd.show("a.service", "NRestarts"), "2");

    ASSERT_EQ(hearthd.ctl({"upgrade", built("hearthd-next")}).status, 0) << hearthd.log();
    // A death there is no way back: its own version goes on.
    die_and_return();
    EXPECT_TRUE(state("a.service").starts_with("hearth-state=2 ")) << state("a.service");
    EXPECT_EQ(line(state("a.service"), "kept-since"), since);
    EXPECT_EQ(line(state("a.service"), "automatic-restarts"), "2");
    EXPECT_EQ(main_pid("a.service"), main);
    ::kill(main, SIGKILL);
    EXPECT_TRUE(hearthd.becomes("a.service", "NRestarts", "3"));
}

TEST_F(Upgrade, WhatIsNoHearthdIsRefused) {
    const pid_t before = hearthd.kept();
    const Output done = hearthd.ctl({"upgrade", "/bin/true"});
    EXPECT_EQ(done.status, 1);
    EXPECT_NE(done.err.find("doesn't answer --check-state"), std::string::npos) << done.err;
    const Output missing = hearthd.ctl({"upgrade", "/nowhere/hearthd"});
    EXPECT_EQ(missing.status, 1);
    EXPECT_NE(missing.err.find("/nowhere/hearthd"), std::string::npos) << missing.err;
    EXPECT_EQ(hearthd.kept(), before);
}

TEST_F(Upgrade, WhatWouldBeLostIsNamedAndTakenByForceOnly) {
    hearthd.add("a.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
    const pid_t main = main_pid("a.service");
    const pid_t before = hearthd.kept();
    hearthd.add("a.service", "[Service]\nUser=root\n");  // and no command
    const Output done = hearthd.ctl({"upgrade"});
    EXPECT_EQ(done.status, 1);
    EXPECT_NE(
        done.err.find("a.service: it runs, and its unit file is bad-setting now"),
        std::string::npos)
        << done.err;
    EXPECT_EQ(hearthd.kept(), before);
    const Output forced = hearthd.ctl({"upgrade", "--force"});
    EXPECT_EQ(forced.status, 0) << forced.err;
    EXPECT_NE(forced.out.find("loss: a.service"), std::string::npos) << forced.out;
    EXPECT_NE(hearthd.kept(), before);
    EXPECT_EQ(main_pid("a.service"), main);
}

TEST_F(Upgrade, OneThatDoesNotBecomeReadyMakesWay) {
    hearthd.add("a.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
    const pid_t main = main_pid("a.service");
    const std::string place = hearthd.place() + "/candidate";
    fs::create_directory(place);
    const std::string candidate = place + "/hearthd";
    fs::copy_file(built("hearth-test-candidate"), candidate);

    const Output late = hearthd.ctl({"upgrade", "--timeout=300ms", candidate});
    EXPECT_EQ(late.status, 1);
    EXPECT_NE(late.err.find("it was not ready in its time and was killed"), std::string::npos)
        << late.err;
    std::ofstream(place + "/exits") << "";
    const Output ended = hearthd.ctl({"upgrade", candidate});
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.err.find("it exited with status 3 before it was ready"), std::string::npos)
        << ended.err;
    EXPECT_EQ(main_pid("a.service"), main);
    EXPECT_NE(hearthd.log().find("the one before is started again"), std::string::npos)
        << hearthd.log();
    // And it still can.
    EXPECT_EQ(hearthd.ctl({"upgrade"}).status, 0) << hearthd.log();
    EXPECT_EQ(main_pid("a.service"), main);
}

TEST_F(Upgrade, WhoSentASignalIsKnownToTheNextOne) {
    hearthd.add("a.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
    ASSERT_EQ(hearthd.ctl({"kill", "--signal=KILL", "a.service"}).status, 0);
    ASSERT_TRUE(hearthd.becomes("a.service", "ActiveState", "failed"));
    const auto told = [&] {
        const std::string why = hearthd.ctl({"why", "a.service"}).out;
        return why.find("SIGKILL was sent to all of its processes by hearthctl (pid ") !=
                   std::string::npos &&
               why.find("main process exited, code=killed, status=9/KILL") != std::string::npos;
    };
    EXPECT_TRUE(told()) << hearthd.ctl({"why", "a.service"}).out;
    die_and_return();
    EXPECT_TRUE(told()) << hearthd.ctl({"why", "a.service"}).out;
    ASSERT_EQ(hearthd.ctl({"upgrade"}).status, 0);
    EXPECT_TRUE(told()) << hearthd.ctl({"why", "a.service"}).out;
}

/// The hearth-logd whose parent is hearthd or the keeper.
pid_t log_writer(const std::string& directory) {
    for (const auto& entry : fs::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "cmdline");
        std::ostringstream words;
        words << file.rdbuf();
        if (words.str().find("hearth-logd") != std::string::npos &&
            words.str().find(directory) != std::string::npos) {
            return std::atoi(entry.path().filename().c_str());
        }
    }
    return 0;
}

TEST_F(Upgrade, AnotherBuildOfTheLogWriterGoesOnWithEveryLine) {
    const std::string place = hearthd.place() + "/another";
    fs::create_directory(place);
    for (const char* const program : {"hearthd", "hearth-logd"}) {
        fs::copy_file(built(program), place + "/" + program);
    }
    const std::string directory = hearthd.place() + "/log";
    const std::string gate = hearthd.place() + "/enough";
    hearthd.add(
        "writer.service",
        "[Service]\nExecStart=/bin/sh -c 'i=0; while [ ! -e " + gate +
            " ]; do i=$$((i+1)); echo line $$i end; [ $$((i %% 50)) -ne 0 ] || sleep 0.01; done; "
            "echo last $$i'\n");
    ASSERT_EQ(hearthd.ctl({"start", "writer.service"}).status, 0) << hearthd.log();
    const pid_t main = main_pid("writer.service");
    const auto runs = [&](const std::string& program) {
        const pid_t pid = log_writer(directory);
        std::error_code gone;
        return pid > 0 &&
               fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", gone) == program;
    };
    for (unsigned round = 0; round < 3; ++round) {
        ASSERT_EQ(hearthd.ctl({"upgrade", place + "/hearthd"}).status, 0) << hearthd.log();
        EXPECT_TRUE(eventually([&] { return runs(place + "/hearth-logd"); })) << hearthd.log();
        ASSERT_EQ(hearthd.ctl({"upgrade", built("hearthd")}).status, 0) << hearthd.log();
        EXPECT_TRUE(eventually([&] { return runs(built("hearth-logd")); })) << hearthd.log();
    }
    EXPECT_EQ(main_pid("writer.service"), main);
    std::ofstream(gate) << "";
    ASSERT_TRUE(hearthd.becomes("writer.service", "ActiveState", "inactive")) << hearthd.log();
    EXPECT_EQ(hearthd.show("writer.service", "Result"), "success");
    EXPECT_TRUE(eventually(
        [&] { return text("log/writer.service.log").find(": last ") != std::string::npos; }));
    std::istringstream log(text("log/writer.service.log"));
    unsigned next = 1, last = 0;
    for (std::string each; std::getline(log, each);) {
        EXPECT_EQ(each.find("hearth-logd: "), std::string::npos) << each;
        if (const auto at = each.find(": line "); at != std::string::npos) {
            ASSERT_EQ(std::stoul(each.substr(at + 7)), next++) << each;
        } else if (const auto end = each.find(": last "); end != std::string::npos) {
            last = static_cast<unsigned>(std::stoul(each.substr(end + 7)));
        }
    }
    EXPECT_GT(last, 0U);
    EXPECT_EQ(next, last + 1);
}

TEST_F(Upgrade, EveryLineIsAccountedForWhenTheLogWriterIsKilled) {
    constexpr unsigned services = 3, lines = 30'000;
    const std::string directory = hearthd.place() + "/log";
    for (unsigned number = 0; number < services; ++number) {
        const std::string unit = "w" + std::to_string(number) + ".service";
        hearthd.add(
            unit,
            "[Service]\nExecStart=/bin/sh -c 'i=0; while [ $$i -lt " + std::to_string(lines) +
                " ]; do i=$$((i+1)); echo line $$i end; [ $$((i %% 300)) -ne 0 ] || sleep 0.05; "
                "done'\n");
        ASSERT_EQ(hearthd.ctl({"start", "--no-block", unit}).status, 0) << hearthd.log();
    }
    unsigned random = 12345, killed = 0;
    const auto all_ended = [&] {
        for (unsigned number = 0; number < services; ++number) {
            if (hearthd.show("w" + std::to_string(number) + ".service", "ActiveState") !=
                "inactive") {
                return false;
            }
        }
        return true;
    };
    do {
        random = random * 1103515245 + 12345;
        ::usleep((random >> 16U) % 30'000);
        const pid_t pid = log_writer(directory);
        killed += pid > 0 && ::kill(pid, SIGKILL) == 0 ? 1 : 0;
        if (killed % 4 == 0) {
            die_and_return();  // the manager, too
        }
    } while (!all_ended() && killed < 200);
    ASSERT_TRUE(eventually(all_ended)) << hearthd.log();
    EXPECT_GT(killed, 3U);
    for (unsigned number = 0; number < services; ++number) {
        const std::string name = "w" + std::to_string(number) + ".service";
        EXPECT_EQ(hearthd.show(name, "Result"), "success");
        std::set<unsigned> seen;
        unsigned told = 0;
        EXPECT_TRUE(eventually([&] {
            seen.clear();
            told = 0;
            std::istringstream log(text("log/" + name + ".log"));
            for (std::string each; std::getline(log, each);) {
                const auto at = each.find(": line ");
                // One that was cut where hearth-logd was killed is counted as lost.
                if (at != std::string::npos && each.ends_with(" end")) {
                    const auto line = static_cast<unsigned>(std::stoul(each.substr(at + 7)));
                    EXPECT_TRUE(seen.insert(line).second) << each;
                } else if (each.find("hearth-logd was killed") != std::string::npos) {
                    told += static_cast<unsigned>(
                        std::stoul(each.substr(each.find("hearth-logd: ") + 13)));
                }
            }
            return seen.size() + told >= lines;
        })) << name
            << ": " << seen.size() << " lines and " << told << " told of";
    }
}

}  // namespace
