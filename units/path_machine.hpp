// SPDX-License-Identifier: MIT
//
// The life of a path unit (systemd.path(5)):
//
// dead     Nothing is watched.
// waiting  The paths are watched (WatchPaths); what is there is told by PathsSeen.
// running  Its unit was started, or is up anyway; nothing is watched until that has ended, and then
//          the paths are looked at again.
// failed   It may not be started so often, its unit could not be started or was too often, or the
//          paths can't be watched.
//
// Pure, called only by the engine, which starts the unit where seen() says so. What there is at the
// paths is the supervisor's to find out; what follows from it is decided here.
#pragma once

#include <optional>
#include <string>

#include "units/engine.hpp"
#include "units/world.hpp"

namespace hearth {

class PathMachine {
public:
    /// `trigger`: the unit that it starts; null where there is none.
    PathMachine(UnitRecord& record, const UnitRecord* trigger, Moment now, Outcome& outcome)
        : record_(record),
          status_(record.status),
          trigger_(trigger),
          now_(now),
          outcome_(outcome) {}

    void start();
    void stop();
    void forget();  ///< reset-failed
    /// The path for which the unit is to be started, if any.
    [[nodiscard]] std::optional<std::string> seen(const PathsSeen& fact);
    /// False: TriggerLimitBurst= is used up, and the unit has failed.
    [[nodiscard]] bool run(const std::string& path);
    void fail(ServiceResult result, std::string cause);
    /// Its unit has changed its state, or lost its job.
    void trigger_changed();
    /// The text is another one.
    void reloaded();

private:
    void wait(PathLook look, std::string cause);
    [[nodiscard]] bool within_trigger_limit();
    void enter(ServiceState state, std::string cause);

    UnitRecord& record_;
    ServiceStatus& status_;
    const UnitRecord* trigger_;
    Moment now_;
    Outcome& outcome_;
};

}  // namespace hearth
