// SPDX-License-Identifier: MIT
#include "parser/command_line.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/value_recorder.hpp"

namespace hearth {
namespace {

using Words = std::vector<std::string>;
using Commands = std::vector<CommandLine>;

Commands commands_of(std::string_view text, const ValueContext& context = {}) {
    Commands commands;
    const Assigned assigned = Codec<Commands>::assign(commands, text, context);
    EXPECT_TRUE(assigned.has_value()) << text << ": " << assigned.error().what;
    return commands;
}

/// One command without prefixes.
void check(std::string_view text, const std::string& path, const Words& argv) {
    SCOPED_TRACE(std::string(text));
    EXPECT_EQ(commands_of(text), (Commands{{.path = path, .argv = argv}}));
}

void check_refused(
    std::string_view text,
    std::size_t offset,
    std::string_view what,
    const ValueContext& context = {}) {
    SCOPED_TRACE(std::string(text));
    Commands commands{{.path = "/before", .argv = {"/before"}}};
    const Commands before = commands;
    const Assigned assigned = Codec<Commands>::assign(commands, text, context);
    ASSERT_FALSE(assigned.has_value());
    EXPECT_EQ(commands, before);
    EXPECT_EQ(assigned.error().offset, offset);
    EXPECT_EQ(assigned.error().what, what);
}

TEST(CommandLine, IsAPathAndArguments) {
    check("/bin/dd", "/bin/dd", {"/bin/dd"});
    check(
        "/bin/dd if=/dev/zero of=/dev/null",
        "/bin/dd",
        {"/bin/dd", "if=/dev/zero", "of=/dev/null"});
    check("  /bin/sh   -c  'a ; b | c' ", "/bin/sh", {"/bin/sh", "-c", "a ; b | c"});
    check("\"/opt/my app/run\" \"\"", "/opt/my app/run", {"/opt/my app/run", ""});
    check("/bin//echo/../sh", "/bin/echo/../sh", {"/bin/echo/../sh"});
    check("echo one", "echo", {"echo", "one"});
    EXPECT_TRUE(commands_of("echo")[0].is_bare_name());
    EXPECT_FALSE(commands_of("/bin/echo")[0].is_bare_name());
    check(
        "/bin/echo $ONE ${TWO}x $$ 100%",
        "/bin/echo",
        {"/bin/echo", "$ONE", "${TWO}x", "$$", "100%"});
    check("/bin/printf \"a\\tb\" \\x41", "/bin/printf", {"/bin/printf", "a\tb", "A"});
}

TEST(CommandLine, AnEmptyTextDropsAll) {
    Commands commands = commands_of("/bin/true");
    EXPECT_TRUE(Codec<Commands>::assign(commands, "/bin/false", {}).has_value());
    EXPECT_EQ(commands.size(), 2U);
    EXPECT_TRUE(Codec<Commands>::assign(commands, "", {}).has_value());
    EXPECT_TRUE(commands.empty());
}

TEST(CommandLine, TakesPrefixesInAnyOrder) {
    const auto one = [](std::string_view prefixes) {
        return commands_of(std::string(prefixes) + "/bin/x").at(0);
    };
    const Words argv{"/bin/x"};
    const auto expect = [&](std::string_view prefixes, CommandLine command) {
        command.path = "/bin/x";
        command.argv = argv;
        EXPECT_EQ(one(prefixes), command) << prefixes;
    };
    expect("-", {.ignore_failure = true});
    expect(":", {.no_environment_expansion = true});
    expect("+", {.full_privileges = true});
    expect("!", {.no_setuid = true});
    expect("!!", {.ambient = true});
    expect("!:!-", {.ignore_failure = true, .no_environment_expansion = true, .ambient = true});
    expect("+-", {.ignore_failure = true, .full_privileges = true});
    EXPECT_EQ(
        commands_of("-@:+/bin/sh -sh -c x"),
        (Commands{
            {.path = "/bin/sh",
             .argv = {"-sh", "-c", "x"},
             .ignore_failure = true,
             .argv0_given = true,
             .no_environment_expansion = true,
             .full_privileges = true}}));
    EXPECT_EQ(
        commands_of("\"-/opt/my app\""),
        (Commands{{.path = "/opt/my app", .argv = {"/opt/my app"}, .ignore_failure = true}}));
}

TEST(CommandLine, RefusesPrefixesThatRepeatOrConflict) {
    check_refused("--/bin/x", 1, "the prefix '-' is given too often");
    check_refused("-@:@/bin/x a", 3, "the prefix '@' is given too often");
    check_refused(" ++/bin/x", 2, "the prefix '+' is given too often");
    check_refused("!!!/bin/x", 2, "the prefix '!' is given too often");
    check_refused("+!/bin/x", 0, "the prefixes '+' and '!' exclude each other");
    check_refused("!!+/bin/x", 0, "the prefixes '+' and '!' exclude each other");
    check_refused("- /bin/x", 0, "there is no program after '-'");
    check_refused("\"\" x", 0, "the path of the program is empty");
    check_refused(
        "@/bin/x", 0, "the prefix '@' needs a word after the path, which becomes argv[0]");
    check_refused(
        "@/bin/x ; /bin/y", 0, "the prefix '@' needs a word after the path, which becomes argv[0]");
}

TEST(CommandLine, SeparatesCommandsBySemicolons) {
    EXPECT_EQ(
        commands_of("/bin/a 1 ; -/bin/b 2; ;\t/bin/c"),
        (Commands{
            {.path = "/bin/a", .argv = {"/bin/a", "1"}},
            {.path = "/bin/b", .argv = {"/bin/b", "2;"}, .ignore_failure = true},
            {.path = "/bin/c", .argv = {"/bin/c"}}}));
    check("/bin/a ;", "/bin/a", {"/bin/a"});
    check("/bin/a \\; ls", "/bin/a", {"/bin/a", ";", "ls"});
    check("/bin/a ';' \";\" a;b", "/bin/a", {"/bin/a", ";", ";", "a;b"});
    check("/bin/a \\\\;", "/bin/a", {"/bin/a", "\\;"});
    check_refused("; /bin/a", 0, "there is no command before ';'");
    check_refused("/bin/a ; ; /bin/b", 9, "there is no command before ';'");
    const auto located = parse_command_lines("/bin/a 1 ;  -/bin/b");
    ASSERT_TRUE(located.has_value());
    ASSERT_EQ(located->size(), 2U);
    EXPECT_EQ((*located)[1].offset, 12U);
}

TEST(CommandLine, RefusesProgramsThatCannotBe) {
    check_refused("bin/dd", 0, "'bin/dd' is neither an absolute path nor a plain name");
    check_refused("-./dd x", 1, "'./dd' is neither an absolute path nor a plain name");
    check_refused("..", 0, "'..' is neither an absolute path nor a plain name");
    check_refused("/bin/", 0, "'/bin/' is a directory, not a program");
    check_refused("/bin/.", 0, "'/bin/.' is a directory, not a program");
    check_refused("//./. x", 0, "'//./.' is a directory, not a program");
    check_refused("$SHELL -c x", 0, "the program '$SHELL' may not be a variable");
    check_refused(
        "/bin/a\\n", 0, "the path '/bin/a\\x0a' has quotes, backslashes or control characters");
    check_refused("/bin/true 'open", 10, "the quote (') has no end");
    Commands commands;
    EXPECT_EQ(
        Codec<Commands>::assign(commands, "bin/dd", {}).error().hint,
        "write an absolute path, such as /usr/bin/dd");
    EXPECT_FALSE(Codec<Commands>::assign(commands, std::string(256, 'a'), {}).has_value());
    EXPECT_FALSE(Codec<Commands>::assign(commands, "/" + std::string(4095, 'a'), {}).has_value());
}

TEST(CommandLine, NotesUnknownEscapesAndKeepsThem) {
    ValueNotes notes;
    EXPECT_EQ(
        commands_of("/bin/sed 's/\\d/x/'", {nullptr, &notes}),
        (Commands{{.path = "/bin/sed", .argv = {"/bin/sed", "s/\\d/x/"}}}));
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].offset, 12U);
}

TEST(CommandLine, ReplacesSpecifiersInPathAndArguments) {
    SpecifierTable table;
    table.set('i', "two words");
    table.set('h', "/home/x");
    table.set('x', std::string(100'000, 'x'));
    const ValueContext context{&table};
    EXPECT_EQ(
        commands_of("-%h/run %%i %i a%i", context),
        (Commands{
            {.path = "/home/x/run",
             .argv = {"/home/x/run", "%i", "two words", "atwo words"},
             .ignore_failure = true}}));
    check_refused("/bin/a ok %z", 10, "unknown specifier '%z'", context);
    check_refused("-%z", 1, "unknown specifier '%z'", context);
    // A specifier's value is no syntax.
    table.set('s', ";");
    EXPECT_EQ(commands_of("/bin/a %s b", context)[0].argv, (Words{"/bin/a", ";", "b"}));
    std::string many = "/bin/a";
    for (int i = 0; i < 100; ++i) {
        many += " %x";
    }
    Commands commands;
    EXPECT_FALSE(Codec<Commands>::assign(commands, many, context).has_value());
}

TEST(CommandLine, SurvivesFormattingAndReading) {
    for (const std::string_view text :
         {"/bin/true",
          "-@:+/bin/sh -sh -c 'a  b' \"it's\"",
          "!!echo $A ${B} $$ %n 100%",
          "/bin/a \\; ';' \"\" '-' \\\\ \\\\;",
          "\"-/opt/my app/x\" \"tab\\t\" \\x01 \\xff",
          "!/bin/x \"a\\\\\\\"b\"",
          "/a ; -/b 1 ; @/c d"}) {
        const Commands commands = commands_of(text);
        Commands again;
        for (const CommandLine& command : commands) {
            EXPECT_TRUE(
                Codec<Commands>::assign(again, format_command_line(command), {}).has_value());
        }
        EXPECT_EQ(again, commands) << text;
    }
    EXPECT_EQ(Codec<Commands>::format(commands_of("/a 'b c' ; -/d")), "/a \"b c\"\n-/d");
}

TEST(CommandLine, IsWrittenAsPathAndArguments) {
    ValueRecorder recorder;
    Codec<Commands>::write(commands_of("/bin/a b"), recorder);
    EXPECT_EQ(recorder.text(), "a(sas) [(\"/bin/a\",[\"/bin/a\",\"b\"])]");
    EXPECT_TRUE(recorder.signatures_match());
}

// ---- environment references

const Words environment{
    "ONE=one", "TWO=two two", "QUOTED='two two' too", "EMPTY=", "OPEN=it's open", "ONE=last"};

void check_expanded(const Words& argv, const Words& expected, const Words& unset = {}) {
    const auto expanded = expand_environment(argv, environment);
    ASSERT_TRUE(expanded.has_value());
    EXPECT_EQ(expanded->argv, expected);
    EXPECT_EQ(expanded->unset, unset);
}

TEST(EnvironmentReferences, SplitWordsOfTheirOwn) {
    check_expanded({"e", "$ONE", "$TWO", "${TWO}"}, {"e", "last", "two", "two", "two two"});
    check_expanded({"$QUOTED", "$EMPTY", "end"}, {"two two", "too", "end"});
    check_expanded({"$OPEN"}, {"it's", "open"});
}

TEST(EnvironmentReferences, AreExactInBraces) {
    check_expanded(
        {"${QUOTED}", "${EMPTY}", "a${ONE}b${TWO}c"}, {"'two two' too", "", "alastbtwo twoc"});
}

TEST(EnvironmentReferences, AreEmptyAndToldWhenUnset) {
    check_expanded({"a${NONE}b", "$NONE", "$OTHER", "${NONE}"}, {"ab", ""}, {"NONE", "OTHER"});
}

TEST(EnvironmentReferences, LeaveOtherDollarsAlone) {
    check_expanded(
        {"$$", "$$ONE", "a$$b", "a$ONE", "$", "${ONE", "x$", "$${ONE}", "${"},
        {"$", "$ONE", "a$b", "a$ONE", "$", "${ONE", "x$", "${ONE}", "${"});
}

TEST(EnvironmentReferences, AreNotReplacedInValues) {
    const Words nested{"A=${B}$$", "B=$A"};
    EXPECT_EQ(
        expand_environment(Words{"${A}", "$A", "$B"}, nested)->argv,
        (Words{"${B}$$", "${B}$$", "$A"}));
}

TEST(EnvironmentReferences, CannotExplode) {
    const Words large{"X=" + std::string(100'000, 'x')};
    std::string word;
    for (int i = 0; i < 1000; ++i) {
        word += "${X}";
    }
    const auto expanded = expand_environment(Words{word}, large);
    ASSERT_FALSE(expanded.has_value());
    EXPECT_EQ(expanded.error().code, E2BIG);
    // Linear, although no brace closes.
    std::string open;
    for (int i = 0; i < 200'000; ++i) {
        open += "${";
    }
    EXPECT_EQ(expand_environment(Words{open}, large)->argv, Words{open});
}

}  // namespace
}  // namespace hearth
