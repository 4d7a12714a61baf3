// SPDX-License-Identifier: MIT
#include "supervisor/ctl/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace hearth::ctl {

namespace {

void write_everything(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;  // a reader that left; nothing to tell it
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::vector<std::string>& complained() {
    static std::vector<std::string> all;
    return all;
}

std::string_view code(Tone tone) {
    switch (tone) {
        case Tone::Good:
            return "\033[0;1;32m";
        case Tone::Bad:
            return "\033[0;1;31m";
        case Tone::Warning:
            return "\033[0;1;33m";
        case Tone::Bold:
            return "\033[0;1;39m";
        case Tone::Dim:
            return "\033[0;2m";
        case Tone::Plain:
            break;
    }
    return {};
}

}  // namespace

void print(std::string_view text) {
    write_everything(STDOUT_FILENO, text);
}

int complain(std::string_view text) {
    complained().emplace_back(text);
    std::string line(text);
    if (line.empty() || line.back() != '\n') {
        line += '\n';
    }
    write_everything(STDERR_FILENO, line);
    return EXIT_FAILURE;
}

const std::vector<std::string>& complaints() {
    return complained();
}

bool colours() {
    static const bool on = [] {
        if (const char* asked = std::getenv("SYSTEMD_COLORS")) {
            const std::string_view value(asked);
            return value != "0" && value != "no" && value != "false" && value != "off";
        }
        const char* none = std::getenv("NO_COLOR");
        const char* terminal = std::getenv("TERM");
        const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
        return (none == nullptr || *none == '\0') && !dumb && isatty(STDOUT_FILENO) == 1;
    }();
    return on;
}

std::string tinted(Tone tone, std::string_view text) {
    if (tone == Tone::Plain || text.empty() || !colours()) {
        return std::string(text);
    }
    return std::string(code(tone)) + std::string(text) + "\033[0m";
}

unsigned terminal_width() {
    winsize size{};
    if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0) {
        return 0;
    }
    return size.ws_col;
}

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U;  // not a continuation byte
    }));
}

void Table::row(std::vector<std::string> cells, std::vector<Tone> tones) {
    cells.resize(columns_);
    tones.resize(columns_, Tone::Plain);
    rows_.push_back({std::move(cells), std::move(tones)});
}

std::string Table::text() const {
    std::vector<std::size_t> widths(columns_, 0);
    for (const Row& row : rows_) {
        for (std::size_t column = 0; column < columns_; ++column) {
            widths[column] = std::max(widths[column], width(row.cells[column]));
        }
    }
    std::string text;
    for (const Row& row : rows_) {
        for (std::size_t column = 0; column < columns_; ++column) {
            const std::string& cell = row.cells[column];
            text += tinted(row.tones[column], cell);
            if (column + 1 < columns_) {
                text.append(widths[column] - width(cell) + 1, ' ');
            }
        }
        text += '\n';
    }
    return text;
}

}  // namespace hearth::ctl
