// SPDX-License-Identifier: MIT
//
// What a request pulls in.
#include "units/transaction_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "units/job.hpp"

namespace hearth {

namespace {

constexpr std::size_t anchor = 0;  ///< the job that was asked for

}  // namespace

TransactionGraph::Index TransactionGraph::node_of(std::string_view name) {
    const UnitRecord* record = world_.find(name);
    if (record != nullptr) {
        name = record->unit.name;
    }
    const auto [found, is_new] = numbers_.emplace(name, nodes_.size());
    if (is_new) {
        nodes_.push_back({name, record, false, {}, {}});
    }
    return found->second;
}

const std::vector<TransactionGraph::Edge>& TransactionGraph::edges_of(Index node) {
    if (!nodes_[node].has_edges) {
        std::vector<Edge> edges;
        if (const UnitRecord* record = nodes_[node].record) {
            world_.for_each_dependency(
                *record, [&](Relation relation, std::string_view other, DependencySource) {
                    edges.push_back({relation, node_of(other)});
                });
        }
        nodes_[node].edges = std::move(edges);
        nodes_[node].has_edges = true;
    }
    return nodes_[node].edges;
}

ActiveState TransactionGraph::state_of(Index node) const {
    const UnitRecord* record = nodes_[node].record;
    return record == nullptr ? ActiveState::Inactive : record->active_state();
}

Result<void, RequestError> TransactionGraph::judge(Index node, JobType type) const {
    const UnitRecord* record = nodes_[node].record;
    if (record == nullptr) {
        return Unexpected(
            RequestError{"NoSuchUnit", fmt::format("Unit {} not found.", nodes_[node].name)});
    }
    if (type != JobType::Stop) {
        HEARTH_TRY(startable(record->unit));
    }
    return applicable(*record, type);
}

std::pair<TransactionGraph::Index, bool> TransactionGraph::job_of(Index node, JobType type) {
    for (const Index job : nodes_[node].jobs) {
        if (jobs_[job].type == type) {
            return {job, false};
        }
    }
    jobs_.push_back({node, type, {}, {}, false, false});
    nodes_[node].jobs.push_back(jobs_.size() - 1);
    return {jobs_.size() - 1, true};
}

void TransactionGraph::link(Index from, Index to, Relation relation, bool matters, bool conflicts) {
    links_.push_back({from, to, matters, conflicts, false, relation});
    jobs_[from].asks.push_back(links_.size() - 1);
    jobs_[to].asked_by.push_back(links_.size() - 1);
}

Result<void, RequestError> TransactionGraph::request(std::string_view unit, JobType type) {
    const Index node = node_of(unit);
    HEARTH_TRY(judge(node, type));
    const Index first = job_of(node, type).first;
    if (mode_ == JobMode::Triggering) {
        add_triggering(first);
    }
    const bool alone = mode_ == JobMode::IgnoreDependencies || mode_ == JobMode::IgnoreRequirements;
    if (!alone) {
        to_expand_.push_back(first);
    }
    // Breadth first, by a list that grows meanwhile: chains may be long.
    std::size_t next = 0;
    while (next < to_expand_.size()) {
        const Index job = to_expand_[next++];
        if (!jobs_[job].dropped) {
            expand(job);
        }
    }
    if (failure_) {
        return Unexpected(*failure_);
    }
    if (mode_ == JobMode::Isolate) {
        add_isolating(first);
    }
    return {};
}

void TransactionGraph::expand(Index job) {
    const Index node = jobs_[job].node;
    const std::vector<Edge> edges = edges_of(node);  // a copy: nodes_ grows
    for (const Edge& edge : edges) {
        if (jobs_[job].dropped) {
            return;  // something that it needs can't be had
        }
        switch (jobs_[job].type) {
            case JobType::Start:
                pull_for_start(job, edge);
                if (mode_ == JobMode::RestartDependencies && job == anchor) {
                    propagate(job, edge);
                }
                break;
            case JobType::Restart:
                pull_for_start(job, edge);
                propagate(job, edge);
                break;
            case JobType::Stop:
            case JobType::Reload:
                propagate(job, edge);
                break;
            case JobType::TryRestart:
            case JobType::ReloadOrStart:
            case JobType::VerifyActive:
                break;
        }
    }
}

void TransactionGraph::pull(
    Index job, const Edge& edge, JobType type, bool matters, bool conflicts) {
    if (type == JobType::Stop && nodes_[edge.other].record == nullptr) {
        return;  // what isn't loaded is stopped
    }
    if (auto judged = judge(edge.other, type); !judged) {
        if (matters && judged.error().name != "JobTypeNotApplicable") {
            RequestError error = std::move(judged).error();
            error.message +=
                fmt::format(" It is {}= of {}.", name(edge.relation), nodes_[jobs_[job].node].name);
            impossible(job, std::move(error));
        }
        return;
    }
    const auto [other, is_new] = job_of(edge.other, type);
    link(job, other, edge.relation, matters, conflicts);
    if (is_new) {
        to_expand_.push_back(other);
    }
}

void TransactionGraph::pull_for_start(Index job, const Edge& edge) {
    switch (edge.relation) {
        case Relation::Requires:
        case Relation::BindsTo:
            return pull(job, edge, JobType::Start, true, false);
        case Relation::Wants:
        case Relation::Upholds:
            return pull(job, edge, JobType::Start, false, false);
        case Relation::Requisite:
            return pull(job, edge, JobType::VerifyActive, true, false);
        case Relation::Conflicts:
            return pull(job, edge, JobType::Stop, true, true);
        case Relation::ConflictedBy:
            return pull(job, edge, JobType::Stop, false, false);
        default:
            return;
    }
}

void TransactionGraph::propagate(Index job, const Edge& edge) {
    const JobType type = jobs_[job].type;
    switch (edge.relation) {
        case Relation::PropagatesStopTo:
            if (type == JobType::Stop) {
                pull(job, edge, type, true, false);
            }
            return;
        case Relation::RequiredBy:
        case Relation::RequisiteOf:
        case Relation::BoundBy:
        case Relation::ConsistsOf:
            if (type == JobType::Stop) {
                pull(job, edge, type, true, false);
            } else if (type != JobType::Reload && is_active(state_of(edge.other))) {
                pull(job, edge, JobType::Restart, true, false);
            }
            return;
        case Relation::PropagatesReloadTo:
            if (type == JobType::Reload && is_active(state_of(edge.other))) {
                pull(job, edge, type, false, false);
            }
            return;
        default:
            return;
    }
}

/// `job` can't be done, and nothing that needs it can.
void TransactionGraph::impossible(Index job, RequestError error) {
    std::vector<std::pair<Index, RequestError>> list = {{job, std::move(error)}};
    while (!list.empty()) {
        const auto [lost, reason] = std::move(list.back());
        list.pop_back();
        if (lost == anchor) {
            failure_ = failure_ ? failure_ : std::optional(reason);
        }
        if (jobs_[lost].dropped) {
            continue;
        }
        jobs_[lost].dropped = true;
        std::erase(nodes_[jobs_[lost].node].jobs, lost);
        for (const Index each : jobs_[lost].asked_by) {
            Link& by = links_[each];
            if (by.matters && !by.cut) {
                RequestError next = reason;
                next.message += fmt::format(
                    " That is {}= of {}.", name(by.relation), nodes_[jobs_[by.from].node].name);
                list.emplace_back(by.from, std::move(next));
            }
            by.cut = true;
        }
        for (const Index each : jobs_[lost].asks) {
            links_[each].cut = true;
        }
    }
}

void TransactionGraph::add_triggering(Index job) {
    const std::vector<Edge> edges = edges_of(jobs_[job].node);
    for (const Edge& edge : edges) {
        if (edge.relation == Relation::TriggeredBy) {
            pull(job, edge, JobType::Stop, false, false);
        }
    }
}

/// Everything else stops, save what says that it doesn't.
void TransactionGraph::add_isolating(Index job) {
    for (const auto& [name, record] : world_.units) {
        const bool idle = at_rest(record.active_state()) && !record.job;
        if (idle || record.unit.settings.unit.ignore_on_isolate || record.unit.built_in) {
            continue;
        }
        const Index node = node_of(name);
        if (!nodes_[node].jobs.empty() || !judge(node, JobType::Stop)) {
            continue;
        }
        const auto [other, is_new] = job_of(node, JobType::Stop);
        link(job, other, Relation::Conflicts, true, false);
    }
}

}  // namespace hearth
