// SPDX-License-Identifier: MIT
//
// The checks of scheduling, personality and labels: each verified by what the kernel tells, and red
// when it tells anything else.
#include <gtest/gtest.h>

#include <algorithm>

#include "supervisor/report/checks.hpp"
#include "tests/supervisor/report_support.hpp"

namespace hearth::report {
namespace {

struct Case {
    std::string lines, directive;
    std::string key;  ///< of KernelView::properties; empty: Cpus_allowed_list
    std::string good, bad;
};

const Case cases[] = {
    {"CPUAffinity=0 2\n", "CPUAffinity", "", "0,2", "0-3"},
    {"CPUAffinity=1 64\n", "CPUAffinity", "", "1", "0-1"},
    {"CPUAffinity=numa\nNUMAMask=1\n", "CPUAffinity", "", "2-3", "0-3"},
    {"CPUSchedulingPolicy=rr\nCPUSchedulingPriority=7\n",
     "CPUSchedulingPolicy",
     "scheduler",
     "2 7",
     "0 0"},
    {"CPUSchedulingPolicy=rr\nCPUSchedulingPriority=7\n",
     "CPUSchedulingPriority",
     "scheduler",
     "2 7",
     "2 1"},
    {"CPUSchedulingResetOnFork=yes\n",
     "CPUSchedulingResetOnFork",
     "scheduler",
     "1073741824 0",
     "0 0"},
    {"IOSchedulingClass=idle\n", "IOSchedulingClass", "ioprio", "24580", "16388"},
    {"IOSchedulingPriority=7\n", "IOSchedulingPriority", "ioprio", "16391", "16388"},
    {"NUMAPolicy=bind\nNUMAMask=0-1\n", "NUMAPolicy", "numa policy", "bind:0-1", "default"},
    {"NUMAPolicy=bind\nNUMAMask=0-1\n", "NUMAMask", "numa policy", "bind:0-1", "bind:0"},
    {"NUMAPolicy=preferred\nNUMAMask=1\n", "NUMAPolicy", "numa policy", "prefer:1", "bind:1"},
    {"TimerSlackNSec=1ms\n", "TimerSlackNSec", "timerslack_ns", "1000000", "50000"},
    {"CoredumpFilter=0x31\n", "CoredumpFilter", "coredump_filter", "00000031", "00000033"},
    {"Personality=x86-64\n", "Personality", "personality", "00040000", "00000008"},
    {"AppArmorProfile=heat\n",
     "AppArmorProfile",
     "attr/apparmor/current",
     "heat (enforce)",
     "unconfined"},
    {"SELinuxContext=u:r:heat\n", "SELinuxContext", "attr/current", "u:r:heat", "u:r:init"},
    {"SmackProcessLabel=-heat\n", "SmackProcessLabel", "attr/smack/current", "heat", "_"},
};

Row row_of(const Case& one, const std::string& value) {
    Question question = question_of(unit_of(one.lines));
    question.host.cpus = {0, 1, 2, 3};
    question.host.memory_nodes = {{0, {0, 1}}, {1, {2, 3}}};
    KernelView view = good_view();
    if (one.key.empty()) {
        view.status["Cpus_allowed_list"] = value;
    } else if (!value.empty()) {
        view.properties[one.key] = value;
    }
    const std::vector<Row> rows = judge(question, view);
    const auto found = std::ranges::find(rows, one.directive, &Row::directive);
    EXPECT_TRUE(found != rows.end()) << one.directive;
    return found == rows.end() ? Row() : *found;
}

TEST(ReportScheduling, VerifiesWhatTheKernelTellsAndNothingElse) {
    for (const Case& one : cases) {
#if !defined(__x86_64__)
        if (one.directive == "Personality") {
            continue;  // the sample is x86's
        }
#endif
        const Row good = row_of(one, one.good), bad = row_of(one, one.bad);
        EXPECT_EQ(name(good.verdict), "verified") << one.lines << good.kernel << good.reason;
        EXPECT_EQ(name(bad.verdict), "MISMATCH") << one.lines << bad.kernel;
        EXPECT_FALSE(bad.reason.empty()) << one.lines;
        if (!one.key.empty()) {
            EXPECT_EQ(name(row_of(one, "").verdict), "cannot know") << one.lines;
        }
    }
}

TEST(ReportScheduling, SecureBitsAreToldToNobody) {
    const Case one{"SecureBits=noroot\n", "SecureBits", "x", "", ""};
    EXPECT_EQ(name(row_of(one, "y").verdict), "cannot know");
}

}  // namespace
}  // namespace hearth::report
