// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/io_usage.hpp"

#include <gtest/gtest.h>

namespace hearth::cgroup {
namespace {

TEST(IoUsage, OfV2IsSummedOverDisks) {
    const std::string_view text =
        "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"
        "8:0 rbytes=800 wbytes=4 rios=8 wios=7 dbytes=9 dios=9\n254:1 \n";
    EXPECT_EQ(sum_io_stat(text, "rbytes", "wbytes"), (ReadAndWritten{1460000, 314773508}));
    EXPECT_EQ(sum_io_stat(text, "rios", "wios"), (ReadAndWritten{200, 360}));
    EXPECT_EQ(sum_io_stat("", "rios", "wios"), std::nullopt);
    EXPECT_EQ(sum_io_stat("8:0 \n", "rios", "wios"), std::nullopt);
}

TEST(IoUsage, OfV1IsSummedOverDisks) {
    EXPECT_EQ(
        sum_blkio("8:0 Read 4096\n8:0 Write 10\n8:0 Sync 1\n8:0 Total 4106\n8:16 Read 4\n"
                  "8:16 Write 1\nTotal 4111\n"),
        (ReadAndWritten{4100, 11}));
    EXPECT_EQ(sum_blkio("Total 0\n"), std::nullopt);
    EXPECT_EQ(sum_blkio(""), std::nullopt);
}

}  // namespace
}  // namespace hearth::cgroup
