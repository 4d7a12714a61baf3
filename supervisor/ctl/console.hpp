// SPDX-License-Identifier: MIT
//
// Where hearthctl's text goes: standard output in one piece, complaints to standard error, and
// colour only where a person looks (SYSTEMD_COLORS and NO_COLOR are heard). No terminal control
// else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::ctl {

void print(std::string_view text);
/// One line, prefixed by nothing; a newline is added.
int complain(std::string_view text);
/// Everything that was complained of.
[[nodiscard]] const std::vector<std::string>& complaints();

enum class Tone : unsigned char { Plain, Good, Bad, Warning, Bold, Dim };
[[nodiscard]] bool colours();
/// The text in that tone where colours are on.
[[nodiscard]] std::string tinted(Tone tone, std::string_view text);
/// Columns of standard output; 0 where it is no terminal.
[[nodiscard]] unsigned terminal_width();

/// Columns as wide as their widest cell with a space between; the last is not padded. Widths
/// count characters, not bytes.
class Table {
public:
    explicit Table(std::size_t columns) : columns_(columns) {}
    void row(std::vector<std::string> cells, std::vector<Tone> tones = {});
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::size_t rows() const { return rows_.size(); }

private:
    struct Row {
        std::vector<std::string> cells;
        std::vector<Tone> tones;
    };
    std::size_t columns_;
    std::vector<Row> rows_;
};

/// How many terminal cells a UTF-8 text takes, each character one.
[[nodiscard]] std::size_t width(std::string_view text);

}  // namespace hearth::ctl
