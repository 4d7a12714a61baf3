// SPDX-License-Identifier: MIT
#include "units/special.hpp"

#include <algorithm>
#include <array>

namespace hearth {

namespace {

// What a service names to be ordered in a boot, and the two buses' and the log's sockets.
// shutdown.target and its kin are never reached while hearth runs, which is what Before= and
// Conflicts= on them expect.
constexpr auto names = std::to_array<std::string_view>({
    "-.mount",
    "-.slice",
    "basic.target",
    "boot-complete.target",
    "cryptsetup-pre.target",
    "cryptsetup.target",
    "dbus.service",
    "dbus.socket",
    "default.target",
    "emergency.target",
    "final.target",
    "first-boot-complete.target",
    "getty-pre.target",
    "getty.target",
    "graphical.target",
    "halt.target",
    "init.scope",
    "kexec.target",
    "local-fs-pre.target",
    "local-fs.target",
    "machine.slice",
    "machines.target",
    "multi-user.target",
    "network-online.target",
    "network-pre.target",
    "network.target",
    "nss-lookup.target",
    "nss-user-lookup.target",
    "paths.target",
    "poweroff.target",
    "reboot.target",
    "remote-cryptsetup.target",
    "remote-fs-pre.target",
    "remote-fs.target",
    "remote-veritysetup.target",
    "rescue.target",
    "rpcbind.target",
    "shutdown.target",
    "slices.target",
    "sockets.target",
    "swap.target",
    "sysinit.target",
    "syslog.socket",
    "system.slice",
    "systemd-journald.socket",
    "time-set.target",
    "time-sync.target",
    "timers.target",
    "umount.target",
    "user.slice",
    "veritysetup-pre.target",
    "veritysetup.target",
});
static_assert(std::ranges::is_sorted(names));

}  // namespace

std::span<const std::string_view> built_in_units() {
    return names;
}

bool is_built_in_unit(std::string_view name) {
    return std::ranges::binary_search(names, name);
}

bool is_active_built_in(std::string_view name) {
    constexpr auto inactive = std::to_array<std::string_view>({
        "emergency.target",
        "final.target",
        "halt.target",
        "kexec.target",
        "poweroff.target",
        "reboot.target",
        "rescue.target",
        "shutdown.target",
        "umount.target",
    });
    return is_built_in_unit(name) && !std::ranges::binary_search(inactive, name);
}

}  // namespace hearth
