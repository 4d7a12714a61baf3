// SPDX-License-Identifier: MIT
//
// The report's checks of directories, credentials and dynamic users, over views written by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/supervisor/report_support.hpp"

namespace hearth::report {
namespace {

struct Case {
    std::string directive, lines;
    std::function<void(KernelView&)> change;
    std::string verdict, part;  ///< of the kernel's text where verified, else of the reason
};

PathFact directory(std::uint32_t owner, std::uint32_t mode) {
    PathFact fact = place("/x", 0, false);
    fact.own_identity = fact.identity;
    fact.own_read_only = true;  // as the machine of these tests has it
    fact.owner = owner;
    fact.mode = mode;
    return fact;
}

void check(const Case& test) {
    SCOPED_TRACE(test.lines + " " + test.verdict);
    Question question = question_of(unit_of(test.lines));
    launch::MakeServiceDirectory made;
    made.owner = 65534;
    question.plan.preparations.push_back({made, {"StateDirectory", "s", {}}, 238});
    KernelView view = good_view();
    view.paths["/var/lib/s"] = directory(65534, 0750);
    view.paths["/run/credentials/heat.service"] = directory(65534, 0500);
    test.change(view);
    const std::vector<Row> rows = judge(question, view);
    const auto row = std::ranges::find(rows, test.directive, &Row::directive);
    ASSERT_NE(row, rows.end());
    EXPECT_EQ(name(row->verdict), test.verdict) << row->kernel << " / " << row->reason;
    const std::string& text = test.verdict == "verified" ? row->kernel : row->reason;
    EXPECT_NE(text.find(test.part), std::string::npos) << text;
}

void nothing(KernelView&) {}

TEST(ReportDirectories, AreTheHostsOfTheUserAndOfTheMode) {
    const std::string lines = "User=nobody\nStateDirectory=s\nStateDirectoryMode=0750\n";
    const auto path = [](KernelView& view) -> PathFact& { return view.paths["/var/lib/s"]; };
    check({"StateDirectory", lines, nothing, "verified", "/var/lib/s 0750 uid 65534"});
    check({"StateDirectoryMode", lines, nothing, "verified", "0750"});
    check(
        {"StateDirectory",
         lines,
         [&](KernelView& v) { path(v).owner = 0; },
         "MISMATCH",
         "expected uid 65534"});
    check(
        {"StateDirectoryMode",
         lines,
         [&](KernelView& v) { path(v).mode = 0755; },
         "MISMATCH",
         "expected mode 0750"});
    check(
        {"StateDirectory",
         lines,
         [&](KernelView& v) { path(v).own_identity = "7:7"; },
         "MISMATCH",
         "not the directory"});
    check(
        {"StateDirectory",
         lines,
         [&](KernelView& v) { path(v) = missing(); },
         "MISMATCH",
         "can't find it"});
    check(
        {"StateDirectory",
         lines,
         [&](KernelView& v) { path(v).directory = false; },
         "MISMATCH",
         "no directory"});
}

TEST(ReportDirectories, ADynamicUserIsOneOfItsRange) {
    const auto uid = [](const std::string& number) {
        return [number](KernelView& view) {
            view.status["Uid"] = number + "\t" + number + "\t" + number + "\t" + number;
        };
    };
    check({"DynamicUser", "DynamicUser=yes\n", uid("61200"), "verified", "uid 61200"});
    check({"DynamicUser", "DynamicUser=yes\n", uid("0"), "MISMATCH", "61184"});
    check({"DynamicUser", "DynamicUser=yes\nUser=web\n", uid("1000"), "verified", "uid 1000"});
    check({"User", "DynamicUser=yes\nUser=warm\n", uid("61201"), "verified", "61201"});
}

TEST(ReportDirectories, CredentialsMustBeClosedAndTheirValuesAreNotShown) {
    const std::string lines = "SetCredential=a:hunter2\n";
    check({"SetCredential", lines, nothing, "MISMATCH", "no read-only mount"});
    check(
        {"SetCredential",
         lines,
         [](KernelView& view) { view.paths["/run/credentials/heat.service"].mode = 0555; },
         "MISMATCH",
         "others can look"});
    const auto rows = judge(question_of(unit_of(lines)), good_view());
    ASSERT_FALSE(rows.empty());
    EXPECT_EQ(rows.front().asked, "(not shown)");
}

TEST(ReportDirectories, WhatCannotBeSeenIsNotClaimed) {
    check({"KeyringMode", "KeyringMode=shared\n", nothing, "cannot know", "own processes"});
    check({"RemoveIPC", "User=nobody\nRemoveIPC=yes\n", nothing, "cannot know", "has stopped"});
}

}  // namespace
}  // namespace hearth::report
