// SPDX-License-Identifier: MIT
#include "parser/words.hpp"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using Texts = std::vector<std::string>;

void check(std::string_view text, const Texts& expected, Escapes escapes = Escapes::Strict) {
    SCOPED_TRACE(std::string(text));
    const auto words = split_words(text, escapes);
    ASSERT_TRUE(words.has_value()) << words.error().what;
    Texts texts;
    for (const Word& word : *words) {
        texts.push_back(word.text);
    }
    EXPECT_EQ(texts, expected);
}

void check_refused(
    std::string_view text,
    std::size_t offset,
    std::string_view what,
    Escapes escapes = Escapes::Strict) {
    SCOPED_TRACE(std::string(text));
    const auto words = split_words(text, escapes);
    ASSERT_FALSE(words.has_value());
    EXPECT_EQ(words.error().offset, offset);
    EXPECT_NE(words.error().what.find(what), std::string::npos) << words.error().what;
}

TEST(Words, AreSeparatedByWhiteSpace) {
    check("", {});
    check(" \t\n\r ", {});
    check("a", {"a"});
    check("  a \t b\nc  ", {"a", "b", "c"});
}

TEST(Words, AreUnquoted) {
    check("\"two words\" 'and more'", {"two words", "and more"});
    check("'' \"\"", {"", ""});
    check("a\"b c\"d", {"ab cd"});
    check("'say \"hi\"' \"it's\"", {"say \"hi\"", "it's"});
}

TEST(Words, DecodeEveryEscapeOfTheSyntax) {
    check(R"(\a\b\f\n\r\t\v\\\"\'\s)", {"\a\b\f\n\r\t\v\\\"' "});
    check(R"(\x41\x7e \101\177 \xff)", {"A~", "A\177", "\xFF"});
    check(R"(\u00e4 \u20AC \U0001F525)", {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x94\xA5"});
    check(R"("in\tquotes" 'in\tquotes' "\"")", {"in\tquotes", "in\tquotes", "\""});
}

TEST(Words, RefuseBadEscapesWhenStrict) {
    for (const std::string_view bad :
         {"\\z",
          "\\x4",
          "\\xg0",
          "\\x00",
          "\\000",
          "\\400",
          "\\8",
          "\\12",
          "\\u123",
          "\\u0000",
          "\\ud800",
          "\\U00110000",
          "\\"}) {
        check_refused("ok " + std::string(bad), 3, bad == "\\" ? "backslash" : "escape");
    }
}

TEST(Words, KeepBadEscapesWhenRelaxedAndNoteThem) {
    check(R"(a\z \d+ "\w" \)", {"a\\z", "\\d+", "\\w", "\\"}, Escapes::Relaxed);
    check("a\\ b", {"a\\ b"}, Escapes::Relaxed);
    ValueNotes notes;
    EXPECT_TRUE(split_words(R"(x a\z)", Escapes::Relaxed, &notes).has_value());
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].offset, 3U);
    EXPECT_EQ(notes[0].what, "unknown escape sequence '\\z'");
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += "\\z";
    }
    EXPECT_TRUE(split_words(many, Escapes::Relaxed, &notes).has_value());
    EXPECT_EQ(notes.size(), max_notes);
}

TEST(Words, KeepBackslashesWhenAsked) {
    check(R"(a\tb "c \d")", {"a\\tb", "c \\d"}, Escapes::Keep);
    check_refused(R"("c\"d")", 5, "no end", Escapes::Keep);
}

TEST(Words, RefuseQuotesWithoutEnd) {
    check_refused("a \"b c", 2, "the quote (\") has no end");
    check_refused("a b'c", 3, "the quote (') has no end", Escapes::Relaxed);
    check_refused("\"a\\\"", 0, "no end");
}

TEST(Words, KnowWhereTheyBegan) {
    const auto words = split_words(" a  \"b c\"\t\\x41");
    ASSERT_TRUE(words.has_value());
    EXPECT_EQ(*words, (std::vector<Word>{{"a", 1, false}, {"b c", 4, true}, {"A", 10, false}}));
}

TEST(Words, SurviveQuotingAndSplitting) {
    const Texts words{
        "",
        "plain",
        "two words",
        "it's",
        "\"",
        "\\",
        "\\n",
        ";",
        "\t\n\r\v\a\b\f",
        "\x01\x7F",
        "W\xC3\xA4rme",
        "\xFF",
        "$HOME",
        "%n",
        " ",
        "-a",
        "\\;"};
    check(join_words(words), words, Escapes::Strict);
    check(join_words(words), words, Escapes::Relaxed);
    EXPECT_EQ(quote_word("plain/path=1"), "plain/path=1");
    EXPECT_EQ(quote_word("two words"), "\"two words\"");
    // Every byte but NUL, which no value can have.
    Texts bytes;
    for (int byte = 1; byte < 256; ++byte) {
        bytes.push_back(std::string("x") + static_cast<char>(byte) + "1");
    }
    check(join_words(bytes), bytes, Escapes::Strict);
}

}  // namespace
}  // namespace hearth
