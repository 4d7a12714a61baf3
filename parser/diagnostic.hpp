// SPDX-License-Identifier: MIT
//
// What hearth has to say about a user's text: where, what, and what to do. Parsing never fails, it
// collects these. A diagnostic quotes the user's line and never names our own source.
//
// one_line() is the form for logs (DESIGN 6): `PATH:LINE: MESSAGE`. with_caret() is the form for
// terminals and `lint`: the same, then the line, a caret below the column, and the hint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

/// A place in a user's file. Lines and columns count from 1; 0 means "the file as a whole".
/// Columns count bytes.
struct Origin {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    bool operator==(const Origin&) const = default;
};

enum class Severity : std::uint8_t {
    Note,     ///< understood; worth knowing (a directive without effect here)
    Warning,  ///< ignored or doubtful; the unit loads without it (unknown key, bad value)
    Error,    ///< the unit can't be loaded or can't be started as written
};
[[nodiscard]] std::string_view name(Severity severity);  // "warning"

struct Diagnostic {
    Severity severity = Severity::Warning;
    Origin origin;
    std::string message;  ///< one line, quotes the user's text, says what was expected
    std::string hint;     ///< what to do, or empty
    std::string source;   ///< the physical line at `origin`, cut to a sane length; may be empty

    bool operator==(const Diagnostic&) const = default;
};

using Diagnostics = std::vector<Diagnostic>;

/// `heat.service:14: Unknown key 'Foo' in section [Service], ignored`
[[nodiscard]] std::string one_line(const Diagnostic& diagnostic);

/// The one-line form with its severity, then source, caret and hint on lines of their own. Ends
/// with a newline. Control bytes of the user's text are shown escaped.
[[nodiscard]] std::string with_caret(const Diagnostic& diagnostic);

/// The user's text, quoted for a message: 'text', control bytes escaped, cut at 80 bytes.
[[nodiscard]] std::string quoted(std::string_view text);

// Where <iomanip> is seen, std::quoted would be the better match for these, by its namespace.
[[nodiscard]] inline std::string quoted(const std::string& text) {
    return quoted(std::string_view(text));
}
[[nodiscard]] inline std::string quoted(std::string& text) {
    return quoted(std::string_view(text));
}
[[nodiscard]] inline std::string quoted(const char* text) {
    return quoted(std::string_view(text));
}

}  // namespace hearth
