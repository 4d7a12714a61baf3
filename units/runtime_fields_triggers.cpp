// SPDX-License-Identifier: MIT
//
// The live properties of org.freedesktop.systemd1.Timer, .Path, .Automount, .Swap and .Socket, and
// of .Mount what the kernel says of a mount. What is a directive alone has its property in its row.
#include <array>

#include "units/runtime_fields_parts.hpp"
#include "units/timer_machine.hpp"
#include "units/trigger.hpp"

namespace hearth {

namespace {

using fields::told;

void result(const UnitView& view, ValueSink& sink) {
    sink.string(name(view.record.status.result));
}

void triggered(const UnitView& view, ValueSink& sink) {
    sink.string(triggered_unit(view.record.unit));
}

const TimerStatus& timer(const UnitView& view) {
    return view.record.status.timer;
}

/// The words of TimersMonotonic.
std::string_view base_name(TimerBase base) {
    switch (base) {
        case TimerBase::Active:
            return "OnActiveUSec";
        case TimerBase::Boot:
            return "OnBootUSec";
        case TimerBase::Startup:
            return "OnStartupUSec";
        case TimerBase::UnitActive:
            return "OnUnitActiveUSec";
        case TimerBase::UnitInactive:
            return "OnUnitInactiveUSec";
    }
    return "";
}

/// The next elapse is the timer's: hearth keeps one for all.
void timers_monotonic(const UnitView& view, ValueSink& sink) {
    sink.open_array("(stt)");
    for (const MonotonicTimer& each : view.record.unit.settings.timer.timers.monotonic) {
        sink.open_struct("stt");
        sink.string(base_name(each.base));
        sink.unsigned64(each.span.microseconds);
        sink.unsigned64(timer(view).next_monotonic.value_or(0));
        sink.close_struct();
    }
    sink.close_array();
}

void timers_calendar(const UnitView& view, ValueSink& sink) {
    const Moment last =
        timer(view).last_trigger == Moment{} ? view.record.inactive_exit : timer(view).last_trigger;
    const bool waits = view.record.status.state == ServiceState::Waiting;
    sink.open_array("(sst)");
    for (const CalendarSpec& each : view.record.unit.settings.timer.timers.calendar) {
        sink.open_struct("sst");
        sink.string("OnCalendar");
        sink.string(format_calendar(each));
        sink.unsigned64(
            waits ? next_calendar(view.world, view.record, each, last).value_or(UINT64_MAX) : 0);
        sink.close_struct();
    }
    sink.close_array();
}

std::string_view condition_name(PathCondition condition) {
    switch (condition) {
        case PathCondition::Exists:
            return "PathExists";
        case PathCondition::ExistsGlob:
            return "PathExistsGlob";
        case PathCondition::Changed:
            return "PathChanged";
        case PathCondition::Modified:
            return "PathModified";
        case PathCondition::DirectoryNotEmpty:
            return "DirectoryNotEmpty";
    }
    return "";
}

void paths(const UnitView& view, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const PathSpec& each : view.record.unit.settings.path.specs.specs) {
        sink.open_struct("ss");
        sink.string(condition_name(each.condition));
        sink.string(each.path);
        sink.close_struct();
    }
    sink.close_array();
}

std::string_view listen_name(ListenKind kind) {
    switch (kind) {
        case ListenKind::Stream:
            return "Stream";
        case ListenKind::Datagram:
            return "Datagram";
        case ListenKind::SequentialPacket:
            return "SequentialPacket";
        case ListenKind::Fifo:
            return "FIFO";
        case ListenKind::Special:
            return "Special";
        case ListenKind::Netlink:
            return "Netlink";
        case ListenKind::MessageQueue:
            return "MessageQueue";
        case ListenKind::UsbFunction:
            return "USBFunction";
    }
    return "";
}

void listen(const UnitView& view, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const ListenAddress& each : view.record.unit.settings.socket.listen.addresses) {
        sink.open_struct("ss");
        sink.string(listen_name(each.kind));
        sink.string(each.address);
        sink.close_struct();
    }
    sink.close_array();
}

template <std::uint32_t number>
void constant(const UnitView&, ValueSink& sink) {
    sink.unsigned32(number);
}

template <auto SocketSettings::* member>
void number_or_unset(const UnitView& view, ValueSink& sink) {
    sink.signed32((view.record.unit.settings.socket.*member).value_or(-1));
}

/// The kernel's word where something is mounted, else the text's.
template <auto MountSettings::* asked, auto LiveFacts::Mounted::* found>
void mounted(const UnitView& view, ValueSink& sink) {
    const auto& live = view.live.mounted;
    sink.string(live ? (*live).*found : view.record.unit.settings.mount.*asked);
}

constexpr auto rows = std::to_array<RuntimeField>({
    {"Options",
     Interface::Mount,
     "s",
     mounted<&MountSettings::options, &LiveFacts::Mounted::options>,
     told},
    {"Type", Interface::Mount, "s", mounted<&MountSettings::type, &LiveFacts::Mounted::type>, told},
    {"What", Interface::Mount, "s", mounted<&MountSettings::what, &LiveFacts::Mounted::what>, told},
    {"Priority",
     Interface::Swap,
     "i",
     [](const UnitView& view, ValueSink& sink) {
         sink.signed32(view.live.swap_priority.value_or(
             view.record.unit.settings.swap.priority.value_or(-1)));
     },
     told},
    {"LastTriggerUSec",
     Interface::Timer,
     "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(timer(view).last_trigger.realtime);
     },
     told},
    {"LastTriggerUSecMonotonic",
     Interface::Timer,
     "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(timer(view).last_trigger.monotonic);
     },
     told},
    {"NextElapseUSecMonotonic",
     Interface::Timer,
     "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(timer(view).next_monotonic.value_or(
             view.record.unit.settings.timer.timers.monotonic.empty() ? 0 : UINT64_MAX));
     },
     told},
    {"NextElapseUSecRealtime",
     Interface::Timer,
     "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(timer(view).next_realtime.value_or(
             view.record.unit.settings.timer.timers.calendar.empty() ? 0 : UINT64_MAX));
     },
     told},
    {"Result", Interface::Timer, "s", result, told},
    {"TimersCalendar", Interface::Timer, "a(sst)", timers_calendar},
    {"TimersMonotonic", Interface::Timer, "a(stt)", timers_monotonic},
    {"Unit", Interface::Timer, "s", triggered},
    {"Paths", Interface::Path, "a(ss)", paths},
    {"Result", Interface::Path, "s", result, told},
    {"Unit", Interface::Path, "s", triggered},
    {"Result", Interface::Automount, "s", result, told},
    {"IPTTL", Interface::Socket, "i", number_or_unset<&SocketSettings::ip_ttl>},
    {"Listen", Interface::Socket, "a(ss)", listen},
    {"Mark", Interface::Socket, "i", number_or_unset<&SocketSettings::mark>},
    {"NAccepted", Interface::Socket, "u", constant<0>, told},
    {"NConnections", Interface::Socket, "u", constant<0>, told},
    {"NRefused", Interface::Socket, "u", constant<0>, told},
});

}  // namespace

namespace fields {

std::span<const RuntimeField> trigger_fields() {
    return rows;
}

}  // namespace fields

}  // namespace hearth
