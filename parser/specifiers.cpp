// SPDX-License-Identifier: MIT
#include "parser/specifiers.hpp"

#include <fmt/format.h>

#include <utility>

namespace hearth {

namespace {

bool is_specifier_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

Unexpected<ValueError> no_such_specifier(
    char letter, std::size_t offset, const SpecifierTable& table) {
    if (const auto reason = table.reason_of(letter)) {
        return bad_value(fmt::format("specifier '%{}': {}", letter, *reason), {}, offset);
    }
    return bad_value(
        fmt::format("unknown specifier '%{}'", letter),
        fmt::format("write '%%{}' for a percent sign", letter),
        offset);
}

}  // namespace

void SpecifierTable::set(char letter, std::string value) {
    entries_.insert_or_assign(letter, Entry{std::move(value), true});
}

void SpecifierTable::set_unavailable(char letter, std::string reason) {
    entries_.insert_or_assign(letter, Entry{std::move(reason), false});
}

std::optional<std::string_view> SpecifierTable::value_of(char letter) const {
    const auto found = entries_.find(letter);
    if (found == entries_.end() || !found->second.available) {
        return std::nullopt;
    }
    return found->second.text;
}

std::optional<std::string_view> SpecifierTable::reason_of(char letter) const {
    const auto found = entries_.find(letter);
    if (found == entries_.end() || found->second.available) {
        return std::nullopt;
    }
    return found->second.text;
}

Result<std::string, ValueError> expand(
    std::string_view text, const SpecifierTable& table, std::size_t max_length) {
    std::string out;
    out.reserve(text.size() < max_length ? text.size() : max_length);
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t percent = text.find('%', at);
        std::string_view piece = text.substr(at, percent - at);
        if (piece.empty()) {
            const char next = percent + 1 < text.size() ? text[percent + 1] : '\0';
            at = percent + 2;
            if (next == '%') {
                piece = "%";
            } else if (!is_specifier_letter(next)) {
                // As in systemd, a percent sign that can't begin a specifier stands for itself.
                piece = "%";
                at = percent + 1;
            } else if (const auto value = table.value_of(next)) {
                piece = *value;
            } else {
                return no_such_specifier(next, percent, table);
            }
        } else {
            at += piece.size();
        }
        if (piece.size() > max_length - out.size()) {
            return bad_value(
                fmt::format("longer than {} bytes after its specifiers are replaced", max_length),
                "use fewer or shorter specifiers",
                percent < text.size() ? percent : 0);
        }
        out += piece;
    }
    return out;
}

Result<std::string, ValueError> expand(
    std::string_view text, const SpecifierTable* table, std::size_t max_length) {
    if (table == nullptr) {
        return std::string(text);
    }
    return expand(text, *table, max_length);
}

std::string escape_specifiers(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char byte : text) {
        out += byte;
        if (byte == '%') {
            out += '%';
        }
    }
    return out;
}

}  // namespace hearth
