// SPDX-License-Identifier: MIT
//
// The words of kernel-command-line(7) that the manager understands.
#include "units/kernel_command_line.hpp"

#include <gtest/gtest.h>

#include "tests/units/unit_text.hpp"

namespace hearth {
namespace {

KernelCommandLine read(const std::string& text) {
    return parse_kernel_command_line(text, "/proc/cmdline");
}

TEST(KernelCommandLine, TheLastWordForAUnitCounts) {
    EXPECT_EQ(read("root=/dev/vda1 ro console=ttyS0 panic=-1\n").unit, "");
    for (const char* word : {"single", "s", "S", "1", "-s", "rescue"}) {
        EXPECT_EQ(read(word).unit, "rescue.target") << word;
    }
    for (const char* word : {"emergency", "-b"}) {
        EXPECT_EQ(read(word).unit, "emergency.target") << word;
    }
    EXPECT_EQ(read("3").unit, "multi-user.target");
    EXPECT_EQ(read("5").unit, "graphical.target");
    EXPECT_EQ(read("single systemd.unit=a.target").unit, "a.target");
    EXPECT_EQ(read("systemd.unit=a.target single").unit, "rescue.target");
    EXPECT_EQ(read("-- single").unit, "");  // that is init's own command line
    EXPECT_EQ(read("rescue=1 singles").unit, "");
}

TEST(KernelCommandLine, ReadsWhatItSetsForTheManager) {
    const KernelCommandLine line = read(
        "systemd.log_level=debug systemd.default-timeout-start-sec=7 "
        "\"systemd.setenv=A=b c%\" systemd.show_status=no quiet");
    EXPECT_EQ(
        line.settings,
        "ShowStatus=auto\nLogLevel=debug\nDefaultTimeoutStartSec=7\n"
        "DefaultEnvironment=\"A=b c%%\"\nShowStatus=no\n");
    EXPECT_EQ(messages(line.diagnostics), "");
    EXPECT_EQ(read("systemd.show_status").settings, "ShowStatus=yes\n");
    EXPECT_EQ(read("systemd.show_status=error").settings, "ShowStatus=error\n");
}

TEST(KernelCommandLine, ReadsNamesAndSwitches) {
    const KernelCommandLine line = read(
        "systemd.hostname=stove.example systemd.mask=a.service systemd.wants=b.service "
        "systemd.mask=c.socket console=tty0 console=ttyS0,115200n8 modules_load=x,y fstab=no "
        "systemd.getty_auto=0 systemd.machine_id=0123456789abcdef0123456789abcdef rw");
    EXPECT_EQ(line.host_name, "stove.example");
    EXPECT_EQ(line.masked, (std::vector<std::string>{"a.service", "c.socket"}));
    EXPECT_EQ(line.wanted, (std::vector<std::string>{"b.service"}));
    EXPECT_EQ(line.consoles, (std::vector<std::string>{"tty0", "ttyS0"}));
    EXPECT_EQ(line.modules, (std::vector<std::string>{"x", "y"}));
    EXPECT_FALSE(line.reads_fstab);
    EXPECT_FALSE(line.makes_gettys);
    EXPECT_EQ(line.machine_id, "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(line.root_writable, true);
    EXPECT_EQ(read("ro").root_writable, false);
    EXPECT_EQ(messages(line.diagnostics), "");
}

TEST(KernelCommandLine, TellsABadValueAndGoesOn) {
    const KernelCommandLine line = read(
        "systemd.unit=a systemd.hostname=-a systemd.machine_id=12 fstab=perhaps systemd.mask= "
        "systemd.unit=b.target");
    EXPECT_EQ(line.unit, "b.target");
    EXPECT_EQ(line.host_name, "");
    EXPECT_TRUE(line.reads_fstab);
    EXPECT_EQ(line.diagnostics.size(), 5U);
    EXPECT_EQ(
        line.diagnostics.front().message,
        "systemd.unit=a is ignored: expected a unit's name, such as rescue.target");
}

TEST(KernelCommandLine, KnowsHostNamesAndMachineIds) {
    for (const char* good : {"a", "tile-stove", "a.b-c.d1", "A_1"}) {
        EXPECT_TRUE(is_host_name(good)) << good;
    }
    for (const char* bad : {"", ".a", "a.", "a..b", "-a", "a-", "a b", "(none)"}) {
        EXPECT_FALSE(is_host_name(bad)) << bad;
    }
    EXPECT_FALSE(is_host_name(std::string(65, 'a')));
    EXPECT_FALSE(is_machine_id(std::string(32, '0')));
    EXPECT_FALSE(is_machine_id("0123456789ABCDEF0123456789abcdef"));
}

}  // namespace
}  // namespace hearth
