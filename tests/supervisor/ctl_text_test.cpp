// SPDX-License-Identifier: MIT
//
// How hearthctl writes values: what the unmodified systemctl 252 printed for the same ones.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/property_text.hpp"
#include "supervisor/ctl/time_format.hpp"
#include "units/amount_text.hpp"

namespace hearth::ctl {
namespace {

Value text(std::string content) {
    Value value;
    value.type = 's';
    value.signature = "s";
    value.text = std::move(content);
    return value;
}

Value number(char type, std::uint64_t content) {
    Value value;
    value.type = type;
    value.signature = type;
    value.number = content;
    return value;
}

Value compound(char type, std::string signature, std::vector<Value> members) {
    Value value;
    value.type = type;
    value.signature = std::move(signature);
    value.members = std::move(members);
    return value;
}

Value texts(const std::vector<std::string>& contents) {
    std::vector<Value> members;
    for (const std::string& content : contents) {
        members.push_back(text(content));
    }
    return compound('a', "as", std::move(members));
}

struct Case {
    const char* name;
    Value value;
    std::string line;
    bool empty = false;
};

void check(const std::vector<Case>& cases) {
    setenv("TZ", "UTC", 1);
    tzset();
    for (const Case& each : cases) {
        const PropertyText shown = property_text({each.name, each.value});
        ASSERT_EQ(shown.lines.size(), 1U) << each.name;
        EXPECT_EQ(shown.lines[0], each.line) << each.name;
        EXPECT_EQ(shown.empty, each.empty) << each.name;
    }
}

TEST(CtlText, PrintsNumbersByTheNameOfTheirProperty) {
    check({
        {"ActiveEnterTimestamp", number('t', 1'700'000'000'123'456), "Tue 2023-11-14 22:13:20 UTC"},
        {"ActiveEnterTimestamp", number('t', 0), "", true},
        {"ActiveEnterTimestampMonotonic", number('t', 123), "123"},
        {"TimeoutStartUSec", number('t', 90'000'000), "1min 30s"},
        {"RestartUSec", number('t', 1'500'000), "1.500000s"},
        {"RestartUSec", number('t', 0), "0"},
        {"RuntimeMaxUSec", number('t', UINT64_MAX), "infinity"},
        {"RestartUSec", number('t', 123'456'789'012'345), "3y 10month 4w 18h 33min 9.012345s"},
        {"RestartUSec", number('t', 1'234), "1.234ms"},
        {"RestartUSec", number('t', 3'600'000'001), "1h 1us"},
        {"CPUUsageNSec", number('t', UINT64_MAX), "[not set]"},
        {"CPUUsageNSec", number('t', 77), "77"},
        {"MemoryCurrent", number('t', UINT64_MAX), "[not set]"},
        {"MemoryPeak", number('t', UINT64_MAX), "18446744073709551615"},
        {"MemoryMax", number('t', UINT64_MAX), "infinity"},
        {"TasksMax", number('t', UINT64_MAX), "infinity"},
        {"LimitNOFILE", number('t', UINT64_MAX), "infinity"},
        {"CPUWeight", number('t', UINT64_MAX), "[not set]"},
        {"CPUWeight", number('t', 0), "idle"},
        {"CapabilityBoundingSet", number('t', 0x400), "cap_net_bind_service"},
        {"AmbientCapabilities", number('t', 0), "", true},
        {"UMask", number('u', 022), "0022"},
        {"UID", number('u', UINT32_MAX), "[not set]"},
        {"NRestarts", number('u', 3), "3"},
        {"Nice", number('i', static_cast<std::uint64_t>(-5)), "-5"},
        {"FailureActionExitStatus", number('i', static_cast<std::uint64_t>(-1)), "[not set]", true},
        {"RemainAfterExit", number('b', 1), "yes"},
    });
}

TEST(CtlText, QuotesMembersOfListsAsAShellWould) {
    check({
        {"Names", texts({"x.service", "y z"}), "x.service \"y z\""},
        {"Environment", texts({"C=q\"uo\\te'$x"}), "\"C=q\\\"uo\\\\te'\\$x\""},
        {"Names", texts({"a\nb", "\x01"}), "\"a\\nb\" \"\\001\""},
        {"Documentation", texts({"man:dd(1)"}), "\"man:dd(1)\""},
        {"Names", texts({"", "x"}), " x"},
        {"Names", texts({}), "", true},
        {"Description", text("two\nlines"), "[unprintable]"},
        {"Description", text(""), "", true},
    });
}

TEST(CtlText, PrintsStructures) {
    const auto list = [](bool allow, const std::vector<std::string>& names) {
        return compound('(', "(bas)", {number('b', allow ? 1 : 0), texts(names)});
    };
    const auto numbers = [](const std::vector<std::uint64_t>& values) {
        std::vector<Value> members;
        for (const std::uint64_t value : values) {
            members.push_back(number('i', value));
        }
        return compound('a', "ai", std::move(members));
    };
    check({
        {"SystemCallFilter", list(true, {"read", "write"}), "read write"},
        {"SystemCallFilter", list(false, {"@mount"}), "~@mount"},
        {"SystemCallFilter", list(false, {}), "~", true},
        {"RestrictAddressFamilies", list(true, {}), ""},
        {"SuccessExitStatus",
         compound('(', "(aiai)", {numbers({1, 2}), numbers({15})}),
         "1 2 TERM"},
        {"SuccessExitStatus",
         compound('(', "(aiai)", {numbers({}), numbers({9, 37})}),
         "KILL RTMIN+3"},
        {"Job", compound('(', "(uo)", {number('u', 7), text("/x")}), "7"},
        {"Job", compound('(', "(uo)", {number('u', 0), text("/")}), "", true},
        {"LoadError",
         compound('(', "(ss)", {text("org.x"), text("bad file")}),
         "org.x \"bad file\""},
        {"Conditions", compound('a', "a(sbbsi)", {}), "[unprintable]", true},
    });
}

TEST(CtlText, PrintsCommandsOneALine) {
    const Value command = compound(
        '(',
        "(sasbttttuii)",
        {text("/bin/dd"),
         texts({"/bin/dd", "if=a b"}),
         number('b', 1),
         number('t', 0),
         number('t', 0),
         number('t', 0),
         number('t', 0),
         number('u', 12),
         number('i', 2),
         number('i', 9)});
    const PropertyText shown =
        property_text({"ExecStart", compound('a', "a(sasbttttuii)", {command, command})});
    ASSERT_EQ(shown.lines.size(), 2U);
    EXPECT_EQ(
        shown.lines[0],
        "{ path=/bin/dd ; argv[]=/bin/dd if=a b ; ignore_errors=yes ; start_time=[n/a] ; "
        "stop_time=[n/a] ; pid=12 ; "
        "code=killed ; status=9/KILL }");
    EXPECT_TRUE(property_text({"ExecStop", compound('a', "a(sasbttttuii)", {})}).lines.empty());
}

TEST(CtlText, SaysHowLongAgo) {
    struct {
        std::uint64_t seconds;
        const char* text;
    } const cases[] = {
        {5, "5s ago"},
        {62, "1min 2s ago"},
        {600, "10min ago"},
        {3'900, "1h 5min ago"},
        {36'000, "10h ago"},
        {100'000, "1 day 3h ago"},
        {259'200, "3 days ago"},
        {1'300'000, "2 weeks 1 day ago"},
    };
    for (const auto& each : cases) {
        EXPECT_EQ(ago(1'000'000, 1'000'000 + each.seconds * 1'000'000), each.text);
    }
    EXPECT_EQ(ago(5, 5), "now");
    EXPECT_EQ(ago(9, 5), "now");  // a clock that was set back
}

TEST(CtlText, WritesSizes) {
    EXPECT_EQ(size_text(0), "0B");
    EXPECT_EQ(size_text(1023), "1023B");
    EXPECT_EQ(size_text(1536), "1.5K");
    EXPECT_EQ(size_text(std::uint64_t{33'554'432}), "32.0M");
    EXPECT_EQ(size_text(UINT64_MAX - 1), "15.9E");
}

TEST(CtlText, AlignsColumnsByCharacters) {
    Table table(3);
    table.row({"a", "é", "x"});
    table.row({"bb", "long", "y"});
    EXPECT_EQ(table.text(), "a  é    x\nbb long y\n");
}

TEST(CtlText, EscapesJson) {
    EXPECT_EQ(json_string("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\u000a\\u0001\"");
    EXPECT_EQ(
        to_json(Properties{{"Id", text("x")}, {"N", number('u', 3)}}), "{\"Id\":\"x\",\"N\":3}");
}

}  // namespace
}  // namespace hearth::ctl
