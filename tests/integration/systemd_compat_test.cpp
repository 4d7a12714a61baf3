// SPDX-License-Identifier: MIT
//
// --systemd-compat: what tells the host's other programs that a systemd runs is made on request
// only, never where one runs, and is gone at the end.
#include <gtest/gtest.h>
#include <unistd.h>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {
namespace {

/// A hearthd in a /run of its own; `script` sees it, and $HEARTHD is its pid.
Output with_hearthd(
    const std::string& options, const std::string& before, const std::string& script) {
    const std::string name = "hearth-test-compat-" + std::to_string(::getpid());
    return run_program(
        {"/usr/bin/unshare",
         "--mount",
         "--propagation",
         "private",
         "/bin/sh",
         "-c",
         "mount -t tmpfs tmpfs /run && mkdir /run/units && " + before +
             HEARTH_BINARY_DIR
             "/hearthd --unit-path /run/units --runtime-dir /run/hearth --log-dir /run/log "
             "--cgroup-root " +
             name + " " + options +
             " >/run/said 2>&1 & HEARTHD=$!\n"
             "for i in $(seq 400); do [ -S /run/hearth/private ] && break; "
             "kill -0 $HEARTHD 2>/dev/null || break; sleep 0.02; done\n" +
             script +
             "\nkill -TERM $HEARTHD 2>/dev/null; wait $HEARTHD; echo status $?\n"
             "[ ! -e /run/systemd/system ] && echo no directory\n"
             "[ ! -e /run/systemd/private ] && echo no socket\n"
             "[ ! -L /run/dbus/system_bus_socket ] && echo no bus\ncat /run/said >&2"});
}

constexpr const char* nothing_left = "status 0\nno directory\nno socket\nno bus\n";

TEST(SystemdCompatibility, IsOnlyThereOnRequest) {
    SKIP_WITHOUT_ROOT();
    const std::string look = "ls -d /run/systemd /run/dbus 2>/dev/null; true";
    EXPECT_EQ(with_hearthd("", "", look).out, nothing_left);
    EXPECT_EQ(with_hearthd("--systemd-compat=no", "", look).out, nothing_left);
    const Output asked = with_hearthd(
        "--systemd-compat=yes",
        "",
        "ls -d /run/systemd/system; readlink /run/dbus/system_bus_socket");
    EXPECT_EQ(asked.out, std::string("/run/systemd/system\n/run/systemd/private\n") + nothing_left)
        << asked.err;
}

TEST(SystemdCompatibility, IsRefusedWhereASystemdRuns) {
    SKIP_WITHOUT_ROOT();
    const Output refused =
        with_hearthd("--systemd-compat=yes", "mkdir -p /run/systemd/system && ", "");
    EXPECT_EQ(refused.out, "status 1\nno socket\nno bus\n");
    EXPECT_NE(refused.err.find("/run/systemd/system exists"), std::string::npos) << refused.err;
}

TEST(SystemdCompatibility, LeavesAMessageBusAlone) {
    SKIP_WITHOUT_ROOT();
    const Output kept = with_hearthd(
        "--systemd-compat=yes",
        "mkdir -p /run/dbus && : >/run/dbus/system_bus_socket && ",
        "[ ! -L /run/dbus/system_bus_socket ] && echo as it was");
    EXPECT_EQ(kept.out, std::string("as it was\n") + nothing_left) << kept.err;
}

}  // namespace
}  // namespace hearth::testing
