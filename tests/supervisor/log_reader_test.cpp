// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "supervisor/logd/reader.hpp"

namespace hearth::logd {
namespace {

using Lines = std::vector<std::string>;

class LogReader : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "hearth-reader-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        path_ = folder_ + "/heat.service.log";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    void append(const std::string& text) const {
        std::ofstream(path_, std::ios::app | std::ios::binary) << text;
    }
    static bool readable(const Follower& follower) {
        pollfd wanted{follower.descriptor(), POLLIN, 0};
        return ::poll(&wanted, 1, 0) == 1;
    }
    Follower follow(std::uint64_t position) const {
        Result<Follower> follower = Follower::open(path_, position);
        EXPECT_TRUE(follower.has_value()) << follower.error().what;
        return std::move(*follower);
    }
    std::string folder_, path_;
};

TEST_F(LogReader, LastLinesAreFoundFromTheEnd) {
    append("one\ntwo\nthree\n");
    EXPECT_EQ(*read_last(path_, 0), Lines{});
    EXPECT_EQ(*read_last(path_, 1), Lines{"three"});
    EXPECT_EQ(*read_last(path_, 2), (Lines{"two", "three"}));
    EXPECT_EQ(*read_last(path_, 3), (Lines{"one", "two", "three"}));
    EXPECT_EQ(*read_last(path_, 999), (Lines{"one", "two", "three"}));
    append("\nno end");
    EXPECT_EQ(*read_last(path_, 1), Lines{"no end"});
    EXPECT_EQ(*read_last(path_, 3), (Lines{"three", "", "no end"}));
}

TEST_F(LogReader, MissingAndEmptyFilesAreEmptyLogs) {
    EXPECT_EQ(*read_last(path_, 10), Lines{});
    EXPECT_EQ(*position_of_last(path_, 10), 0U);
    append("");
    EXPECT_EQ(*read_last(path_, 10), Lines{});
    append("\n");
    EXPECT_EQ(*read_last(path_, 10), Lines{""});
}

TEST_F(LogReader, LinesAcrossBlocksAreWhole) {
    Lines expected;
    std::string text;
    for (int i = 0; i < 5000; ++i) {
        expected.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i) % 97, 'x'));
        text += expected.back() + "\n";
    }
    expected.emplace_back(200'000, 'y');  // longer than a block
    append(text + expected.back() + "\n");
    for (const std::size_t count : {1UL, 2UL, 1000UL, 4999UL, 5001UL}) {
        const Lines last(expected.end() - static_cast<std::ptrdiff_t>(count), expected.end());
        EXPECT_EQ(*read_last(path_, count), last) << count;
    }
}

TEST_F(LogReader, UnreadableLogIsAnErrorThatNamesIt) {
    std::filesystem::create_directory(path_);
    const auto lines = read_last(path_, 1);
    ASSERT_FALSE(lines.has_value());
    EXPECT_NE(lines.error().what.find(path_), std::string::npos);
}

TEST_F(LogReader, FollowerGoesOnWithoutAGap) {
    append("one\ntwo\n");
    Follower follower = follow(*position_of_last(path_, 1));
    append("three\n");
    EXPECT_EQ(*follower.next(), (Lines{"two", "three"}));
    EXPECT_EQ(*follower.next(), Lines{});
    EXPECT_FALSE(readable(follower));
    append("fo");
    EXPECT_TRUE(readable(follower));
    EXPECT_EQ(*follower.next(), Lines{});
    append("ur\nfive\n");
    EXPECT_TRUE(readable(follower));
    EXPECT_EQ(*follower.next(), (Lines{"four", "five"}));
}

TEST_F(LogReader, FollowerWaitsForAFileThatDoesNotExistYet) {
    Follower follower = follow(0);
    EXPECT_EQ(*follower.next(), Lines{});
    append("one\n");
    EXPECT_TRUE(readable(follower));
    EXPECT_EQ(*follower.next(), Lines{"one"});
    append("two\n");
    EXPECT_TRUE(readable(follower));
    EXPECT_EQ(*follower.next(), Lines{"two"});
}

TEST_F(LogReader, FollowerReadsAReplacedFileToItsEndFirst) {
    append("one\n");
    Follower follower = follow(0);
    EXPECT_EQ(*follower.next(), Lines{"one"});
    append("last of the old\nhalf");
    std::filesystem::rename(path_, path_ + ".1");
    append("first of the new\n");
    EXPECT_TRUE(readable(follower));
    EXPECT_EQ(*follower.next(), (Lines{"last of the old", "half", "first of the new"}));
    append("more\n");
    EXPECT_TRUE(readable(follower));
    EXPECT_EQ(*follower.next(), Lines{"more"});
}

TEST_F(LogReader, FollowerBeginsAgainWhereAFileIsCutShort) {
    append("one\ntwo\nhalf");
    Follower follower = follow(0);
    EXPECT_EQ(*follower.next(), (Lines{"one", "two"}));
    std::filesystem::resize_file(path_, 0);
    append("new\n");
    EXPECT_EQ(*follower.next(), Lines{"new"});
}

TEST_F(LogReader, FollowerHandsOutABigLogInParts) {
    std::string text;
    for (int i = 0; i < 40'000; ++i) {
        text += "line number " + std::to_string(i) + " of very many of them\n";
    }
    append(text);
    Follower follower = follow(0);
    std::size_t total = 0, parts = 0;
    for (Lines lines = *follower.next(); !lines.empty(); lines = *follower.next()) {
        EXPECT_EQ(lines.front(), "line number " + std::to_string(total) + " of very many of them");
        total += lines.size();
        ++parts;
    }
    EXPECT_EQ(total, 40'000U);
    EXPECT_GT(parts, 1U);
}

}  // namespace
}  // namespace hearth::logd
