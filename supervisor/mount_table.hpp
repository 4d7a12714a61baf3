// SPDX-License-Identifier: MIT
//
// /proc/self/mountinfo (proc(5)) and /proc/swaps as values: what is mounted where, in the order of
// mounting, with the octal escapes undone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearth {

struct MountEntry {
    std::uint64_t device = 0;  ///< st_dev of what is mounted
    std::string where, what, type, options;
    bool operator==(const MountEntry&) const = default;
};
[[nodiscard]] std::vector<MountEntry> read_mount_table(const std::string& text);
[[nodiscard]] std::vector<MountEntry> mount_table();

struct SwapEntry {
    std::string what;
    std::int32_t priority = 0;
    bool operator==(const SwapEntry&) const = default;
};
[[nodiscard]] std::vector<SwapEntry> read_swap_table(const std::string& text);
[[nodiscard]] std::vector<SwapEntry> swap_table();
/// By any of its paths: the kernel names the device that links lead to.
[[nodiscard]] std::optional<SwapEntry> find_swap(const std::string& path);

}  // namespace hearth
