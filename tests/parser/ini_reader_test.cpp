// SPDX-License-Identifier: MIT
#include "parser/ini_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth {
namespace {

using namespace std::string_literals;

UnitFile read(std::string_view text) {
    return read_unit_file(text, "heat.service");
}

/// `Section.Key=value` per assignment.
std::vector<std::string> assignments_of(const UnitFile& file) {
    std::vector<std::string> lines;
    for (const Assignment& assignment : file.assignments) {
        lines.push_back(assignment.section + "." + assignment.key + "=" + assignment.value);
    }
    return lines;
}

std::vector<std::string> diagnostics_of(const UnitFile& file) {
    std::vector<std::string> lines;
    for (const Diagnostic& diagnostic : file.diagnostics) {
        lines.push_back(one_line(diagnostic));
    }
    return lines;
}

using Lines = std::vector<std::string>;

/// What is read without a diagnostic.
void check(std::string_view text, const Lines& assignments) {
    SCOPED_TRACE(std::string(text));
    const UnitFile file = read(text);
    EXPECT_EQ(assignments_of(file), assignments);
    EXPECT_EQ(diagnostics_of(file), Lines());
}

void check_told(std::string_view text, const Lines& assignments, const Lines& diagnostics) {
    SCOPED_TRACE(std::string(text));
    const UnitFile file = read(text);
    EXPECT_EQ(assignments_of(file), assignments);
    EXPECT_EQ(diagnostics_of(file), diagnostics);
}

TEST(IniReader, ReadsSectionsAndAssignmentsInOrder) {
    check("", {});
    check("\n\n  \n", {});
    check(
        "[Unit]\nA=1\n[Service]\nA=2\nA=\nA=3\n",
        {"Unit.A=1", "Service.A=2", "Service.A=", "Service.A=3"});
    check("[S]\nA=1\n[T]\n[S]\nB=2\n", {"S.A=1", "S.B=2"});
    check("  [S]  \n  A  =  1 2  \n", {"S.A=1 2"});
}

TEST(IniReader, SplitsAtTheFirstEqualsSign) {
    check("[S]\nA=b=c:d\n", {"S.A=b=c:d"});
    check("[S]\nA==\n", {"S.A=="});
    check("[S]\nEnvironment=\"X=1\" Y=2\n", {"S.Environment=\"X=1\" Y=2"});
}

TEST(IniReader, TakesCommentsOnlyAtTheBeginOfALine) {
    check("# c\n; c\n [S]\n  # c\n\t; c\nA=1\n", {"S.A=1"});
    check("[S]\nA=/bin/sh -c 'a ; b' # c\n", {"S.A=/bin/sh -c 'a ; b' # c"});
    check("[S]\n# a comment is not continued \\\nA=1\n", {"S.A=1"});
}

TEST(IniReader, DoesNotTakeAnIndentedLineForAContinuation) {
    check("[S]\nA=1\n  B=2\n", {"S.A=1", "S.B=2"});
}

TEST(IniReader, JoinsContinuedLinesByASpace) {
    check("[S]\nA=1\\\n2\n", {"S.A=1 2"});
    check("[S]\nA=1 \\\n  2\n", {"S.A=1    2"});
    check("[S]\nA=1\\\n# c\n ; c \\\n2\\\n3\nB=1\n", {"S.A=1 2 3", "S.B=1"});
    check("[S]\nA=1\\\n\nB=2\n", {"S.A=1", "S.B=2"});
    check("[S]\nA=1\\\nB=2\n", {"S.A=1 B=2"});
    check("[S]\nA=1\\\n[T]\nB=2\n", {"S.A=1 [T]", "S.B=2"});
    check("[S]\nA\\\n=\\\n1\n", {"S.A=1"});
    check("\\\n[S]\nA=1\n", {"S.A=1"});
}

TEST(IniReader, TakesAnEscapedBackslashForNoContinuation) {
    check("[S]\nA=1\\\\\nB=2\n", {"S.A=1\\\\", "S.B=2"});
    check("[S]\nA=1\\\\\\\nB=2\n", {"S.A=1\\\\ B=2"});
}

TEST(IniReader, AcceptsEveryEndOfLine) {
    check("[S]\r\nA=1\r\nB=2", {"S.A=1", "S.B=2"});
    check("[S]\rA=1\rB=2\r", {"S.A=1", "S.B=2"});
    check("[S]\r\nA=1\\\r\n2\r\n", {"S.A=1 2"});
    check("[S]\nA=1\\", {"S.A=1"});
    check("[S]\nA=1", {"S.A=1"});
}

TEST(IniReader, SkipsAByteOrderMark) {
    check("\xEF\xBB\xBF[S]\nA=1\n", {"S.A=1"});
    check("\xEF\xBB\xBF# c\n[S]\nA=1\n", {"S.A=1"});
}

TEST(IniReader, KeepsUtf8) {
    check(
        "[S]\nDescription=W\xC3\xA4rme \xF0\x9F\x94\xA5\n",
        {"S.Description=W\xC3\xA4rme \xF0\x9F\x94\xA5"});
}

TEST(IniReader, KeepsLongValuesAndSectionNamesWhole) {
    const std::string name(120, 's');
    for (const std::size_t length : {198U, 199U, 200U, 201U, 4096U, 1'000'000U}) {
        const std::string value(length, 'v');
        check("[" + name + "]\nKey=" + value + "\n", {name + ".Key=" + value});
    }
    const std::string key(128, 'k');
    check("[S]\n" + key + "=1\n", {"S." + key + "=1"});
}

TEST(IniReader, ExplainsLinesThatDoNotAssign) {
    const Lines rest{"S.B=2"};
    check_told("[S]\nA: 1\nB=2\n", rest, {"heat.service:2: Missing '=' in 'A: 1', line ignored"});
    check_told(
        "[S]\nrubbish\nB=2\n", rest, {"heat.service:2: Missing '=' in 'rubbish', line ignored"});
    check_told(
        "[S]\n=1\nB=2\n", rest, {"heat.service:2: Missing key name before '=', line ignored"});
    check_told("[S]\nA: x=1\nB=2\n", rest, {"heat.service:2: Invalid key 'A: x', line ignored"});
    check_told("[S]\nA\x01=1\nB=2\n", rest, {"heat.service:2: Invalid key 'A\\x01', line ignored"});
    EXPECT_EQ(read("[S]\nA: 1\n").diagnostics.at(0).hint, "':' does not assign: write Key=value");
    EXPECT_EQ(read("[S]\nA: 1\n").diagnostics.at(0).origin, (Origin{"heat.service", 2, 2}));
    EXPECT_EQ(read("[S]\nA: 1\n").diagnostics.at(0).source, "A: 1");
}

TEST(IniReader, IgnoresAssignmentsOutsideOfSections) {
    check_told(
        "A=1\n[S]\nB=2\n",
        {"S.B=2"},
        {"heat.service:1: Assignment of 'A' outside of a section, ignored"});
}

TEST(IniReader, DiscardsWhatFollowsABrokenHeader) {
    const auto told = [](const std::string& header) {
        return Lines{
            "heat.service:3: Invalid section header '" + header +
            "', ignored with its assignments up to the next header"};
    };
    for (const std::string header : {"[T", "[T] # c", "[]", "[", "[T\"]", "[T\\x]"}) {
        check_told(
            "[S]\nA=1\n" + header + "\nB=2\nrubbish\n[U]\nC=3\n", {"S.A=1", "U.C=3"}, told(header));
        EXPECT_EQ(read("[S]\n" + header + "\n").diagnostics.at(0).severity, Severity::Error);
    }
}

TEST(IniReader, RefusesNulBytesByLine) {
    check_told(
        "[S]\nA=1\0x\nB=2\n"s,
        {"S.B=2"},
        {"heat.service:2: NUL byte in the line, which is ignored"});
    check_told(
        "[S]\nA=1\n[T\0]\nB=2\n[U]\nC=3\n"s,
        {"S.A=1", "U.C=3"},
        {"heat.service:3: NUL byte in the line, which is ignored"});
    EXPECT_EQ(read("[S]\nA=1\0x\n"s).diagnostics.at(0).origin, (Origin{"heat.service", 2, 4}));
}

TEST(IniReader, IgnoresLinesThatAreNotUtf8) {
    check_told("[S]\nA=\xFF\nB=2\n", {"S.B=2"}, {"heat.service:2: Line is not UTF-8, ignored"});
    check_told(
        "[S]\nA=1\\\n\xC3(\nB=2\n", {"S.B=2"}, {"heat.service:3: Line is not UTF-8, ignored"});
    check_told("[S\xFF]\nA=1\n", {}, {"heat.service:1: Line is not UTF-8, ignored"});
    check("[S]\n# \xFF in a comment\nA=1\n", {"S.A=1"});
}

TEST(IniReader, IgnoresLinesBeyondTheLimit) {
    const std::string told = "Line is longer than 1048576 bytes, ignored";
    const std::string fits(ReadLimits().line_length - 2, 'v');
    check("[S]\nA=" + fits + "\nB=2\n", {"S.A=" + fits, "S.B=2"});
    check_told("[S]\nA=" + fits + "v\nB=2\n", {"S.B=2"}, {"heat.service:2: " + told});
    check_told("[S]\nA=" + fits + "\\\nB=2\nC=3\n", {"S.C=3"}, {"heat.service:2: " + told});
    check_told("[S]\nA=1\n[" + fits + "]v\nB=2\n", {"S.A=1"}, {"heat.service:3: " + told});
    check_told("[S]\nA=1\n[T]" + fits + "\nB=2\n", {"S.A=1"}, {"heat.service:3: " + told});
}

TEST(IniReader, KnowsWhereEachByteStood) {
    const UnitFile file = read("\xEF\xBB\xBF[S]\n\n  Key = one \\\n# c\n\ttwo\\\nthree  \n");
    ASSERT_EQ(file.assignments.size(), 1U);
    const Assignment& assignment = file.assignments[0];
    EXPECT_EQ(assignment.value, "one  \ttwo three");
    EXPECT_EQ(assignment.origin, (Origin{"heat.service", 3, 3}));
    const auto place = [&](std::string_view word) {
        const Origin origin = assignment.origin_of(assignment.value.find(word));
        return std::to_string(origin.line) + ":" + std::to_string(origin.column);
    };
    EXPECT_EQ(place("one"), "3:9");
    EXPECT_EQ(place("ne"), "3:10");
    EXPECT_EQ(place("two"), "5:2");
    EXPECT_EQ(place("three"), "6:1");
    EXPECT_EQ(assignment.origin_of(1000), (Origin{"heat.service", 6, 6}));
    EXPECT_EQ(assignment.source_of(0), "  Key=  one");
    EXPECT_EQ(assignment.source_of(assignment.value.find("two")), "\ttwo");
    EXPECT_EQ(assignment.source_of(assignment.value.find("three")), "three");
}

TEST(IniReader, PlacesEmptyValues) {
    const UnitFile file = read("[S]\nKey=\nOther=\\\n  1\n");
    ASSERT_EQ(file.assignments.size(), 2U);
    EXPECT_EQ(file.assignments[0].origin_of(0), (Origin{"heat.service", 2, 5}));
    EXPECT_EQ(file.assignments[1].origin_of(0), (Origin{"heat.service", 4, 3}));
    EXPECT_EQ(file.assignments[1].source_of(0), "  1");
    EXPECT_EQ(file.assignments[1].diagnostic(Severity::Warning, "Unknown key").source, "Other=");
}

TEST(IniReader, BoundsDiagnosticsAndCountsTheRest) {
    const std::string text = "[S]\nx\nx\nx\nx\nx\nA=1\n";
    const ReadLimits limits{.diagnostics = 2};
    const UnitFile file = read_unit_file(text, "heat.service", limits);
    EXPECT_EQ(assignments_of(file), Lines{"S.A=1"});
    ASSERT_EQ(file.diagnostics.size(), 3U);
    EXPECT_EQ(
        one_line(file.diagnostics.back()),
        "heat.service: 3 more lines of this file are ignored likewise");
    EXPECT_EQ(file.diagnostics.back().severity, Severity::Warning);
    // An error among the lines that are only counted must not get lost.
    EXPECT_EQ(
        read_unit_file(text + "[T\n", "f", limits).diagnostics.back().severity, Severity::Error);
    EXPECT_EQ(ReadLimits().diagnostics, 1000U);
}

TEST(IniReader, ReadsAHundredThousandAssignments) {
    std::string text = "[Service]\n";
    for (int i = 0; i < 100'000; ++i) {
        text += "Environment=N" + std::to_string(i) + "=x\n";
    }
    const UnitFile file = read(text);
    ASSERT_EQ(file.assignments.size(), 100'000U);
    EXPECT_TRUE(file.diagnostics.empty());
    EXPECT_EQ(file.assignments.back().value, "N99999=x");
    EXPECT_EQ(file.assignments.back().origin, (Origin{"heat.service", 100'001, 1}));
}

TEST(IniReader, StopsAtTooManyAssignmentsAndSaysSo) {
    const ReadLimits limits{.assignments = 3};
    const std::string text = "[S]\nA=1\nA=2\nA=3\n# c\n\n";
    EXPECT_TRUE(read_unit_file(text, "heat.service", limits).diagnostics.empty());
    const UnitFile file = read_unit_file(text + "A=4\n", "heat.service", limits);
    EXPECT_EQ(assignments_of(file), (Lines{"S.A=1", "S.A=2", "S.A=3"}));
    EXPECT_EQ(
        diagnostics_of(file),
        Lines{"heat.service:7: More than 3 assignments, the rest is ignored"});
    EXPECT_EQ(file.diagnostics[0].severity, Severity::Error);
    EXPECT_GE(ReadLimits().assignments, 100'000U);
}

TEST(IniReader, ReadsFiftyMegabytes) {
    constexpr std::size_t lines = 500;
    const std::string value(100'000, 'v');
    std::string text = "[S]\n";
    text.reserve(lines * (value.size() + 3));
    for (std::size_t i = 0; i < lines; ++i) {
        text += "A=" + value + "\n";
    }
    ASSERT_GT(text.size(), 50'000'000U);
    const UnitFile file = read(text);
    EXPECT_EQ(file.assignments.size(), lines);
    EXPECT_EQ(file.assignments.back().value, value);
}

TEST(IniReader, SurvivesMegabytesOfRubbish) {
    // Each of these was once worth a thought: is it linear, is it bounded?
    const std::size_t size = 1'200'000;
    EXPECT_FALSE(read(std::string(size, '\0')).diagnostics.empty());
    EXPECT_TRUE(read(std::string(size / 4, '\r')).diagnostics.empty());
    EXPECT_FALSE(read(std::string(size, '\\')).diagnostics.empty());
    EXPECT_FALSE(read("[S]\n" + std::string(size, '=')).diagnostics.empty());
    EXPECT_FALSE(read(std::string(size, '[')).diagnostics.empty());
    std::string continued = "[S]\nA=";
    std::string binary;
    unsigned state = 1;
    for (std::size_t i = 0; i < 100'000; ++i) {
        continued += "\\\n";
        state = state * 1'664'525U + 1'013'904'223U;
        binary += static_cast<char>(state >> 24U);
    }
    EXPECT_FALSE(read(binary).diagnostics.empty());
    EXPECT_EQ(read(continued).assignments.size(), 1U);
}

}  // namespace
}  // namespace hearth
