// SPDX-License-Identifier: MIT
//
// The examples, started for real: what each promises in its first lines holds on this machine.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::Output;
namespace fs = std::filesystem;

class Examples : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }
};

/// A busybox tree where busybox.service looks for it; removed unless it was there before.
class BusyboxRoot {
public:
    BusyboxRoot() : made_(!fs::exists(place)) {
        if (!made_) {
            return;
        }
        for (const char* directory : {"/bin", "/proc", "/run", "/sys", "/dev", "/tmp"}) {
            fs::create_directories(std::string(place) + directory);
        }
        fs::copy_file("/bin/busybox", std::string(place) + "/bin/busybox");
        for (const char* applet : {"sh", "ls", "sleep"}) {
            fs::create_symlink("busybox", std::string(place) + "/bin/" + applet);
        }
    }
    ~BusyboxRoot() {
        if (made_) {
            std::error_code ignored;
            fs::remove_all(fs::path(place).parent_path(), ignored);
        }
    }
    BusyboxRoot(const BusyboxRoot&) = delete;
    BusyboxRoot& operator=(const BusyboxRoot&) = delete;

private:
    static constexpr const char* place = "/run/hearth-examples/busybox";
    bool made_;
};

TEST_F(Examples, HeatGetsAFifthOfACpuAndEveryLineIsVerified) {
    const HearthdProcess hearthd(HEARTH_SOURCE_DIR "/examples");
    ASSERT_EQ(hearthd.ctl({"start", "heat.service"}).status, 0) << hearthd.log();
    const auto usage = [&] {
        return std::strtoull(hearthd.show("heat.service", "CPUUsageNSec").c_str(), nullptr, 10);
    };
    const auto usage_before = usage();
    const auto before = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::seconds(5));
    const auto usage_after = usage();
    const auto elapsed = std::chrono::steady_clock::now() - before;
    const double share =
        100.0 * static_cast<double>(usage_after - usage_before) /
        static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
    EXPECT_NEAR(share, 20.0, 2.0);
    const Output report = hearthd.ctl({"confinement", "heat.service"});
    EXPECT_EQ(report.status, 0) << report.out;
    EXPECT_NE(report.out.find("15 verified, 0 mismatched"), std::string::npos) << report.out;
}

TEST_F(Examples, HelloSaysHelloAndStaysActive) {
    const HearthdProcess hearthd(HEARTH_SOURCE_DIR "/examples");
    ASSERT_EQ(hearthd.ctl({"start", "hello.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("hello.service", "SubState"), "exited");
    EXPECT_TRUE(eventually([&] {
        const std::string log = hearthd.ctl({"logs", "hello.service"}).out;
        return log.find(
                   "hello from the hearth, invocation " +
                   hearthd.show("hello.service", "InvocationID")) != std::string::npos;
    })) << hearthd.ctl({"logs", "hello.service"}).out;
}

TEST_F(Examples, DaemonReloadsAndComesBackWhenItIsKilled) {
    const HearthdProcess hearthd(HEARTH_SOURCE_DIR "/examples");
    ASSERT_EQ(hearthd.ctl({"start", "daemon.service"}).status, 0) << hearthd.log();
    const auto said = [&](const char* what) {
        return eventually([&] {
            return hearthd.ctl({"logs", "daemon.service"}).out.find(what) != std::string::npos;
        });
    };
    ASSERT_TRUE(said("tick"));
    EXPECT_EQ(hearthd.ctl({"reload", "daemon.service"}).status, 0);
    EXPECT_TRUE(said("reloaded"));
    EXPECT_EQ(hearthd.ctl({"kill", "-s", "KILL", "daemon.service"}).status, 0);
    EXPECT_TRUE(hearthd.becomes("daemon.service", "NRestarts", "1"));
    EXPECT_TRUE(hearthd.becomes("daemon.service", "SubState", "running"));
}

TEST_F(Examples, BusyboxSeesOnlyItsRoot) {
    if (!fs::exists("/bin/busybox")) {
        GTEST_SKIP() << "needs Debian's busybox-static";
    }
    const BusyboxRoot root;
    const HearthdProcess hearthd(HEARTH_SOURCE_DIR "/examples");
    ASSERT_EQ(hearthd.ctl({"start", "busybox.service"}).status, 0) << hearthd.log();
    const Output inside = hearthd.ctl({"attach", "busybox.service", "--", "ls", "/"});
    EXPECT_EQ(inside.status, 0) << inside.err;
    // The tree may have been there before, with more in it; what only the host has must not show.
    EXPECT_EQ(inside.out.find("bin\n"), 0U) << inside.out;
    for (const char* of_the_host : {"usr\n", "root\n", "lib\n"}) {
        EXPECT_EQ(inside.out.find(of_the_host), std::string::npos) << inside.out;
    }
    const Output report = hearthd.ctl({"confinement", "busybox.service"});
    EXPECT_EQ(report.status, 0) << report.out << report.err;
}

TEST_F(Examples, ImpossibleIsRefusedByItsLine) {
    const HearthdProcess hearthd(HEARTH_SOURCE_DIR "/examples");
    const Output refused = hearthd.ctl({"start", "impossible.service"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(
        refused.err.find("impossible.service:9: AppArmorProfile=hearth-example-that-nobody-loaded"),
        std::string::npos)
        << refused.err;
    EXPECT_EQ(hearthd.show("impossible.service", "MainPID"), "0");
}

}  // namespace
