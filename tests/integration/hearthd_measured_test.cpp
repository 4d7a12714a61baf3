// SPDX-License-Identifier: MIT
//
// Limits measured: what a workload gets, beside what was asked for it; and many services in a row.
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <filesystem>

#include "limits_support.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::testing {
namespace {

/// Shares of a CPU, in percent. A busy machine may give less than was allowed, so the measure is
/// taken again until it fits; never may it be more.
void expect_share(int asked, int processes) {
    const HearthdProcess hearthd;
    start(
        hearthd, "burns.service", "CPUQuota=" + std::to_string(asked) + "%\n" + burner(processes));
    constexpr int tries = 8;
    double percent = 0;
    for (int i = 0; i < tries; ++i) {
        percent = used(hearthd, {"burns.service"}, 3)[0] * 100;
        ASSERT_LT(percent, asked + 2);
        if (percent > asked - 2) {
            break;
        }
    }
    if (percent <= asked - 2 && number(hearthd, "burns.service", "CPUThrottledNSec") == 0) {
        GTEST_SKIP() << "the machine is too busy to give " << asked << "%: " << percent;
    }
    EXPECT_NEAR(percent, asked, 2);
}

TEST(HearthdQuota, FivePercentAreFive) {
    SKIP_WITHOUT_ROOT();
    expect_share(5, 1);
}
TEST(HearthdQuota, TwentyPercentAreTwenty) {
    SKIP_WITHOUT_ROOT();
    expect_share(20, 2);
}
TEST(HearthdQuota, AHundredAndFiftyPercentNeedTwoCpus) {
    SKIP_WITHOUT_ROOT();
    if (std::thread::hardware_concurrency() < 2) {
        GTEST_SKIP() << "one CPU gives no 150%";
    }
    const HearthdProcess hearthd;
    start(hearthd, "burns.service", "CPUQuota=150%\n" + burner(4));
    start(hearthd, "free.service", burner(4));
    EXPECT_EQ(
        in_cgroup(
            hearthd,
            "system.slice/burns.service",
            unified(hearthd) ? "cpu.max" : "cpu.cfs_quota_us"),
        unified(hearthd) ? "150000 100000" : "150000");
    EXPECT_EQ(hearthd.ctl({"stop", "free.service"}).status, 0);
    const double percent = used(hearthd, {"burns.service"}, 3)[0] * 100;
    EXPECT_LT(percent, 152);
    if (percent < 148) {
        GTEST_SKIP() << "the machine is too busy to give 150%: " << percent;
    }
}

/// A file as a disk, detached again at the end.
class LoopDevice {
public:
    explicit LoopDevice(const std::string& file) {
        const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        const int backing = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
        const int index = control < 0 ? -1 : ::ioctl(control, LOOP_CTL_GET_FREE);
        if (backing >= 0 && index >= 0) {
            path_ = "/dev/loop" + std::to_string(index);
            device_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
            if (device_ >= 0 && ::ioctl(device_, LOOP_SET_FD, backing) != 0) {
                ::close(device_);
                device_ = -1;
            }
        }
        ::close(backing);
        ::close(control);
    }
    ~LoopDevice() {
        if (device_ >= 0) {
            EXPECT_EQ(::ioctl(device_, LOOP_CLR_FD, 0), 0);
            ::close(device_);
        }
    }
    LoopDevice(const LoopDevice&) = delete;
    LoopDevice& operator=(const LoopDevice&) = delete;
    [[nodiscard]] explicit operator bool() const { return device_ >= 0; }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
    int device_ = -1;
};

class HearthdIo : public ::testing::Test {
protected:
    static constexpr std::uint64_t asked = 1'000'000;  // bytes per second
    static constexpr std::uint64_t blocks = 48, block = 65536;

    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        scratch.file("disk", std::string(blocks * block, 'x'));
    }
    /// Bytes per second that dd moved past all caches under `limit`.
    static double rate(
        const HearthdProcess& hearthd,
        const std::string& limit,
        const std::string& from,
        const std::string& to,
        const std::string& flag) {
        EXPECT_EQ(
            result_of(
                hearthd,
                "moves.service",
                limit + "ExecStart=/bin/dd if=" + from + " of=" + to +
                    " bs=64k count=48 conv=notrunc " + flag + "\n"),
            "success")
            << hearthd.log();
        const auto at = [&](const char* property) {
            return static_cast<double>(number(hearthd, "moves.service", property));
        };
        const double microseconds =
            at("ExecMainExitTimestampMonotonic") - at("ExecMainStartTimestampMonotonic");
        return static_cast<double>(blocks * block) * 1e6 / microseconds;
    }
    testing_support::ScratchDirectory scratch;
};

TEST_F(HearthdIo, BandwidthIsWhatWasAsked) {
    const LoopDevice disk(scratch.path("disk"));
    if (!disk) {
        GTEST_SKIP() << "no loop device can be had here";
    }
    const HearthdProcess hearthd;
    const std::string reads = "IOReadBandwidthMax=" + disk.path() + " 1M\n";
    const std::string writes = "IOWriteBandwidthMax=" + disk.path() + " 1M\n";
    const double unlimited = rate(hearthd, "", disk.path(), "/dev/null", "iflag=direct");
    if (unlimited < 4.0 * asked) {
        GTEST_SKIP() << "the disk is too slow to tell: " << unlimited << " bytes per second";
    }
    const double tolerance = static_cast<double>(asked) / 10;
    EXPECT_NEAR(rate(hearthd, reads, disk.path(), "/dev/null", "iflag=direct"), asked, tolerance);
    EXPECT_NEAR(rate(hearthd, writes, "/dev/zero", disk.path(), "oflag=direct"), asked, tolerance);
    EXPECT_GT(rate(hearthd, writes, disk.path(), "/dev/null", "iflag=direct"), 2.0 * asked);
    // And counted: what dd moved, and the little that its own program took.
    const std::uint64_t counted = number(hearthd, "moves.service", "IOReadBytes");
    EXPECT_GE(counted, std::uint64_t{blocks * block}) << hearthd.log();
    EXPECT_LT(counted, std::uint64_t{2 * blocks * block});
}

TEST(HearthdMany, FiveHundredWithLimitsLeaveNothingAndAreAllAccounted) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("many.slice", "[Slice]\nCPUWeight=50\nTasksMax=4000\n");
    hearthd.add(
        "one@.service",
        "[Service]\nType=oneshot\nSlice=many.slice\nCPUQuota=80%\nMemoryMax=64M\nTasksMax=16\n"
        "IPAccounting=yes\nRemainAfterExit=yes\nExecStart=/bin/true\n");
    static_cast<void>(hearthd.ctl({"daemon-reload"}));
    constexpr int services = 500, batch = 50;
    for (int first = 0; first < services; first += batch) {
        std::vector<std::string> names;
        for (int i = first; i < first + batch; ++i) {
            names.push_back("one@" + std::to_string(i) + ".service");
        }
        for (const char* const verb : {"start", "stop"}) {
            std::vector<std::string> words = {verb};
            words.insert(words.end(), names.begin(), names.end());
            const Output done = hearthd.ctl(words);
            ASSERT_EQ(done.status, 0) << done.err << hearthd.log();
        }
    }
    const std::string log = hearthd.log();
    int accounted = 0;
    for (std::size_t at = log.find("Consumed "); at != std::string::npos;
         at = log.find("Consumed ", at + 1)) {
        ++accounted;
    }
    EXPECT_EQ(accounted, services);
    EXPECT_TRUE(eventually([&] {
        return std::ranges::none_of(hearthd.cgroups(), [](const std::string& root) {
            return std::filesystem::exists(root + "/many.slice");
        });
    }));
}

}  // namespace
}  // namespace hearth::testing
