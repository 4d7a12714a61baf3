// SPDX-License-Identifier: MIT
//
// [Swap], systemd.swap(5): what is of swaps alone. What they share with services (kill, exec,
// resources) has its rows there (units/type_section.hpp). They become the commands of
// units/swap_unit.hpp.
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

/// systemd.swap(5): 0 is no timeout at all.
Assigned assign_timeout(Settings& settings, std::string_view text, const ValueContext&) {
    const Timespan span = text.empty() ? SwapSettings{}.timeout : HEARTH_TRY(read_timespan(text));
    settings.swap.timeout = span.microseconds == 0 ? Timespan::never() : span;
    return {};
}

Assigned assign_priority(Settings& settings, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        settings.swap.priority.reset();
        return {};
    }
    settings.swap.priority = static_cast<std::int32_t>(HEARTH_TRY(read_integer(text, -1, 32767)));
    return {};
}

template <Name name, auto member>
consteval Row row(std::string_view summary, std::string_view sample, AssignFunction assign) {
    return directive<name, Section::Swap, Context::Swap, &Settings::swap, member>({
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
        .assign = assign,
    });
}

constexpr auto rows = std::to_array<Row>({
    directive<"Options", Section::Swap, Context::Swap, &Settings::swap, &SwapSettings::options>({
        .summary = "Options of swapon, with commas between them.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "discard",
    }),
    row<"Priority", &SwapSettings::priority>(
        "The priority among swaps, from -1 to 32767.", "10", &assign_priority),
    row<"TimeoutSec", &SwapSettings::timeout>(
        "How long switching on and off may take.", "20s", &assign_timeout),
    directive<"What", Section::Swap, Context::Swap, &Settings::swap, &SwapSettings::what>({
        .summary = "The device or file to swap to; the unit's name says the same, escaped.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "/dev/sda2",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> swap_rows() {
    return directives::rows;
}

}  // namespace hearth
