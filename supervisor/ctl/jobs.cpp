// SPDX-License-Identifier: MIT
//
// The verbs that queue jobs, and wait for them: start, stop, restart, reload and kin; cancel. A job
// is over when JobRemoved names it; what failed is then asked of the unit and printed, a refusal
// with the line that was refused and the drop-in that would let the unit start. A hearthd that dies
// meanwhile is waited for: the next one goes on with the same jobs.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <iterator>
#include <map>
#include <thread>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/outcome.hpp"

namespace hearth::ctl {

namespace {

/// What `Result` of a service means, as the end of "Job for X failed because ...".
std::string because(const std::string& result) {
    const std::map<std::string_view, std::string_view> reasons = {
        {"exit-code", "a process exited with an error code"},
        {"signal", "a process was ended by a signal"},
        {"core-dump", "a process crashed and dumped core"},
        {"timeout", "a timeout was exceeded"},
        {"watchdog", "the service stopped answering its watchdog"},
        {"start-limit-hit", "it was started too often in a short time"},
        {"oom-kill", "the kernel killed a process that ran out of memory"},
        {"protocol", "the service did not keep to the protocol of its Type="},
        {"resources", "something it needs could not be had"},
        {"exec-condition", "its ExecCondition= said no"},
    };
    const auto found = reasons.find(result);
    return found == reasons.end() ? std::string() : " because " + std::string(found->second);
}

void explain_failure(Client& client, const std::string& unit) {
    const std::string failure = unit_property(client, unit, hearth_unit_interface, "Failure");
    const auto refused = client.property(object_path(unit), hearth_unit_interface, "Refused");
    if (refused && refused->truth() && !failure.empty()) {
        complain(unit + " was refused, nothing was started:\n" + failure);
        return;
    }
    complain(
        "Job for " + unit + " failed" +
        because(unit_property(client, unit, service_interface, "Result")) + ".");
    if (!failure.empty()) {
        complain(failure);
    }
    complain("See \"hearthctl status " + unit + "\" and \"hearthctl logs " + unit + "\".");
}

int report_job(Client& client, const std::string& unit, const std::string& result) {
    if (result == "done" || result == "skipped") {
        return Done;
    }
    if (result == "failed") {
        explain_failure(client, unit);
        return Failure;
    }
    const std::map<std::string_view, std::string_view> reasons = {
        {"canceled", "was canceled"},
        {"timeout", "timed out"},
        {"dependency", "was not done, for a unit it needs failed"},
        {"invalid", "is not possible in the unit's present state"},
        {"assert", "was not done, for an assertion failed"},
        {"unsupported", "is not supported for units of this type"},
    };
    const auto found = reasons.find(result);
    complain(
        "Job for " + unit + " " +
        (found == reasons.end() ? "ended: " + result : std::string(found->second)) + ".");
    return Failure;
}

/// Jobs by their path, as hearthd names them, whichever hearthd that is.
struct Waiting {
    std::string unit;
    std::uint32_t id = 0;
};
using Jobs = std::map<std::string, Waiting>;

struct JobEnd {
    std::string unit, result;
};

Waiting waiting_for(std::string_view path, const std::string& unit) {
    const std::string_view number = path.substr(path.rfind('/') + 1);
    Waiting job{unit};
    std::from_chars(number.data(), number.data() + number.size(), job.id);
    return job;
}

/// The end that a JobRemoved tells, of a job that is waited for.
std::optional<JobEnd> job_end(sd_bus_message* signal, Jobs& waiting) {
    std::uint32_t id = 0;
    const char *path = nullptr, *unit = nullptr, *result = nullptr;
    if (sd_bus_message_is_signal(signal, "org.freedesktop.systemd1.Manager", "JobRemoved") <= 0 ||
        sd_bus_message_read(signal, "uoss", &id, &path, &unit, &result) < 0) {
        return std::nullopt;
    }
    const auto job = waiting.extract(path);
    return job ? std::optional(JobEnd{job.mapped().unit, result}) : std::nullopt;
}

/// Jobs that ended while nobody could say so: the unit's state tells how.
std::vector<JobEnd> missed_ends(Client& client, Jobs& waiting, bool stops) {
    std::vector<JobEnd> ended;
    std::erase_if(waiting, [&](const auto& entry) {
        const Waiting& job = entry.second;
        const auto reply = client.manager("GetJob", "u", job.id);
        if (reply || !reply.error().is("NoSuchJob")) {
            return false;
        }
        const std::string state = unit_property(client, job.unit, unit_interface, "ActiveState");
        const bool at_rest = state == "inactive" || state == "failed";
        ended.push_back({job.unit, at_rest == stops ? "done" : "failed"});
        return true;
    });
    return ended;
}

/// Waits until every job was removed, over the deaths of hearthd. `stops`: what the jobs are for.
int wait_for(Client& client, const Arguments& arguments, Jobs waiting, bool stops) {
    std::vector<JobEnd> ended;
    while (!waiting.empty()) {
        const auto signal = client.next_signal();
        if (!signal) {
            auto next = come_back(arguments);
            if (!next) {
                return Failure;
            }
            client = std::move(*next);
            std::ranges::move(missed_ends(client, waiting, stops), std::back_inserter(ended));
        } else if (auto end = job_end(signal->get(), waiting)) {
            ended.push_back(std::move(*end));
        }
    }
    int worst = Done;
    for (const JobEnd& end : ended) {
        note("jobs", {{"unit", end.unit}, {"result", end.result}});
        worst = std::max(worst, report_job(client, end.unit, end.result));
    }
    return worst;
}

void warn_if_changed(Client& client, const std::string& unit) {
    const auto stale = client.property(object_path(unit), unit_interface, "NeedDaemonReload");
    if (stale && stale->truth()) {
        complain(
            "Warning: The unit file or drop-ins of " + unit +
            " changed on disk. Run 'hearthctl daemon-reload' to load them.");
    }
}

int queue_jobs(const Arguments& arguments, const char* member, std::string_view word) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    int worst = Done;
    Jobs waiting;
    for (const std::string& unit : *units) {
        auto reply = client->manager(member, "ss", unit.c_str(), arguments.job_mode.c_str());
        if (!reply) {
            complain(fmt::format("Failed to {} {}: {}", word, unit, reply.error().message));
            worst = std::max(worst, exit_code(reply.error()));
            continue;
        }
        const char* path = nullptr;
        if (sd_bus_message_read(reply->get(), "o", &path) < 0) {
            complain(fmt::format("Failed to {} {}: unreadable answer", word, unit));
            return Failure;
        }
        waiting.emplace(path, waiting_for(path, unit));
        warn_if_changed(*client, unit);
    }
    if (arguments.no_block) {
        return worst;
    }
    const bool stops = std::string_view(member) == "StopUnit";
    worst = std::max(worst, wait_for(*client, arguments, std::move(waiting), stops));
    if (!arguments.wait || worst != Done) {
        return worst;
    }
    for (const std::string& unit : *units) {
        const auto state = wait_until_ended(*client, arguments, unit);
        worst = state ? std::max<int>(worst, *state == "failed" ? Failure : Done) : Failure;
    }
    return worst;
}

}  // namespace

std::optional<Client> come_back(const Arguments& arguments) {
    using namespace std::chrono_literals;
    using Clock = std::chrono::steady_clock;
    constexpr auto patience = 60s;
    // One that stopped in order has removed its socket.
    constexpr auto patience_without_socket = 2s;
    complain("hearthd went away; waiting for its return.");
    const auto end = Clock::now() + patience;
    auto there = Clock::now();
    while (Clock::now() < end && Clock::now() < there + patience_without_socket) {
        auto client = Client::connect(arguments.runtime_directory);
        if (client) {
            return std::move(*client);
        }
        if (client.error().code != ENOENT) {
            there = Clock::now();
        }
        std::this_thread::sleep_for(20ms);
    }
    complain("No hearthd came back; the jobs go on with the next one, if they were not ended.");
    return std::nullopt;
}

std::optional<std::string> wait_until_ended(
    Client& client, const Arguments& arguments, const std::string& unit) {
    for (;;) {
        const auto state = client.property(object_path(unit), unit_interface, "ActiveState");
        const auto job = client.property(object_path(unit), unit_interface, "Job");
        if (state && job && job->members.front().number == 0 &&
            (state->text == "inactive" || state->text == "failed")) {
            return state->text;
        }
        if (const auto signal = client.next_signal(); !signal) {
            auto next = come_back(arguments);
            if (!next) {
                return std::nullopt;
            }
            client = std::move(*next);
            // It may be forgotten as it ends otherwise, and with it how it ended.
            (void)client.manager("RefUnit", "s", unit.c_str());
        }
    }
}

int wait_for_job(
    Client& client, const Arguments& arguments, const std::string& path, const std::string& unit) {
    return wait_for(client, arguments, {{path, waiting_for(path, unit)}}, false);
}

int start_verb(const Arguments& arguments) {
    return queue_jobs(arguments, "StartUnit", "start");
}

int isolate_verb(const Arguments& arguments) {
    Arguments isolating = arguments;
    isolating.job_mode = "isolate";
    return queue_jobs(isolating, "StartUnit", "isolate");
}

int stop_verb(const Arguments& arguments) {
    return queue_jobs(arguments, "StopUnit", "stop");
}

int restart_verb(const Arguments& arguments) {
    return queue_jobs(arguments, "RestartUnit", "restart");
}

int reload_verb(const Arguments& arguments) {
    return queue_jobs(arguments, "ReloadUnit", "reload");
}

int try_restart_verb(const Arguments& arguments) {
    return queue_jobs(arguments, "TryRestartUnit", "restart");
}

int reload_or_restart_verb(const Arguments& arguments) {
    return queue_jobs(arguments, "ReloadOrRestartUnit", "reload or restart");
}

int try_reload_or_restart_verb(const Arguments& arguments) {
    return queue_jobs(arguments, "ReloadOrTryRestartUnit", "reload or restart");
}

int cancel_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    int worst = Done;
    for (const std::string& text : arguments.names) {
        char* end = nullptr;
        const unsigned long id = std::strtoul(text.c_str(), &end, 10);
        if (text.empty() || *end != '\0' || id > UINT32_MAX) {
            worst = complain("'" + text + "' is no job number: see 'hearthctl list-jobs'");
            continue;
        }
        const auto reply = client->manager("CancelJob", "u", static_cast<std::uint32_t>(id));
        if (!reply) {
            complain("Failed to cancel job " + text + ": " + reply.error().message);
            worst = std::max(worst, exit_code(reply.error()));
        }
    }
    return worst;
}

}  // namespace hearth::ctl
