// SPDX-License-Identifier: MIT
//
// Transactions: by example, and on random graphs against a slow and obvious model.
#include "units/transaction.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "graph_script.hpp"

namespace hearth::test {

namespace {

TEST(Transaction, PullsInRequirementsAndWishes) {
    Graph graph("a Requires=b Wants=c Wants=missing\nb BindsTo=d\nc\nd Upholds=e\ne\nf\n");
    EXPECT_EQ(graph.plan("a"), "a:start b:start c:start d:start e:start");
    EXPECT_EQ(graph.plan("a", JobType::Start, JobMode::IgnoreRequirements), "a:start");
    EXPECT_EQ(graph.plan("a", JobType::Start, JobMode::IgnoreDependencies), "a:start");
    EXPECT_EQ(graph.plan("a", JobType::Stop), "a:stop");
}

TEST(Transaction, NamesTheChainThatLedToAMissingUnit) {
    Graph graph("a Requires=b\nb BindsTo=missing\nc Wants=b\n");
    EXPECT_EQ(
        graph.plan("a"),
        "NoSuchUnit: Unit missing.service not found. It is BindsTo= of b.service. That is "
        "Requires= of a.service.");
    EXPECT_EQ(graph.plan("c"), "c:start");  // b can't be had, and was only wanted
}

TEST(Transaction, BreaksACycleByAJobThatNothingRequires) {
    Graph graph("a Requires=b After=b\nb Wants=c After=c\nc After=a\n");
    EXPECT_EQ(graph.plan("a"), "a:start b:start");
    const auto planned =
        plan_transaction(graph.world, "a.service", JobType::Start, JobMode::Replace);
    ASSERT_TRUE(planned);
    ASSERT_EQ(planned->cycles.size(), 1U);
    EXPECT_EQ(
        planned->cycles.front(),
        "ordering cycle a.service/start -> c.service/start -> b.service/start -> a.service: the "
        "start job of c.service is left out to break it, nothing requires it");
}

TEST(Transaction, RefusesACycleOfRequiredJobsAndNamesIt) {
    Graph graph("a Requires=b After=b\nb Requires=c After=c\nc After=a\n");
    EXPECT_EQ(
        graph.plan("a"),
        "TransactionOrderIsCyclic: Transaction order is cyclic: a.service/start -> "
        "c.service/start -> b.service/start -> a.service. Each of these jobs is required; remove "
        "one of the After= or Before= between them.");
    EXPECT_EQ(graph.plan("a", JobType::Start, JobMode::IgnoreDependencies), "a:start");
}

TEST(Transaction, RefusesWhatContradictsItself) {
    Graph graph("a Requires=b Requires=c\nb Conflicts=c\nc\n");
    EXPECT_EQ(
        graph.plan("a"),
        "TransactionJobsConflicting: Transaction contains conflicting jobs 'start' and 'stop' for "
        "a.service: start of a.service was asked for, but stop of a.service is RequiredBy= of "
        "c.service, which is Conflicts= of b.service, which is Requires= of a.service.");
    Graph wanted("a Requires=b Wants=c\nb Conflicts=c\nc\n");
    EXPECT_EQ(wanted.plan("a"), "a:start b:start");
}

TEST(Transaction, LeavesOutWhatIsSoAlready) {
    Graph graph("a Requires=b\nb\nc Conflicts=a\n");
    (void)graph.happen("start b");
    graph.launch_all();
    EXPECT_EQ(graph.plan("a"), "a:start");
    EXPECT_EQ(graph.plan("c"), "c:start");
    (void)graph.happen("start a");
    graph.launch_all();
    EXPECT_EQ(graph.plan("c"), "a:stop c:start");
    EXPECT_EQ(graph.plan("a"), "a:start");  // what was asked for is never left out
}

TEST(Transaction, PropagatesStopAndRestart) {
    Graph graph("a Requires=b\nb\nc PartOf=b\nd Wants=b\ne BindsTo=a\n");
    for (const char* const unit : {"a", "b", "c", "d", "e"}) {
        (void)graph.happen("start " + std::string(unit));
    }
    graph.launch_all();
    EXPECT_EQ(graph.plan("b", JobType::Stop), "a:stop b:stop c:stop e:stop");
    EXPECT_EQ(graph.plan("b", JobType::Restart), "a:restart b:restart c:restart e:restart");
    EXPECT_EQ(
        graph.plan("b", JobType::Start, JobMode::RestartDependencies),
        "a:restart b:start c:restart e:restart");
}

TEST(Transaction, FailModeLeavesJobsAndRunningUnitsAlone) {
    Graph graph("a Conflicts=b\nb\nc Wants=d\nd Conflicts=b\n");
    (void)graph.happen("start b");
    EXPECT_EQ(
        graph.plan("a", JobType::Start, JobMode::Fail),
        "TransactionIsDestructive: Transaction for a.service/start is destructive (b.service has "
        "'start' job queued, but 'stop' is included in transaction).");
    EXPECT_EQ(graph.plan("a"), "a:start b:stop");
    EXPECT_EQ(graph.plan("c", JobType::Start, JobMode::Fail), "c:start");
    graph.launch_all();
    (void)graph.happen("stop b replace-irreversibly");
    EXPECT_EQ(graph.plan("b").substr(0, 24), "TransactionIsDestructive");
}

// ---- random graphs ------------------------------------------------------------------------------

struct Random {
    std::mt19937 engine;
    int below(int bound) { return static_cast<int>(engine() % static_cast<unsigned>(bound)); }
};

std::string random_lines(Random& random, int units) {
    const std::vector<std::string> relations = {
        "Requires",
        "Wants",
        "BindsTo",
        "Requisite",
        "Conflicts",
        "After",
        "After",
        "Before",
        "PartOf",
        "Upholds"};
    std::string lines;
    for (int unit = 0; unit < units; ++unit) {
        lines += "u" + std::to_string(unit) + ".target";
        for (int edges = random.below(4); edges > 0; --edges) {
            lines += " " +
                     relations[static_cast<std::size_t>(
                         random.below(static_cast<int>(relations.size())))] +
                     "=u" + std::to_string(random.below(units + 1)) + ".target";
        }
        lines += "\n";
    }
    return lines;
}

bool has(const UnitRecord& record, Relation relation, const std::string& other) {
    for (const Dependency& each : record.unit.dependencies) {
        if (each.relation == relation && each.unit == other) {
            return true;
        }
    }
    return false;
}

/// What must be pulled in, by definition: repeat until nothing changes. Nothing where a
/// requirement is missing.
std::optional<std::set<std::string>> required_closure(const World& world, std::string unit) {
    std::set<std::string> names = {std::move(unit)};
    for (std::size_t before = 0; before != names.size();) {
        before = names.size();
        std::set<std::string> more;
        for (const std::string& each : names) {
            const UnitRecord* const record = world.find(each);
            if (record == nullptr) {
                return std::nullopt;
            }
            for (const Dependency& edge : record->unit.dependencies) {
                if (edge.relation == Relation::Requires || edge.relation == Relation::BindsTo) {
                    more.insert(edge.unit);
                }
                if (edge.relation == Relation::Requisite && world.find(edge.unit) == nullptr) {
                    return std::nullopt;
                }
            }
        }
        names.merge(more);
    }
    return names;
}

/// Whether the jobs have an order, by definition: take away what waits for nothing, until nothing
/// is left.
bool has_an_order(const World& world, std::map<std::string, JobType> jobs) {
    for (bool moved = true; moved && !jobs.empty();) {
        moved = false;
        for (const auto& [unit, type] : jobs) {
            const bool waits = std::ranges::any_of(jobs, [&](const auto& other) {
                const UnitRecord& own = *world.find(unit);
                const UnitRecord& theirs = *world.find(other.first);
                const bool before =
                    has(own, Relation::Before, other.first) || has(theirs, Relation::After, unit);
                const bool after =
                    has(own, Relation::After, other.first) || has(theirs, Relation::Before, unit);
                const bool stops = type == JobType::Stop;
                const bool other_stops = other.second == JobType::Stop;
                return other.first != unit && ((before && other_stops) || (after && !stops));
            });
            if (!waits) {
                jobs.erase(unit);
                moved = true;
                break;
            }
        }
    }
    return jobs.empty();
}

TEST(Transaction, HoldsItsPromisesOnRandomGraphs) {
    Random random{std::mt19937(4)};
    int planned_count = 0;
    int refused_count = 0;
    for (int round = 0; round < 600; ++round) {
        const int units = 2 + random.below(9);
        const std::string lines = random_lines(random, units);
        SCOPED_TRACE(lines);
        Graph graph(lines);
        const std::string unit = "u" + std::to_string(random.below(units)) + ".target";
        const auto closure = required_closure(graph.world, unit);
        const auto planned = plan_transaction(graph.world, unit, JobType::Start, JobMode::Replace);
        if (!planned) {
            ++refused_count;
            EXPECT_TRUE(!closure || planned.error().name != "NoSuchUnit");
            continue;
        }
        ++planned_count;
        std::map<std::string, JobType> jobs;
        for (const PlannedJob& job : planned->jobs) {
            EXPECT_TRUE(jobs.emplace(job.unit, job.type).second) << job.unit << " has two jobs";
        }
        ASSERT_TRUE(closure);
        for (const std::string& each : *closure) {
            EXPECT_TRUE(jobs.contains(each) && jobs.at(each) == JobType::Start) << each;
        }
        for (const auto& [each, type] : jobs) {
            for (const Dependency& edge : graph.world.find(each)->unit.dependencies) {
                if (type != JobType::Start) {
                    continue;
                }
                if (edge.relation == Relation::Requires || edge.relation == Relation::BindsTo) {
                    EXPECT_TRUE(jobs.contains(edge.unit)) << each << " without " << edge.unit;
                }
                if (edge.relation == Relation::Conflicts && jobs.contains(edge.unit)) {
                    EXPECT_NE(jobs.at(edge.unit), JobType::Start) << each << " " << edge.unit;
                }
            }
        }
        EXPECT_TRUE(has_an_order(graph.world, jobs));
        auto started = request_job(graph.world, unit, Verb::Start, JobMode::Replace, graph.now);
        EXPECT_TRUE(started && graph.world.jobs.empty()) << "jobs are left: " << graph.jobs();
    }
    EXPECT_GT(planned_count, 200);
    EXPECT_GT(refused_count, 50);
}

}  // namespace

}  // namespace hearth::test
