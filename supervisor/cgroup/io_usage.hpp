// SPDX-License-Identifier: MIT
//
// What the io controllers counted, summed over all disks, from the text of their files. Pure. A
// file without any disk says nothing: v1's throttling counts only disks that have some rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth::cgroup {

struct ReadAndWritten {
    std::uint64_t read = 0, written = 0;
    bool operator==(const ReadAndWritten&) const = default;
};
/// v2's io.stat: "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 ...". The keys are those to sum.
[[nodiscard]] std::optional<ReadAndWritten> sum_io_stat(
    std::string_view text, std::string_view read_key, std::string_view written_key);
/// v1's blkio.throttle.io_service_bytes and io_serviced: "8:0 Read 4096".
[[nodiscard]] std::optional<ReadAndWritten> sum_blkio(std::string_view text);

}  // namespace hearth::cgroup
