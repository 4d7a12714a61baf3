// SPDX-License-Identifier: MIT
//
// Any text is an ExecStart=. Holds: errors lie within the text, commands survive format and read,
// and expansion of the environment neither crashes nor exceeds its bound.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/command_line.hpp"
#include "parser/words.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hearth;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.find('\0') != std::string_view::npos) {
        return 0;  // the reader lets no NUL through
    }
    SpecifierTable table;
    table.set('n', "fuzz.service");
    table.set('i', "two words; \"and more");
    table.set_unavailable('f', "no instance");
    ValueNotes notes;
    const auto located = parse_command_lines(text, {&table, &notes});
    for (const ValueError& note : notes) {
        require(note.offset < size, "a note lies within the text");
    }
    if (!located) {
        require(located.error().offset <= size, "an error lies within the text");
        require(!located.error().what.empty(), "an error says what");
        return 0;
    }
    const std::vector<std::string> environment{"A=1", "B=two words", "C='open", "D="};
    for (const LocatedCommand& one : *located) {
        require(one.offset < size, "a command lies within the text");
        require(!one.command.argv.empty(), "a command has argv[0]");
        const auto again = parse_command_lines(format_command_line(one.command));
        require(again.has_value() && again->size() == 1, "a formatted command reads back");
        require((*again)[0].command == one.command, "as the same");
        require(
            expand_environment(one.command.argv, environment).has_value(), "it can be expanded");
    }
    return 0;
}
