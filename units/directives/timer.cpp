// SPDX-License-Identifier: MIT
//
// [Timer], systemd.timer(5).
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

std::vector<MonotonicTimer>& monotonic(Settings& settings) {
    return settings.timer.timers.monotonic;
}

/// One of the On...Sec= lists: they share a field, for the empty text takes back all of them.
template <TimerBase base>
struct OfBase {
    static Assigned assign(Settings& settings, std::string_view text, const ValueContext& context) {
        if (text.empty()) {
            settings.timer.timers = {};
            return {};
        }
        const std::string expanded = HEARTH_TRY(expand(text, context));
        monotonic(settings).push_back({base, HEARTH_TRY(read_timespan(expanded))});
        return {};
    }
    static std::string format(const Settings& settings) {
        std::string text;
        for (const MonotonicTimer& each : settings.timer.timers.monotonic) {
            if (each.base == base) {
                text += (text.empty() ? "" : "\n") + format_timespan(each.span);
            }
        }
        return text;
    }
    static bool is_default(const Settings& settings) {
        return std::ranges::count(settings.timer.timers.monotonic, base, &MonotonicTimer::base) ==
               0;
    }
};

Assigned assign_calendar(Settings& settings, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        settings.timer.timers = {};
        return {};
    }
    const std::string expanded = HEARTH_TRY(expand(text, context));
    settings.timer.timers.calendar.push_back(HEARTH_TRY(parse_calendar(expanded)));
    return {};
}
std::string format_calendars(const Settings& settings) {
    std::string text;
    for (const CalendarSpec& each : settings.timer.timers.calendar) {
        text += (text.empty() ? "" : "\n") + format_calendar(each);
    }
    return text;
}
bool no_calendars(const Settings& settings) {
    return settings.timer.timers.calendar.empty();
}

consteval Row timer(
    std::string_view name,
    std::string_view summary,
    std::string_view sample,
    std::string_view syntax,
    AssignFunction assign,
    FormatFunction format,
    IsDefaultFunction is_default) {
    return {
        .name = name,
        .section = Section::Timer,
        .context = Context::Timer,
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
        .syntax = syntax,
        .assign = assign,
        .format = format,
        .is_default = is_default,
        .properties = no_properties,
    };
}

template <TimerBase base>
consteval Row span(std::string_view name, std::string_view summary) {
    return timer(
        name,
        summary,
        "30s",
        "time span; several add up to a list",
        &OfBase<base>::assign,
        &OfBase<base>::format,
        &OfBase<base>::is_default);
}

template <Name name, auto member>
consteval Row row(
    std::string_view summary, std::string_view sample, Applied applied = applied::Machine{}) {
    return directive<name, Section::Timer, Context::Timer, &Settings::timer, member>({
        .summary = summary,
        .applied = applied,
        .nature = Nature::Shares,
        .sample = sample,
    });
}

constexpr auto rows = std::to_array<Row>({
    row<"AccuracySec", &TimerSettings::accuracy>(
        "How much later than its time it may elapse, so that wake-ups fall together.", "1s"),
    row<"FixedRandomDelay", &TimerSettings::fixed_random_delay>(
        "Takes the same random delay each time, by the machine and the unit's name.", "yes"),
    span<TimerBase::Active>("OnActiveSec", "Elapses so long after the timer itself was started."),
    span<TimerBase::Boot>("OnBootSec", "Elapses so long after the machine was booted."),
    timer(
        "OnCalendar",
        "Elapses at times of day and dates (systemd.time(7)).",
        "Mon..Fri *-*-* 10:00:00",
        "calendar expression; several add up to a list",
        &assign_calendar,
        &format_calendars,
        &no_calendars),
    row<"OnClockChange", &TimerSettings::on_clock_change>(
        "Elapses when somebody sets the clock.", "yes"),
    span<TimerBase::Startup>("OnStartupSec", "Elapses so long after the manager was started."),
    row<"OnTimezoneChange", &TimerSettings::on_timezone_change>(
        "Elapses when the machine's time zone becomes another one.", "yes"),
    span<TimerBase::UnitActive>(
        "OnUnitActiveSec", "Elapses so long after its unit was activated last."),
    span<TimerBase::UnitInactive>(
        "OnUnitInactiveSec", "Elapses so long after its unit was deactivated last."),
    row<"Persistent", &TimerSettings::persistent>(
        "Elapses at once when started, if a time of OnCalendar= passed while it was down.", "yes"),
    row<"RandomizedDelaySec", &TimerSettings::randomized_delay>(
        "Delays each elapse by a random time up to this.", "5min"),
    row<"RemainAfterElapse", &TimerSettings::remain_after_elapse>(
        "Stays loaded and active when it won't elapse any more.", "no"),
    directive<"Unit", Section::Timer, Context::Timer, &Settings::timer, &TimerSettings::unit>({
        .summary = "The unit that is started; by default the service of the same name.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "x.service",
        .properties = no_properties,
        .assign = &assign_triggered_unit<&Settings::timer, &TimerSettings::unit>,
        .syntax = "unit name",
    }),
    row<"WakeSystem", &TimerSettings::wake_system>(
        "Wakes the machine from suspend when it elapses.",
        "yes",
        applied::NoEffect{"timers don't wake a machine that is suspended; it elapses on resume"}),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> timer_rows() {
    return directives::rows;
}

}  // namespace hearth
