// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"
#include "units/process_codecs.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<
        name,
        Section::Service,
        Context::Exec,
        &Settings::exec,
        &ExecSettings::terminal,
        member>(description);
}

TerminalSettings& of(Settings& settings) {
    return settings.exec.terminal;
}
const TerminalSettings& of(const Settings& settings) {
    return settings.exec.terminal;
}

Assigned assign_path(Settings& settings, std::string_view text, const ValueContext& context) {
    of(settings).path =
        text.empty() ? std::string() : HEARTH_TRY(read_absolute_path(text, context));
    return {};
}

constexpr std::array<Property, 1> path_property = {{
    {"TTYPath",
     "s",
     [](const Settings& settings, ValueSink& sink) { sink.string(of(settings).path); }},
}};

template <auto member>
Assigned assign_size(Settings& settings, std::string_view text, const ValueContext&) {
    of(settings).*member =
        text.empty() ? std::uint16_t{0}
                     : static_cast<std::uint16_t>(HEARTH_TRY(read_unsigned(text, 0, 65535)));
    return {};
}
template <auto member>
std::string format_size(const Settings& settings) {
    return std::to_string(of(settings).*member);
}
template <auto member>
bool is_default_size(const Settings& settings) {
    return of(settings).*member == 0;
}
template <Name name, auto member>
constexpr std::array<Property, 1> size_property = {{
    {name.view(),
     "q",
     [](const Settings& settings, ValueSink& sink) { sink.unsigned16(of(settings).*member); }},
}};

template <Name name, auto member>
consteval Row size_row(std::string_view summary, std::string_view sample) {
    return {
        .name = name.view(),
        .section = Section::Service,
        .context = Context::Exec,
        .summary = summary,
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = sample,
        .syntax = "number from 0 to 65535",
        .assign = &assign_size<member>,
        .format = &format_size<member>,
        .is_default = &is_default_size<member>,
        .properties = size_property<name, member>,
    };
}

Assigned assign_text(Settings& settings, std::string_view text, const ValueContext& context) {
    return assign_input_text(of(settings).input_data, text, context);
}
std::string format_text(const Settings& settings) {
    return format_input_text(of(settings).input_data);
}

bool has_no_data(const Settings& settings) {
    return of(settings).input_data.bytes.empty();
}

/// StandardInputData= with another way of writing it.
consteval Row input_text_row() {
    return {
        .name = "StandardInputText",
        .section = Section::Service,
        .context = Context::Exec,
        .summary = "Text that standard input is fed with, a line for each assignment.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "heat",
        .syntax = "text with C escapes",
        .assign = &assign_text,
        .format = &format_text,
        .is_default = &has_no_data,
        .properties = no_properties,
    };
}

constexpr auto rows = std::to_array<Row>({
    row<"StandardInputData", &TerminalSettings::input_data>({
        .summary = "Bytes in Base64 that standard input is fed with.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "SGVhdAo=",
    }),
    input_text_row(),
    size_row<"TTYColumns", &TerminalSettings::columns>(
        "The width of the service's terminal.", "80"),
    row<"TTYPath", &TerminalSettings::path>({
        .summary = "The terminal of StandardInput=tty and kin.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "/dev/tty9",
        .properties = path_property,
        .assign = &assign_path,
        .syntax = "absolute path",
    }),
    row<"TTYReset", &TerminalSettings::reset>({
        .summary = "Resets the terminal before and after.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    size_row<"TTYRows", &TerminalSettings::rows>("The height of the service's terminal.", "25"),
    row<"TTYVHangup", &TerminalSettings::vhangup>({
        .summary = "Disconnects all others from the terminal before and after.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"TTYVTDisallocate", &TerminalSettings::vt_disallocate>({
        .summary = "Clears the terminal, and its virtual console, before and after.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> terminal_rows() {
    return directives::rows;
}

}  // namespace hearth
