// SPDX-License-Identifier: MIT
//
// What a disk image holds, by its first bytes: the kind of its file system, or where its only
// partition lies. Pure; what can't be told is an error in words. Follows the kernel's superblocks
// and the MBR and GPT formats (UEFI 2.10, chapter 5). Offsets and sizes are bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parser/result.hpp"

namespace hearth::launch {

/// So many bytes from the beginning are enough for both functions.
inline constexpr std::size_t image_head_size = 0x11000;

struct ImageFileSystem {
    std::string type;  ///< as fsopen(2) knows it; empty: none that hearth knows
    bool writable = false;
    bool journal = false;  ///< ext4: read-only it must be told not to replay it
};
[[nodiscard]] ImageFileSystem image_file_system(std::string_view head);

struct ImagePartition {
    std::uint64_t offset = 0, size = 0;
    bool operator==(const ImagePartition&) const = default;
};
/// The one partition of the table in `head`.
[[nodiscard]] Result<ImagePartition> only_partition(std::string_view head);

}  // namespace hearth::launch
