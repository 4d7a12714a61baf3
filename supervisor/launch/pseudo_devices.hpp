// SPDX-License-Identifier: MIT
//
// What a /dev of a service's own holds, said once: for the tree that the launcher makes, for the
// steps of a child that makes it itself, and for the filter of DevicePolicy=closed. Numbers are
// those of the kernel's Documentation/admin-guide/devices.txt.
#pragma once

#include <array>
#include <cstdint>

namespace hearth::launch {

struct PseudoDevice {
    const char* name;
    std::uint32_t major, minor;
};
inline constexpr auto pseudo_devices = std::to_array<PseudoDevice>({
    {"null", 1, 3},
    {"zero", 1, 5},
    {"full", 1, 7},
    {"random", 1, 8},
    {"urandom", 1, 9},
    {"tty", 5, 0},
    {"ptmx", 5, 2},  // finds the devpts beside it
});

struct DeviceLink {
    const char *name, *target;
};
inline constexpr auto device_links = std::to_array<DeviceLink>({
    {"core", "/proc/kcore"},
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
});

/// What of the host's /dev is mounted there too.
struct DeviceDirectory {
    const char* name;
    std::uint32_t mode;
};
inline constexpr auto device_directories = std::to_array<DeviceDirectory>(
    {{"pts", 0755}, {"shm", 01777}, {"mqueue", 01777}, {"hugepages", 0755}});

/// Of pseudo terminals, the slave's side (/dev/pts/N).
inline constexpr std::uint32_t pseudo_terminal_major = 136;

}  // namespace hearth::launch
