// SPDX-License-Identifier: MIT
#include "supervisor/command_unit.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "parser/command_line.hpp"

namespace {

using hearth::command_unit_text;

std::string line(const std::string& text, const std::string& key) {
    const std::size_t at = text.find("\n" + key);
    return at == std::string::npos ? std::string()
                                   : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

TEST(CommandUnit, IsEssentialAndHasTheCallersSurroundings) {
    const std::string text = command_unit_text(
        {"sleep", "1"}, {"PATH=/bin", "A_1=x=y", "1BAD=z", "also-bad=z", "=z"}, "/srv/50%");
    EXPECT_EQ(line(text, "ExecStart="), "ExecStart=:sleep 1");
    EXPECT_EQ(line(text, "WorkingDirectory="), "WorkingDirectory=/srv/50%%");
    EXPECT_NE(text.find("\nPassEnvironment=PATH\nPassEnvironment=A_1\n"), std::string::npos);
    EXPECT_EQ(text.find("BAD"), std::string::npos);
    EXPECT_NE(text.find("\n[X-Hearth]\nEssential=yes\n"), std::string::npos);
}

TEST(CommandUnit, EveryWordComesBack) {
    const std::vector<std::string> words = {
        "/bin/printf", "", "a b", "%n", "$HOME", "\"'", "\\", "\n\t", ";", "# x", "-", "\x01\xff"};
    std::string text = line(command_unit_text(words, {}, "/"), "ExecStart=");
    text.erase(0, std::string("ExecStart=").size());
    for (std::size_t at = text.find("%%"); at != std::string::npos; at = text.find("%%", at + 1)) {
        text.erase(at, 1);  // what specifiers do
    }
    const auto commands = hearth::parse_command_lines(text);
    ASSERT_TRUE(commands);
    ASSERT_EQ(commands->size(), 1U) << text;
    EXPECT_EQ(commands->front().command.argv, words);
    EXPECT_TRUE(commands->front().command.no_environment_expansion);
}

TEST(CommandUnit, APathIsBelowTheCallersDirectory) {
    EXPECT_EQ(
        line(command_unit_text({"./run", "x"}, {}, "/srv"), "ExecStart="),
        "ExecStart=@:/srv/./run ./run x");
}

}  // namespace
