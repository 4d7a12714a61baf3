// SPDX-License-Identifier: MIT
//
// The unmodified systemctl against a real hearthd: start, show, stop, restart, --wait, cat.
#include <sys/wait.h>
#include <unistd.h>

#include "stock_systemctl.hpp"

namespace hearth::test {
namespace {

using testing::HearthdProcess;

class SystemctlHearthd : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (stock_systemctl().empty()) {
            GTEST_SKIP() << "no systemctl on this machine";
        }
    }
    static testing::Output systemctl(const HearthdProcess& hearthd, const std::string& words) {
        return run_stock_systemctl(hearthd, words);
    }
};

TEST_F(SystemctlHearthd, StartsShowsAndStopsAService) {
    const HearthdProcess hearthd;
    hearthd.add(
        "nap.service", "[Unit]\nDescription=A nap\n[Service]\nExecStart=/bin/sleep infinity\n");
    const auto started = systemctl(hearthd, "start nap.service");
    ASSERT_EQ(started.status, 0) << started.err;
    EXPECT_EQ(systemctl(hearthd, "is-active nap.service").out, "active\n");
    EXPECT_EQ(
        systemctl(hearthd, "show -p ExecMainPID nap.service").out,
        hearthd.ctl({"show", "-p", "ExecMainPID", "nap.service"}).out);
    const auto status = systemctl(hearthd, "status nap.service");
    EXPECT_EQ(status.status, 0) << status.err;
    EXPECT_NE(status.out.find("nap.service - A nap"), std::string::npos) << status.out;
    EXPECT_NE(status.out.find("Active: active (running)"), std::string::npos) << status.out;
    EXPECT_NE(status.out.find("/bin/sleep infinity"), std::string::npos) << status.out;
    EXPECT_EQ(
        systemctl(hearthd, "list-units --no-legend --plain nap.service").out,
        "nap.service loaded active running A nap\n");
    EXPECT_EQ(systemctl(hearthd, "cat nap.service").out, hearthd.ctl({"cat", "nap.service"}).out);
    const std::string before = hearthd.show("nap.service", "MainPID");
    EXPECT_EQ(systemctl(hearthd, "restart nap.service").status, 0);
    EXPECT_NE(hearthd.show("nap.service", "MainPID"), before);
    EXPECT_EQ(systemctl(hearthd, "stop nap.service").status, 0);
    EXPECT_EQ(systemctl(hearthd, "is-active nap.service").status, 3);
    EXPECT_EQ(systemctl(hearthd, "daemon-reload").status, 0);
}

TEST_F(SystemctlHearthd, WaitsForTheEndOfAService) {
    const HearthdProcess hearthd;
    hearthd.add("brief.service", "[Service]\nExecStart=/bin/sleep 0.1\n");
    hearthd.add("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n");
    EXPECT_EQ(systemctl(hearthd, "start --wait brief.service").status, 0);
    const auto failed = systemctl(hearthd, "start bad.service");
    EXPECT_EQ(failed.status, 1);
    EXPECT_NE(failed.err.find("Job for bad.service failed"), std::string::npos) << failed.err;
    EXPECT_EQ(systemctl(hearthd, "is-failed bad.service").status, 0);
    EXPECT_EQ(systemctl(hearthd, "reset-failed bad.service").status, 0);
    EXPECT_EQ(systemctl(hearthd, "is-failed bad.service").status, 1);
}

}  // namespace
}  // namespace hearth::test
