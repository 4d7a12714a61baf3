// SPDX-License-Identifier: MIT
//
// Codec<T>: how the values of one type are written in a unit file, printed back and sent over the
// bus. The type of a settings field chooses its codec, so a directive's row names no parser
// (units/directive.hpp). Specialisations: scalars in parser/values.hpp, domain types in
// units/codecs.hpp.
//
// A specialisation has:
//   static constexpr std::string_view syntax;     // for the manual and messages: "boolean", "time
//   span" static constexpr const char* signature;       // D-Bus type of the property static
//   Assigned assign(T& field, std::string_view text, const ValueContext& context); static
//   std::string format(const T& value);    // text that assign() reads back to the same value;
//                                                  // several lines (one per assignment) joined by
//                                                  '\n'
//   static void write(const T& value, ValueSink& sink);
//
// assign() applies one assignment `Key=text`: it replaces, appends or merges as systemd does for
// that type; an empty text resets to the type's default. On error it must leave `field` as it was.
//
// format() writes final values: a '%' in it stands for itself, so it reads back with a context that
// has no specifiers. Text for a unit file goes through escape_specifiers().
#pragma once

#include <string>
#include <string_view>

#include "parser/result.hpp"
#include "parser/specifiers.hpp"
#include "parser/value_error.hpp"
#include "parser/value_sink.hpp"

namespace hearth {

/// What a codec may need beside the text.
struct ValueContext {
    const SpecifierTable* specifiers = nullptr;  ///< null: '%' is an ordinary byte
    ValueNotes* notes = nullptr;  ///< where doubts go about values that are read nevertheless
};

/// The text with its specifiers replaced, where the context has any.
[[nodiscard]] inline Result<std::string, ValueError> expand(
    std::string_view text, const ValueContext& context) {
    return expand(text, context.specifiers);
}

template <class T>
struct Codec;  // specialise; there is no general case

/// Declares the specialisation for `type`; its functions are defined in a .cpp of the same folder.
#define HEARTH_DECLARE_CODEC(type, syntax_name, bus_signature)                                    \
    template <>                                                                                   \
    struct Codec<type> {                                                                          \
        using Field = type;                                                                       \
        static constexpr std::string_view syntax = syntax_name;                                   \
        static constexpr const char* signature = bus_signature;                                   \
        static Assigned assign(Field& field, std::string_view text, const ValueContext& context); \
        static std::string format(const Field& value);                                            \
        static void write(const Field& value, ValueSink& sink);                                   \
    }

}  // namespace hearth
