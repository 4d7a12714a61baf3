// SPDX-License-Identifier: MIT
#include "supervisor/launch/image_format.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace hearth::launch {
namespace {

struct Magic {
    std::size_t offset;
    std::string_view bytes;
    std::string_view type;
    bool writable;
};
constexpr auto magics = std::to_array<Magic>({
    {0, "hsqs", "squashfs", false},
    {0, "XFSB", "xfs", true},
    {0x400, "\xe2\xe1\xf5\xe0", "erofs", false},
    {0x438, "\x53\xef", "ext4", true},
    {0x10040, "_BHRfS_M", "btrfs", true},
});

constexpr std::uint64_t sector = 512;
constexpr std::size_t mbr_entries = 446, mbr_entry_size = 16, mbr_signature = 510;
constexpr unsigned char protective = 0xee, extended = 0x05, extended_lba = 0x0f;

std::uint64_t number(std::string_view head, std::size_t offset, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) {
        value = (value << 8) | static_cast<unsigned char>(head[offset + i]);
    }
    return value;
}

Result<ImagePartition> the_only(const std::vector<ImagePartition>& found) {
    if (found.size() == 1) {
        return found.front();
    }
    return failure(
        found.empty() ? "its partition table is empty"
                      : "it has " + std::to_string(found.size()) +
                            " partitions: hearth mounts images of one file system only",
        EINVAL);
}

Result<ImagePartition> gpt_partition(std::string_view head) {
    constexpr std::size_t header = sector, type_size = 16;
    if (head.size() < 2 * sector || head.substr(header, 8) != "EFI PART") {
        return failure("its partition table is damaged: no GPT header", EINVAL);
    }
    const std::uint64_t first = number(head, header + 72, 8) * sector;
    const std::uint64_t count = number(head, header + 80, 4);
    const std::uint64_t size = number(head, header + 84, 4);
    if (size < 128 || count > 1024 || first > head.size() ||
        size > (head.size() - first) / std::max<std::uint64_t>(count, 1)) {
        return failure("its partition table lies outside of what hearth reads", EINVAL);
    }
    std::vector<ImagePartition> found;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::size_t at = first + i * size;
        const std::string_view type = head.substr(at, type_size);
        if (std::ranges::any_of(type, [](char byte) { return byte != '\0'; })) {
            const std::uint64_t begin = number(head, at + 32, 8), end = number(head, at + 40, 8);
            if (end < begin) {
                return failure("its partition table is damaged: an end before its begin", EINVAL);
            }
            found.push_back({begin * sector, (end - begin + 1) * sector});
        }
    }
    return the_only(found);
}

}  // namespace

ImageFileSystem image_file_system(std::string_view head) {
    constexpr std::size_t ext_features = 0x45c;
    constexpr std::uint64_t has_journal = 4;
    for (const Magic& magic : magics) {
        if (head.size() > magic.offset &&
            head.substr(magic.offset, magic.bytes.size()) == magic.bytes) {
            const bool journal = magic.type == "ext4" && head.size() > ext_features + 4 &&
                                 (number(head, ext_features, 4) & has_journal) != 0;
            return {std::string(magic.type), magic.writable, journal};
        }
    }
    return {};
}

Result<ImagePartition> only_partition(std::string_view head) {
    if (head.size() < sector || number(head, mbr_signature, 2) != 0xaa55) {
        return failure(
            "it holds neither a file system that hearth knows (squashfs, erofs, ext4, xfs, btrfs) "
            "nor a partition table",
            EINVAL);
    }
    std::vector<ImagePartition> found;
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t at = mbr_entries + i * mbr_entry_size;
        const auto type = static_cast<unsigned char>(head[at + 4]);
        if (type == protective) {
            return gpt_partition(head);
        }
        if (type == extended || type == extended_lba) {
            return failure("it has an extended partition, which hearth doesn't read", EINVAL);
        }
        if (type != 0) {
            found.push_back({number(head, at + 8, 4) * sector, number(head, at + 12, 4) * sector});
        }
    }
    return the_only(found);
}

}  // namespace hearth::launch
