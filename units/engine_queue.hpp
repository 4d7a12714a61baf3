// SPDX-License-Identifier: MIT
//
// Queue: one event's or request's work on the World; internal to the engine (engine.cpp drives
// machines and jobs, engine_requests.cpp judges requests, engine_loading.cpp takes in unit texts).
// It lives for one call and appends everything it does to an Outcome. Nobody but the engine
// includes this.
#pragma once

#include <string>

#include "units/engine.hpp"
#include "units/service_machine.hpp"

namespace hearth {

class Queue {
public:
    Queue(World& world, Moment now, Outcome& outcome)
        : world_(world), now_(now), outcome_(outcome) {}

    void fact(const std::string& unit, const ServiceEvent& event);
    void time_elapsed();
    void reset_failed(const std::string& unit);
    void loaded(const Unit& unit);

    /// Queues a job, or makes it part of the installed one; a contradicting one is cancelled.
    JobId enqueue(UnitRecord& record, JobType type, JobMode mode);
    JobId enqueue_nothing(UnitRecord& record, JobMode mode);
    /// JobMode::Flush: cancels the jobs of all other units, save irreversible ones.
    void flush(const std::string& except);
    /// Precondition: the unit has a job.
    void remove(UnitRecord& record, JobResult result);

private:
    void drive(UnitRecord& record, const ServiceEvent& event);
    void follow(UnitRecord& record, std::size_t first);
    void restart_automatically(UnitRecord& record);
    void run(UnitRecord& record);
    void begin(UnitRecord& record);
    void finish(UnitRecord& record, JobResult result);
    Job& add(const UnitRecord& record, JobType type, JobMode mode);
    [[nodiscard]] bool restarting(const UnitRecord& record) const;
    [[nodiscard]] bool perform(UnitRecord& record, JobType type);
    [[nodiscard]] bool perform_start(UnitRecord& record);
    [[nodiscard]] bool perform_stop(UnitRecord& record);
    [[nodiscard]] bool perform_reload(UnitRecord& record);
    [[nodiscard]] bool perform_verify(UnitRecord& record);

    World& world_;
    Moment now_;
    Outcome& outcome_;
};

}  // namespace hearth
