// SPDX-License-Identifier: MIT
#include "units/unit_name.hpp"

#include <gtest/gtest.h>

namespace hearth {

TEST(UnitName, TakesNamesApart) {
    struct Case {
        std::string_view name;
        std::string_view prefix;
        std::optional<std::string> instance;
        UnitType type;
    };
    const Case cases[] = {
        {"heat.service", "heat", std::nullopt, UnitType::Service},
        {"a.b.service", "a.b", std::nullopt, UnitType::Service},
        {"getty@tty1.service", "getty", "tty1", UnitType::Service},
        {"getty@.service", "getty", "", UnitType::Service},
        {"a@b@c.socket", "a", "b@c", UnitType::Socket},
        {"-.slice", "-", std::nullopt, UnitType::Slice},
        {"x\\x20y.mount", "x\\x20y", std::nullopt, UnitType::Mount},
    };
    for (const Case& each : cases) {
        const auto made = parse_unit_name(each.name);
        ASSERT_TRUE(made) << each.name << ": " << made.error().what;
        EXPECT_EQ(made->prefix, each.prefix);
        EXPECT_EQ(made->instance, each.instance);
        EXPECT_EQ(made->type, each.type);
        EXPECT_EQ(made->full(), each.name);
    }
}

TEST(UnitName, RefusesWhatIsNone) {
    for (const std::string_view name :
         {"",
          "heat",
          ".service",
          "@x.service",
          "heat.servce",
          "he at.service",
          "a/b.service",
          "heat.",
          "h\xc3\xa4t.service",
          "a\nb.service"}) {
        EXPECT_FALSE(is_valid_unit_name(name)) << name;
    }
    const std::string stem(max_unit_name_length - 8, 'a');
    EXPECT_TRUE(is_valid_unit_name(stem + ".service"));
    EXPECT_FALSE(is_valid_unit_name(stem + "a.service"));
}

TEST(UnitName, KnowsTemplatesFromInstances) {
    EXPECT_TRUE(parse_unit_name("a@.service")->is_template());
    EXPECT_FALSE(parse_unit_name("a@.service")->is_instance());
    EXPECT_TRUE(parse_unit_name("a@b.service")->is_instance());
    EXPECT_FALSE(parse_unit_name("a.service")->is_template());
    EXPECT_EQ(parse_unit_name("a@b.service")->template_name(), "a@.service");
    EXPECT_EQ(parse_unit_name("a@b.service")->without_type(), "a@b");
}

TEST(UnitName, EscapesAsSystemdEscapeDoes) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"a-b", "a\\x2db"},
        {"a/b", "a-b"},
        {"a b", "a\\x20b"},
        {".a.b", "\\x2ea.b"},
        {"a\\b", "a\\x5cb"},
        {"a@b", "a\\x40b"},
        {"a:b_c", "a:b_c"},
        {"/a//b/", "-a--b-"},
        {"\xc3\xa4", "\\xc3\\xa4"},
    };
    for (const auto& [text, escaped] : cases) {
        EXPECT_EQ(escape_unit_name(text), escaped);
        const auto back = unescape_unit_name(escaped);
        ASSERT_TRUE(back) << escaped;
        EXPECT_EQ(*back, text);
    }
    for (const std::string_view bad : {"\\", "\\x", "\\x2", "\\xzz", "\\y20", "a\\x4"}) {
        EXPECT_FALSE(unescape_unit_name(bad)) << bad;
    }
}

TEST(UnitName, EscapesPaths) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"/", "-"},
        {"/dev/sda", "dev-sda"},
        {"//dev//sda/", "dev-sda"},
        {"/a b", "a\\x20b"},
        {"/a-b/.c", "a\\x2db-.c"},
    };
    for (const auto& [path, escaped] : cases) {
        ASSERT_TRUE(escape_path(path)) << path;
        EXPECT_EQ(*escape_path(path), escaped);
    }
    EXPECT_FALSE(escape_path("/a/../b"));
    EXPECT_EQ(*unescape_path("-"), "/");
    EXPECT_EQ(*unescape_path("dev-sda"), "/dev/sda");
    for (const std::string_view bad : {"a--b", "-a", "a-", "a-..-b"}) {
        EXPECT_FALSE(unescape_path(bad)) << bad;
    }
}

TEST(UnitName, IsCompletedFromWhatAPersonTypes) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"heat", "heat.service"},
        {"heat.service", "heat.service"},
        {"heat.timer", "heat.timer"},
        {"a b", "a\\x20b.service"},
        {"/home", "home.mount"},
        {"/dev/sda", "dev-sda.device"},
        {"a/b", "a-b.service"},
        {"heat.x", "heat.x.service"},
    };
    for (const auto& [typed, name] : cases) {
        ASSERT_TRUE(complete_unit_name(typed)) << typed;
        EXPECT_EQ(*complete_unit_name(typed), name);
    }
    EXPECT_FALSE(complete_unit_name(""));
    EXPECT_FALSE(complete_unit_name(std::string(300, 'a')));
}

}  // namespace hearth
