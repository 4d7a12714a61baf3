// SPDX-License-Identifier: MIT
//
// The stock systemctl against a real hearthd: in a mount namespace with a /run of its own, in which
// hearthd's place stands where it stood.
#pragma once

#include <string>

#include "tests/support/hearthd_process.hpp"
#include "tests/support/stock_client.hpp"

namespace hearth::test {

/// `words` are for the shell.
inline testing::Output run_stock_client(
    const testing::HearthdProcess& hearthd, const std::string& program, const std::string& words) {
    const std::string& place = hearthd.place();
    const std::string socket = place + "/runtime/private";
    return testing::run_program({
        "/usr/bin/unshare",
        "--mount",
        "--propagation",
        "private",
        "/bin/sh",
        "-c",
        "mount --bind " + place +
            " /mnt && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system " + place +
            " && mount --bind /mnt " + place + " && ln -s " + socket +
            " /run/systemd/private && export DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + socket +
            " SYSTEMD_IGNORE_CHROOT=1 && exec " + program + " " + words,
    });
}

inline testing::Output run_stock_systemctl(
    const testing::HearthdProcess& hearthd, const std::string& words) {
    return run_stock_client(hearthd, stock_systemctl(), words);
}

}  // namespace hearth::test
