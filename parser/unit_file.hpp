// SPDX-License-Identifier: MIT
//
// One unit file (or drop-in) as text: its assignments in order, each knowing where it stood. A
// value without meaning: nothing here knows what a directive is. Made by ini_reader, consumed by
// units/loader. Follows systemd.syntax(7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "parser/diagnostic.hpp"
#include "parser/value_error.hpp"

namespace hearth {

/// Where a run of bytes of an assignment's value stood: a value that was continued over several
/// lines has one of these per physical line, ordered by `offset`.
struct ValueSegment {
    std::size_t offset = 0;  ///< first byte of the run, in `Assignment::value`
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    bool operator==(const ValueSegment&) const = default;
};

struct Assignment {
    std::string section;
    std::string key;
    std::string
        value;      ///< continuations joined by one space, outer white space removed; no unquoting
    Origin origin;  ///< of the key
    std::vector<ValueSegment> segments;

    bool operator==(const Assignment&) const = default;

    /// The place of byte `offset` of the value. Offsets past the end give the end.
    [[nodiscard]] Origin origin_of(std::size_t offset) const;

    /// The physical line on which byte `offset` of the value stood, as far as the assignment knows
    /// it (white space around the '=' and at the end is not kept). For Diagnostic::source.
    [[nodiscard]] std::string source_of(std::size_t offset) const;

    /// A diagnostic about byte `error.offset` of the value, its message being `message`, its hint
    /// the error's.
    [[nodiscard]] Diagnostic diagnostic(
        Severity severity, std::string message, const ValueError& error) const;

    /// A diagnostic about the key.
    [[nodiscard]] Diagnostic diagnostic(
        Severity severity, std::string message, std::string hint = {}) const;
};

struct UnitFile {
    std::string path;
    std::vector<Assignment> assignments;
    Diagnostics diagnostics;  ///< what the text itself got wrong

    bool operator==(const UnitFile&) const = default;
};

}  // namespace hearth
