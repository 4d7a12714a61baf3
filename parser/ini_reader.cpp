// SPDX-License-Identifier: MIT
#include "parser/ini_reader.hpp"

#include <fmt/format.h>
#include <ini.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "parser/logical_lines.hpp"
#include "parser/utf8.hpp"
#include "parser/words.hpp"

// Debian's libinih (r55) turns inih's compile-time options into variables that ini.h doesn't name.
extern "C" {
extern bool ini_allow_bom;
extern bool ini_allow_inline_comments;
extern bool ini_allow_multiline;
extern bool ini_allow_no_value;
extern bool ini_stop_on_first_error;
extern bool ini_use_stack;
}

namespace hearth {

namespace {

/// Longer than any directive's name, shorter than inih's first buffer of 200 bytes.
constexpr std::size_t longest_key = 128;
constexpr std::size_t longest_source = 4096;

bool configure_inih() {
    ini_allow_bom = false;  // the reader has removed it
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_allow_no_value = false;
    ini_stop_on_first_error = false;
    ini_use_stack = false;
    return true;
}

bool is_control(char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code < ' ' || code == 0x7F;
}

/// Judges each logical line, and gives inih those that assign: `Key=`, the value being kept here.
class Reader {
public:
    Reader(std::string_view text, std::string path, const ReadLimits& limits)
        : limits_(limits), lines_(text, limits.line_length) {
        file_.path = std::move(path);
    }

    UnitFile read() && {
        static const bool is_configured = configure_inih();
        static_cast<void>(is_configured);
        const int status = ini_parse_stream(&Reader::fill, this, &Reader::handle, this);
        if (status != 0) {
            report(
                Severity::Error,
                Origin{},
                "Reading stopped: inih could not go on",
                "the assignments after this point are not there");
        }
        report_suppressed();
        return std::move(file_);
    }

private:
    // ---- what inih calls

    static char* fill(char* buffer, int size, void* self) {
        return static_cast<Reader*>(self)->fill(buffer, size);
    }

    static int handle(void* self, const char*, const char* name, const char*) {
        static_cast<Reader*>(self)->store(name);
        return 1;
    }

    /// fgets() over our own lines: the next one that assigns, in as many pieces as are asked for.
    char* fill(char* buffer, int size) {
        if (handed_.empty() && !advance()) {
            return nullptr;
        }
        const std::size_t length = std::min(handed_.size(), static_cast<std::size_t>(size) - 1);
        std::memcpy(buffer, handed_.data(), length);
        buffer[length] = '\0';
        handed_.erase(0, length);
        return buffer;
    }

    void store(const char* name) {
        Assignment assignment{section_, name, {}, line_.origin_of(key_begin_), {}};
        assignment.origin.file = file_.path;
        assignment.value = line_.text.substr(value_begin_, value_end_ - value_begin_);
        const Origin begin = line_.origin_of(value_begin_);
        assignment.segments.push_back({0, begin.line, begin.column});
        for (const ValueSegment& segment : line_.segments) {
            if (segment.offset > value_begin_ && segment.offset < value_end_) {
                assignment.segments.push_back(
                    {segment.offset - value_begin_, segment.line, segment.column});
            }
        }
        file_.assignments.push_back(std::move(assignment));
    }

    // ---- one logical line

    /// Reads until a line assigns, and leaves it in handed_; false at the end.
    bool advance() {
        while (lines_.next(line_)) {
            const std::string_view text = trimmed(line_.text);
            const std::string_view begin = line_.too_long ? trimmed(line_.first) : text;
            if (begin.empty()) {
                continue;
            }
            if (file_.assignments.size() == limits_.assignments) {
                report(
                    Severity::Error,
                    Origin{{}, line_.number, 0},
                    fmt::format(
                        "More than {} assignments, the rest is ignored", limits_.assignments),
                    "no service needs so many: is this file a unit file?");
                return false;
            }
            const bool is_header = begin.starts_with('[');
            if (!is_readable(is_header)) {
                continue;
            }
            if (is_header) {
                begin_section(text);
            } else if (is_assignment(text)) {
                return true;
            }
        }
        return false;
    }

    /// Judges the bytes of the line. A header that can't be read ends the section before it.
    bool is_readable(bool is_header) {
        const std::string_view hint =
            is_header ? "the assignments up to the next header are ignored too" : "";
        const std::size_t nul = line_.text.find('\0');
        const std::size_t invalid = find_invalid_utf8(line_.text);
        if (line_.too_long) {
            report_at(
                Severity::Error,
                0,
                fmt::format("Line is longer than {} bytes, ignored", limits_.line_length),
                is_header ? hint : "use several assignments");
        } else if (nul != std::string::npos) {
            report_at(Severity::Error, nul, "NUL byte in the line, which is ignored", hint);
        } else if (invalid != std::string_view::npos) {
            report_at(
                is_header ? Severity::Error : Severity::Warning,
                invalid,
                "Line is not UTF-8, ignored",
                is_header ? hint : "save the file as UTF-8");
        } else {
            return true;
        }
        if (is_header) {
            place_ = Place::BrokenSection;
        }
        return false;
    }

    void begin_section(std::string_view header) {
        const std::string_view name =
            header.size() > 2 ? header.substr(1, header.size() - 2) : std::string_view();
        const bool is_closed = header.ends_with(']');
        const auto is_bad = [](char byte) {
            return is_control(byte) || byte == '"' || byte == '\'' || byte == '\\';
        };
        if (is_closed && !name.empty() && std::ranges::none_of(name, is_bad)) {
            section_ = name;
            place_ = Place::Section;
            return;
        }
        place_ = Place::BrokenSection;
        const bool has_more = !is_closed && header.find(']') != std::string_view::npos;
        report_at(
            Severity::Error,
            offset_of(header),
            fmt::format(
                "Invalid section header {}, ignored with its assignments up to the next header",
                quoted(header)),
            has_more    ? "nothing may follow the ']'; a comment needs a line of its own"
            : is_closed ? "a section's name has no quotes, backslashes or control characters"
                        : "write it as [Section]");
    }

    bool is_assignment(std::string_view text) {
        if (place_ == Place::BrokenSection) {
            return false;  // told at the header
        }
        const std::size_t begin = offset_of(text);
        const std::size_t equals = text.find('=');
        const std::string_view key = trimmed(text.substr(0, equals));
        const std::size_t colon = key.find(':');
        constexpr std::string_view colon_hint = "':' does not assign: write Key=value";
        if (equals == std::string_view::npos) {
            const bool has_colon = colon != std::string_view::npos;
            report_at(
                Severity::Warning,
                begin + (has_colon ? colon : 0),
                fmt::format("Missing '=' in {}, line ignored", quoted(text)),
                has_colon ? colon_hint : "write Key=value; a comment begins with '#'");
        } else if (key.empty()) {
            report_at(Severity::Warning, begin, "Missing key name before '=', line ignored", "");
        } else if (
            key.size() > longest_key || colon != std::string_view::npos ||
            std::ranges::any_of(key, is_control)) {
            report_at(
                Severity::Warning,
                begin + (colon != std::string_view::npos ? colon : 0),
                fmt::format("Invalid key {}, line ignored", quoted(key)),
                colon != std::string_view::npos ? colon_hint : "");
        } else if (place_ == Place::BeforeSections) {
            report_at(
                Severity::Warning,
                begin,
                fmt::format("Assignment of {} outside of a section, ignored", quoted(key)),
                "put it below a header such as [Unit]");
        } else {
            const std::string_view value = trimmed(text.substr(equals + 1));
            key_begin_ = begin;
            value_begin_ = value.empty() ? begin + equals + 1 : offset_of(value);
            value_end_ = value_begin_ + value.size();
            handed_.assign(key).append("=\n");
            return true;
        }
        return false;
    }

    /// `part` is a view of line_.text.
    [[nodiscard]] std::size_t offset_of(std::string_view part) const {
        return static_cast<std::size_t>(part.data() - line_.text.data());
    }

    // ---- diagnostics

    void report_at(
        Severity severity, std::size_t offset, std::string message, std::string_view hint) {
        report(severity, line_.origin_of(offset), std::move(message), hint);
    }

    void report(Severity severity, Origin origin, std::string message, std::string_view hint) {
        if (file_.diagnostics.size() >= limits_.diagnostics) {
            ++suppressed_;
            worst_suppressed_ = std::max(worst_suppressed_, severity);
            return;
        }
        origin.file = file_.path;
        std::string source;
        if (origin.line == line_.number && origin.line != 0) {
            source = line_.first.substr(0, longest_source);
        }
        file_.diagnostics.push_back(
            {severity,
             std::move(origin),
             std::move(message),
             std::string(hint),
             std::move(source)});
    }

    void report_suppressed() {
        if (suppressed_ != 0) {
            file_.diagnostics.push_back(
                {worst_suppressed_,
                 Origin{file_.path, 0, 0},
                 fmt::format("{} more lines of this file are ignored likewise", suppressed_),
                 "is this file a unit file?",
                 {}});
        }
    }

    enum class Place : std::uint8_t { BeforeSections, Section, BrokenSection };

    ReadLimits limits_;
    UnitFile file_;
    LogicalLines lines_;
    LogicalLine line_;
    Place place_ = Place::BeforeSections;
    std::string section_;
    std::string handed_;  ///< what inih has not yet taken of the current line
    std::size_t key_begin_ = 0;
    std::size_t value_begin_ = 0;
    std::size_t value_end_ = 0;
    std::size_t suppressed_ = 0;
    Severity worst_suppressed_ = Severity::Note;
};

}  // namespace

UnitFile read_unit_file(std::string_view text, std::string path, const ReadLimits& limits) {
    return Reader(text, std::move(path), limits).read();
}

}  // namespace hearth
