// SPDX-License-Identifier: MIT
//
// The life of a timer (systemd.timer(5)):
//
// dead     It was not started, or (RemainAfterElapse=no) won't elapse any more.
// waiting  The next time is known: NextElapseUSecMonotonic, NextElapseUSecRealtime.
// running  It has elapsed; its unit was started and has not ended yet.
// elapsed  It won't elapse any more, unless its unit starts or ends (OnUnitActiveSec= and kin).
// failed   It may not be started so often, or its unit could not be started.
//
// The states are those of ServiceState: `elapsed` is Exited. Pure, called only by the engine, which
// starts the unit where elapse() says so. Times are microseconds.
#pragma once

#include <optional>
#include <string>

#include "units/engine.hpp"
#include "units/world.hpp"

namespace hearth {

class TimerMachine {
public:
    /// `trigger`: the unit that it starts; null where there is none. Transitions and actions are
    /// appended to `outcome`; `world` is only asked, but for its random numbers.
    TimerMachine(
        UnitRecord& record, const UnitRecord* trigger, World& world, Moment now, Outcome& outcome)
        : record_(record),
          status_(record.status),
          timer_(record.status.timer),
          trigger_(trigger),
          world_(world),
          now_(now),
          outcome_(outcome) {}

    void start();
    void stop();
    void forget();  ///< reset-failed
    /// The answer to ReadTimerStamp.
    void stamp_read(std::uint64_t realtime);
    /// Whether its time has come.
    [[nodiscard]] bool is_due() const;
    /// It elapses now.
    void elapse(std::string cause);
    void fail(ServiceResult result, std::string cause);
    /// Its unit has changed its state, or lost its job.
    void trigger_changed();
    /// True: it elapses for that.
    [[nodiscard]] bool clock_changed();
    [[nodiscard]] bool zone_changed(bool local_changed);
    /// The text is another one.
    void reloaded();

private:
    void wait(bool keeps_monotonic, std::string cause);
    [[nodiscard]] std::optional<std::uint64_t> base_of(TimerBase base) const;
    [[nodiscard]] std::optional<std::uint64_t> next_monotonic(bool keeps, bool& stays);
    [[nodiscard]] std::optional<std::uint64_t> next_realtime();
    [[nodiscard]] std::uint64_t delay();
    void enter(ServiceState state, std::string cause);

    UnitRecord& record_;
    ServiceStatus& status_;
    TimerStatus& timer_;
    const UnitRecord* trigger_;
    World& world_;
    Moment now_;
    Outcome& outcome_;
};

/// When each OnCalendar= of a timer elapses next, by itself; nothing where it doesn't.
[[nodiscard]] std::optional<std::uint64_t> next_calendar(
    const World& world, const UnitRecord& record, const CalendarSpec& spec, Moment now);

}  // namespace hearth
