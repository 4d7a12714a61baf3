// SPDX-License-Identifier: MIT
//
// list-jobs: what is queued; --after: what each job waits for, other jobs as systemctl prints them
// and, for one that runs, what its unit waits for; --before: the jobs that wait for it.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

struct ListedJob {
    std::uint32_t id = 0;
    std::string unit, type, state;
    std::vector<std::string> waits_for, holds_up;
};

bool is_wanted(const std::string& unit, const std::vector<std::string>& patterns) {
    return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
               const std::string full = pattern.find_first_of(".*?[") == std::string::npos
                                            ? pattern + ".service"
                                            : pattern;
               return fnmatch(full.c_str(), unit.c_str(), FNM_NOESCAPE) == 0;
           });
}

/// The jobs that GetJobAfter or GetJobBefore names. A job may end at any time: then there are none.
std::vector<std::string> neighbours(Client& client, const char* method, std::uint32_t id) {
    std::vector<std::string> found;
    auto reply = client.manager(method, "u", id);
    const auto jobs = reply ? read_value(reply->get()) : Result<Value>(Value());
    for (const Value& job : jobs ? jobs->members : std::vector<Value>()) {
        found.push_back(fmt::format(
            "job {} ({}/{})", job.members[0].number, job.members[1].text, job.members[2].text));
    }
    return found;
}

/// What the unit of a running job waits for itself.
std::vector<std::string> own_waits(Client& client, const std::string& unit) {
    std::vector<std::string> found;
    const auto text = ask_why(client, unit);
    const auto why = text ? Json::parse(*text) : std::nullopt;
    for (const Json& wait : why ? why->at("waits").items : std::vector<Json>()) {
        found.push_back(wait.at("for").text);
    }
    return found;
}

Json strings(const std::vector<std::string>& texts) {
    Json list = Json::list();
    for (const std::string& text : texts) {
        list.items.emplace_back(text);
    }
    return list;
}

std::string as_json(const std::vector<ListedJob>& jobs) {
    Json all = Json::list();
    for (const ListedJob& job : jobs) {
        all.items.push_back(
            {{"job", static_cast<double>(job.id)},
             {"unit", job.unit},
             {"type", job.type},
             {"state", job.state},
             {"waits_for", strings(job.waits_for)},
             {"holds_up", strings(job.holds_up)}});
    }
    return all.dump() + "\n";
}

std::string as_table(const std::vector<ListedJob>& jobs, const Arguments& arguments) {
    if (jobs.empty()) {
        return arguments.no_legend ? "" : "No jobs running.\n";
    }
    Table table(4);
    if (!arguments.no_legend) {
        table.row(
            {"JOB", "UNIT", "TYPE", "STATE"}, {Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold});
    }
    for (const ListedJob& job : jobs) {
        table.row({std::to_string(job.id), job.unit, job.type, job.state});
        for (const std::string& each : job.waits_for) {
            table.row({"└─", "waiting for " + each, "", ""});
        }
        for (const std::string& each : job.holds_up) {
            table.row({"└─", "blocking " + each, "", ""});
        }
    }
    return table.text() +
           (arguments.no_legend ? "" : fmt::format("\n{} jobs listed.\n", jobs.size()));
}

}  // namespace

int list_jobs_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    auto reply = client->manager("ListJobs", "");
    const auto rows =
        reply ? read_value(reply->get()) : Result<Value>(failure(reply.error().message));
    if (!rows) {
        return complain("Failed to list jobs: " + rows.error().what);
    }
    std::vector<ListedJob> jobs;
    for (const Value& row : rows->members) {
        ListedJob job;
        job.id = static_cast<std::uint32_t>(row.members[0].number);
        job.unit = row.members[1].text;
        job.type = row.members[2].text;
        job.state = row.members[3].text;
        if (!is_wanted(job.unit, arguments.names)) {
            continue;
        }
        if (arguments.after || arguments.json) {
            job.waits_for = job.state == "waiting" ? neighbours(*client, "GetJobAfter", job.id)
                                                   : own_waits(*client, job.unit);
        }
        if (arguments.before || arguments.json) {
            job.holds_up = neighbours(*client, "GetJobBefore", job.id);
        }
        jobs.push_back(std::move(job));
    }
    print(arguments.json ? as_json(jobs) : as_table(jobs, arguments));
    return Done;
}

}  // namespace hearth::ctl
