// SPDX-License-Identifier: MIT
//
// The check of DESIGN 3.2 by mutation, for the tables of the tests beside it.
#include "tests/integration/report_mutation_support.hpp"

namespace hearth::mutation {

void check_every_mutation(
    const std::string& name,
    const std::string& text,
    const std::vector<Expected>& table,
    const Scratch* directories) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root: launches with namespaces and cgroups";
    }
    const testing_support::TestTree tree;
    ASSERT_TRUE(tree);
    auto facts = HostFacts::gather(*tree, "");
    ASSERT_TRUE(facts.has_value()) << facts.error().what;
    LoadContext context = gather_load_context(false);
    if (directories) {
        context.state_directory = directories->path() + "/lib";
        context.cache_directory = directories->path() + "/cache";
        context.log_directory = directories->path() + "/log";
        context.runtime_directory = directories->path() + "/run";
        context.configuration_directory = directories->path() + "/etc";
        facts->set_directories(context);
    }
    const Unit unit = load_unit(name, OneFile(text), context);
    for (const Diagnostic& refusal : unit.refusals) {
        ADD_FAILURE() << one_line(refusal);
    }
    ASSERT_EQ(unit.settings.service.exec_start.size(), 1U);
    const auto seccomp = facts->seccomp(unit);
    ASSERT_TRUE(seccomp.has_value()) << seccomp.error().what;
    launch::Invocation invocation;
    invocation.command = &unit.settings.service.exec_start.front();
    invocation.invocation_id = std::string(32, '0');
    invocation.executable = invocation.command->path;
    invocation.seccomp = *seccomp;
    const auto plan = launch::plan(unit, invocation, facts->host());
    if (!plan) {
        for (const Diagnostic& refusal : plan.error()) {
            ADD_FAILURE() << one_line(refusal);
        }
        return;
    }
    const Ground ground{*tree, facts->host(), unit, *plan};

    const auto launched = [&](const launch::Plan& variant) {
        if (directories != nullptr) {
            directories->clear();
        }
        return in_own_process(ground, variant);
    };
    const std::string whole = launched(*plan);
    ASSERT_FALSE(whole.starts_with("!")) << whole;
    EXPECT_EQ(rows_that_are("MISMATCH", whole), Rows{}) << whole;
    EXPECT_EQ(rows_that_are("cannot know", whole), Rows{}) << whole;
    EXPECT_FALSE(rows_that_are("verified", whole).empty());

    std::set<const Expected*> used;
    for (const Mutation& mutation : mutations(*plan)) {
        SCOPED_TRACE("without " + mutation.left_out);
        const std::string outcome = launched(mutation.plan);
        const auto expected = std::ranges::find_if(table, [&](const Expected& entry) {
            return mutation.left_out.starts_with(entry.left_out);
        });
        if (expected == table.end()) {
            ADD_FAILURE() << "not in the table: " << outcome;
            continue;
        }
        used.insert(&*expected);
        if (expected->why == fails) {
            EXPECT_TRUE(outcome.starts_with("!")) << outcome;
        } else if (expected->why == busy) {
            EXPECT_TRUE(
                outcome.starts_with("!") || rows_that_are("MISMATCH", outcome) == expected->red)
                << outcome;
        } else if (expected->why == ends) {
            // Looked at before its end it has the red row; after it nothing can be known.
            const Rows red = rows_that_are("MISMATCH", outcome);
            const bool ended = red.empty() && rows_that_are("verified", outcome).empty();
            EXPECT_TRUE(ended || red == expected->red) << outcome;
        } else if (expected->why == depends) {
            EXPECT_FALSE(outcome.starts_with("!")) << outcome;
            const Rows red = rows_that_are("MISMATCH", outcome);
            EXPECT_TRUE(red.empty() || red == expected->red) << outcome;
        } else if (is_about_nothing(mutation.left_out)) {
            EXPECT_EQ(rows_that_are("MISMATCH", outcome), Rows{}) << outcome;
        } else {
            EXPECT_FALSE(outcome.starts_with("!")) << outcome;
            EXPECT_EQ(rows_that_are("MISMATCH", outcome), expected->red) << outcome;
        }
    }
    const bool hybrid = tree->layout() == launch::CgroupLayout::Hybrid;
    const std::vector<const char*> of_other_layout =
        hybrid ? std::vector{".max", "cpu.weight"} : std::vector{"cgroups", "_", "/unified"};
    for (const Expected& entry : table) {
        const bool other_layout = std::ranges::any_of(of_other_layout, [&](const char* part) {
            return entry.left_out.find(part) != std::string::npos;
        });
        EXPECT_TRUE(other_layout || entry.why == not_shown || used.contains(&entry))
            << entry.left_out << " is in no plan";
    }
}

/// What every launch does, and what no directive of these units asks for.
static const std::vector<Expected>& common() {
    static const std::vector<Expected> table = {
        {"- default-signals", {}, not_shown},
        {"- new-session", {}, not_shown},
        {"- use-descriptor", {}, not_shown},
        {"- open-file", {}, not_shown},
        {"- set-umask", {}, not_shown},
        {"- change-directory", {}, not_shown},
        {"- close-descriptors", {}, not_shown},
        {"- reset-signal-mask", {}, not_shown},
    };
    return table;
}

std::vector<Expected> with_common(std::vector<Expected> table) {
    table.insert(table.end(), common().begin(), common().end());
    return table;
}

}  // namespace hearth::mutation
