// SPDX-License-Identifier: MIT
//
// hearth's questions about units that take their time: probe, doctor, security; and attaching to a
// unit that doesn't run, which plans as they do.
#include <unistd.h>

#include <algorithm>

#include "supervisor/doctor.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/now.hpp"
#include "supervisor/probe_run.hpp"
#include "supervisor/report/scored_unit.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/security.hpp"

namespace hearth {

namespace {

Unexpected<RequestError> refused(std::string message, std::string name = "Failed") {
    return Unexpected(RequestError{std::move(name), std::move(message)});
}

std::string text_of(const Diagnostics& refusals) {
    std::string text;
    for (const Diagnostic& refusal : refusals) {
        text += (text.empty() ? "" : "\n") + one_line(refusal);
    }
    return text;
}

}  // namespace

void Supervisor::inquire(
    Inquiry what,
    const std::vector<std::string>& units,
    std::function<void(Result<std::string, RequestError>)> done) {
    switch (what) {
        case Inquiry::Probe:
            if (units.size() == 1) {
                probe(units.front(), done);
            } else {
                done(refused("a probe is of one unit"));
            }
            return;
        case Inquiry::Doctor:
            examine_host(units, done);
            return;
        case Inquiry::Security:
            score(units, done);
            return;
    }
}

void Supervisor::probe(const std::string& unit, const Answered& done) {
    auto asked = question(unit);
    if (!asked) {
        done(Unexpected(asked.error()));
        return;
    }
    LiveUnit& live = live_.at(unit);
    ProbeJob job;
    auto lent = launch::borrowed(live.activation);
    if (!lent) {
        done(refused(lent.error().what));
        return;
    }
    job.activation = std::move(*lent);
    job.unit = live.main_unit ? *live.main_unit : asked->unit;
    job.plan = std::move(asked->plan);
    job.cgroup = asked->cgroup + "/probe-" + std::to_string(++last_probe_);
    const std::string own = sys::readlink("/proc/self/exe").value_or("/usr/bin/hearthd");
    job.program = own.substr(0, own.rfind('/') + 1) + "hearth-probe";
    if (!prober_) {
        auto made = Worker::create(loop_);
        if (!made) {
            done(refused(made.error().what));
            return;
        }
        prober_ = std::move(*made);
    }
    struct Running {
        ProbeJob job;
        Result<std::string> answer = failure("not run");
    };
    auto running = std::make_shared<Running>(Running{std::move(job)});
    ++probing_;
    prober_->run(
        [this, running] { running->answer = run_probe(std::move(running->job), tree_); },
        [this, running, done] {
            --probing_;
            if (running->answer) {
                done(std::move(*running->answer));
            } else {
                done(refused(running->answer.error().what));
            }
        });
}

Result<launch::Plan, Diagnostics> Supervisor::plan_of_main(const std::string& unit) {
    const UnitRecord& record = *world_.find(unit);
    if (!record.unit.refusals.empty() || record.unit.settings.service.exec_start.empty()) {
        return Unexpected(record.unit.refusals);
    }
    LiveUnit none;
    none.invocation_id = std::string(32, '0');
    return make_plan(Launch{unit, 0, ExecKind::Start, 0, false}, none);
}

void Supervisor::examine_host(const std::vector<std::string>& units, const Answered& done) {
    struct Examination {
        launch::Host host;
        std::string runtime;
        std::vector<doctor::UnitVerdict> units;
        std::string answer;
    };
    auto job = std::make_shared<Examination>();
    job->host = facts_.host();
    job->runtime = options_.runtime_directory;
    for (const std::string& name : units) {
        const auto record = load(name);
        if (!record) {
            done(Unexpected(record.error()));
            return;
        }
        doctor::UnitVerdict verdict;
        verdict.unit = (*record)->unit;
        auto planned = plan_of_main(name);
        if (planned) {
            verdict.shortfalls = std::move(planned->shortfalls);
        } else {
            verdict.refusals = std::move(planned.error());
            verdict.drop_in = launch::relaxing_drop_in(verdict.refusals);
        }
        job->units.push_back(std::move(verdict));
    }
    worker_->run(
        [job] {
            job->answer = doctor::to_json(doctor::facilities(job->host, job->runtime), job->units);
        },
        [job, done] { done(std::move(job->answer)); });
}

Result<std::string, RequestError> Supervisor::why(const std::string& unit) {
    const UnitRecord* const record = HEARTH_TRY(load(unit));
    return report::to_json(hearth::why(world_, *record, now()));
}

namespace {

struct Scored {
    Unit unit;
    std::optional<report::Question> question;  ///< none: it doesn't run
};

/// Asks the kernel, which may take its time: for the worker.
report::ScoredUnit scored(
    const Scored& asked, const cgroup::Tree& tree, report::FilterMemory& memory) {
    std::set<std::string> unverified;
    if (asked.question) {
        for (const report::Row& row : report::examine(*asked.question, tree, &memory)) {
            if (row.verdict == report::Verdict::Mismatch ||
                row.verdict == report::Verdict::FallsShort) {
                unverified.insert(row.directive);
            }
        }
    }
    return {asked.unit.name, exposure(asked.unit, unverified), asked.question.has_value()};
}

}  // namespace

void Supervisor::score(const std::vector<std::string>& units, const Answered& done) {
    auto job = std::make_shared<std::vector<Scored>>();
    std::vector<std::string> wanted = units;
    if (wanted.empty()) {
        for (const auto& [name, record] : world_.units) {
            if (record.unit.load_state == LoadState::Loaded && name.ends_with(".service")) {
                wanted.push_back(name);
            }
        }
    }
    for (const std::string& name : wanted) {
        const auto record = load(name);
        if (!record) {
            done(Unexpected(record.error()));
            return;
        }
        Scored& asked = job->emplace_back((*record)->unit, std::nullopt);
        if (auto found = question(name)) {
            asked.question = std::move(*found);
        }
    }
    auto answer = std::make_shared<std::string>();
    worker_->run(
        [this, job, answer] {
            std::vector<report::ScoredUnit> all;
            for (const Scored& asked : *job) {
                all.push_back(scored(asked, tree_, filter_memory_));
            }
            *answer = report::to_json(all);
        },
        [answer, done] { done(std::move(*answer)); });
}

void Supervisor::attach_fresh(
    AttachRequest request,
    std::function<void(Result<AttachSession, RequestError>)> started,
    std::function<void(std::uint64_t, AttachExit)> ended) {
    const UnitRecord& record = *world_.find(request.unit);
    if (record.status.main_pid != 0 || record.status.control_pid != 0 || record.status.launch) {
        started(refused(
            request.unit + " runs: attach to it without --fresh, or stop it first",
            "AttachFailed"));
        return;
    }
    if (request.stdio.size() != 3) {
        started(
            refused("attach needs three descriptors", "org.freedesktop.DBus.Error.InvalidArgs"));
        return;
    }
    auto planned = plan_of_main(request.unit);
    if (!planned) {
        started(refused(
            "cannot build the sandbox of " + request.unit + ": " + text_of(planned.error()),
            "AttachFailed"));
        return;
    }
    launch::Plan plan = with_another_program(std::move(*planned), attach_->next_sibling(), true);
    plan.argv = request.command.empty() ? std::vector<std::string>{"/bin/sh"} : request.command;
    CommandLine command;
    command.path = plan.argv.front();
    plan.executable = facts_.executable(command, record.unit.settings.exec.root_directory);
    if (plan.executable.empty()) {
        started(refused(
            quoted(plan.argv.front()) + " is not to be found in the unit's root", "AttachFailed"));
        return;
    }
    plan.executable_asked = {"attach", plan.executable, {}};
    if (request.terminal) {
        const auto first = std::ranges::find_if(
            plan.steps, [](const launch::Step& step) { return step.stage > Stage::Descriptors; });
        plan.steps.insert(
            first, {Stage::Descriptors, launch::ControllingTerminal{0}, {"attach", {}, {}}, 208});
    }
    for (const auto& [name, value] : request.environment) {
        plan.environment.push_back(name + "=" + value);
    }
    attach_->start_fresh(
        std::move(request),
        std::move(plan),
        *worker_,
        *launchers_,
        std::move(started),
        std::move(ended));
}

}  // namespace hearth
