// SPDX-License-Identifier: MIT
#include "parser/diagnostic.hpp"

#include <gtest/gtest.h>

namespace hearth {
namespace {

TEST(Diagnostic, FitsOnOneLineForLogs) {
    const Diagnostic diagnostic{
        Severity::Warning,
        {"heat.service", 14, 3},
        "Unknown key 'Foo'",
        "did you mean 'Fo'?",
        "Foo"};
    EXPECT_EQ(one_line(diagnostic), "heat.service:14: Unknown key 'Foo'");
    EXPECT_EQ(one_line({Severity::Error, {"a", 0, 0}, "m", {}, {}}), "a: m");
    EXPECT_EQ(one_line({Severity::Error, {}, "m", {}, {}}), "m");
}

TEST(Diagnostic, ShowsTheLineWithACaretAndTheHint) {
    const Diagnostic diagnostic{
        Severity::Error, {"heat.service", 14, 5}, "Invalid value", "write yes or no", "Key=maybe"};
    EXPECT_EQ(
        with_caret(diagnostic),
        "heat.service:14:5: error: Invalid value\n"
        "   14 | Key=maybe\n"
        "      |     ^\n"
        "      = hint: write yes or no\n");
}

TEST(Diagnostic, PutsTheCaretBelowTheRightCharacter) {
    const auto caret = [](std::string source, std::uint32_t column) {
        const std::string text =
            with_caret({Severity::Note, {"f", 1, column}, "m", {}, std::move(source)});
        const std::size_t caret_line = text.find('|', text.find('|') + 1);
        return text.find('^', caret_line) - caret_line - 2;
    };
    EXPECT_EQ(caret("\tKey=1", 2), 1U);                 // a tab is shown as one column
    EXPECT_EQ(caret("W\xC3\xA4rme=1", 4), 2U);          // two bytes, one character
    EXPECT_EQ(caret("\x01=1", 2), 4U);                  // shown as \x01
    EXPECT_EQ(caret("Key=", 5), 4U);                    // just after the end
    EXPECT_EQ(caret(std::string(500, 'x'), 401), 83U);  // "..." and a window around the column
}

TEST(Diagnostic, ShowsNoCaretOutsideOfTheSource) {
    const std::string text = with_caret({Severity::Note, {"f", 1, 99}, "m", {}, "Key=1"});
    EXPECT_EQ(text.find('^'), std::string::npos);
    EXPECT_EQ(with_caret({Severity::Note, {}, "m", {}, {}}), "note: m\n");
}

TEST(Diagnostic, QuotesTheUsersTextHarmlessly) {
    EXPECT_EQ(quoted("plain \xC3\xA4"), "'plain \xC3\xA4'");
    EXPECT_EQ(quoted("\x1B[2J\n"), "'\\x1b[2J\\x0a'");
    EXPECT_EQ(quoted("\xC2\x9B"), "'\\xc2\\x9b'");  // CSI as a C1 control
    EXPECT_EQ(quoted("\xFF\xC0\xAF\xED\xA0\x80"), "'\\xff\\xc0\\xaf\\xed\\xa0\\x80'");
    EXPECT_EQ(quoted(std::string(80, 'a')), "'" + std::string(80, 'a') + "'");
    EXPECT_EQ(quoted(std::string(81, 'a')), "'" + std::string(80, 'a') + "...'");
    EXPECT_EQ(quoted(std::string(79, 'a') + "\xC3\xA4"), "'" + std::string(79, 'a') + "...'");
}

TEST(Diagnostic, LetsNoControlByteThrough) {
    const Diagnostic diagnostic{
        Severity::Error, {"\x1B[1m", 1, 1}, "\x1B[1m", "\x1B[1m\n", "\x1B[1m\r"};
    EXPECT_EQ(one_line(diagnostic).find('\x1B'), std::string::npos);
    EXPECT_EQ(with_caret(diagnostic).find_first_of("\x1B\r"), std::string::npos);
}

}  // namespace
}  // namespace hearth
