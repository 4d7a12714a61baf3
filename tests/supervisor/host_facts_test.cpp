// SPDX-License-Identifier: MIT
#include "supervisor/host_facts.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/scratch_directory.hpp"

namespace hearth {
namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

struct Case {
    const char* what;
    std::string text;
    Variables variables;
};

TEST(EnvironmentFile, IsReadAsTheManualSays) {
    for (const Case& test : std::to_array<Case>({
             {"nothing", "", {}},
             {"blank lines", "\n \t\n\r\n", {}},
             {"one", "A=b\n", {{"A", "b"}}},
             {"no final newline", "A=b", {{"A", "b"}}},
             {"two", "A=1\nB=2\n", {{"A", "1"}, {"B", "2"}}},
             {"twice", "A=1\nA=2\n", {{"A", "1"}, {"A", "2"}}},
             {"empty", "A=\nB=\n", {{"A", ""}, {"B", ""}}},
             {"CRLF", "A=1\r\nB=2\r\n", {{"A", "1"}, {"B", "2"}}},
             {"comments", "#A=1\n;B=2\n  # C=3\nD=4 # no comment\n", {{"D", "4 # no comment"}}},
             {"a continued comment", "# a \\\nA=1\nB=2\n", {{"B", "2"}}},
             {"a comment that ends in a backslash", "A=1\n# a \\", {{"A", "1"}}},
             {"a line without =", "rubbish\nA=1\nrubbish", {{"A", "1"}}},
             {"a name that is none", "1A=1\nexport B=2\n=3\nC D=4\nE=5\n", {{"E", "5"}}},
             {"white space around", "  A \t=  b c \t \n", {{"A", "b c"}}},
             {"white space within", "A=b \t c\n", {{"A", "b \t c"}}},
             {"= in the value", "A=b=c\n", {{"A", "b=c"}}},
             {"single quotes", "A='b \"c\" \\n $x'\n", {{"A", "b \"c\" \\n $x"}}},
             {"single quotes over lines", "A='b\nc\n'\nD=1\n", {{"A", "b\nc\n"}, {"D", "1"}}},
             {"double quotes", "A=\" b \"\n", {{"A", " b "}}},
             {"double quotes over lines", "A=\"b\nc\"\nD=1\n", {{"A", "b\nc"}, {"D", "1"}}},
             {"escapes in double quotes",
              "A=\"\\\" \\\\ \\` \\$ \\n \\x\"\n",
              {{"A", "\" \\ ` $ \\n \\x"}}},
             {"continuation in double quotes", "A=\"b\\\nc\"\n", {{"A", "bc"}}},
             {"escapes without quotes", "A=a\\ b\\\\c\\\"\\n\n", {{"A", "a b\\c\"n"}}},
             {"an escaped blank at the end", "A=a\\ \nB=1\n", {{"A", "a "}, {"B", "1"}}},
             {"continuation", "A=a \\\n  b\nC=1\n", {{"A", "a   b"}, {"C", "1"}}},
             {"continuation to the end", "A=a\\", {{"A", "a\\"}}},
             {"an apostrophe within", "A=it's\nB=2\n", {{"A", "it's"}, {"B", "2"}}},
             {"quotes within", "A=a\"b c\"\n", {{"A", "a\"b c\""}}},
             {"quotes one after the other", "A='a' \"b\"\n", {{"A", "ab"}}},
             {"text behind quotes", "A='a'b \n", {{"A", "ab"}}},
             {"an open quote", "A='a\nB=2\n", {{"A", "a\nB=2\n"}}},
             {"no expansion", "A=$HOME ${B} %n\n", {{"A", "$HOME ${B} %n"}}},
             {"control codes", "A=\x01\x1b[1m\n", {{"A", "\x01\x1b[1m"}}},
             {"UTF-8", "A=\xc3\xa4\n", {{"A", "\xc3\xa4"}}},
             {"NUL", std::string("A=b\0c\nD=1\n", 10), {{"D", "1"}}},
         })) {
        EXPECT_EQ(parse_environment_file(test.text), test.variables) << test.what;
    }
}

// Whatever a file holds: no name or value may be what execve() can't carry.
TEST(EnvironmentFile, MakesOnlyWhatCanBeCarried) {
    const std::string bytes = "A='\"\\\n =#;\r\tB\xff" + std::string(1, '\0');
    std::uint32_t state = 1;
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (int length = 0; length < 24; ++length) {
            state = state * 1664525U + 1013904223U;
            text += bytes[(state >> 16U) % bytes.size()];
        }
        for (const auto& [name, value] : parse_environment_file(text)) {
            EXPECT_FALSE(name.empty());
            EXPECT_EQ((name + value).find('\0'), std::string::npos);
            EXPECT_EQ(name.find('='), std::string::npos);
        }
    }
}

class EnvironmentFiles : public ::testing::Test {
protected:
    [[nodiscard]] std::string read(const std::vector<EnvironmentFile>& files) const {
        Unit unit;
        unit.settings.exec.environment_files = files;
        const auto variables = HostFacts::environment_files(unit);
        if (!variables) {
            return "error: " + variables.error().what;
        }
        std::string text;
        for (const auto& [name, value] : *variables) {
            text += name + "=" + value + " ";
        }
        return text;
    }
    testing_support::ScratchDirectory disk;
};

TEST_F(EnvironmentFiles, AreReadInOrder) {
    disk.file("a", "X=1\nY=1\n");
    disk.file("b", "X=2\n");
    EXPECT_EQ(read({{disk.path("b"), false}, {disk.path("a"), false}}), "X=2 X=1 Y=1 ");
}

TEST_F(EnvironmentFiles, MayBeMissingOnlyWithADash) {
    EXPECT_EQ(read({{disk.path("none"), true}}), "");
    EXPECT_EQ(
        read({{disk.path("none"), false}}),
        "error: EnvironmentFile=" + disk.path("none") + ": No such file or directory");
    EXPECT_EQ(read({{disk.path("*.env"), true}}), "");
}

TEST_F(EnvironmentFiles, MayBeAPattern) {
    disk.file("b.env", "B=1\n");
    disk.file("a.env", "A=1\n");
    disk.file("c.txt", "C=1\n");
    EXPECT_EQ(read({{disk.path("*.env"), false}}), "A=1 B=1 ");
}

// The loop would wait for ever for somebody to write.
TEST_F(EnvironmentFiles, AreNeverWaitedFor) {
    ASSERT_EQ(::mkfifo(disk.path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(
        read({{disk.path("fifo"), false}}),
        "error: EnvironmentFile=" + disk.path("fifo") + ": not a regular file");
    EXPECT_EQ(
        read({{disk.path(), false}}),
        "error: EnvironmentFile=" + disk.path() + ": not a regular file");
    EXPECT_EQ(read({{"/dev/null", false}}), "");
    EXPECT_EQ(read({{disk.path("fifo"), true}}), "");
}

class Facts : public ::testing::Test {
protected:
    testing_support::ScratchDirectory disk;
    HostFacts facts{HostFacts::AccountFiles{disk.path("passwd"), disk.path("group")}};
};

TEST_F(Facts, AccountsAreReadAgainWhenTheirFilesChange) {
    disk.file("passwd", "web:x:1000:1001::/srv:/bin/sh\n");
    disk.file("group", "web:x:1001:\nlog:x:7:web\n");
    EXPECT_EQ(facts.host().accounts.at("web").uid, 1000U);
    EXPECT_EQ(facts.host().accounts.at("web").groups, std::vector<std::uint32_t>{7});
    disk.file("new", "web:x:2000:1001::/srv:/bin/sh\nadded:x:3000:1001::/:/bin/sh\n");
    std::filesystem::rename(disk.path("new"), disk.path("passwd"));  // as useradd does
    EXPECT_EQ(facts.host().accounts.at("web").uid, 2000U);
    EXPECT_TRUE(facts.host().accounts.contains("added"));
    EXPECT_FALSE(facts.host().account_by_uid.contains(1000));
    disk.remove("passwd");
    EXPECT_TRUE(facts.host().accounts.empty());
}

TEST_F(Facts, AccountsStayWhileTheirFileCanNotBeRead) {
    disk.file("passwd", "web:x:1000:1001::/srv:/bin/sh\n");
    disk.file("group", "web:x:1001:\n");
    EXPECT_EQ(facts.host().accounts.size(), 1U);
    disk.remove("passwd");
    disk.directory("passwd");
    EXPECT_EQ(facts.host().accounts.size(), 1U);
    disk.remove("passwd");
    disk.file("passwd", "other:x:1:1::/:/bin/sh\n");
    EXPECT_TRUE(facts.host().accounts.contains("other"));
}

TEST_F(Facts, BareProgramNamesAreSearchedForInTheUnitsRoot) {
    disk.file("root/usr/bin/tool", "#!");
    disk.file("root/usr/bin/data", "no program");
    disk.directory("root/usr/bin/directory");
    disk.link("/usr/bin/tool", "root/usr/bin/link");  // absolute: within the root
    disk.link("/bin/sh", "root/usr/bin/outside");
    ASSERT_EQ(::chmod(disk.path("root/usr/bin/tool").c_str(), 0755), 0);
    const auto found = [&](const std::string& word) {
        CommandLine command;
        command.path = word;
        return facts.executable(command, disk.path("root"));
    };
    EXPECT_EQ(found("tool"), "/usr/bin/tool");
    EXPECT_EQ(found("link"), "/usr/bin/link");
    EXPECT_EQ(found("outside"), "");
    EXPECT_EQ(found("data"), "");
    EXPECT_EQ(found("directory"), "");
    EXPECT_EQ(found("missing"), "");
    EXPECT_EQ(found("/opt/as/written"), "/opt/as/written");
}

TEST_F(Facts, BareProgramNamesAreFoundOnTheHostToo) {
    CommandLine command;
    command.path = "sh";
    EXPECT_TRUE(facts.executable(command, "").ends_with("/sh"));
}

}  // namespace
}  // namespace hearth
