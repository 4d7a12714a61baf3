// SPDX-License-Identifier: MIT
//
// Codec<T>: how the values of one type are written in a unit file, printed back and sent over the
// bus. The type of a settings field chooses its codec, so a directive's row names no parser
// (units/directive.hpp). Specialisations: scalars in parser/values.hpp, domain types in
// units/codecs.hpp.
//
// A specialisation has:
//   static constexpr std::string_view syntax;     // for the manual and messages: "boolean", "time span"
//   static constexpr const char* signature;       // D-Bus type of the property
//   static Assigned assign(T& field, std::string_view text, const ValueContext& context);
//   static std::string format(const T& value);    // text that assign() reads back to the same value;
//                                                  // several lines (one per assignment) joined by '\n'
//   static void write(const T& value, ValueSink& sink);
//
// assign() applies one assignment `Key=text`: it replaces, appends or merges as systemd does for that
// type; an empty text resets to the type's default. On error it must leave `field` as it was.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "parser/result.hpp"
#include "parser/specifiers.hpp"
#include "parser/value_sink.hpp"

namespace hearth {

/// Why a value could not be read: lower case, quotes the text, says what was expected.
struct ValueError {
    std::string what;
    std::string hint;
    std::size_t offset = 0;  ///< byte of the value that is at fault; the caret goes there
};

using Assigned = Result<void, ValueError>;

[[nodiscard]] inline Unexpected<ValueError> bad_value(
    std::string what, std::string hint = {}, std::size_t offset = 0) {
    return Unexpected<ValueError>(ValueError{std::move(what), std::move(hint), offset});
}

/// What a codec may need beside the text.
struct ValueContext {
    const SpecifierTable* specifiers = nullptr;  ///< null: '%' is an ordinary byte
};

template <class T>
struct Codec;  // specialise; there is no general case

}  // namespace hearth
