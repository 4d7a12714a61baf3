// SPDX-License-Identifier: MIT
//
// The report's checks of namespaces, over views written by hand: each turns red by the one thing
// that it is about.
#include <gtest/gtest.h>

#include <algorithm>

#include "supervisor/report/checks.hpp"
#include "tests/supervisor/report_support.hpp"

namespace hearth::report {
namespace {

KernelView view_of() {
    KernelView view;
    view.alive = true;
    for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
        view.own_namespaces[kind] = std::string(kind) + ":[1]";
        view.namespaces[kind] = std::string(kind) + ":[2]";
    }
    view.uid_map = view.gid_map = {{0, 100000, 65536}};
    return view;
}

Question question_of(const std::string& lines) {
    Question question;
    question.unit = unit_of(lines);
    question.plan = plan_of();
    question.host = host_of();
    question.host.subordinate_uids = question.host.subordinate_gids = {{"hearth", 100000, 65536}};
    question.cgroup = "system.slice/heat.service";
    return question;
}

Row row_of(const std::string& lines, const std::string& directive, const KernelView& view) {
    for (const Row& row : judge(question_of(lines), view)) {
        if (row.directive == directive) {
            return row;
        }
    }
    ADD_FAILURE() << "no row for " << directive;
    return {};
}

TEST(NamespaceChecks, KnowTheNamespaceOfAPathByItsInode) {
    KernelView view = view_of();
    view.namespace_files["/run/netns/heat"] = "2";
    const std::string line = "NetworkNamespacePath=/run/netns/heat\n";
    EXPECT_EQ(row_of(line, "NetworkNamespacePath", view).verdict, Verdict::Verified);
    view.namespace_files["/run/netns/heat"] = "3";
    EXPECT_EQ(row_of(line, "NetworkNamespacePath", view).verdict, Verdict::Mismatch);
    view.namespace_files.clear();
    view.errors["/run/netns/heat"] = "gone";
    const Row gone = row_of(line, "NetworkNamespacePath", view);
    EXPECT_EQ(gone.verdict, Verdict::CannotKnow);
    EXPECT_EQ(gone.reason, "gone");
}

TEST(NamespaceChecks, CompareWithTheUnitsThatAreJoined) {
    const auto row = [](const KernelView& view, const std::string& theirs) {
        Question question = question_of("PrivateNetwork=yes\nPrivateTmp=yes\n");
        question.unit.settings.namespaces.joins_namespace_of.names = {"first.service"};
        question.unit.origins["JoinsNamespaceOf"] = {};
        question.companions.emplace_back();
        question.companions.front().unit = unit_of(theirs);
        question.companions.front().unit.name = "first.service";
        const std::vector<Row> rows = judge(question, view);
        const auto found = std::ranges::find(rows, "JoinsNamespaceOf", &Row::directive);
        return found == rows.end() ? Row{} : *found;
    };
    KernelView view = view_of();
    view.directories["/tmp"] = "1:2";
    view.companions["first.service"] = {{"/tmp", "1:2"}, {"ipc", "ipc:[9]"}, {"net", "net:[2]"}};
    const Row good = row(view, "PrivateNetwork=yes\nPrivateTmp=yes\nPrivateIPC=yes\n");
    EXPECT_EQ(good.verdict, Verdict::Verified) << good.reason;
    EXPECT_EQ(good.kernel, "net, /tmp of first.service");
    view.directories["/tmp"] = "1:3";
    EXPECT_EQ(row(view, "PrivateNetwork=yes\n").verdict, Verdict::Verified) << "not private there";
    EXPECT_EQ(row(view, "PrivateNetwork=yes\nPrivateTmp=yes\n").verdict, Verdict::Mismatch);
    view.directories["/tmp"] = "1:2";
    view.namespaces["net"] = "net:[3]";
    const Row bad = row(view, "PrivateNetwork=yes\n");
    EXPECT_EQ(bad.verdict, Verdict::Mismatch);
    EXPECT_EQ(bad.reason, "first.service runs and has another");
    view.companions.clear();
    EXPECT_EQ(row(view, "PrivateNetwork=yes\n").verdict, Verdict::CannotKnow) << "it has ended";
}

TEST(NamespaceChecks, ReadTheMapsOfUsers) {
    EXPECT_EQ(
        read_id_map("         0          0          1\n      1000       1000          1\n"),
        (IdMap{{0, 0, 1}, {1000, 1000, 1}}));
    const IdMap map{{0, 100000, 65536}};
    EXPECT_EQ(inside(map, 100990), 990U);
    EXPECT_EQ(inside(map, 990), std::nullopt);
    EXPECT_EQ(inside(map, 165536), std::nullopt);
}

TEST(NamespaceChecks, DemandTheMapThatIsAsked) {
    const auto verdict = [](const std::string& value, const IdMap& map) {
        KernelView view = view_of();
        view.uid_map = view.gid_map = map;
        return row_of("PrivateUsers=" + value + "\n", "PrivateUsers", view).verdict;
    };
    EXPECT_EQ(verdict("yes", {{0, 0, 1}, {1000, 1000, 1}}), Verdict::Verified);
    EXPECT_EQ(verdict("yes", {{0, 0, 65536}}), Verdict::Mismatch);
    EXPECT_EQ(verdict("yes", {{0, 1000, 1}}), Verdict::Mismatch) << "somebody else's root";
    EXPECT_EQ(verdict("identity", {{0, 0, 65536}}), Verdict::Verified);
    EXPECT_EQ(verdict("full", {{0, 0, 1}, {1, 1, 4294967294U}}), Verdict::Verified);
    KernelView view = view_of();
    view.namespaces["user"] = view.own_namespaces["user"];
    EXPECT_EQ(row_of("PrivateUsers=yes\n", "PrivateUsers", view).verdict, Verdict::Mismatch);
}

TEST(NamespaceChecks, DemandARangeThatTheFilesGive) {
    const std::string line = "[X-Hearth]\nUserNamespaceRange=auto\n";
    KernelView view = view_of();
    const Row good = row_of(line, "UserNamespaceRange", view);
    EXPECT_EQ(good.verdict, Verdict::Verified) << good.reason;
    EXPECT_NE(good.kernel.find("0:100000:65536"), std::string::npos);
    view.uid_map = view.gid_map = {{0, 200000, 65536}};
    EXPECT_EQ(row_of(line, "UserNamespaceRange", view).verdict, Verdict::Mismatch);
    view.uid_map = {{0, 0, 65536}};
    EXPECT_EQ(row_of(line, "UserNamespaceRange", view).verdict, Verdict::Mismatch);
}

TEST(NamespaceChecks, CallAUserByTheNumberInside) {
    KernelView view = view_of();
    view.status = {
        {"Uid", "101000\t101000\t101000\t101000"},
        {"Gid", "101001\t101001\t101001\t101001"},
        {"Groups", "100007 101001"}};
    const std::string lines = "User=web\n[X-Hearth]\nUserNamespaceRange=auto\n";
    const Row good = row_of(lines, "User", view);
    EXPECT_EQ(good.verdict, Verdict::Verified) << good.kernel << good.reason;
    // The host's own 1000 is nobody there.
    view.status["Uid"] = "1000\t1000\t1000\t1000";
    EXPECT_EQ(row_of(lines, "User", view).verdict, Verdict::Mismatch);
}

constexpr const char* host_mounts =
    "1 0 8:1 / / rw shared:1 - ext4 d rw\n2 1 0:5 / /proc rw shared:2 - proc proc rw\n";

TEST(NamespaceChecks, DemandThatTheMainProcessIsNumberOneOfItsProc) {
    KernelView view = view_of();
    view.own_mountinfo = host_mounts;
    view.mountinfo = "11 10 8:1 / / rw - ext4 d rw\n12 11 0:9 / /proc rw - proc proc rw\n";
    view.status["NSpid"] = "4711\t1";
    const Row good = row_of("PrivatePIDs=yes\n", "PrivatePIDs", view);
    EXPECT_EQ(good.verdict, Verdict::Verified) << good.reason;
    view.status["NSpid"] = "4711\t2";
    EXPECT_EQ(row_of("PrivatePIDs=yes\n", "PrivatePIDs", view).verdict, Verdict::Mismatch);
    view.status["NSpid"] = "4711\t1";
    view.mountinfo = "11 10 8:1 / / rw - ext4 d rw\n12 11 0:5 / /proc rw - proc proc rw\n";
    EXPECT_EQ(row_of("PrivatePIDs=yes\n", "PrivatePIDs", view).verdict, Verdict::Mismatch);
}

TEST(NamespaceChecks, DemandThatOnlyTheUnitsOwnControlGroupsShow) {
    const auto row = [](const std::string& root, const std::string& options) {
        KernelView view = view_of();
        view.own_mountinfo = host_mounts;
        view.mountinfo = "11 10 8:1 / / rw - ext4 d rw\n12 11 0:30 " + root + " /sys/fs/cgroup " +
                         options + " - cgroup2 cgroup2 rw\n";
        return row_of("ProtectControlGroups=strict\n", "ProtectControlGroups", view);
    };
    const Row good = row("/hearth/system.slice/heat.service", "ro");
    EXPECT_EQ(good.verdict, Verdict::Verified) << good.reason;
    EXPECT_EQ(row("/hearth/system.slice/heat.service", "rw").verdict, Verdict::Mismatch);
    EXPECT_EQ(row("/", "ro").verdict, Verdict::Mismatch);
}

}  // namespace
}  // namespace hearth::report
