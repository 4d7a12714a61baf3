// SPDX-License-Identifier: MIT
//
// Mount units of a real hearthd, on tmpfs below the test's own place: nothing of them is left.
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/hearthd_process.hpp"
#include "units/unit_name.hpp"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using testing::HearthdProcess;
using testing::Output;

class HearthdMounts : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }
    void TearDown() override {
        if (!where_.empty() && is_mounted()) {
            ADD_FAILURE() << where_ << " was left mounted";
            ::umount2(where_.c_str(), MNT_DETACH);
        }
    }
    /// A mount unit for PLACE/mnt; its name.
    std::string add(const HearthdProcess& hearthd, const std::string& lines) {
        where_ = hearthd.place() + "/mnt";
        const std::string unit = *escape_path(where_) + ".mount";
        hearthd.add(unit, "[Unit]\nDescription=A test\n[Mount]\nWhere=" + where_ + "\n" + lines);
        return unit;
    }
    [[nodiscard]] bool is_mounted() const {
        const std::ifstream table("/proc/self/mountinfo");
        std::ostringstream text;
        text << table.rdbuf();
        return text.str().find(" " + where_ + " ") != std::string::npos;
    }

    std::string where_;
};

TEST_F(HearthdMounts, AreMountedShownAndUnmounted) {
    const HearthdProcess hearthd;
    const std::string unit =
        add(hearthd, "What=tmpfs\nType=tmpfs\nOptions=size=1M,mode=0750\nDirectoryMode=0700\n");
    const Output started = hearthd.ctl({"start", unit});
    ASSERT_EQ(started.status, 0) << started.err << hearthd.log();
    EXPECT_TRUE(is_mounted());
    EXPECT_EQ(hearthd.show(unit, "SubState"), "mounted");
    EXPECT_EQ(hearthd.show(unit, "What"), "tmpfs");
    EXPECT_EQ(hearthd.show(unit, "Where"), where_);
    // While it is mounted, what the kernel says of it, as systemd shows it.
    EXPECT_NE(hearthd.show(unit, "Options").find("size=1024k,mode=750"), std::string::npos);
    EXPECT_EQ(fs::status(where_).permissions(), fs::perms(0750));
    EXPECT_EQ(hearthd.ctl({"reload", unit}).status, 0);
    EXPECT_EQ(hearthd.show(unit, "SubState"), "mounted");
    const Output stopped = hearthd.ctl({"stop", unit});
    EXPECT_EQ(stopped.status, 0) << stopped.err << hearthd.log();
    EXPECT_FALSE(is_mounted());
    EXPECT_EQ(hearthd.show(unit, "SubState"), "dead");
    EXPECT_EQ(fs::status(where_).permissions(), fs::perms(0700));
}

TEST_F(HearthdMounts, NoticeWhatOthersDo) {
    HearthdProcess hearthd;
    const std::string unit = add(hearthd, "What=tmpfs\nType=tmpfs\n");
    ASSERT_EQ(hearthd.ctl({"start", unit}).status, 0) << hearthd.log();
    ASSERT_EQ(::umount(where_.c_str()), 0);
    EXPECT_TRUE(hearthd.becomes(unit, "SubState", "dead"));
    ASSERT_EQ(::mount("tmpfs", where_.c_str(), "tmpfs", 0, nullptr), 0);
    EXPECT_TRUE(hearthd.becomes(unit, "SubState", "mounted"));
    const Output refused = hearthd.ctl({"stop", unit});
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(refused.err.find("somebody else mounted it"), std::string::npos) << refused.err;
    EXPECT_EQ(hearthd.stop(), 0);
    EXPECT_TRUE(is_mounted()) << "a guest leaves the mounts of others alone";
    EXPECT_EQ(::umount(where_.c_str()), 0);
}

TEST_F(HearthdMounts, StayWhereTheyAreBusy) {
    const HearthdProcess hearthd;
    const std::string unit = add(hearthd, "What=tmpfs\nType=tmpfs\n");
    ASSERT_EQ(hearthd.ctl({"start", unit}).status, 0) << hearthd.log();
    {
        const std::ofstream user(where_ + "/busy");
        EXPECT_NE(hearthd.ctl({"stop", unit}).status, 0);
        EXPECT_TRUE(hearthd.becomes(unit, "SubState", "mounted"));
    }
    EXPECT_EQ(hearthd.ctl({"stop", unit}).status, 0) << hearthd.log();
    EXPECT_FALSE(is_mounted());
}

TEST_F(HearthdMounts, OutliveTheManagerAndEndWithItsStop) {
    HearthdProcess hearthd;
    const std::string unit = add(hearthd, "What=tmpfs\nType=tmpfs\n");
    ASSERT_EQ(hearthd.ctl({"start", unit}).status, 0) << hearthd.log();
    hearthd.crash();
    EXPECT_TRUE(is_mounted());
    hearthd.start_again();
    EXPECT_EQ(hearthd.show(unit, "SubState"), "mounted");
    EXPECT_EQ(hearthd.stop(), 0);
    EXPECT_FALSE(is_mounted()) << hearthd.log();
}

TEST_F(HearthdMounts, FailWithWhatMountSays) {
    HearthdProcess hearthd;
    const std::string unit = add(hearthd, "What=/nonexistent\nType=ext4\n");
    EXPECT_NE(hearthd.ctl({"start", unit}).status, 0);
    EXPECT_EQ(hearthd.show(unit, "ActiveState"), "failed");
    EXPECT_EQ(hearthd.show(unit, "Result"), "exit-code");
    EXPECT_TRUE(eventually([&] {
        return hearthd.ctl({"logs", unit}).out.find("/nonexistent") != std::string::npos;
    })) << hearthd.ctl({"logs", unit}).out;
}

TEST_F(HearthdMounts, AreNotLoadedUnderAnotherName) {
    const HearthdProcess hearthd;
    hearthd.add("srv-x.mount", "[Mount]\nWhat=tmpfs\nWhere=/srv/y\n");
    const Output refused = hearthd.ctl({"start", "srv-x.mount"});
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(refused.err.find("doesn't match the unit's name"), std::string::npos) << refused.err;
}

TEST_F(HearthdMounts, ServicesNeedThem) {
    const HearthdProcess hearthd;
    const std::string unit = add(hearthd, "What=tmpfs\nType=tmpfs\n");
    hearthd.add(
        "user.service",
        "[Unit]\nRequiresMountsFor=" + where_ +
            "/deep\n[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "user.service"}).status, 0) << hearthd.log();
    EXPECT_TRUE(is_mounted());
    EXPECT_EQ(hearthd.ctl({"stop", unit}).status, 0);
    EXPECT_EQ(hearthd.show("user.service", "ActiveState"), "inactive");
    EXPECT_FALSE(is_mounted());
}

}  // namespace
}  // namespace hearth::test
