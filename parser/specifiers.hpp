// SPDX-License-Identifier: MIT
//
// The specifiers of systemd.unit(5): %n, %i, %t ... replaced by values from a table that the caller
// fills; nothing here knows what a letter means. Values are not expanded again, so there are no
// loops, and the length of the result is bounded. `%%` is a percent sign. A letter or digit that
// the table doesn't have is an error; a `%` before anything else, or at the end, stands for itself.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "parser/value_error.hpp"

namespace hearth {

/// The longest text that expand() makes, in bytes.
inline constexpr std::size_t max_expanded_length = std::size_t{1} << 20U;

/// What each letter stands for, for one unit on one host.
class SpecifierTable {
public:
    /// `%letter` becomes `value`.
    void set(char letter, std::string value);

    /// `%letter` is known, but has no value here: `reason` completes "specifier '%f': ...".
    void set_unavailable(char letter, std::string reason);

    /// The value of a letter, or nothing where it is unknown or unavailable.
    [[nodiscard]] std::optional<std::string_view> value_of(char letter) const;

    /// Why the letter has no value; nothing where it is unknown or has one.
    [[nodiscard]] std::optional<std::string_view> reason_of(char letter) const;

    bool operator==(const SpecifierTable&) const = default;

private:
    struct Entry {
        std::string text;
        bool available = true;

        bool operator==(const Entry&) const = default;
    };
    std::map<char, Entry> entries_;
};

/// `text` with its specifiers replaced. Errors carry the offset of the `%`.
[[nodiscard]] Result<std::string, ValueError> expand(
    std::string_view text,
    const SpecifierTable& table,
    std::size_t max_length = max_expanded_length);

/// The same, where the caller may have no table: null leaves `text` as it is.
[[nodiscard]] Result<std::string, ValueError> expand(
    std::string_view text,
    const SpecifierTable* table,
    std::size_t max_length = max_expanded_length);

/// The inverse: text that expand() turns back into `text`, for what is written into a unit file.
[[nodiscard]] std::string escape_specifiers(std::string_view text);

}  // namespace hearth
