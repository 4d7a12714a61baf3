// SPDX-License-Identifier: MIT
//
// The jobs of a transaction while it is being planned, as a graph: units by number, jobs by number,
// and links that say which job asked for which. Only transaction*.cpp use it; it lives for one
// call. Names are views into the World, which must not change meanwhile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "units/dependency.hpp"
#include "units/transaction.hpp"

namespace hearth {

class TransactionGraph {
public:
    TransactionGraph(const World& world, JobMode mode) : world_(world), mode_(mode) {}

    /// The job that was asked for, and all that it pulls in (transaction_graph.cpp).
    [[nodiscard]] Result<void, RequestError> request(std::string_view unit, JobType type);
    /// Cycles, contradictions, redundancies, what is there already (transaction_resolve.cpp).
    [[nodiscard]] Result<void, RequestError> resolve();
    [[nodiscard]] Transaction take();

private:
    using Index = std::size_t;

    struct Edge {
        Relation relation{};
        Index other = 0;
    };
    struct Node {
        std::string_view name;
        const UnitRecord* record = nullptr;  ///< null: not loaded
        bool has_edges = false;
        std::vector<Edge> edges;
        std::vector<Index> jobs;  ///< those that are not dropped
    };
    struct Link {
        Index from = 0, to = 0;
        bool matters = false;    ///< `from` can't be without `to`
        bool conflicts = false;  ///< `to` stops what `from` conflicts with
        bool cut = false;
        Relation relation{};
    };
    struct Job {
        Index node = 0;
        JobType type{};
        std::vector<Index> asked_by, asks;  ///< links
        bool matters = false;               ///< the request can't be carried out without it
        bool dropped = false;
    };

    // Making the graph.
    Index node_of(std::string_view name);
    const std::vector<Edge>& edges_of(Index node);
    [[nodiscard]] Result<void, RequestError> judge(Index node, JobType type) const;
    std::pair<Index, bool> job_of(Index node, JobType type);
    void link(Index from, Index to, Relation relation, bool matters, bool conflicts);
    void expand(Index job);
    void pull(Index job, const Edge& edge, JobType type, bool matters, bool conflicts);
    void pull_for_start(Index job, const Edge& edge);
    void propagate(Index job, const Edge& edge);
    void impossible(Index job, RequestError error);
    void add_triggering(Index anchor);
    void add_isolating(Index anchor);
    [[nodiscard]] ActiveState state_of(Index node) const;

    // Resolving it.
    void drop(Index job, bool with_dependents);
    void drop_unit(Index node);
    void collect_orphans();
    void mark_what_matters();
    void minimize_impact();
    void drop_redundant();
    void keep_asked(Index job);
    [[nodiscard]] bool is_kept(Index job) const;
    [[nodiscard]] Result<bool, RequestError> break_one_cycle();
    [[nodiscard]] Result<bool, RequestError> cut_cycle(const std::vector<Index>& cycle);
    [[nodiscard]] std::optional<JobType> ordered_type(Index node) const;
    [[nodiscard]] bool goes_before(Index node, const Edge& edge) const;
    [[nodiscard]] std::string path_text(const std::vector<Index>& cycle) const;
    [[nodiscard]] Result<bool, RequestError> drop_one_contradiction();
    [[nodiscard]] Index less_important(Index one, Index other) const;
    [[nodiscard]] bool stops_for_a_conflict(Index job) const;
    [[nodiscard]] Result<void, RequestError> merge();
    [[nodiscard]] Result<void, RequestError> judge_installed() const;
    [[nodiscard]] std::string why(Index job) const;
    [[nodiscard]] std::string chain(Index job) const;

    const World& world_;
    JobMode mode_;
    std::vector<Node> nodes_;
    std::vector<Job> jobs_;
    std::vector<Link> links_;
    std::unordered_map<std::string_view, Index> numbers_;
    std::vector<Index> to_expand_;
    std::optional<RequestError> failure_;  ///< of the request itself
    std::vector<std::string> cycles_;
};

}  // namespace hearth
