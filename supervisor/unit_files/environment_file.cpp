// SPDX-License-Identifier: MIT
#include "supervisor/unit_files/environment_file.hpp"

#include <algorithm>

namespace hearth {

namespace {

constexpr std::string_view blanks = " \t\r";

/// Behind the quote that closes what `at` stands behind the opening one of.
void read_quoted(std::string_view text, std::size_t& at, char quote, std::string& value) {
    for (; at < text.size() && text[at] != quote; ++at) {
        if (quote == '"' && text[at] == '\\' && at + 1 < text.size()) {
            ++at;
            if (text[at] == '\n') {
                continue;
            }
            value +=
                std::string_view("\"\\`$").find(text[at]) == std::string_view::npos ? "\\" : "";
        }
        value += text[at];
    }
    ++at;
}

/// To the end of the line; quotes are plain characters by now.
void read_unquoted(std::string_view text, std::size_t& at, std::string& value) {
    std::size_t kept = value.size();  // white space at the end is not part of the value
    for (; at < text.size() && text[at] != '\n'; ++at) {
        const bool escape = text[at] == '\\' && at + 1 < text.size();
        at += escape ? 1 : 0;
        if (escape && text[at] == '\n') {
            continue;
        }
        value += text[at];
        kept = escape || blanks.find(text[at]) == std::string_view::npos ? value.size() : kept;
    }
    value.resize(kept);
}

/// The value of one assignment. Leaves `at` at the end of its last line.
std::string environment_value(std::string_view text, std::size_t& at) {
    std::string value;
    while (at < text.size() && text[at] != '\n') {
        if (blanks.find(text[at]) != std::string_view::npos) {
            ++at;
        } else if (text[at] == '"' || text[at] == '\'') {
            const char quote = text[at++];
            read_quoted(text, at, quote, value);
        } else {
            read_unquoted(text, at, value);
        }
    }
    at = std::min(at, text.size());
    return value;
}

/// The end of a comment, which a backslash continues.
std::size_t comment_end(std::string_view text, std::size_t at) {
    for (; at < text.size() && text[at] != '\n'; ++at) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return std::min(at, text.size());
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_environment_file(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> variables;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t start = text.find_first_not_of(" \t\r\n", at);
        if (start == std::string_view::npos) {
            break;
        }
        at = start;
        if (text[at] == '#' || text[at] == ';') {
            at = comment_end(text, at);
            continue;
        }
        const std::size_t line_end = std::min(text.find('\n', at), text.size());
        const std::size_t equals = text.find('=', at);
        if (equals == std::string_view::npos || equals > line_end) {
            at = line_end;
            continue;
        }
        std::string_view name = text.substr(at, equals - at);
        while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) {
            name.remove_suffix(1);
        }
        at = equals + 1;
        std::string value = environment_value(text, at);
        if (is_environment_name(name) && value.find('\0') == std::string::npos) {
            variables.emplace_back(name, std::move(value));
        }
    }
    return variables;
}

bool is_environment_name(std::string_view text) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !text.empty() && letter(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_environment_assignment(std::string_view text) {
    const std::size_t equals = text.find('=');
    return equals != std::string_view::npos && is_environment_name(text.substr(0, equals)) &&
           std::ranges::all_of(text.substr(equals + 1), [](char c) {
               return static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\t';
           });
}

}  // namespace hearth
