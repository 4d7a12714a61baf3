// SPDX-License-Identifier: MIT
#include "parser/specifiers.hpp"

#include <gtest/gtest.h>

namespace hearth {
namespace {

SpecifierTable table() {
    SpecifierTable table;
    table.set('n', "heat@1.service");
    table.set('i', "1");
    table.set('j', "%n%j");  // a value that looks like specifiers
    table.set('e', "");
    table.set_unavailable('f', "this unit has no instance");
    return table;
}

void check(std::string_view text, std::string_view expected) {
    SCOPED_TRACE(std::string(text));
    const auto expanded = expand(text, table());
    ASSERT_TRUE(expanded.has_value()) << expanded.error().what;
    EXPECT_EQ(*expanded, expected);
}

void check_refused(std::string_view text, std::size_t offset, std::string_view what) {
    SCOPED_TRACE(std::string(text));
    const auto expanded = expand(text, table());
    ASSERT_FALSE(expanded.has_value());
    EXPECT_EQ(expanded.error().offset, offset);
    EXPECT_EQ(expanded.error().what, what);
}

TEST(Specifiers, AreReplaced) {
    check("", "");
    check("plain", "plain");
    check("%n", "heat@1.service");
    check("/run/%i/x%e/%i", "/run/1/x/1");
    check("%%n %%%i", "%n %1");
}

TEST(Specifiers, StandForThemselvesWhereNoLetterFollows) {
    check("50% off", "50% off");
    check("100%", "100%");
    check("%-", "%-");
}

TEST(Specifiers, AreNotReplacedInValues) {
    check("%j", "%n%j");
}

TEST(Specifiers, AreRefusedWhenUnknownOrUnavailable) {
    check_refused("a %z", 2, "unknown specifier '%z'");
    check_refused("%9", 0, "unknown specifier '%9'");
    check_refused("%%%f", 2, "specifier '%f': this unit has no instance");
    EXPECT_EQ(expand("%z", table()).error().hint, "write '%%z' for a percent sign");
}

TEST(Specifiers, CannotExplode) {
    EXPECT_EQ(expand("%n%n", table(), 27).has_value(), false);
    EXPECT_EQ(expand("%n%n", table(), 28).value(), "heat@1.serviceheat@1.service");
    SpecifierTable large;
    large.set('x', std::string(4096, 'x'));
    std::string text;
    for (int i = 0; i < 100'000; ++i) {
        text += "%x";
    }
    EXPECT_EQ(
        expand(text, large).error().what,
        "longer than 1048576 bytes after its specifiers are replaced");
}

TEST(Specifiers, AreLeftAloneWithoutATable) {
    EXPECT_EQ(expand("%n%z", nullptr).value(), "%n%z");
}

TEST(Specifiers, SurviveEscaping) {
    for (const std::string text : {"", "%", "%%", "100% %n", "a%%b%"}) {
        EXPECT_EQ(expand(escape_specifiers(text), table()).value(), text);
    }
}

}  // namespace
}  // namespace hearth
