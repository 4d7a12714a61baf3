// SPDX-License-Identifier: MIT
//
// Queue: one event's or request's work on the World; internal to the engine (engine.cpp drives
// machines and jobs, engine_jobs.cpp performs jobs, engine_history.cpp writes down what happened,
// engine_propagation.cpp carries a change to the
// units around it, engine_triggers.cpp drives timers, paths and automounts, engine_requests.cpp
// judges requests, engine_loading.cpp takes in unit texts). It lives for one call and appends
// everything it does to an Outcome. What one change causes elsewhere is put on lists that settle()
// works off, so a chain of 10,000 units needs no deep stack. Nobody but the engine includes this.
#pragma once

#include <deque>
#include <string>
#include <utility>

#include "units/engine.hpp"
#include "units/service_machine.hpp"
#include "units/transaction.hpp"

namespace hearth {

/// The change of a unit that something follows from; 0: none.
struct Because {
    std::string of;
    std::uint64_t change = 0;
};

class Queue {
public:
    Queue(World& world, Moment now, Outcome& outcome)
        : world_(world), now_(now), outcome_(outcome) {}

    void fact(const std::string& unit, const ServiceEvent& event);
    void time_elapsed();
    void reset_failed(const std::string& unit);
    void loaded(const Unit& unit);
    void restored(const KeptUnit& unit, const UnitsRestored& fact);
    void conditions_checked(const ConditionsChecked& fact);
    void presence_changed(const PresenceChanged& fact);
    void scope_filled(const ScopeFilled& fact);
    void abandoned(const Abandoned& fact);
    void clock_changed();
    void zones_read(const ZonesRead& fact);
    void timer_stamp_read(const TimerStampRead& fact);
    void paths_seen(const PathsSeen& fact);
    void autofs_mounted(const AutofsMounted& fact);
    void autofs_asked(const AutofsAsked& fact);
    void autofs_gone(const AutofsGone& fact);
    void signal_sent(const SignalSent& fact);

    /// Plans and installs a job with all that it pulls in.
    [[nodiscard]] Result<JobId, RequestError> request(
        const std::string& unit, JobType type, JobMode mode, JobCause cause);
    JobId enqueue_nothing(UnitRecord& record, JobMode mode);
    /// Precondition: the unit has a job. It is taken back; what needs it fails with it.
    void cancel(UnitRecord& record, const Requester& by);
    /// Works off what has been caused. The last thing that every entrance does.
    void settle();

private:
    // engine.cpp
    JobId install(const Transaction& transaction, JobMode mode, const JobCause& cause);
    JobId enqueue(UnitRecord& record, const PlannedJob& planned, JobMode mode, JobCause cause);
    Job& add(const UnitRecord& record, const PlannedJob& planned, JobMode mode, JobCause cause);
    void cancel_others(const Transaction& transaction, JobMode mode);
    void drive(UnitRecord& record, const ServiceEvent& event);
    void follow(UnitRecord& record, std::size_t first);
    void mount_seen(UnitRecord& record, bool present);
    [[nodiscard]] bool explain(UnitRecord& record, ActiveState state);
    void restart_automatically(UnitRecord& record);
    void begin(UnitRecord& record);
    void finish(UnitRecord& record, JobResult result);
    void remove(UnitRecord& record, JobResult result);
    void wake(UnitRecord& record);
    void wake_around(const UnitRecord& record);
    void jobs_timed_out();
    [[nodiscard]] bool restarting(const UnitRecord& record) const;

    // engine_history.cpp
    void finish(UnitRecord& record, JobResult result, std::string cause, Because because = {});
    void note(
        UnitRecord& record, const Transition& transition, bool restarts, std::optional<Job> job);
    void note(UnitRecord& record, JobResult result, std::string cause, Because because = {});
    void keep(UnitRecord& record, Change change);
    [[nodiscard]] static JobCause caused_by(const UnitRecord& record, std::string why);
    [[nodiscard]] static Because last_change(const UnitRecord& record);
    [[nodiscard]] std::optional<Job> running_job(const UnitRecord& record) const;

    // engine_jobs.cpp
    void run(UnitRecord& record);
    [[nodiscard]] bool may_run(const UnitRecord& record) const;
    [[nodiscard]] bool perform(UnitRecord& record, JobType type);
    [[nodiscard]] bool perform_start(UnitRecord& record);
    [[nodiscard]] bool start_at_rest(UnitRecord& record);
    [[nodiscard]] bool perform_stop(UnitRecord& record);
    [[nodiscard]] bool perform_reload(UnitRecord& record);
    [[nodiscard]] bool perform_verify(UnitRecord& record);
    [[nodiscard]] const Dependency* lacks_what_it_binds_to(const UnitRecord& record) const;

    // engine_propagation.cpp
    void changed(UnitRecord& record, const Transition& transition, bool expected, bool restarts);
    void start_around(const UnitRecord& record);
    void stop_around(const UnitRecord& record);
    void start_on(const UnitRecord& record, Relation relation, JobMode mode);
    void ended(const UnitRecord& record, const Transition& transition);
    void fail_around(const std::string& unit, JobType type, JobResult result);
    void recheck_around(const UnitRecord& record);
    void recheck(UnitRecord& record);
    [[nodiscard]] bool is_unneeded(const UnitRecord& record) const;
    [[nodiscard]] const UnitRecord* upheld_by(const UnitRecord& record) const;
    [[nodiscard]] const UnitRecord* resumed_by(const UnitRecord& record) const;
    [[nodiscard]] const UnitRecord* bound_to_inactive(const UnitRecord& record) const;
    [[nodiscard]] bool may_act_by_itself(UnitRecord& record);
    void ask(
        const std::string& unit,
        JobType type,
        JobMode mode,
        const std::string& why,
        const UnitRecord& because);
    void tell(Severity severity, const std::string& unit, std::string message);

    // engine_triggers.cpp
    void drive_trigger(UnitRecord& record, const ServiceEvent& event);
    [[nodiscard]] std::optional<std::string> trigger(
        const UnitRecord& record, ActivationDetails details);
    [[nodiscard]] UnitRecord* trigger_of(const UnitRecord& record);
    [[nodiscard]] bool is_stopping(const UnitRecord& record) const;
    void timer_elapsed(UnitRecord& record);
    void elapse(UnitRecord& record, std::string cause);
    template <class Visit>
    void for_each_timer(const char* cause, Visit visit);
    void tell_triggers(const UnitRecord& record);
    void trigger_changed(UnitRecord& record);
    [[nodiscard]] bool unmounts_first(UnitRecord& record);
    void trigger_reloaded(UnitRecord& record, const Settings& before);

    // engine_loading.cpp
    void replace(UnitRecord& record, const Unit& unit);
    void adopt_aliases(const Unit& unit);

    [[nodiscard]] UnitRecord* find(std::string_view name);

    struct Failing {
        std::string unit;
        JobType type{};
        JobResult result{};
    };

    World& world_;
    Moment now_;
    Outcome& outcome_;
    std::deque<std::string> ready_, recheck_;
    std::deque<std::string> triggered_;  ///< units whose trigger has changed
    std::deque<Failing> failing_;
};

}  // namespace hearth
