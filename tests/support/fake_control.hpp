// SPDX-License-Identifier: MIT
//
// FakeControl: a supervisor of paper for the tests of the bus and the client. Its World is set by
// the test; requests queue jobs that end when the test says so, or at once with `finish_at_once`.
// Every call is written down in `calls`.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/control.hpp"
#include "supervisor/report/report.hpp"

namespace hearth::test {

class FakeControl final : public Control {
public:
    World state;
    ManagerSettings manager;
    std::vector<std::string> calls;
    bool finish_at_once = true;
    JobResult job_result = JobResult::Done;
    std::map<pid_t, std::string> units_by_pid;
    std::map<std::string, Unit> loadable;  ///< loaded when somebody asks
    std::vector<UnitProcess> process_list;
    std::vector<std::pair<std::string, std::string>> files;
    InstallPlan install_plan;  ///< what change_unit_files() answers
    UnitFileRequest asked_of_unit_files;
    std::string log_path = "/nonexistent/log";
    std::string report = "[]";
    LiveFacts facts;
    std::vector<std::function<void()>> reloads;  ///< kept while `hold_reloads`
    bool hold_reloads = false;
    std::function<void(Result<std::string, RequestError>)> held_confinement;
    bool hold_confinement = false;
    bool ends_machine = false;
    std::uint8_t code_of_exit = 0;
    Requester requested_by;  ///< of the last request
    std::vector<TransientUnit> transient;
    AttachRequest attached;
    std::function<void(std::uint64_t, AttachExit)> attach_ended;
    Diagnostics refusals;

    UnitRecord& add(const std::string& name, ServiceState service_state = ServiceState::Dead) {
        UnitRecord& record = state.units[name];
        record.unit.name = name;
        record.unit.load_state = LoadState::Loaded;
        record.status.state = service_state;
        return record;
    }
    void finish(JobId id, JobResult result) {
        const auto found = state.jobs.find(id);
        JobChange change{found->second, JobChange::What::Removed, result};
        UnitRecord& record = state.units[found->second.unit];
        record.job.reset();
        Outcome outcome;
        if (result == JobResult::Done) {
            const ServiceState before = record.status.state;
            record.status.state =
                change.job.type == JobType::Stop ? ServiceState::Dead : ServiceState::Running;
            outcome.transitions.push_back(
                {change.job.unit,
                 before,
                 record.status.state,
                 ServiceResult::Success,
                 "the test said so",
                 {}});
        }
        state.jobs.erase(found);
        outcome.jobs.push_back(change);
        tell(outcome);
    }
    void tell(const Outcome& outcome) {
        if (observer_ != nullptr) {
            observer_->happened(outcome);
        }
    }
    void remove(const std::string& name) {
        state.units.erase(name);
        if (observer_ != nullptr) {
            observer_->units_reloading(true);
            observer_->units_reloading(false);
        }
    }

    [[nodiscard]] const World& world() const override { return state; }
    [[nodiscard]] LiveFacts live(const UnitRecord&) const override { return facts; }
    void observe(OutcomeObserver* observer) override { observer_ = observer; }

    Result<const UnitRecord*, RequestError> load(const std::string& unit) override {
        calls.push_back("load " + unit);
        if (const UnitRecord* record = state.find(unit)) {
            return record;
        }
        const auto found = loadable.find(unit);
        if (found == loadable.end()) {
            return Unexpected(RequestError{"NoSuchUnit", "Unit " + unit + " not found."});
        }
        UnitRecord& record = add(unit);
        record.unit = found->second;
        return &std::as_const(record);
    }
    Result<JobId, RequestError> request(
        const std::string& unit, Verb verb, JobMode mode, const Requester& by) override {
        requested_by = by;
        calls.push_back(
            "request " + unit + " " + std::to_string(static_cast<int>(verb)) + " " +
            std::string(name(mode)));
        const auto loaded = load(unit);
        if (!loaded) {
            return Unexpected(loaded.error());
        }
        const JobId id = state.next_job++;
        const Job job{
            id,
            unit,
            verb == Verb::Stop ? JobType::Stop : JobType::Start,
            mode,
            JobState::Running,
            {},
            {},
            {},
            {}};
        state.jobs[id] = job;
        state.units[unit].job = id;
        Outcome outcome;
        outcome.jobs.push_back({job, JobChange::What::Queued, {}});
        tell(outcome);
        if (finish_at_once) {
            finish(id, job_result);
        }
        return id;
    }
    Result<JobId, RequestError> start_transient(
        std::vector<TransientUnit> units, JobMode mode, const Requester& by) override {
        transient = std::move(units);
        add(transient.front().name);
        return request(transient.front().name, Verb::Start, mode, by);
    }
    Result<void, RequestError> abandon(const std::string& unit) override {
        calls.push_back("abandon " + unit);
        return {};
    }
    void refer(const std::string& unit, bool refers) override {
        calls.push_back((refers ? "refer " : "unrefer ") + unit);
    }
    Result<void, RequestError> cancel(JobId job, const Requester& by) override {
        requested_by = by;
        calls.push_back("cancel " + std::to_string(job));
        if (!state.jobs.contains(job)) {
            return Unexpected(
                RequestError{"NoSuchJob", "Job " + std::to_string(job) + " does not exist."});
        }
        finish(job, JobResult::Canceled);
        return {};
    }
    void upgrade(
        UpgradeRequest request,
        std::function<void(Result<std::string, RequestError>)> done) override {
        calls.push_back("upgrade " + request.program + (request.force ? " force" : ""));
        done(Unexpected(RequestError{"NotSupported", "no keeper"}));
    }
    [[nodiscard]] std::string taken_over() const override { return "version=test\n"; }
    Result<void, RequestError> kill(
        const std::string& unit,
        const std::string& whom,
        int signal,
        std::optional<int> value,
        const Requester&) override {
        calls.push_back(
            "kill " + unit + " " + whom + " " + std::to_string(signal) +
            (value ? " " + std::to_string(*value) : ""));
        if (state.find(unit) == nullptr) {
            return Unexpected(RequestError{"NoSuchUnit", "Unit " + unit + " not loaded."});
        }
        return {};
    }
    Result<void, RequestError> reset_failed(const std::string& unit) override {
        calls.push_back("reset-failed " + unit);
        return {};
    }
    void reload(std::function<void()> done) override {
        calls.emplace_back("reload");
        if (observer_ != nullptr) {
            observer_->units_reloading(true);
        }
        const auto end = [this, done] {
            if (observer_ != nullptr) {
                observer_->units_reloading(false);
            }
            done();
        };
        if (hold_reloads) {
            reloads.emplace_back(end);
        } else {
            end();
        }
    }
    [[nodiscard]] std::string unit_by_pid(pid_t pid) const override {
        const auto found = units_by_pid.find(pid);
        return found == units_by_pid.end() ? std::string() : found->second;
    }
    [[nodiscard]] std::vector<UnitProcess> processes(const std::string&) const override {
        return process_list;
    }
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> unit_files() const override {
        return files;
    }
    Result<InstallPlan, RequestError> change_unit_files(const UnitFileRequest& request) override {
        asked_of_unit_files = request;
        return install_plan;
    }
    [[nodiscard]] Result<std::string, RequestError> unit_file_state(
        const std::string& unit) const override {
        for (const auto& [path, file_state] : files) {
            if (path.ends_with("/" + unit)) {
                return file_state;
            }
        }
        return Unexpected(
            RequestError{"org.freedesktop.DBus.Error.FileNotFound", "No such file or directory"});
    }
    [[nodiscard]] Result<std::vector<std::string>, RequestError> unit_file_links(
        const std::string& unit, bool) const override {
        return std::vector<std::string>{"/etc/systemd/system/x.wants/" + unit};
    }
    [[nodiscard]] Result<std::string, RequestError> default_target() const override {
        return std::string("multi-user.target");
    }
    [[nodiscard]] std::vector<std::string> unit_path() const override {
        return {"/etc/systemd/system"};
    }
    [[nodiscard]] std::string system_state() const override { return "running"; }
    [[nodiscard]] std::map<std::string, std::string> environment() const override {
        return {{"PASSWORD", "secret"}};
    }
    [[nodiscard]] std::map<std::uint32_t, std::string> dynamic_users() const override {
        return {{61184, "tea"}};
    }
    [[nodiscard]] const ManagerSettings& manager_settings() const override { return manager; }
    Result<void, RequestError> change_environment(
        const std::vector<std::string>& unset, const std::vector<std::string>& set) override {
        calls.push_back(
            "change-environment " + std::to_string(unset.size()) + " " +
            std::to_string(set.size()));
        return {};
    }
    [[nodiscard]] bool service_watchdogs() const override { return state.service_watchdogs; }
    void set_service_watchdogs(bool enabled) override { state.service_watchdogs = enabled; }
    [[nodiscard]] std::string dump(const std::vector<std::string>& patterns) const override {
        return "dump of " + std::to_string(patterns.size()) + " patterns\n";
    }
    Result<std::string, RequestError> why(const std::string& unit) override {
        const UnitRecord* const record = HEARTH_TRY(load(unit));
        return report::to_json(hearth::why(state, *record, {}));
    }
    Result<std::string, Diagnostics> plan_text(const std::string& unit) override {
        if (!refusals.empty()) {
            return Unexpected(refusals);
        }
        return "plan of " + unit + "\n";
    }
    void confinement(
        const std::string& unit,
        std::function<void(Result<std::string, RequestError>)> done) override {
        calls.push_back("confinement " + unit);
        if (hold_confinement) {
            held_confinement = std::move(done);
        } else {
            done(report);
        }
    }
    void inquire(
        Inquiry what,
        const std::vector<std::string>& units,
        std::function<void(Result<std::string, RequestError>)> done) override {
        std::string call = "inquire " + std::to_string(static_cast<int>(what));
        for (const std::string& unit : units) {
            call += " " + unit;
        }
        calls.push_back(std::move(call));
        done(report);
    }
    [[nodiscard]] std::string log_directory() const override { return log_path; }
    void attach(
        AttachRequest request,
        std::function<void(Result<AttachSession, RequestError>)> started,
        std::function<void(std::uint64_t, AttachExit)> ended) override {
        calls.push_back("attach " + request.unit);
        attached = std::move(request);
        attach_ended = std::move(ended);
        started(AttachSession{7, 4711});
    }
    void clean(
        const std::string& unit,
        std::vector<std::string> what,
        std::function<void(Result<void, RequestError>)> done) override {
        std::string text = "clean " + unit;
        for (const std::string& each : what) {
            text += " " + each;
        }
        calls.push_back(text);
        if (state.units.contains(unit)) {
            done({});
        } else {
            done(Unexpected(RequestError{"NoSuchUnit", "Unit " + unit + " not found."}));
        }
    }
    Result<void, RequestError> set_properties(
        const std::string& unit,
        bool runtime,
        const std::vector<std::string>& assignments) override {
        std::string call = "set-property " + unit + (runtime ? " runtime" : "");
        for (const std::string& each : assignments) {
            call += " " + each;
        }
        calls.push_back(std::move(call));
        return {};
    }
    Result<void, RequestError> freeze(const std::string& unit, bool frozen) override {
        calls.push_back((frozen ? "freeze " : "thaw ") + unit);
        return {};
    }
    Result<void, RequestError> end_machine(const EndRequest& request, const Requester&) override {
        if (!ends_machine) {
            return Unexpected(RequestError{"NotSupported", "a guest"});
        }
        calls.push_back(
            "end " + std::string(name(request.how)) + " " + request.root + request.init);
        return {};
    }
    void blockers(std::function<void(Result<std::string, RequestError>)> done) override {
        done(report);
    }
    [[nodiscard]] WatchdogFacts watchdog() const override {
        return {"/dev/watchdog0", 30, 600, 0, {}};
    }
    Result<void, RequestError> set_exit_code(std::uint8_t code) override {
        if (!ends_machine) {
            return Unexpected(RequestError{"NotSupported", "a guest"});
        }
        code_of_exit = code;
        return {};
    }
    [[nodiscard]] std::uint8_t exit_code() const override { return code_of_exit; }
    void end_attach(std::uint64_t session) override {
        calls.push_back("end-attach " + std::to_string(session));
    }
    void signal_attach(std::uint64_t session, int signal) override {
        calls.push_back("signal-attach " + std::to_string(session) + " " + std::to_string(signal));
    }

    [[nodiscard]] bool called(const std::string& call) const {
        return std::ranges::count(calls, call) > 0;
    }

private:
    OutcomeObserver* observer_ = nullptr;
};

}  // namespace hearth::test
