// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <vector>

#include "supervisor/logd/line_format.hpp"
#include "supervisor/logd/protocol.hpp"
#include "supervisor/logd/reader.hpp"

namespace hearth::logd {
namespace {

const std::string time_text = "2026-11-22T12:34:56.123456Z";

/// The lines that chunks become, without time and identifier; "+text" for a piece that goes on.
std::vector<std::string> lines_of(const std::vector<std::string>& chunks, bool end = true) {
    LineFormatter formatter("heat");
    std::string out;
    std::uint64_t count = 0;
    for (const std::string& chunk : chunks) {
        count += formatter.format(chunk, time_text, out);
    }
    if (end) {
        count += formatter.finish(time_text, out);
    }
    std::vector<std::string> lines;
    while (!out.empty()) {
        const std::size_t newline = out.find('\n');
        const LogLine line = split_line(std::string_view(out).substr(0, newline));
        EXPECT_EQ(line.time, time_text);
        EXPECT_EQ(line.identifier, "heat");
        lines.push_back((line.continues ? "+" : "") + std::string(line.text));
        out.erase(0, newline + 1);
    }
    EXPECT_EQ(count, lines.size());
    return lines;
}

TEST(LineFormatter, ChunksBecomeLinesWhereverTheyAreCut) {
    using Lines = std::vector<std::string>;
    EXPECT_EQ(lines_of({"one\ntwo\n"}), (Lines{"one", "two"}));
    EXPECT_EQ(lines_of({"on", "e", "\n", "two\nthr", "ee\n"}), (Lines{"one", "two", "three"}));
    EXPECT_EQ(lines_of({"\n\n"}), (Lines{"", ""}));
    EXPECT_EQ(lines_of({"no end"}), Lines{"no end"});
    EXPECT_EQ(lines_of({"one\nno end"}, false), Lines{"one"});
    EXPECT_EQ(lines_of({}), Lines{});
    EXPECT_EQ(lines_of({""}), Lines{});
}

TEST(LineFormatter, BytesAreKeptAsTheyAre) {
    const std::string odd("\x1b[1m\xff\xfe\0\r\t: +", 12);
    EXPECT_EQ(lines_of({odd + "\n"}), std::vector{odd});
}

TEST(LineFormatter, LongLinesAreSplitAndMarked) {
    const std::string piece(longest_line, 'x');
    EXPECT_EQ(lines_of({piece + "\n"}), std::vector{piece});
    EXPECT_EQ(lines_of({piece + "y\n"}), (std::vector{"+" + piece, std::string("y")}));
    EXPECT_EQ(
        lines_of({piece + piece, piece + "y", "z\nnext\n"}),
        (std::vector<std::string>{"+" + piece, "+" + piece, "+" + piece, "yz", "next"}));
    // A line that ends with its last full piece ends with that piece.
    EXPECT_EQ(lines_of({piece, piece + "\n"}), (std::vector{"+" + piece, piece}));
}

TEST(LineFormatter, ChunkForNeverPromisesTooMuch) {
    for (const std::size_t room : {0UL, 100UL, 4096UL, 50'000UL, 200'000UL, 900'000UL}) {
        for (const std::size_t held : {0UL, 10UL, longest_line - 1, longest_line}) {
            for (const char* filling :
                 {"\n", "x\n", "xx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"}) {
                LineFormatter formatter("a-rather-long-identifier");
                std::string out;
                formatter.format(std::string(held, 'h'), time_text, out);
                std::string chunk;
                const std::size_t size = formatter.chunk_for(room);
                while (chunk.size() < size) {
                    chunk += filling;
                }
                chunk.resize(size);
                out.clear();
                formatter.format(chunk, time_text, out);
                EXPECT_LE(out.size(), room) << held << " held, filled with " << filling;
            }
        }
    }
    EXPECT_GT(LineFormatter("heat").chunk_for(200'000), 4096U);
}

TEST(TimeText, IsUtcWithMicroseconds) {
    TimeText text;
    EXPECT_EQ(text.of({0, 0}), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(text.of({1795350896, 123456789}), "2026-11-22T12:34:56.123456Z");
    EXPECT_EQ(text.of({1795350896, 999}), "2026-11-22T12:34:56.000000Z");
    EXPECT_EQ(text.of({1795350897, 999999999}), "2026-11-22T12:34:57.999999Z");
}

TEST(LogLine, ForeignLinesAreAllText) {
    for (const char* line :
         {"",
          " ",
          "text",
          "two words: yes",
          "2026-11-22T12:34:56.123456Z x",
          "2026-11-22T12:34:56.123456Z : x",
          "2026-11-22T12:34:56.123456X a: x"}) {
        EXPECT_EQ(split_line(line).text, line);
        EXPECT_TRUE(split_line(line).identifier.empty()) << line;
    }
    EXPECT_EQ(split_line("2026-11-22T12:34:56.123456Z a:b: c: d").identifier, "a:b");
    EXPECT_EQ(split_line("2026-11-22T12:34:56.123456Z a: ").text, "");
}

void round_trip(const Message& message) {
    const std::string packet = encode(message);
    const Result<Message> decoded = decode(packet);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().what;
    EXPECT_EQ(*decoded, message);
    for (std::size_t size = 0; size < packet.size(); ++size) {
        EXPECT_FALSE(decode(std::string_view(packet).substr(0, size)).has_value()) << size;
    }
    EXPECT_FALSE(decode(packet + "x").has_value());
}

TEST(LogProtocol, MessagesComeBackAsTheyWereAndOnlyWhole) {
    round_trip({1, OpenStream{"heat.service", "dd", "0123456789abcdef0123456789abcdef"}});
    round_trip({2, OpenStream{}});
    round_trip({3, Flush{}});
    round_trip({4, Flushed{"disk full"}});
    round_trip({5, StatsRequest{"a@b.service"}});
    round_trip({0xffffffff, Stats{1, 2, 3, 0xffffffffffffffff, "no"}});
}

TEST(LogProtocol, RubbishIsAnErrorInWords) {
    EXPECT_NE(decode("").error().what.find("version"), std::string::npos);
    EXPECT_NE(decode(std::string(64, '\xff')).error().what.find("version"), std::string::npos);
    std::string unknown = encode({1, Flush{}});
    unknown[8] = 99;
    EXPECT_NE(decode(unknown).error().what.find("type 99"), std::string::npos);
}

TEST(LogProtocol, NamesThatCannotNameAFileAreRefused) {
    for (const char* unit : {"heat.service", "a@b.service", "dev-disk\\x2dby.device", "-.slice"}) {
        EXPECT_TRUE(is_valid_unit(unit)) << unit;
    }
    for (const std::string& unit :
         {std::string(),
          std::string("."),
          std::string("../x"),
          std::string("a/b"),
          std::string(".hidden"),
          std::string(251, 'x'),
          std::string("a\0b", 3)}) {
        EXPECT_FALSE(is_valid_unit(unit)) << unit;
    }
    EXPECT_EQ(shown_identifier("my daemon\n\x7f"), "my_daemon__");
    EXPECT_EQ(shown_identifier(""), "_");
    EXPECT_EQ(shown_identifier(std::string(500, 'x')).size(), 128U);
}

}  // namespace
}  // namespace hearth::logd
