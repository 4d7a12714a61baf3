// SPDX-License-Identifier: MIT
//
// The life of a scope (systemd.scope(5)): processes that somebody else started, in a cgroup of
// ours. It begins with the processes that its maker names, and is over when its cgroup is empty;
// nothing is launched for it, so its states are few:
//
// dead          Nothing is in it. A start asks for its processes to be moved (FillScope).
// start         They are being moved. A stop meanwhile is done when that is over.
// running       Its cgroup holds processes. Its emptiness ends it well; RuntimeMaxSec= or a stop
//               leads to stop-sigterm.
// stop-sigterm  KillSignal=, SIGCONT, and SIGHUP if SendSIGHUP=, were sent to all of the cgroup.
// stop-sigkill  TimeoutStopSec= passed: all were killed.
// failed        It could not be filled, or a timeout or something that can't be killed ended it.
//
// Pure, called only by the engine.
#pragma once

#include <string>

#include "units/engine.hpp"
#include "units/service_machine.hpp"
#include "units/world.hpp"

namespace hearth {

class ScopeMachine {
public:
    /// Transitions and actions are appended to `outcome`.
    ScopeMachine(UnitRecord& record, Moment now, Outcome& outcome)
        : record_(record), status_(record.status), now_(now), outcome_(outcome) {}

    /// What is not about a scope (launches, notifications) is ignored.
    void on(const ServiceEvent& event);
    void filled(const ScopeFilled& event);
    void abandon();

private:
    void start();
    void stop();
    void emptied();
    void time_elapsed();
    void forget();
    void end(std::string cause);
    void fail(ServiceResult result);
    void terminate();
    void signal(int number);
    void arm(Timespan span);
    void enter(ServiceState state, std::string cause);

    UnitRecord& record_;
    ServiceStatus& status_;
    Moment now_;
    Outcome& outcome_;
};

}  // namespace hearth
