// SPDX-License-Identifier: MIT
#include "parser/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "parser/diagnostic.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

constexpr std::size_t longest_path = 4095;  // PATH_MAX, without its NUL
constexpr std::size_t longest_name = 255;   // NAME_MAX

constexpr std::string_view prefix_hint =
    "the prefixes are '-', '@', ':' and one of '+', '!', '!!', each at most once, before the path";

/// Reads the prefixes at the begin of a command's first word into `command`.
Result<std::size_t, ValueError> read_prefixes(
    std::string_view word, std::size_t offset, CommandLine& command) {
    std::size_t length = 0;
    std::size_t bangs = 0;
    const auto set = [](bool& flag) { return !std::exchange(flag, true); };
    for (; length < word.size(); ++length) {
        bool is_first = true;
        switch (word[length]) {
            case '-':
                is_first = set(command.ignore_failure);
                break;
            case '@':
                is_first = set(command.argv0_given);
                break;
            case ':':
                is_first = set(command.no_environment_expansion);
                break;
            case '+':
                is_first = set(command.full_privileges);
                break;
            case '!':
                is_first = ++bangs <= 2;
                break;
            default:
                command.no_setuid = bangs == 1;
                command.ambient = bangs == 2;
                if (command.full_privileges && bangs != 0) {
                    return bad_value(
                        "the prefixes '+' and '!' exclude each other",
                        "'+' runs with all privileges, '!' and '!!' with some: keep one of them",
                        offset);
                }
                return length;
        }
        if (!is_first) {
            return bad_value(
                fmt::format("the prefix '{}' is given too often", word[length]),
                std::string(prefix_hint),
                offset + length);
        }
    }
    return bad_value(
        word.empty() ? std::string("the path of the program is empty")
                     : fmt::format("there is no program after {}", quoted(word)),
        "write the program's absolute path right after the prefixes",
        offset);
}

bool is_quote(char byte) {
    return byte == '"' || byte == '\'';
}

bool is_unsafe(char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code < ' ' || code == 0x7F || is_quote(byte) || byte == '\\';
}

/// Judges the program and normalises its path.
Result<std::string, ValueError> read_program(const std::string& path, std::size_t offset) {
    if (path.empty()) {
        return bad_value("the path of the program is empty", "write an absolute path", offset);
    }
    if (std::ranges::any_of(path, is_unsafe)) {
        return bad_value(
            fmt::format("the path {} has quotes, backslashes or control characters", quoted(path)),
            "rename the program",
            offset);
    }
    if (path.starts_with('$')) {
        return bad_value(
            fmt::format("the program {} may not be a variable", quoted(path)),
            "write its path; only arguments are expanded",
            offset);
    }
    if (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..")) {
        return bad_value(
            fmt::format("{} is a directory, not a program", quoted(path)),
            "write the path of the program",
            offset);
    }
    if (!path.starts_with('/')) {
        if (path.find('/') != std::string::npos || path == "." || path == "..") {
            return bad_value(
                fmt::format("{} is neither an absolute path nor a plain name", quoted(path)),
                "write an absolute path, such as /usr/bin/" + path.substr(path.rfind('/') + 1),
                offset);
        }
        if (path.size() > longest_name) {
            return bad_value(
                fmt::format("the name {} is longer than {} bytes", quoted(path), longest_name),
                {},
                offset);
        }
        return path;
    }
    std::string simple = simplified_path(path);
    if (simple.size() > longest_path) {
        return bad_value(
            fmt::format("the path {} is longer than {} bytes", quoted(path), longest_path),
            {},
            offset);
    }
    return simple;
}

/// Walks over one assignment. Between words it looks at the raw text: `;` as a word of its own ends
/// a command and `\;` is an argument, but `";"` and `\\;` are words like others.
class CommandReader {
public:
    CommandReader(std::string_view text, const ValueContext& context)
        : text_(text), context_(context) {}

    Result<std::vector<LocatedCommand>, ValueError> read() {
        std::vector<LocatedCommand> commands;
        while (std::optional<LocatedCommand> command = HEARTH_TRY(read_command())) {
            commands.push_back(std::move(*command));
        }
        return commands;
    }

private:
    Result<std::optional<LocatedCommand>, ValueError> read_command() {
        skip_white_space();
        if (is_lone(";")) {
            return bad_value(
                "there is no command before ';'",
                "write ';' between two commands, or '\\;' for the character",
                at_);
        }
        std::optional<Word> first = HEARTH_TRY(word());
        if (!first) {
            return std::optional<LocatedCommand>();
        }
        LocatedCommand located{{}, first->offset};
        CommandLine& command = located.command;
        const std::size_t prefixes = HEARTH_TRY(read_prefixes(first->text, first->offset, command));
        const std::size_t path_offset =
            first->offset + prefixes + (is_quote(text_[first->offset]) ? 1 : 0);
        const std::string path =
            HEARTH_TRY(resolved(std::string_view(first->text).substr(prefixes), path_offset));
        command.path = HEARTH_TRY(read_program(path, path_offset));
        if (!command.argv0_given) {
            command.argv.push_back(command.path);
        }
        HEARTH_TRY(read_arguments(command));
        if (command.argv.empty()) {
            return bad_value(
                "the prefix '@' needs a word after the path, which becomes argv[0]",
                "add it, or remove the '@'",
                first->offset);
        }
        return std::optional<LocatedCommand>(std::move(located));
    }

    Assigned read_arguments(CommandLine& command) {
        for (skip_white_space(); at_ < text_.size(); skip_white_space()) {
            if (is_lone(";")) {
                ++at_;
                return {};
            }
            if (is_lone("\\;")) {
                at_ += 2;
                command.argv.emplace_back(";");
                continue;
            }
            if (std::optional<Word> argument = HEARTH_TRY(word())) {
                command.argv.push_back(HEARTH_TRY(resolved(argument->text, argument->offset)));
            }
        }
        return {};
    }

    Result<std::optional<Word>, ValueError> word() {
        return next_word(text_, at_, Escapes::Relaxed, context_.notes);
    }

    /// Specifiers replaced; the place of an error is exact where the word had no escapes before it.
    Result<std::string, ValueError> resolved(std::string_view word, std::size_t offset) {
        Result<std::string, ValueError> text = expand(word, context_);
        if (!text) {
            text.error().offset = std::min(offset + text.error().offset, text_.size());
            return text;
        }
        // Each word is bounded, and so must be all of them together.
        length_ += text->size();
        if (length_ > max_argv_length) {
            return bad_value(
                fmt::format("longer than {} bytes with its specifiers replaced", max_argv_length),
                "use fewer or shorter specifiers",
                offset);
        }
        return text;
    }

    void skip_white_space() {
        while (at_ < text_.size() && is_white_space(text_[at_])) {
            ++at_;
        }
    }

    [[nodiscard]] bool is_lone(std::string_view token) const {
        const std::string_view rest = text_.substr(at_);
        return rest.starts_with(token) &&
               (rest.size() == token.size() || is_white_space(rest[token.size()]));
    }

    std::string_view text_;
    const ValueContext& context_;
    std::size_t at_ = 0;
    std::size_t length_ = 0;
};

}  // namespace

Result<std::vector<LocatedCommand>, ValueError> parse_command_lines(
    std::string_view text, const ValueContext& context) {
    return CommandReader(text, context).read();
}

std::string format_command_line(const CommandLine& command) {
    std::string prefixes;
    const auto add = [&prefixes](bool flag, std::string_view prefix) {
        if (flag) {
            prefixes += prefix;
        }
    };
    add(command.ignore_failure, "-");
    add(command.argv0_given, "@");
    add(command.no_environment_expansion, ":");
    add(command.full_privileges, "+");
    add(command.no_setuid, "!");
    add(command.ambient, "!!");
    std::string out = quote_word(prefixes + command.path);
    for (std::size_t i = command.argv0_given ? 0 : 1; i < command.argv.size(); ++i) {
        out += ' ';
        out += quote_word(command.argv[i]);
    }
    return out;
}

Assigned Codec<std::vector<CommandLine>>::assign(
    std::vector<CommandLine>& field, std::string_view text, const ValueContext& context) {
    if (trimmed(text).empty()) {
        field.clear();
        return {};
    }
    auto commands = HEARTH_TRY(parse_command_lines(text, context));
    for (LocatedCommand& located : commands) {
        field.push_back(std::move(located.command));
    }
    return {};
}

std::string Codec<std::vector<CommandLine>>::format(const std::vector<CommandLine>& value) {
    std::string out;
    for (const CommandLine& command : value) {
        if (!out.empty()) {
            out += '\n';
        }
        out += format_command_line(command);
    }
    return out;
}

void Codec<std::vector<CommandLine>>::write(
    const std::vector<CommandLine>& value, ValueSink& sink) {
    sink.open_array("(sas)");
    for (const CommandLine& command : value) {
        sink.open_struct("sas");
        sink.string(command.path);
        sink.strings(command.argv);
        sink.close_struct();
    }
    sink.close_array();
}

}  // namespace hearth
