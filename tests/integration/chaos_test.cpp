// SPDX-License-Identifier: MIT
//
// hearthd is killed, or stopped, at random instants while fifty services start, stop, crash,
// restart, notify and log and clients call (issue 6): no service is restarted that wasn't due, none
// is lost, none is doubled, and every exit status and log line is accounted for. The same without a
// keeper, with a runtime directory that is full, with a disk that can't be written to, and with
// hearth-logd killed. With HEARTH_LONG 1,000 kills, or as many as HEARTH_KILLS says (100 at most
// in a minute).
#include "tests/support/chaos.hpp"

#include <sys/mount.h>
#include <sys/statfs.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "tests/support/keeper_fixture.hpp"

namespace {

using hearth::testing::Chaos;
using hearth::testing::eventually;
using hearth::testing::Ground;
using hearth::testing::HearthdProcess;
using hearth::testing::run_program;
namespace fs = std::filesystem;

/// How much of a form is done: a machine that has no time for all of it does less, and says so.
class Rounds {
public:
    /// `part` of the kills that are asked for, and of the seconds that a short run has.
    explicit Rounds(int part) {
        const char* const asked = std::getenv("HEARTH_KILLS");
        const bool is_long = asked != nullptr || std::getenv("HEARTH_LONG") != nullptr;
        const int all = asked != nullptr ? std::max(1, std::atoi(asked)) : is_long ? 1000 : 100;
        most_ = std::max(1, all / part);
        until_ = std::chrono::steady_clock::now() +
                 (is_long ? std::chrono::seconds(all > 100 ? 7200 : 60)
                          : std::chrono::seconds(30) / part);
    }
    bool next() {
        const bool another = done_ < most_ && std::chrono::steady_clock::now() < until_;
        done_ += another ? 1 : 0;
        return another;
    }
    [[nodiscard]] int done() const { return done_; }  ///< with the one that is under way
    [[nodiscard]] std::string text() const {
        return std::to_string(done_) + " of " + std::to_string(most_) + " rounds";
    }

private:
    int most_ = 0, done_ = 0;
    std::chrono::steady_clock::time_point until_;
};

/// Of the forms beside the first one.
constexpr int a_part = 5;

long resident_kilobytes(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("VmRSS:")) {
            return std::strtol(line.c_str() + 6, nullptr, 10);
        }
    }
    return 0;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

/// It has not become its program.
bool is_hearthd(pid_t pid) {
    std::error_code none;
    return pid > 0 &&
           fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", none).filename() == "hearthd";
}

/// The process of that name below `ancestor`'s place, by the command line; 0: none.
pid_t process_named(const std::string& name, const std::string& place) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/proc", none)) {
        std::ifstream comm(entry.path() / "comm");
        std::string text;
        if (!std::getline(comm, text) || text != name) {
            continue;
        }
        std::ifstream file(entry.path() / "cmdline");
        std::getline(file, text);
        if (text.find(place + "/") != std::string::npos) {
            return std::atoi(entry.path().filename().c_str());
        }
    }
    return 0;
}

/// hearthd is there, and clients wait for it.
void expect_answer(const HearthdProcess& hearthd) {
    const hearth::testing::Output answer = hearthd.ctl({"show", "-p", "Version"});
    ASSERT_EQ(answer.status, 0) << answer.err << hearthd.log();
}

/// SIGKILL, and another one is there.
void kill_kept(const HearthdProcess& hearthd) {
    const pid_t manager = hearthd.kept();
    ASSERT_GT(manager, 0) << hearthd.log();
    ASSERT_EQ(::kill(manager, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] {
        const pid_t next = hearthd.kept();
        return next != 0 && next != manager;
    })) << hearthd.log();
}

class ChaosTest : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
#ifdef __SANITIZE_ADDRESS__
        if (std::getenv("HEARTH_LONG") == nullptr && std::getenv("HEARTH_KILLS") == nullptr) {
            GTEST_SKIP() << "a hearthd with AddressSanitizer launches too slowly for fifty such "
                            "services: in the release build, or for HEARTH_KILLS=N";
        }
#endif
    }
    void begin(const HearthdProcess& hearthd) {
        ledgers = hearthd.place() + "/ledgers";
        fs::create_directory(ledgers);
    }
    void sleep_at_random(int milliseconds) {
        std::this_thread::sleep_for(
            std::chrono::microseconds(random() % static_cast<unsigned>(milliseconds * 1000)));
    }
    static void print(const Chaos& chaos, const HearthdProcess& hearthd, const std::string& done) {
        const pid_t kept = hearthd.kept();
        std::cout << done << ": " << chaos.summary() << "; hearthd "
                  << resident_kilobytes(kept != 0 ? kept : hearthd.pid()) << " kB";
        if (kept != 0) {
            std::cout << ", keeper " << resident_kilobytes(hearthd.pid()) << " kB";
        }
        std::cout << " resident\n";
    }
    std::string ledgers;
    std::minstd_rand random{20261124};
};

class ChaosUnderKeeper : public ChaosTest {
protected:
    void SetUp() override {
        ChaosTest::SetUp();
        begin(hearthd);
    }
    /// Stopped between clone3 and execve if `newborn` is there yet; then hearthd dies. Whether it
    /// was there.
    bool kill_at_birth(pid_t newborn) const {
        if (newborn > 0) {
            (void)::kill(newborn, SIGSTOP);
        }
        kill_kept(hearthd);
        const bool between = is_hearthd(newborn);
        if (newborn > 0) {  // the next one finds it as it is; nobody lets it go on meanwhile
            (void)hearthd.ctl({"show", "-p", "Version"});
            (void)::kill(newborn, SIGCONT);
        }
        return between;
    }
    void expect_all_known() const {
        const std::string log = hearthd.log();
        EXPECT_EQ(count(log, "counts as a failure"), 0U) << log;
        EXPECT_EQ(count(log, "exit status lost"), 0U) << log;
    }
    HearthdProcess hearthd{{}, {}, {{}, 0, "hearth-init"}};
};

TEST_F(ChaosUnderKeeper, KilledAtAnyInstant) {
    Chaos chaos(hearthd, ledgers);
    chaos.add_units();
    ASSERT_NO_FATAL_FAILURE(chaos.begin());
    std::size_t between = 0;
    Rounds rounds(1);
    while (rounds.next()) {
        const int round = rounds.done();
        if (round % 8 != 0) {  // one of eight dies while it takes over
            ASSERT_NO_FATAL_FAILURE(expect_answer(hearthd));
        }
        pid_t newborn = 0;
        if (round % 4 == 2) {
            newborn = chaos.await_a_slow_birth();
        } else if (round % 2 == 1) {
            newborn = chaos.await_a_birth();
        } else {
            sleep_at_random(100);
        }
        between += kill_at_birth(newborn) ? 1U : 0U;
        if (HasFatalFailure()) {
            return;
        }
    }
    (void)hearthd.ctl({"show", "-p", "Version"});
    print(chaos, hearthd, "kills: " + rounds.text());
    ASSERT_TRUE(chaos.end()) << hearthd.log();
    chaos.judge({});
    expect_all_known();
    std::cout << between << " kills between clone3 and execve, of which "
              << count(hearthd.log(), "had not become the program")
              << " were found there and launched again\n";
    if (rounds.done() >= 40) {  // fewer may miss them all
        EXPECT_GT(between, 0U);
    }
    EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
}

TEST_F(ChaosUnderKeeper, StoppedForAWhile) {
    Chaos chaos(hearthd, ledgers);
    chaos.add_units();
    ASSERT_NO_FATAL_FAILURE(chaos.begin());
    const pid_t manager = hearthd.kept();
    Rounds rounds(a_part);
    while (rounds.next()) {
        sleep_at_random(100);
        ASSERT_EQ(::kill(manager, SIGSTOP), 0) << hearthd.log();
        sleep_at_random(300);
        ASSERT_EQ(::kill(manager, SIGCONT), 0) << hearthd.log();
    }
    EXPECT_EQ(hearthd.kept(), manager) << "the keeper started another one\n" << hearthd.log();
    print(chaos, hearthd, "stops: " + rounds.text());
    ASSERT_TRUE(chaos.end()) << hearthd.log();
    chaos.judge({});
    expect_all_known();
    EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
}

/// The disk of the logs can't be written to for a while. hearthd's mount namespace is its own.
class ChaosOnReadOnlyDisk : public ChaosTest {
protected:
    static Ground ground() {
        return {{"unshare", "--mount", "--propagation", "private"}, 0, "hearth-init"};
    }
    /// Whether that can be done at all.
    [[nodiscard]] bool remount(const std::string& path, const std::string& options) const {
        std::vector<std::string> words = {"nsenter", "--mount", "--target"};
        words.insert(words.end(), {std::to_string(hearthd.pid()), "mount", "-o", options, path});
        if (options == "bind") {
            words.push_back(path);
        }
        return run_program(words).status == 0;
    }
    HearthdProcess hearthd{{}, {}, ground()};
};

TEST_F(ChaosOnReadOnlyDisk, KilledAtAnyInstant) {
    begin(hearthd);
    Chaos chaos(hearthd, ledgers);
    chaos.add_units();
    const std::string log = hearthd.place() + "/log";
    for (const std::string& path : {log, hearthd.units()}) {
        if (!remount(path, "bind")) {
            GTEST_SKIP() << "no mount namespace whose disk could be read-only";
        }
    }
    // Before anything is open for writing there: a mount that is written to stays as it is.
    for (const std::string& path : {log, hearthd.units()}) {
        ASSERT_TRUE(remount(path, "remount,bind,ro")) << path;
    }
    ASSERT_NO_FATAL_FAILURE(chaos.begin());
    Rounds rounds(a_part);
    while (rounds.next()) {
        ASSERT_NO_FATAL_FAILURE(expect_answer(hearthd));
        sleep_at_random(100);
        kill_kept(hearthd);
        if (HasFatalFailure()) {
            return;
        }
    }
    for (const std::string& path : {log, hearthd.units()}) {
        ASSERT_TRUE(remount(path, "remount,bind,rw")) << path;
    }
    print(chaos, hearthd, "kills: " + rounds.text());
    ASSERT_TRUE(chaos.end()) << hearthd.log();
    Chaos::Demands demands;
    demands.lines_lost = true;
    chaos.judge(demands);
    EXPECT_EQ(count(hearthd.log(), "counts as a failure"), 0U) << hearthd.log();
    EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
}

TEST_F(ChaosUnderKeeper, TheLogWriterIsKilledToo) {
    Chaos chaos(hearthd, ledgers);
    chaos.add_units();
    ASSERT_NO_FATAL_FAILURE(chaos.begin());
    Rounds rounds(a_part);
    int writers = 0;
    while (rounds.next()) {
        ASSERT_NO_FATAL_FAILURE(expect_answer(hearthd));
        sleep_at_random(100);
        const pid_t writer = process_named("hearth-logd", hearthd.place());
        if (writer > 0) {
            ASSERT_EQ(::kill(writer, SIGKILL), 0);
            ++writers;
        }
        if (rounds.done() % 2 == 0) {
            kill_kept(hearthd);
        }
        if (HasFatalFailure()) {
            return;
        }
    }
    (void)hearthd.ctl({"show", "-p", "Version"});
    print(chaos, hearthd, "kills of hearth-logd: " + std::to_string(writers));
    ASSERT_TRUE(chaos.end()) << hearthd.log();
    Chaos::Demands demands;
    demands.lines_lost = true;
    chaos.judge(demands);
    EXPECT_GT(writers, 0) << hearthd.log();
    EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
}

/// /run is full for a while, and again and again.
class ChaosWithFullRun : public ChaosTest {
protected:
    /// Also where the test was skipped: the file system is there with hearthd.
    void TearDown() override {
        if (hearthd.pid() > 0) {
            EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
        }
        (void)::umount2((hearthd.place() + "/runtime").c_str(), MNT_DETACH);
    }
    HearthdProcess hearthd{{}, {}, {ground_command(), 0, "hearth-init"}};
    /// hearthd's runtime directory is a small file system of its own; the clients reach it, for it
    /// is mounted where all see it.
    static std::vector<std::string> ground_command() {
        return {
            "sh",
            "-c",
            "mkdir -p \"$4\" && "
            "mount -t tmpfs -o size=2m,mode=0755 hearth-test \"$4\"; exec \"$0\" \"$@\""};
    }
};

TEST_F(ChaosWithFullRun, KilledAtAnyInstant) {
    begin(hearthd);
    const std::string runtime = hearthd.place() + "/runtime";
    struct statfs place{};
    if (::statfs(runtime.c_str(), &place) != 0 || place.f_blocks * 4096 > 4'000'000) {
        GTEST_SKIP() << "no small file system can be mounted here";
    }
    Chaos chaos(hearthd, ledgers);
    chaos.add_units();
    ASSERT_NO_FATAL_FAILURE(chaos.begin());
    const std::string ballast = runtime + "/ballast";
    const auto fill = [&ballast] {
        std::ofstream file(ballast, std::ios::binary | std::ios::app);
        const std::string block(4096, 'x');
        while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
        }
    };
    Rounds rounds(a_part);
    while (rounds.next()) {
        ASSERT_NO_FATAL_FAILURE(expect_answer(hearthd));
        fill();
        sleep_at_random(150);
        fill();  // what was given back meanwhile
        if (rounds.done() % 3 == 0) {
            fs::remove(ballast);
            sleep_at_random(50);
        }
        kill_kept(hearthd);
        if (HasFatalFailure()) {
            return;
        }
    }
    (void)hearthd.ctl({"show", "-p", "Version"});
    print(chaos, hearthd, "kills: " + rounds.text());
    fs::remove(ballast);
    ASSERT_TRUE(chaos.end()) << hearthd.log();
    chaos.judge({});
    EXPECT_GT(count(hearthd.log(), "the keeper holds what changes"), 0U) << hearthd.log();
    EXPECT_EQ(count(hearthd.log(), "counts as a failure"), 0U) << hearthd.log();
}

/// hearthd alone: what ends while none runs can't be known, and counts as a failure.
class ChaosAlone : public ChaosTest {
protected:
    HearthdProcess hearthd;
};

TEST_F(ChaosAlone, KilledAtAnyInstant) {
    begin(hearthd);
    Chaos chaos(hearthd, ledgers);
    chaos.add_units();
    ASSERT_NO_FATAL_FAILURE(chaos.begin());
    Rounds rounds(a_part);
    while (rounds.next()) {
        ASSERT_NO_FATAL_FAILURE(expect_answer(hearthd));
        sleep_at_random(100);
        hearthd.crash();
        hearthd.start_again();
    }
    (void)hearthd.ctl({"show", "-p", "Version"});
    print(chaos, hearthd, "kills: " + rounds.text());
    ASSERT_TRUE(chaos.end()) << hearthd.log();
    Chaos::Demands demands;
    demands.statuses = false;
    demands.lines = false;
    chaos.judge(demands);
    std::cout << count(hearthd.log(), "counts as a failure") << " ended while no hearthd ran\n";
    EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
}

}  // namespace
