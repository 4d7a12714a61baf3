// SPDX-License-Identifier: MIT
#include "parser/values.hpp"

#include <gtest/gtest.h>

#include "parser/enum_codec.hpp"
#include "tests/support/value_recorder.hpp"

namespace hearth {

enum class Colour : std::uint8_t { Red, Green, DarkBlue };
inline constexpr auto colour_names = std::to_array<EnumName<Colour>>({
    {Colour::Red, "red"},
    {Colour::Green, "green"},
    {Colour::DarkBlue, "dark-blue"},
    {Colour::DarkBlue, "navy"},
});
template <>
struct Codec<Colour> : EnumCodec<colour_names> {};

namespace {

/// The text is read as `expected`, printed as `printed`, and what is printed reads back the same.
template <class T>
void check(std::string_view text, const T& expected, std::string_view printed) {
    SCOPED_TRACE(std::string(text));
    T value{};
    const Assigned assigned = Codec<T>::assign(value, text, {});
    ASSERT_TRUE(assigned.has_value()) << assigned.error().what;
    EXPECT_TRUE(value == expected) << Codec<T>::format(value);
    EXPECT_EQ(Codec<T>::format(value), printed);
    T again{};
    ASSERT_TRUE(Codec<T>::assign(again, Codec<T>::format(value), {}).has_value());
    EXPECT_TRUE(again == value);
}

/// The text is refused and changes nothing.
template <class T>
ValueError check_refused(std::string_view text, const T& before = T{}) {
    SCOPED_TRACE(std::string(text));
    T value = before;
    const Assigned assigned = Codec<T>::assign(value, text, {});
    EXPECT_FALSE(assigned.has_value());
    EXPECT_TRUE(value == before);
    if (assigned) {
        return {};
    }
    EXPECT_FALSE(assigned.error().what.empty());
    EXPECT_LE(assigned.error().offset, text.size());
    return assigned.error();
}

template <class T>
std::string written(const T& value) {
    ValueRecorder recorder;
    Codec<T>::write(value, recorder);
    EXPECT_TRUE(recorder.signatures_match());
    EXPECT_EQ(recorder.signature(), Codec<T>::signature);
    return recorder.text();
}

template <class T>
void check_reset(T value) {
    ASSERT_TRUE(Codec<T>::assign(value, "", {}).has_value());
    EXPECT_TRUE(value == T{});
}

TEST(Values, AnEmptyTextResets) {
    check_reset(true);
    check_reset(std::int32_t{5});
    check_reset(std::uint64_t{5});
    check_reset(std::string("x"));
    check_reset(std::vector<std::string>{"x"});
    check_reset(Timespan{5});
    check_reset(Bytes{5});
    check_reset(Permyriad{5});
    check_reset(Mode{5});
    check_reset(AbsolutePath{"/x"});
    check_reset(OptionalPath{"/x", true});
    check_reset(std::optional<Timespan>(Timespan{5}));
    check_reset(Colour::Green);
}

TEST(Values, ReadBooleans) {
    for (const std::string_view yes : {"1", "yes", "y", "true", "t", "on", "YES", "True", "oN"}) {
        check(yes, true, "yes");
    }
    for (const std::string_view no : {"0", "no", "n", "false", "f", "off", "No", "OFF"}) {
        check(no, false, "no");
    }
    for (const std::string_view bad : {"2", "ye", "yess", "maybe", "-1", "yes no"}) {
        EXPECT_EQ(check_refused<bool>(bad, true).hint, "write yes or no");
    }
    EXPECT_EQ(written(true), "b true");
}

TEST(Values, ReadIntegers) {
    check<std::int32_t>("0", 0, "0");
    check<std::int32_t>("-2147483648", -2147483647 - 1, "-2147483648");
    check<std::int32_t>("+2147483647", 2147483647, "2147483647");
    check<std::int32_t>("0x7f", 127, "127");
    check<std::int32_t>("-010", -8, "-8");
    check<std::uint32_t>("4294967295", 4294967295U, "4294967295");
    check<std::uint32_t>("0b101", 5, "5");
    check<std::uint32_t>("0o17", 15, "15");
    check<std::uint64_t>("18446744073709551615", infinity, "18446744073709551615");
    check<std::int64_t>(
        "-9223372036854775808", std::numeric_limits<std::int64_t>::min(), "-9223372036854775808");
    for (const std::string_view bad :
         {"x",
          "1x",
          "--1",
          "+-1",
          "1 2",
          "0x",
          "1.5",
          "09",
          "-",
          "2147483648",
          "-2147483649",
          "99999999999999999999999",
          "-99999999999999999999999"}) {
        check_refused<std::int32_t>(bad, 7);
    }
    for (const std::string_view bad : {"-1", "4294967296", "18446744073709551616", ""}) {
        if (!bad.empty()) {
            check_refused<std::uint32_t>(bad, 7);
        }
    }
    EXPECT_EQ(check_refused<std::uint32_t>("-1").hint, "write a number from 0 to 4294967295");
    check_refused<std::int64_t>("9223372036854775808");
    EXPECT_EQ(read_integer("5", 6, 7).error().hint, "write a number from 6 to 7");
    EXPECT_EQ(written(std::int32_t{-5}), "i -5");
    EXPECT_EQ(written(std::uint32_t{5}), "u 5");
    EXPECT_EQ(written(std::int64_t{-5}), "x -5");
    EXPECT_EQ(written(std::uint64_t{5}), "t 5");
}

TEST(Values, ReadStrings) {
    check<std::string>("a \"b\" \\n", "a \"b\" \\n", "a \"b\" \\n");
    SpecifierTable table;
    table.set('n', "heat.service");
    std::string value = "before";
    EXPECT_TRUE(Codec<std::string>::assign(value, "unit %n", {&table}).has_value());
    EXPECT_EQ(value, "unit heat.service");
    EXPECT_FALSE(Codec<std::string>::assign(value, "unit %z", {&table}).has_value());
    EXPECT_EQ(value, "unit heat.service");
    EXPECT_EQ(written(value), "s \"unit heat.service\"");
}

TEST(Values, AppendWords) {
    using Words = std::vector<std::string>;
    check<Words>("a 'b c' \\x41", {"a", "b c", "A"}, "a \"b c\" A");
    Words words{"first"};
    EXPECT_TRUE(Codec<Words>::assign(words, "second third", {}).has_value());
    EXPECT_EQ(words, (Words{"first", "second", "third"}));
    check_refused<Words>("ok 'open", words);
    SpecifierTable table;
    table.set('i', "a b");
    EXPECT_TRUE(Codec<Words>::assign(words, "", {}).has_value());
    EXPECT_TRUE(Codec<Words>::assign(words, "x-%i", {&table}).has_value());
    EXPECT_EQ(words, Words{"x-a b"});  // a specifier's value is not split
    const Assigned assigned = Codec<Words>::assign(words, "ok no%z", {&table});
    ASSERT_FALSE(assigned.has_value());
    EXPECT_EQ(assigned.error().offset, 5U);
    EXPECT_EQ(written(Words{"a", "b"}), "as [\"a\",\"b\"]");
    EXPECT_EQ(written(Words{}), "as []");
}

TEST(Values, CollectNotes) {
    ValueNotes notes;
    std::vector<std::string> words;
    EXPECT_TRUE(
        Codec<std::vector<std::string>>::assign(words, "a\\d", {nullptr, &notes}).has_value());
    EXPECT_EQ(words, std::vector<std::string>{"a\\d"});
    ASSERT_EQ(notes.size(), 1U);
}

struct TimespanCase {
    std::string_view text;
    std::uint64_t microseconds;
    std::string_view printed;
};

// Checked against `systemd-analyze timespan` of systemd 252.
constexpr TimespanCase timespans[] = {
    {"0", 0, "0"},
    {"90", 90'000'000, "1min 30s"},
    {"1min 30s", 90'000'000, "1min 30s"},
    {"100ms", 100'000, "100ms"},
    {"1.5s", 1'500'000, "1.500000s"},
    {"1.1", 1'100'000, "1.100000s"},
    {"1.5 h", 5'400'000'000, "1h 30min"},
    {"61.000001s", 61'000'001, "1min 1.000001s"},
    {"30d", 2'592'000'000'000, "4w 2d"},
    {"32d", 2'764'800'000'000, "1month 1d 13h 30min"},
    {"1500us", 1'500, "1.500ms"},
    {"2h 1", 7'201'000'000, "2h 1s"},
    {"1M", 2'629'800'000'000, "1month"},
    {"1y2w", 32'767'200'000'000, "1y 2w"},
    {".5", 500'000, "500ms"},
    {"1 .5", 1'500'000, "1.500000s"},
    {"+5", 5'000'000, "5s"},
    {" 5 ", 5'000'000, "5s"},
    {"1\xC2\xB5s 1\xCE\xBCs 1usec 1us", 4, "4us"},
    {"1msec 1seconds 1second 1sec", 3'001'000, "3.001000s"},
    {"1minutes 1minute 1min 1m", 240'000'000, "4min"},
    {"1hours 1hour 1hr 1h", 14'400'000'000, "4h"},
    {"1days 1day 1d", 259'200'000'000, "3d"},
    {"1weeks 1week 1w", 1'814'400'000'000, "3w"},
    {"1months 1month", 5'259'600'000'000, "2month"},
    {"1years 1year 1y", 94'672'800'000'000, "3y"},
    {"0.0000001s", 0, "0"},
    {"1.9999999s", 1'999'999, "1.999999s"},
    {"infinity", infinity, "infinity"},
};

TEST(Values, ReadTimespansAsSystemdDoes) {
    for (const TimespanCase& one : timespans) {
        check(one.text, Timespan{one.microseconds}, one.printed);
    }
    EXPECT_EQ(read_timespan("20", 1'000).value(), Timespan::milliseconds(20));
    EXPECT_EQ(written(Timespan::seconds(90)), "t 90000000");
    EXPECT_EQ(written(Timespan::never()), "t 18446744073709551615");
}

TEST(Values, RefuseBadTimespans) {
    for (const std::string_view bad :
         {"x",
          "1.",
          ".",
          "1.5.5",
          "-1",
          "1s -1",
          "5 parsecs",
          "5 S",
          "1,5s",
          "s",
          "infinity 1",
          "infinite",
          "18446744073710s",
          "18446744073709551615us",
          "99999999999999999999",
          "600000y",
          "1e3",
          "5-3",
          "+"}) {
        check_refused<Timespan>(bad, Timespan{7});
    }
    EXPECT_EQ(check_refused<Timespan>("1min 5 parsecs").offset, 7U);
}

TEST(Values, PrintTimespansThatReadBack) {
    std::uint64_t span = 1;
    for (int i = 0; i < 2000; ++i) {
        span = span * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        const Timespan value{span >> static_cast<unsigned>(i % 64)};
        if (!value.is_infinite()) {
            EXPECT_EQ(read_timespan(format_timespan(value)).value(), value) << value.microseconds;
        }
    }
}

TEST(Values, ReadSizes) {
    check("0", Bytes{0}, "0");
    check("1000", Bytes{1000}, "1000");
    check("64M", Bytes{64U << 20U}, "64M");
    check("1.5K", Bytes{1536}, "1536");
    check("1.5G", Bytes{1536U << 20U}, "1536M");
    check("1K 1", Bytes{1025}, "1025");
    check("1G500M", Bytes{1524U << 20U}, "1524M");
    check("5B", Bytes{5}, "5");
    check("2 T", Bytes{std::uint64_t{2} << 40U}, "2T");
    check("3P", Bytes{std::uint64_t{3} << 50U}, "3P");
    check("15E", Bytes{std::uint64_t{15} << 60U}, "15E");
    check("18446744073709551614", Bytes{infinity - 1}, "18446744073709551614");
    check("0.1K", Bytes{102}, "102");
    check("infinity", Bytes::unlimited(), "infinity");
    for (const std::string_view bad :
         {"x",
          "-1",
          "1k",
          "1X",
          "16E",
          "18446744073709551615",
          "1M 1G",
          "1 1",
          "1.",
          "M",
          "1MM",
          "50%",
          "99999999999999999999"}) {
        check_refused<Bytes>(bad, Bytes{7});
    }
    EXPECT_EQ(check_refused<Bytes>("1k").offset, 1U);
    EXPECT_EQ(written(Bytes{5}), "t 5");
}

TEST(Values, ReadPercentages) {
    check("0%", Percent{0}, "0%");
    check("100%", Percent{100}, "100%");
    check("20%", Permyriad{2000}, "20%");
    check("20.55%", Permyriad{2055}, "20.55%");
    check("20.5%", Permyriad{2050}, "20.5%");
    check("0.05%", Permyriad{5}, "0.05%");
    check("200%", Permyriad{20000}, "200%");
    check("5\xE2\x80\xB0", Permyriad{50}, "0.5%");
    check("5.5\xE2\x80\xB0", Permyriad{55}, "0.55%");
    check("5\xE2\x80\xB1", Permyriad{5}, "0.05%");
    for (const std::string_view bad :
         {"20", "%", "-1%", "20.555%", "20.%", ".5%", "20%%", "20 %", "99999999%", "x%"}) {
        check_refused<Permyriad>(bad, Permyriad{7});
    }
    check_refused<Percent>("101%");
    check_refused<Percent>("20.5%");
    EXPECT_EQ(written(Percent{5}), "u 5");
}

TEST(Values, ReadModes) {
    check("0755", Mode{0755}, "0755");
    check("22", Mode{022}, "0022");
    check("7777", Mode{07777}, "7777");
    for (const std::string_view bad : {"8", "10000", "-1", "0x1", "rw", "7 7"}) {
        check_refused<Mode>(bad, Mode{7});
    }
    EXPECT_EQ(written(Mode{022}), "u 18");
}

TEST(Values, ReadAbsolutePaths) {
    check("/", AbsolutePath{"/"}, "/");
    check("//a///b/./c/", AbsolutePath{"/a/b/c"}, "/a/b/c");
    check("/with space", AbsolutePath{"/with space"}, "/with space");
    check("/...", AbsolutePath{"/..."}, "/...");
    check("/a..b/.c", AbsolutePath{"/a..b/.c"}, "/a..b/.c");
    check("-/a/", OptionalPath{"/a", true}, "-/a");
    check("/a", OptionalPath{"/a", false}, "/a");
    for (const std::string_view bad : {"a", "./a", "../a", "/..", "/a/../b", "/a/..", "-/a", "~"}) {
        check_refused<AbsolutePath>(bad, AbsolutePath{"/x"});
    }
    check_refused<AbsolutePath>("/" + std::string(4095, 'a'));
    check_refused<OptionalPath>("--/a");
    EXPECT_EQ(check_refused<OptionalPath>("-/a/../b").offset, 4U);
    EXPECT_EQ(written(AbsolutePath{"/a"}), "s \"/a\"");
    EXPECT_EQ(written(OptionalPath{"/a", true}), "s \"-/a\"");
}

TEST(Values, ReadListsOfPaths) {
    check<std::vector<AbsolutePath>>("/a \"/b c\"", {{"/a"}, {"/b c"}}, "/a \"/b c\"");
    check<std::vector<OptionalPath>>("-/a /b", {{"/a", true}, {"/b", false}}, "-/a /b");
    EXPECT_EQ(check_refused<std::vector<AbsolutePath>>("/a b").offset, 3U);
    EXPECT_EQ(written(std::vector<OptionalPath>{{"/a", true}}), "as [\"-/a\"]");
}

TEST(Values, CannotExplodeBySpecifiers) {
    SpecifierTable table;
    table.set('x', std::string(4096, 'x'));
    std::string text;
    for (int i = 0; i < 10'000; ++i) {
        text += "%x ";
    }
    std::vector<std::string> words;
    EXPECT_FALSE(Codec<std::vector<std::string>>::assign(words, text, {&table}).has_value());
    EXPECT_TRUE(words.empty());
}

TEST(Values, OptionalsAreUnsetByAnEmptyText) {
    using Optional = std::optional<bool>;
    check<Optional>("no", false, "no");
    check_refused<Optional>("maybe", Optional(true));
    check_refused<Optional>("maybe", Optional());
    EXPECT_EQ(Codec<Optional>::format(std::nullopt), "");
    EXPECT_EQ(written(Optional()), "b false");
    EXPECT_EQ(written(std::optional(Timespan{5})), "t 5");
}

TEST(Values, ReadEnumerationsFromOneTable) {
    EXPECT_EQ(Codec<Colour>::syntax, "red|green|dark-blue|navy");
    check("green", Colour::Green, "green");
    check("navy", Colour::DarkBlue, "dark-blue");
    check<std::optional<Colour>>("red", Colour::Red, "red");
    const ValueError error = check_refused<Colour>("gren", Colour::Red);
    EXPECT_EQ(error.what, "'gren' is not one of red, green, dark-blue, navy");
    EXPECT_EQ(error.hint, "did you mean 'green'?");
    EXPECT_EQ(written(Colour::DarkBlue), "s \"dark-blue\"");
}

TEST(ValueRecorder, NoticesValuesOfAnotherType) {
    ValueRecorder right;
    right.open_array("(sb)");
    right.open_struct("sb");
    right.string("x");
    right.boolean(true);
    right.close_struct();
    right.close_array();
    EXPECT_EQ(right.text(), "a(sb) [(\"x\",true)]");
    EXPECT_TRUE(right.signatures_match());

    ValueRecorder wrong;
    wrong.open_array("s");
    wrong.unsigned32(1);
    wrong.close_array();
    EXPECT_FALSE(wrong.signatures_match());

    ValueRecorder open;
    open.open_array("s");
    EXPECT_FALSE(open.signatures_match());
}

}  // namespace
}  // namespace hearth
