// SPDX-License-Identifier: MIT
#include "units/why.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <span>
#include <utility>

#include "units/codecs.hpp"
#include "units/engine.hpp"
#include "units/job.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// A chain of more units helps nobody.
constexpr std::size_t longest_chain = 16;

bool is_settled(ServiceState state) {
    return state == ServiceState::Dead || state == ServiceState::Running ||
           state == ServiceState::Exited || state == ServiceState::Failed;
}
bool at_rest(ServiceState state) {
    return state == ServiceState::Dead || state == ServiceState::Failed;
}

/// The changes around the one of that number, from a state that lasts to the next such state; empty
/// where it is no longer kept.
std::span<const Change> motion(const UnitRecord& record, std::uint64_t number) {
    const std::vector<Change>& changes = record.changes;
    const auto found = std::ranges::find(changes, number, &Change::number);
    if (found == changes.end()) {
        return {};
    }
    // On its way to an automatic restart a service passes dead or failed.
    const auto goes_on_from = [](const Change& change) {
        return !change.ended &&
               (!is_settled(change.from) || change.to == ServiceState::AutoRestart);
    };
    auto first = found;
    while (first != changes.begin() && goes_on_from(*first) && !std::prev(first)->ended) {
        --first;
    }
    auto end = std::next(found);
    while (end != changes.end() && !std::prev(end)->ended && goes_on_from(*end) &&
           end->from != ServiceState::AutoRestart) {
        ++end;
    }
    return {first, end};
}

const Change* last_change(const UnitRecord& record) {
    const auto last = std::ranges::find_if(
        record.changes.rbegin(), record.changes.rend(), std::not_fn(&Change::is_signal));
    return last == record.changes.rend() ? nullptr : &*last;
}

/// "SIGTERM was sent to its main process by hearthctl (pid 3, uid 0), 12ms before": what clients
/// had sent before `first`, one of the record's changes.
std::vector<std::string> signals_before(const UnitRecord& record, const Change& first) {
    std::vector<std::string> found;
    const auto is_first = [&](const Change& change) { return change.number == first.number; };
    for (auto at = std::ranges::find_if(record.changes, is_first);
         at != record.changes.begin() && std::prev(at)->is_signal();) {
        --at;
        const std::uint64_t before =
            first.at.monotonic - std::min(at->at.monotonic, first.at.monotonic);
        found.push_back(at->cause + ", " + format_timespan(Timespan{before}) + " before");
    }
    std::ranges::reverse(found);
    return found;
}

std::string_view done_to(JobType type) {
    switch (type) {
        case JobType::Start:
            return "started";
        case JobType::Stop:
            return "stopped";
        case JobType::Restart:
        case JobType::TryRestart:
            return "restarted";
        case JobType::Reload:
        case JobType::ReloadOrStart:
            return "reloaded";
        case JobType::VerifyActive:
            return "found active";
    }
    return "";
}

std::string what_ended(const UnitRecord& record, std::span<const Change> changes) {
    const Change& first = changes.front();
    const Change& last = changes.back();
    if (last.to == ServiceState::Failed) {
        return at_rest(first.from) ? "failed to start" : "failed";
    }
    if (!at_rest(first.from)) {
        return "stopped";
    }
    if (first.from == ServiceState::Failed && changes.size() == 1) {
        return "had failed, which was reset";
    }
    const bool ran = std::ranges::any_of(changes, [&](const Change& each) {
        return each.to == ServiceState::Start || state_of(record, each.to) == ActiveState::Active;
    });
    return ran ? "ran to its end" : "was not started";
}

std::string what(const UnitRecord& record, std::span<const Change> changes) {
    const Change& last = changes.back();
    if (last.ended && last.job) {
        return fmt::format(
            "was not {} (job result '{}')", done_to(last.job->type), name(*last.ended));
    }
    switch (state_of(record, last.to)) {
        case ActiveState::Failed:
        case ActiveState::Inactive:
            return what_ended(record, changes);
        case ActiveState::Active:
            return std::ranges::any_of(
                       changes,
                       [&](const Change& each) {
                           return state_of(record, each.to) == ActiveState::Reloading;
                       })
                       ? "was reloaded"
                       : "started";
        case ActiveState::Reloading:
            return "is being reloaded";
        case ActiveState::Activating:
            return last.to == ServiceState::AutoRestart ? "ended and is started again"
                                                        : "is starting";
        case ActiveState::Deactivating:
            return "is stopping";
    }
    return "";
}

/// Who or what wanted the job.
std::string origin(const Job& job) {
    const JobCause& cause = job.cause;
    std::string root = cause.why;
    if (cause.why.empty() && cause.by) {
        root = fmt::format("{} asked for by {}", name(cause.type), describe(*cause.by));
    }
    if (job.unit == cause.unit) {
        return root;
    }
    // "Requires= of b.service, start asked for by ...", where b.service is what was asked for
    const std::string of = job.why.ends_with(cause.unit) ? std::string() : " for " + cause.unit;
    return job.why + of + ", " + root;
}

class Chain {
public:
    explicit Chain(const World& world) : world_(world) {}

    /// What was sent after it is told with it.
    std::vector<WhyLink> follow(const UnitRecord& record) {
        if (const Change* const last = last_change(record)) {
            next_ = {record.unit.name, last->number};
        }
        while (next_.second != 0 && links_.size() < longest_chain &&
               seen_.insert(next_.second).second) {
            const auto [unit, number] = std::exchange(next_, {});
            step(unit, number);
        }
        for (auto at = record.changes.rbegin();
             !links_.empty() && at != record.changes.rend() && at->is_signal();
             ++at) {
            links_.front().reasons.push_back("since then " + at->cause);
        }
        return std::move(links_);
    }

private:
    void step(const std::string& unit, std::uint64_t number) {
        const UnitRecord* const record = world_.find(unit);
        const auto changes =
            record == nullptr ? std::span<const Change>() : motion(*record, number);
        if (changes.empty()) {
            links_.back().reasons.push_back("what " + unit + " did then is no longer kept");
            return;
        }
        WhyLink link;
        link.unit = record->unit.name;
        link.what = what(*record, changes);
        link.at = changes.back().at;
        link.reasons = signals_before(*record, changes.front());
        bool unexplained = true;
        ServiceResult result = ServiceResult::Success;
        for (const Change& change : changes) {
            // What a job asked for needs no other cause, and a failure is told once.
            const bool own = !change.job || change.ended;
            take(change, (own && unexplained) || change.result != result, link);
            unexplained = unexplained && !own;
            result = change.result;
        }
        links_.push_back(std::move(link));
    }

    /// `news`: its cause says more than those before it.
    void take(const Change& change, bool news, WhyLink& link) {
        const auto add = [&](const std::string& reason) {
            if (!reason.empty() && std::ranges::count(link.reasons, reason) == 0) {
                link.reasons.push_back(reason);
            }
        };
        if (change.job) {
            add(origin(*change.job));
            if (change.job->cause.change != 0) {
                next_ = {change.job->cause.of, change.job->cause.change};
            }
        }
        if (news) {
            add(change.cause);
        }
        if (!change.restart.empty()) {
            add((change.to == ServiceState::AutoRestart ? "started again: "
                                                        : "not started again: ") +
                change.restart);
        }
        if (change.because != 0) {
            next_ = {change.of, change.because};
        }
        if (change.from != change.to) {
            link.transitions.push_back(fmt::format(
                "{} -> {}", sub_state(link.unit, change.from), sub_state(link.unit, change.to)));
        }
    }

    const World& world_;
    std::vector<WhyLink> links_;
    std::set<std::uint64_t> seen_;
    std::pair<std::string, std::uint64_t> next_;  ///< the unit and the number of its change
};

// ---- what is waited for -------------------------------------------------------------------------

class Waits {
public:
    Waits(const World& world, const UnitRecord& record, Moment now)
        : world_(world), record_(record), status_(record.status), now_(now) {}

    std::vector<WhyWait> find() {
        if (record_.job) {
            of_job(world_.jobs.at(*record_.job));
        }
        if (unit_type(record_.unit.name) == UnitType::Service) {
            if (std::string what = of_state(); !what.empty()) {
                add(std::move(what),
                    last_change(record_) == nullptr ? record_.state_change
                                                    : last_change(record_)->at,
                    status_.deadline);
            }
        }
        return std::move(waits_);
    }

private:
    void add(std::string what, Moment since, std::optional<std::uint64_t> deadline) {
        if (deadline && *deadline > now_.monotonic) {
            deadline = now_.realtime + (*deadline - now_.monotonic);
        } else if (deadline) {
            deadline = now_.realtime;
        }
        waits_.push_back({std::move(what), since, deadline});
    }

    void of_job(const Job& job) {
        const auto wait = [&](const std::string& what) {
            const std::string from = origin(job);
            add(fmt::format(
                    "{}, for its {} job {}{}",
                    what,
                    name(job.type),
                    job.id,
                    from.empty() ? "" : " (" + from + ")"),
                job.queued,
                job.deadline);
        };
        if (job.state == JobState::Waiting) {
            world_.for_each_dependency(
                record_, [&](Relation relation, std::string_view other, DependencySource) {
                    if (const Job* const first = job_before(world_, record_, relation, other)) {
                        wait(fmt::format(
                            "the {} job {} of {} ({}=)",
                            name(first->type),
                            first->id,
                            other,
                            name(relation)));
                    }
                });
        } else if (record_.checking) {
            wait("its conditions to be looked at");
        } else if (unit_type(record_.unit.name) == UnitType::Device) {
            wait("the kernel to have the device");
        }
    }

    [[nodiscard]] std::string command(ExecKind kind) const {
        if (status_.launch) {
            return fmt::format("{}= to be launched", name(status_.launch_kind));
        }
        const bool main = kind == ExecKind::Start && status_.main_pid != 0;
        return fmt::format(
            "{}= (pid {}) to end", name(kind), main ? status_.main_pid : status_.control_pid);
    }

    [[nodiscard]] std::string of_start() const {
        const ServiceSettings& service = record_.unit.settings.service;
        if (status_.launch || status_.type == ServiceType::Oneshot) {
            return command(ExecKind::Start);
        }
        const std::string_view type = name_of(status_.type, service_type_names);
        switch (status_.type) {
            case ServiceType::Notify:
            case ServiceType::NotifyReload:
                return fmt::format(
                    "READY=1 of its main process {} (Type={})", status_.main_pid, type);
            case ServiceType::Dbus:
                return fmt::format("BusName={} on the bus (Type={})", service.bus_name, type);
            case ServiceType::Forking:
                return status_.control_pid != 0
                           ? fmt::format(
                                 "its first process {} to exit (Type=forking)", status_.control_pid)
                           : fmt::format(
                                 "its main process to be named by PIDFile={}", service.pid_file);
            default:
                return command(ExecKind::Start);
        }
    }

    [[nodiscard]] std::string of_state() const {
        switch (status_.state) {
            using enum ServiceState;
            case Dead:
            case Running:
            case Exited:
            case Failed:
                return {};
            case Condition:
                return command(ExecKind::Condition);
            case StartPre:
                return command(ExecKind::StartPre);
            case Start:
                return of_start();
            case StartPost:
                return command(ExecKind::StartPost);
            case Reload:
                return command(ExecKind::Reload);
            case ReloadSignal:
                return "RELOADING=1 of its main process (ReloadSignal= was sent)";
            case ReloadNotify:
                return "READY=1 of its main process, which reloads";
            case Stop:
                return command(ExecKind::Stop);
            case StopPost:
                return command(ExecKind::StopPost);
            case StopWatchdog:
            case FinalWatchdog:
                return "its processes to end after WatchdogSignal=";
            case StopSigterm:
            case FinalSigterm:
                return "its processes to end after KillSignal=";
            case StopSigkill:
            case FinalSigkill:
                return "its processes to end after FinalKillSignal=";
            case AutoRestart:
                return status_.deadline ? "RestartSec= to be over"
                                        : "a start by hand (RestartSec=infinity)";
            case Waiting:
                return {};  // nothing of its own: the kernel, the clock or a file system
        }
        return {};
    }

    const World& world_;
    const UnitRecord& record_;
    const ServiceStatus& status_;
    Moment now_;
    std::vector<WhyWait> waits_;
};

}  // namespace

Why why(const World& world, const UnitRecord& record, Moment now) {
    Why answer;
    answer.unit = record.unit.name;
    answer.active = name(record.active_state());
    answer.sub = sub_state(record);
    answer.chain = Chain(world).follow(record);
    answer.waits = Waits(world, record, now).find();
    return answer;
}

}  // namespace hearth
