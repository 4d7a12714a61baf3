// SPDX-License-Identifier: MIT
//
// The probe's tries and judgements as values; that they work is tests/integration/hearthd_proof.
#include <gtest/gtest.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/launch/seccomp_program.hpp"
#include "supervisor/report/filter_verdict.hpp"
#include "supervisor/report/probe.hpp"
#include "tests/supervisor/report_support.hpp"

namespace hearth::report {
namespace {

launch::Plan plan_with_filter_of(const Unit& unit) {
    launch::Plan plan;
    auto program = launch::compile(unit.settings.sandbox);
    EXPECT_TRUE(program.has_value());
    launch::LoadSeccomp load;
    load.program = program.value_or(std::vector<std::uint64_t>());
    plan.steps.push_back({Stage::Seccomp, std::move(load), {}, 228});
    return plan;
}

ProbeRow row_for(const Unit& unit, const std::vector<Try>& made, Answer answer) {
    const std::vector<ProbeRow> rows =
        judge_tries(unit, made, std::vector<Answer>(made.size(), answer), "");
    EXPECT_EQ(rows.size(), 1U);
    return rows.empty() ? ProbeRow{} : rows.front();
}

Verdict verdict_of(
    std::string_view directive,
    const Unit& unit,
    const std::vector<Try>& made,
    const std::vector<Answer>& answers) {
    for (const ProbeRow& row : judge_tries(unit, made, answers, "")) {
        if (row.directive == directive) {
            return row.verdict;
        }
    }
    ADD_FAILURE() << "no row for " << directive;
    return Verdict::CannotKnow;
}

Answer value(long number) {
    return {Answer::Kind::Value, number};
}

TEST(Probe, TriesOnlyWhatIsAskedFor) {
    EXPECT_TRUE(tries(unit_of(""), {}, {}).empty());
    const std::vector<Try> made = tries(unit_of("ProtectSystem=full\n"), {}, {});
    ASSERT_EQ(made.size(), 4U);
    EXPECT_EQ(made[0].word, "w:/usr");
    EXPECT_EQ(made[3].word, "w:/etc");
    for (const Try& attempt :
         tries(unit_of("ProtectSystem=strict\nReadWritePaths=/srv\n"), {}, {})) {
        EXPECT_TRUE(attempt.directive != "ProtectSystem" || attempt.word != "w:/srv");
    }
}

TEST(Probe, AnErrorHoldsAndAbsenceTellsNothing) {
    const Unit unit = unit_of("ReadOnlyPaths=/srv\n");
    const std::vector<Try> made = tries(unit, {}, {});
    ASSERT_EQ(made.size(), 1U);
    EXPECT_EQ(row_for(unit, made, value(-EROFS)).verdict, Verdict::Verified);
    EXPECT_EQ(row_for(unit, made, value(3)).verdict, Verdict::Mismatch);
    EXPECT_EQ(row_for(unit, made, value(3)).reason, "write to /srv: the kernel answered done: 3");
    EXPECT_EQ(row_for(unit, made, value(-ENOENT)).verdict, Verdict::CannotKnow);
    EXPECT_EQ(row_for(unit, made, {}).verdict, Verdict::CannotKnow);
}

TEST(Probe, AnEmptyHomeIsHeldAndAFullOneIsNot) {
    const Unit unit = unit_of("ProtectHome=yes\n");
    const std::vector<Try> made = tries(unit, {}, {});
    EXPECT_EQ(row_for(unit, made, value(0)).verdict, Verdict::Verified);
    EXPECT_EQ(row_for(unit, made, value(2)).verdict, Verdict::Mismatch);
}

TEST(Probe, WhatStaysWritableMustNotBeReadOnly) {
    const Unit unit = unit_of("ReadWritePaths=/srv\n");
    const std::vector<Try> made = tries(unit, {}, {});
    EXPECT_EQ(row_for(unit, made, value(3)).verdict, Verdict::Verified);
    EXPECT_EQ(row_for(unit, made, value(-EROFS)).verdict, Verdict::Mismatch);
    EXPECT_EQ(row_for(unit, made, value(-EACCES)).verdict, Verdict::CannotKnow);
}

TEST(Probe, AFiltersAnswerMustBeExactlyItsOwn) {
    const Unit unit = unit_of("SystemCallFilter=~mount\nSystemCallErrorNumber=EIO\n");
    const std::vector<Try> made = tries(unit, plan_with_filter_of(unit), {});
    const auto mount = std::ranges::find(made, "mount()", &Try::what);
    ASSERT_NE(mount, made.end());
    EXPECT_EQ(mount->filtered, SECCOMP_RET_ERRNO | EIO);
    std::vector<Answer> answers(made.size(), value(-EIO));
    EXPECT_EQ(verdict_of("SystemCallFilter", unit, made, answers), Verdict::Verified);
    answers[static_cast<std::size_t>(mount - made.begin())] = value(-EFAULT);
    EXPECT_EQ(verdict_of("SystemCallFilter", unit, made, answers), Verdict::Mismatch);
}

TEST(Probe, AFilterThatKillsIsHeldByDeath) {
    const Unit unit = unit_of("SystemCallFilter=~mount\n");
    const std::vector<Try> made = tries(unit, plan_with_filter_of(unit), {});
    const std::vector<Answer> killed(made.size(), {Answer::Kind::Killed, 0});
    EXPECT_EQ(judge_tries(unit, made, killed, "").at(0).verdict, Verdict::Verified);
    const std::vector<Answer> alive(made.size(), value(-EPERM));
    EXPECT_EQ(judge_tries(unit, made, alive, "").at(0).verdict, Verdict::Mismatch);
}

TEST(Probe, AFilterAgainstTheProbeItselfSaysSo) {
    EXPECT_EQ(probe_forbidden(launch::Plan{}), "");
    const Unit fine = unit_of("SystemCallFilter=@system-service\n");
    EXPECT_EQ(probe_forbidden(plan_with_filter_of(fine)), "");
    const Unit tight = unit_of("SystemCallFilter=~write\n");
    const std::string why = probe_forbidden(plan_with_filter_of(tight));
    EXPECT_EQ(why, "the unit's filter forbids write(), which the probe needs");
    const auto rows = judge_tries(tight, {}, {}, why);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].verdict, Verdict::CannotKnow);
    EXPECT_EQ(rows[0].reason, why);
}

}  // namespace
}  // namespace hearth::report
