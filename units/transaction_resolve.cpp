// SPDX-License-Identifier: MIT
//
// From the jobs that a request pulls in to those that are installed: at most one for each unit, in
// an order that exists, and only what is needed.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ranges>
#include <utility>

#include "units/job.hpp"
#include "units/transaction_graph.hpp"

namespace hearth {

namespace {

constexpr std::size_t anchor = 0;

bool can_merge(JobType one, JobType other) {
    return one == other || (one != JobType::Stop && other != JobType::Stop);
}

}  // namespace

Result<void, RequestError> TransactionGraph::resolve() {
    mark_what_matters();
    collect_orphans();
    if (mode_ == JobMode::Fail) {
        minimize_impact();
    }
    drop_redundant();
    collect_orphans();
    while (HEARTH_TRY(break_one_cycle())) {
        collect_orphans();
    }
    while (HEARTH_TRY(drop_one_contradiction())) {
        collect_orphans();
    }
    HEARTH_TRY(merge());
    drop_redundant();
    return judge_installed();
}

// ---- dropping -----------------------------------------------------------------------------------

void TransactionGraph::drop(Index job, bool with_dependents) {
    std::vector<Index> list = {job};
    while (!list.empty()) {
        const Index lost = list.back();
        list.pop_back();
        if (jobs_[lost].dropped) {
            continue;
        }
        jobs_[lost].dropped = true;
        std::erase(nodes_[jobs_[lost].node].jobs, lost);
        for (const Index each : jobs_[lost].asked_by) {
            if (with_dependents && links_[each].matters && !links_[each].cut) {
                list.push_back(links_[each].from);
            }
            links_[each].cut = true;
        }
        for (const Index each : jobs_[lost].asks) {
            links_[each].cut = true;
        }
    }
}

void TransactionGraph::drop_unit(Index node) {
    while (!nodes_[node].jobs.empty()) {
        drop(nodes_[node].jobs.back(), true);
    }
}

/// Jobs that nobody asks for any more.
void TransactionGraph::collect_orphans() {
    std::vector<char> reached(jobs_.size(), 0);
    std::vector<Index> list;
    if (!jobs_[anchor].dropped) {
        reached[anchor] = 1;
        list.push_back(anchor);
    }
    while (!list.empty()) {
        const Index job = list.back();
        list.pop_back();
        for (const Index each : jobs_[job].asks) {
            const Link& link = links_[each];
            if (!link.cut && !jobs_[link.to].dropped && reached[link.to] == 0) {
                reached[link.to] = 1;
                list.push_back(link.to);
            }
        }
    }
    for (Index job = 0; job < jobs_.size(); ++job) {
        if (reached[job] == 0 && !jobs_[job].dropped) {
            drop(job, false);
        }
    }
}

void TransactionGraph::mark_what_matters() {
    std::vector<Index> list = {anchor};
    jobs_[anchor].matters = true;
    while (!list.empty()) {
        const Index job = list.back();
        list.pop_back();
        for (const Index each : jobs_[job].asks) {
            Job& other = jobs_[links_[each].to];
            if (links_[each].matters && !links_[each].cut && !other.matters) {
                other.matters = true;
                list.push_back(links_[each].to);
            }
        }
    }
}

/// JobMode::Fail: what isn't needed may neither stop a running unit nor replace a job.
void TransactionGraph::minimize_impact() {
    for (Index job = 0; job < jobs_.size(); ++job) {
        const Job& each = jobs_[job];
        const UnitRecord* record = nodes_[each.node].record;
        if (each.dropped || each.matters || record == nullptr) {
            continue;
        }
        const ActiveState state = record->active_state();
        const bool stops = each.type == JobType::Stop &&
                           (state == ActiveState::Active || state == ActiveState::Reloading ||
                            state == ActiveState::Activating);
        const bool replaces =
            record->job && !can_merge(world_.jobs.at(*record->job).type, each.type);
        if (stops || replaces) {
            drop(job, true);
        }
    }
}

bool TransactionGraph::is_kept(Index job) const {
    const Job& each = jobs_[job];
    const UnitRecord& record = *nodes_[each.node].record;
    if (job == anchor || !is_redundant(each.type, record.active_state())) {
        return true;
    }
    return record.job && !can_merge(world_.jobs.at(*record.job).type, each.type);
}

/// What is so already, unless something that is there would undo it.
void TransactionGraph::drop_redundant() {
    for (Node& node : nodes_) {
        const bool all = !node.jobs.empty() && std::ranges::none_of(node.jobs, [this](Index job) {
            return is_kept(job);
        });
        if (!all) {
            continue;
        }
        const std::vector<Index> jobs = node.jobs;
        for (const Index job : jobs) {
            if (mode_ == JobMode::Isolate) {
                keep_asked(job);
            }
            drop(job, false);
        }
    }
}

/// Isolating: what an active unit pulls in is part of the new state, too.
void TransactionGraph::keep_asked(Index job) {
    const std::vector<Index> asks = jobs_[job].asks;
    for (const Index each : asks) {
        const Link asked = links_[each];
        if (!asked.cut && !jobs_[asked.to].dropped) {
            link(anchor, asked.to, asked.relation, false, false);
        }
    }
}

// ---- order --------------------------------------------------------------------------------------

/// The job of a unit that takes part in ordering: of the transaction, or else the one that is
/// there.
std::optional<JobType> TransactionGraph::ordered_type(Index node) const {
    const Node& each = nodes_[node];
    if (!each.jobs.empty()) {
        return jobs_[each.jobs.front()].type;
    }
    if (each.record != nullptr && each.record->job) {
        const hearth::Job& installed = world_.jobs.at(*each.record->job);
        if (installed.mode != JobMode::IgnoreDependencies) {
            return installed.type;
        }
    }
    return std::nullopt;
}

bool TransactionGraph::goes_before(Index node, const Edge& edge) const {
    const bool before = edge.relation == Relation::Before;
    if (!before && edge.relation != Relation::After) {
        return false;
    }
    const auto own = ordered_type(node);
    const auto other = ordered_type(edge.other);
    if (!own || !other || edge.other == node) {
        return false;
    }
    return before ? !waits_although_before(*other) : !waits_because_after(*own);
}

/// Looks for a cycle, depth first; leaves out one job of it. False: there is none.
Result<bool, RequestError> TransactionGraph::break_one_cycle() {
    if (mode_ == JobMode::IgnoreDependencies) {
        return false;
    }
    enum class Colour : std::uint8_t { White, Grey, Black };
    std::vector<Colour> colours(nodes_.size(), Colour::White);
    struct Step {
        Index node;
        std::size_t edge;
    };
    for (const Job& job : jobs_) {
        const Index start = job.node;
        if (job.dropped || (start < colours.size() && colours[start] != Colour::White)) {
            continue;
        }
        std::vector<Step> path = {{start, 0}};
        colours.resize(nodes_.size(), Colour::White);
        colours[start] = Colour::Grey;
        while (!path.empty()) {
            const Index node = path.back().node;
            const std::vector<Edge>& edges = edges_of(node);
            colours.resize(nodes_.size(), Colour::White);
            if (path.back().edge == edges.size()) {
                colours[node] = Colour::Black;
                path.pop_back();
                continue;
            }
            const Edge edge = edges[path.back().edge++];
            if (!goes_before(node, edge) || colours[edge.other] == Colour::Black) {
                continue;
            }
            if (colours[edge.other] == Colour::White) {
                colours[edge.other] = Colour::Grey;
                path.push_back({edge.other, 0});
                continue;
            }
            std::vector<Index> cycle;
            for (const Step& step : std::views::reverse(path)) {
                cycle.push_back(step.node);
                if (step.node == edge.other) {
                    break;
                }
            }
            std::ranges::reverse(cycle);
            return cut_cycle(cycle);
        }
    }
    return false;
}

/// "a.service/start -> b.service/start -> a.service/start", each before the next.
std::string TransactionGraph::path_text(const std::vector<Index>& cycle) const {
    std::string text;
    for (const Index node : cycle) {
        text += fmt::format("{}/{} -> ", nodes_[node].name, name(*ordered_type(node)));
    }
    return text + std::string(nodes_[cycle.front()].name);
}

Result<bool, RequestError> TransactionGraph::cut_cycle(const std::vector<Index>& cycle) {
    for (auto node = cycle.rbegin(); node != cycle.rend(); ++node) {
        const std::vector<Index>& jobs = nodes_[*node].jobs;
        const bool needed =
            std::ranges::any_of(jobs, [this](Index job) { return jobs_[job].matters; });
        if (jobs.empty() || needed) {
            continue;
        }
        cycles_.push_back(fmt::format(
            "ordering cycle {}: the {} job of {} is left out to break it, nothing requires it",
            path_text(cycle),
            name(jobs_[jobs.front()].type),
            nodes_[*node].name));
        drop_unit(*node);
        return true;
    }
    return Unexpected(RequestError{
        "TransactionOrderIsCyclic",
        fmt::format(
            "Transaction order is cyclic: {}. Each of these jobs is required; remove one of the "
            "After= or Before= between them.",
            path_text(cycle))});
}

// ---- one job for each unit ----------------------------------------------------------------------

bool TransactionGraph::stops_for_a_conflict(Index job) const {
    return jobs_[job].type == JobType::Stop &&
           std::ranges::any_of(jobs_[job].asked_by, [this](Index link) {
               return links_[link].conflicts && !links_[link].cut;
           });
}

/// Of two that contradict and aren't needed: rather start than stop, unless a conflict is why.
TransactionGraph::Index TransactionGraph::less_important(Index one, Index other) const {
    if (jobs_[one].matters != jobs_[other].matters) {
        return jobs_[one].matters ? other : one;
    }
    if (stops_for_a_conflict(one)) {
        return other;
    }
    if (stops_for_a_conflict(other)) {
        return one;
    }
    return jobs_[other].type == JobType::Stop ? other : one;
}

Result<bool, RequestError> TransactionGraph::drop_one_contradiction() {
    for (Node& node : nodes_) {
        for (const Index one : node.jobs) {
            for (const Index other : node.jobs) {
                if (can_merge(jobs_[one].type, jobs_[other].type)) {
                    continue;
                }
                if (jobs_[one].matters && jobs_[other].matters) {
                    return Unexpected(RequestError{
                        "TransactionJobsConflicting",
                        fmt::format(
                            "Transaction contains conflicting jobs '{}' and '{}' for {}: {}, "
                            "but {}.",
                            name(jobs_[one].type),
                            name(jobs_[other].type),
                            node.name,
                            chain(one),
                            chain(other))});
                }
                drop(less_important(one, other), true);
                return true;
            }
        }
    }
    return false;
}

Result<void, RequestError> TransactionGraph::merge() {
    for (Node& node : nodes_) {
        while (node.jobs.size() > 1) {
            const Index kept = std::min(node.jobs.front(), node.jobs.back());
            const Index gone = std::max(node.jobs.front(), node.jobs.back());
            const auto type = merged(jobs_[kept].type, jobs_[gone].type, *node.record);
            if (!type) {
                return Unexpected(RequestError{
                    "TransactionJobsConflicting",
                    fmt::format("The jobs for {} contradict each other.", node.name)});
            }
            jobs_[kept].type = *type;
            jobs_[kept].matters = jobs_[kept].matters || jobs_[gone].matters;
            jobs_[gone].dropped = true;
            std::erase(node.jobs, gone);
        }
    }
    return {};
}

Result<void, RequestError> TransactionGraph::judge_installed() const {
    for (const Node& node : nodes_) {
        if (node.jobs.empty() || node.record == nullptr || !node.record->job) {
            continue;
        }
        const JobType type = jobs_[node.jobs.front()].type;
        const hearth::Job& installed = world_.jobs.at(*node.record->job);
        const bool keeps = mode_ == JobMode::Fail || installed.mode == JobMode::ReplaceIrreversibly;
        if (keeps && !merged(installed.type, type, *node.record)) {
            return Unexpected(RequestError{
                "TransactionIsDestructive",
                fmt::format(
                    "Transaction for {0}/{1} is destructive ({2} has '{3}' job queued, but '{4}' "
                    "is included in transaction).",
                    nodes_[jobs_[anchor].node].name,
                    name(jobs_[anchor].type),
                    node.name,
                    name(installed.type),
                    name(type))});
        }
    }
    return {};
}

// ---- the result ---------------------------------------------------------------------------------

std::string TransactionGraph::why(Index job) const {
    for (const Index each : jobs_[job].asked_by) {
        return fmt::format(
            "{}= of {}", name(links_[each].relation), nodes_[jobs_[links_[each].from].node].name);
    }
    return {};
}

/// "stop of b.service is Conflicts= of a.service, which is Wants= of c.service"
std::string TransactionGraph::chain(Index job) const {
    std::string text = fmt::format("{} of {}", name(jobs_[job].type), nodes_[jobs_[job].node].name);
    if (job == anchor) {
        return text + " was asked for";
    }
    for (std::size_t length = 0; job != anchor && length < jobs_.size(); ++length) {
        if (jobs_[job].asked_by.empty()) {
            break;
        }
        const Link& by = links_[jobs_[job].asked_by.front()];
        text += fmt::format(
            "{} {}= of {}",
            length == 0 ? " is" : ", which is",
            name(by.relation),
            nodes_[jobs_[by.from].node].name);
        job = by.from;
    }
    return text;
}

Transaction TransactionGraph::take() {
    Transaction made;
    made.cycles = std::move(cycles_);
    for (Index job = 0; job < jobs_.size(); ++job) {
        if (!jobs_[job].dropped) {
            made.jobs.push_back(
                {std::string(nodes_[jobs_[job].node].name), jobs_[job].type, why(job)});
        }
    }
    return made;
}

}  // namespace hearth
