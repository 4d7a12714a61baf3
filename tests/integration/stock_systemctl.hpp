// SPDX-License-Identifier: MIT
//
// The stock systemctl against a real hearthd: in a mount namespace with a /run of its own, in which
// hearthd's place stands where it stood.
#pragma once

#include <string>

#include "tests/support/hearthd_process.hpp"
#include "tests/support/stock_client.hpp"

namespace hearth::test {

/// A command line of the stock family ("busctl tree ..."), for a shell.
inline testing::Output run_stock(
    const testing::HearthdProcess& hearthd, const std::string& command) {
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
            " SYSTEMD_IGNORE_CHROOT=1 SYSTEMD_PAGER= && exec " + command,
    });
}

inline testing::Output run_stock_systemctl(
    const testing::HearthdProcess& hearthd, const std::string& words) {
    return run_stock(hearthd, stock_systemctl() + " " + words);
}

}  // namespace hearth::test
