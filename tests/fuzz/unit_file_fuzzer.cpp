// SPDX-License-Identifier: MIT
//
// Any bytes are a unit file. Holds: limits, places within the text, and that what was read reads
// the same again when it is written down plainly.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parser/ini_reader.hpp"
#include "parser/utf8.hpp"
#include "parser/words.hpp"
#include "tests/fuzz/require.hpp"

namespace hearth {
namespace {

/// One assignment per line. The space keeps a backslash at the value's end from continuing it.
std::string written(const UnitFile& file) {
    std::string text;
    for (const Assignment& assignment : file.assignments) {
        text += "[" + assignment.section + "]\n" + assignment.key + "=" + assignment.value + " \n";
    }
    return text;
}

void check(const UnitFile& file, std::size_t size) {
    const ReadLimits limits;
    require(file.assignments.size() <= limits.assignments, "assignments are bounded");
    require(file.diagnostics.size() <= limits.diagnostics + 1, "diagnostics are bounded");
    for (const Diagnostic& diagnostic : file.diagnostics) {
        require(with_caret(diagnostic).find('\x1B') == std::string::npos, "no escape gets through");
        require(find_invalid_utf8(one_line(diagnostic)) == std::string::npos, "messages are UTF-8");
    }
    for (const Assignment& assignment : file.assignments) {
        require(!assignment.key.empty() && !assignment.section.empty(), "names are not empty");
        require(trimmed(assignment.value) == assignment.value, "values are trimmed");
        for (std::size_t at = 0; at <= assignment.value.size(); at += 7) {
            const Origin origin = assignment.origin_of(at);
            require(origin.line >= assignment.origin.line, "a value is not before its key");
            require(origin.line <= size + 1 && origin.column <= size + 1, "places are in the text");
        }
        require(assignment.source_of(0).size() <= 4096, "a source line is bounded");
    }
}

}  // namespace
}  // namespace hearth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hearth;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const UnitFile file = read_unit_file(text, "fuzz.service");
    check(file, size);
    const UnitFile again = read_unit_file(written(file), "fuzz.service");
    require(again.diagnostics.empty(), "what was read is free of doubts");
    require(again.assignments.size() == file.assignments.size(), "as many assignments");
    for (std::size_t i = 0; i < file.assignments.size(); ++i) {
        require(again.assignments[i].section == file.assignments[i].section, "the same section");
        require(again.assignments[i].key == file.assignments[i].key, "the same key");
        require(again.assignments[i].value == file.assignments[i].value, "the same value");
    }
    return 0;
}
