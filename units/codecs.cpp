// SPDX-License-Identifier: MIT
#include "units/codecs.hpp"

#include <algorithm>

#include "parser/diagnostic.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/names.hpp"
#include "units/unit_name.hpp"

namespace hearth {

using codec_parts::note;
using codec_parts::shifted;

namespace {

struct StreamKind {
    std::string_view keyword;  // without its colon
    std::string_view argument;
    bool has_argument = false;
};

StreamKind split_stream(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return {text, {}, false};
    }
    return {text.substr(0, colon), text.substr(colon + 1), true};
}

/// Kinds that name a file; `fd` may name a descriptor; the others take nothing.
template <class Kind>
bool names_a_file(Kind kind);
template <>
bool names_a_file(StandardInput kind) {
    return kind == StandardInput::File;
}
template <>
bool names_a_file(StandardOutput kind) {
    return kind == StandardOutput::File || kind == StandardOutput::Append ||
           kind == StandardOutput::Truncate;
}

template <class Kind, std::size_t count>
Assigned assign_stream(
    StreamTarget<Kind>& field,
    std::string_view text,
    const ValueContext& context,
    const std::array<EnumName<Kind>, count>& names) {
    const StreamKind split = split_stream(text);
    const std::optional<Kind> kind = value_of(split.keyword, names);
    if (!kind) {
        return unknown_name(split.keyword, names_of(names));
    }
    StreamTarget<Kind> made{*kind, {}};
    if (names_a_file(*kind)) {
        if (split.argument.empty()) {
            return bad_value(
                quoted(text) + " names no file",
                "write " + std::string(split.keyword) + ":/absolute/path",
                text.size());
        }
        auto path = read_absolute_path(split.argument, context);
        if (!path) {
            return Unexpected(shifted(std::move(path).error(), split.keyword.size() + 1));
        }
        made.argument = std::move(path).value();
    } else if (split.has_argument) {
        if (*kind != Kind::Fd) {
            return bad_value(
                quoted(split.keyword) + " takes no argument, got " + quoted(split.argument),
                "leave out the colon and what follows",
                split.keyword.size());
        }
        made.argument = HEARTH_TRY(expand(split.argument, context));
    }
    field = std::move(made);
    return {};
}

template <class Kind, std::size_t count>
std::string format_stream(
    const StreamTarget<Kind>& value, const std::array<EnumName<Kind>, count>& names) {
    const std::string text(name_of(value.kind, names));
    return value.argument.empty() ? text : text + ":" + value.argument;
}

}  // namespace

Assigned Codec<StreamTarget<StandardInput>>::assign(
    StreamTarget<StandardInput>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    return assign_stream(field, text, context, standard_input_names);
}

std::string Codec<StreamTarget<StandardInput>>::format(const StreamTarget<StandardInput>& value) {
    return format_stream(value, standard_input_names);
}

void Codec<StreamTarget<StandardInput>>::write(
    const StreamTarget<StandardInput>& value, ValueSink& sink) {
    sink.string(name_of(value.kind, standard_input_names));
}

Assigned Codec<StreamTarget<StandardOutput>>::assign(
    StreamTarget<StandardOutput>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    return assign_stream(field, text, context, standard_output_names);
}

std::string Codec<StreamTarget<StandardOutput>>::format(const StreamTarget<StandardOutput>& value) {
    return format_stream(value, standard_output_names);
}

void Codec<StreamTarget<StandardOutput>>::write(
    const StreamTarget<StandardOutput>& value, ValueSink& sink) {
    sink.string(name_of(value.kind, standard_output_names));
}

// ---- working directory

Assigned Codec<WorkingDirectory>::assign(
    WorkingDirectory& field, std::string_view text, const ValueContext& context) {
    WorkingDirectory made;
    std::size_t offset = 0;
    if (text.starts_with('-')) {
        made.optional = true;
        offset = 1;
    }
    const std::string_view rest = text.substr(offset);
    if (rest == "~") {
        made.home = true;
    } else if (!rest.empty()) {
        auto path = read_absolute_path(rest, context);
        if (!path) {
            return Unexpected(shifted(std::move(path).error(), offset));
        }
        made.path = std::move(path).value();
    } else if (made.optional) {
        return bad_value("expected an absolute path or '~' after the '-'", {}, offset);
    }
    field = std::move(made);
    return {};
}

std::string Codec<WorkingDirectory>::format(const WorkingDirectory& value) {
    return std::string(value.optional ? "-" : "") + (value.home ? "~" : value.path);
}

// The bus says '!' where the file says '-'.
void Codec<WorkingDirectory>::write(const WorkingDirectory& value, ValueSink& sink) {
    sink.string(std::string(value.optional ? "!" : "") + (value.home ? "~" : value.path));
}

// ---- environment

namespace {

bool is_variable_name(std::string_view name) {
    return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
           std::ranges::all_of(name, [](char byte) {
               return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                      (byte >= '0' && byte <= '9') || byte == '_';
           });
}

// Beyond this many variables a search through all of them for each new one would show.
constexpr std::size_t searched_variables = 64;

std::string* find_variable(Environment& field, const std::string& name) {
    auto& variables = field.variables;
    if (variables.size() <= searched_variables) {
        const auto found =
            std::ranges::find(variables, name, [](const auto& each) { return each.first; });
        return found != variables.end() ? &found->second : nullptr;
    }
    if (field.positions.size() != variables.size()) {
        field.positions.clear();
        for (std::size_t i = 0; i < variables.size(); ++i) {
            field.positions.emplace(variables[i].first, i);
        }
    }
    const auto found = field.positions.find(name);
    return found != field.positions.end() ? &variables[found->second].second : nullptr;
}

void set_variable(Environment& field, std::string name, std::string value) {
    if (std::string* const existing = find_variable(field, name)) {
        *existing = std::move(value);
        return;
    }
    if (field.variables.size() > searched_variables) {
        field.positions.emplace(name, field.variables.size());
    }
    field.variables.emplace_back(std::move(name), std::move(value));
}

}  // namespace

Assigned Codec<Environment>::assign(
    Environment& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Relaxed, context.notes))) {
        const auto expanded = expand(word.text, context);
        if (!expanded) {
            note(context, shifted(expanded.error(), word.offset));
            continue;
        }
        const std::size_t equals = expanded->find('=');
        if (equals == std::string::npos || !is_variable_name(expanded->substr(0, equals))) {
            note(
                context,
                {quoted(*expanded) + " is no environment assignment, ignored",
                 "write NAME=VALUE, with quotes around all of it if the value has spaces",
                 word.offset});
            continue;
        }
        set_variable(field, expanded->substr(0, equals), expanded->substr(equals + 1));
    }
    return {};
}

std::string Codec<Environment>::format(const Environment& value) {
    std::string text;
    for (const auto& [name, content] : value.variables) {
        text += text.empty() ? "" : "\n";
        text += quote_word(name + "=" + content);
    }
    return text;
}

void Codec<Environment>::write(const Environment& value, ValueSink& sink) {
    sink.open_array("s");
    for (const auto& [name, content] : value.variables) {
        sink.string(name + "=" + content);
    }
    sink.close_array();
}

Assigned Codec<std::vector<EnvironmentFile>>::assign(
    std::vector<EnvironmentFile>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    const bool optional = text.starts_with('-');
    auto path = read_absolute_path(text.substr(optional ? 1 : 0), context);
    if (!path) {
        return Unexpected(shifted(std::move(path).error(), optional ? 1 : 0));
    }
    field.push_back({std::move(path).value(), optional});
    return {};
}

std::string Codec<std::vector<EnvironmentFile>>::format(const std::vector<EnvironmentFile>& value) {
    std::string text;
    for (const EnvironmentFile& file : value) {
        text += text.empty() ? "" : "\n";
        text += (file.optional ? "-" : "") + file.path;
    }
    return text;
}

void Codec<std::vector<EnvironmentFile>>::write(
    const std::vector<EnvironmentFile>& value, ValueSink& sink) {
    sink.open_array("(sb)");
    for (const EnvironmentFile& file : value) {
        sink.open_struct("sb");
        sink.string(file.path);
        sink.boolean(file.optional);
        sink.close_struct();
    }
    sink.close_array();
}

// ---- names that are only remembered

namespace {

/// Adds the names in `text`, each once; bad ones are told and left out.
Assigned add_unit_names(
    std::vector<std::string>& names, std::string_view text, const ValueContext& context) {
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Keep, context.notes))) {
        auto expanded = expand(word.text, context);
        if (!expanded) {
            note(context, shifted(std::move(expanded).error(), word.offset));
            continue;
        }
        if (auto valid = parse_unit_name(*expanded); !valid) {
            note(context, {valid.error().what + ", ignored", {}, word.offset});
            continue;
        }
        names.push_back(std::move(expanded).value());
    }
    return {};
}

std::string join_names(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += text.empty() ? "" : " ";
        text += name;
    }
    return text;
}

}  // namespace

Assigned Codec<UnitNames>::assign(
    UnitNames& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.names.clear();
        return {};
    }
    return add_unit_names(field.names, text, context);
}

std::string Codec<UnitNames>::format(const UnitNames& value) {
    return join_names(value.names);
}

void Codec<UnitNames>::write(const UnitNames& value, ValueSink& sink) {
    sink.strings(value.names);
}

Assigned Codec<DependencyNames>::assign(
    DependencyNames& field, std::string_view text, const ValueContext& context) {
    return text.empty() ? Assigned{} : add_unit_names(field.names, text, context);
}

std::string Codec<DependencyNames>::format(const DependencyNames& value) {
    return join_names(value.names);
}

void Codec<DependencyNames>::write(const DependencyNames& value, ValueSink& sink) {
    sink.strings(value.names);
}

Assigned Codec<ActionExitStatus>::assign(
    ActionExitStatus& field, std::string_view text, const ValueContext&) {
    field.status =
        text.empty() ? -1 : static_cast<std::int32_t>(HEARTH_TRY(read_integer(text, 0, 255)));
    return {};
}

std::string Codec<ActionExitStatus>::format(const ActionExitStatus& value) {
    return value.status < 0 ? std::string() : std::to_string(value.status);
}

void Codec<ActionExitStatus>::write(const ActionExitStatus& value, ValueSink& sink) {
    sink.signed32(value.status);
}

Assigned Codec<RelaxedNames>::assign(
    RelaxedNames& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field.names.clear();
        return {};
    }
    for (Word& word : HEARTH_TRY(split_words(text, Escapes::Keep))) {
        if (word.text.ends_with('=')) {
            word.text.pop_back();  // people copy "PrivateTmp=" from messages
        }
        field.names.insert(std::move(word.text));
    }
    return {};
}

std::string Codec<RelaxedNames>::format(const RelaxedNames& value) {
    return join_words({value.names.begin(), value.names.end()});
}

void Codec<RelaxedNames>::write(const RelaxedNames& value, ValueSink& sink) {
    sink.strings(std::vector<std::string>(value.names.begin(), value.names.end()));
}

// ---- signals and statuses

Assigned Codec<Signal>::assign(Signal& field, std::string_view text, const ValueContext&) {
    const std::optional<int> number = signal_number(text);
    if (!number) {
        return bad_value(
            quoted(text) + " is no signal",
            "write a name as in SIGTERM or SIGRTMIN+3, or a number from 1 to 64");
    }
    field.number = *number;
    return {};
}

std::string Codec<Signal>::format(const Signal& value) {
    return signal_name(value.number);
}

void Codec<Signal>::write(const Signal& value, ValueSink& sink) {
    sink.signed32(value.number);
}

Assigned Codec<ExitStatusSet>::assign(
    ExitStatusSet& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Keep))) {
        if (const auto code = read_unsigned(word.text.empty() ? "-" : word.text, 0, 255)) {
            field.codes.insert(static_cast<int>(*code));
        } else if (const std::optional<int> named = exit_status_number(word.text)) {
            field.codes.insert(*named);
        } else if (const std::optional<int> signal = signal_number(word.text)) {
            field.signals.insert(*signal);
        } else {
            note(
                context,
                {quoted(word.text) + " is neither an exit status nor a signal, ignored",
                 "write a number from 0 to 255, a name as in TEMPFAIL, or a signal as in SIGKILL",
                 word.offset});
        }
    }
    return {};
}

std::string Codec<ExitStatusSet>::format(const ExitStatusSet& value) {
    std::vector<std::string> words;
    for (const int code : value.codes) {
        words.push_back(std::to_string(code));
    }
    for (const int signal : value.signals) {
        words.push_back(signal_name(signal));
    }
    return join_words(words);
}

void Codec<ExitStatusSet>::write(const ExitStatusSet& value, ValueSink& sink) {
    sink.open_struct("aiai");
    for (const std::set<int>* const numbers : {&value.codes, &value.signals}) {
        sink.open_array("i");
        for (const int number : *numbers) {
            sink.signed32(number);
        }
        sink.close_array();
    }
    sink.close_struct();
}

Result<std::string, ValueError> read_triggered_unit(
    std::string_view text, const ValueContext& context) {
    std::string name = HEARTH_TRY(expand(text, context));
    const auto parsed = parse_unit_name(name);
    if (!parsed || parsed->is_template()) {
        return bad_value(
            quoted(name) + " is no unit's name; expected one with its type, such as x.service");
    }
    return name;
}

}  // namespace hearth
