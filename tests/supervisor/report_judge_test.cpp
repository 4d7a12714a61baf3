// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "supervisor/report/checks.hpp"
#include "tests/supervisor/report_support.hpp"
#include "units/directive.hpp"

namespace hearth::report {
namespace {

// A case is a line.
// clang-format off

using Change = void (*)(Question&, KernelView&);
constexpr Change nothing = [](Question&, KernelView&) {};

struct Case {
    const char* directive;
    const char* value;
    const char* what;
    Change change;
    Verdict verdict;
    const char* words = "";  ///< in the kernel's text or the reason
    const char* others = ""; ///< further lines of the unit
};

constexpr auto Good = Verdict::Verified;
constexpr auto Bad = Verdict::Mismatch;
constexpr auto Unknown = Verdict::CannotKnow;

void check(const Case& test) {
    SCOPED_TRACE(std::string(test.directive) + "=" + test.value + ": " + test.what);
    Question question = question_of(unit_of(std::string(test.directive) + "=" + test.value + "\n" + test.others));
    KernelView view = good_view();
    test.change(question, view);
    const std::vector<Row> rows = judge(question, view);
    const auto row = std::ranges::find(rows, test.directive, &Row::directive);
    ASSERT_NE(row, rows.end());
    EXPECT_EQ(name(row->verdict), name(test.verdict)) << row->kernel << " | " << row->reason;
    EXPECT_NE((row->kernel + " | " + row->reason).find(test.words), std::string::npos) << row->kernel << " | " << row->reason;
    EXPECT_EQ(row->reason.empty(), row->verdict == Verdict::Verified);
    EXPECT_EQ(row->origin.file, "/units/heat.service");
    EXPECT_EQ(row->origin.line, 3U);
}

#define CHANGE [](Question & question, KernelView & view)
#define USED (void)question, (void)view

void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
}

TEST(ReportJudge, KnowsIdentity) {
    for (const Case& test : std::to_array<Case>({
             {"User", "nobody", "as asked", nothing, Good, "uid 65534, gid 65534"},
             {"User", "nobody", "still root", CHANGE { USED; view.status["Uid"] = "0\t0\t0\t0"; }, Bad, "expected uid 65534"},
             {"User", "nobody", "saved id", CHANGE { USED; view.status["Uid"] = "65534\t65534\t0\t65534"; }, Bad, ""},
             {"User", "nobody", "root's group", CHANGE { USED; view.status["Gid"] = "0\t0\t0\t0"; }, Bad, "expected gid 65534"},
             {"User", "nobody", "hearthd's groups", CHANGE { USED; view.status["Groups"] = "0 65534"; }, Bad, "group 0"},
             {"User", "nobody", "a plan without the step", CHANGE { USED; question.plan.steps.clear(); view.status["Uid"] = "0 0 0 0"; }, Bad, ""},
             {"User", "nobody", "no line", CHANGE { USED; view.status.erase("Uid"); }, Unknown, "tells no Uid"},
             {"User", "nobody", "account gone", CHANGE { USED; question.host.accounts.clear(); }, Unknown, "no more"},
             {"User", "nobody", "exempt", CHANGE { USED; question.unit.settings.service.exec_start.front().full_privileges = true; }, Unknown, "exempts"},
             {"User", "nobody", "with groups of its own", CHANGE { USED; view.status["Groups"] = "6 65534"; }, Good, "", "SupplementaryGroups=disk\n"},
             {"User", "nobody", "with another group", CHANGE { USED; view.status["Gid"] = "6 6 6 6"; view.status["Groups"] = "6"; }, Good, "", "Group=disk\n"},
             {"Group", "nogroup", "as asked", nothing, Good, "gid 65534"},
             {"Group", "nogroup", "another", CHANGE { USED; view.status["Gid"] = "0 0 0 0"; }, Bad, "expected gid 65534"},
             {"Group", "nogroup", "gone", CHANGE { USED; question.host.groups.clear(); }, Unknown, "no more"},
             {"SupplementaryGroups", "log disk", "both", CHANGE { USED; view.status["Groups"] = "6 7 65534"; }, Good, "groups 6 7"},
             {"SupplementaryGroups", "log disk", "one", CHANGE { USED; view.status["Groups"] = "7"; }, Bad, "expected"},
             {"SupplementaryGroups", "log disk", "gone", CHANGE { USED; question.host.groups.erase("disk"); }, Unknown, "disk"},
         })) {
        check(test);
    }
}

TEST(ReportJudge, KnowsCapabilitiesAndPrivileges) {
    for (const Case& test : std::to_array<Case>({
             {"CapabilityBoundingSet", "", "empty", nothing, Good, "(none)"},
             {"CapabilityBoundingSet", "CAP_CHOWN", "kept", CHANGE { USED; view.status["CapBnd"] = "0000000000000001"; }, Good, "CAP_CHOWN"},
             {"CapabilityBoundingSet", "CAP_CHOWN", "never dropped", CHANGE { USED; view.status["CapBnd"] = "000001fffeffffff"; }, Bad, "outside the set"},
             {"CapabilityBoundingSet", "CAP_CHOWN", "held already", CHANGE { USED; view.status["CapEff"] = view.status["CapPrm"] = "0000000000000003"; }, Bad, "CapPrm"},
             {"CapabilityBoundingSet", "CAP_CHOWN", "given up", nothing, Good, ""},
             {"CapabilityBoundingSet", "CAP_CHOWN", "no line", CHANGE { USED; view.status.erase("CapInh"); }, Unknown, "CapInh"},
             {"AmbientCapabilities", "CAP_NET_BIND_SERVICE", "raised", CHANGE { USED; view.status["CapAmb"] = "0000000000000400"; }, Good, "CAP_NET_BIND_SERVICE"},
             {"AmbientCapabilities", "CAP_NET_BIND_SERVICE", "not raised", nothing, Bad, "expected 0000000000000400"},
             {"AmbientCapabilities", "CAP_NET_BIND_SERVICE", "hearthd lacks it", CHANGE { USED; question.host.capabilities = 0; }, Bad, "hearthd lacks it"},
             {"AmbientCapabilities", "CAP_NET_BIND_SERVICE", "no line", CHANGE { USED; view.status.erase("CapAmb"); }, Unknown, "CapAmb"},
             {"NoNewPrivileges", "yes", "set", nothing, Good, "NoNewPrivs 1"},
             {"NoNewPrivileges", "yes", "not set", CHANGE { USED; view.status["NoNewPrivs"] = "0"; }, Bad, "expected 1"},
             {"NoNewPrivileges", "yes", "set-user-ID files count", CHANGE { USED; replace(view.mountinfo, "ro,nosuid,relatime", "ro,relatime"); }, Bad, "nosuid"},
             {"NoNewPrivileges", "yes", "no line", CHANGE { USED; view.status.erase("NoNewPrivs"); }, Unknown, ""},
             {"NoNewPrivileges", "yes", "exempt", CHANGE { USED; question.unit.settings.service.exec_start.front().full_privileges = true; }, Unknown, "exempts"},
             {"UMask", "0027", "as asked", nothing, Good, "0027"},
             {"UMask", "0027", "another", CHANGE { USED; view.status["Umask"] = "0022"; }, Bad, "expected 0027"},
             {"UMask", "0027", "no line", CHANGE { USED; view.status.erase("Umask"); }, Unknown, ""},
             {"Nice", "5", "as asked", nothing, Good, "nice 5"},
             {"Nice", "5", "another", CHANGE { USED; view.nice = "0"; }, Bad, "expected 5"},
             {"Nice", "5", "unread", CHANGE { USED; view.nice.clear(); }, Unknown, ""},
             {"OOMScoreAdjust", "100", "as asked", nothing, Good, "100"},
             {"OOMScoreAdjust", "100", "another", CHANGE { USED; view.oom_score_adj = "0"; }, Bad, "expected 100"},
             {"LimitNOFILE", "64:128", "as asked", nothing, Good, "64 128"},
             {"LimitNOFILE", "64:128", "another", CHANGE { USED; view.limits["Max open files"] = "64 4096"; }, Bad, "expected 64 128"},
             {"LimitNOFILE", "64:128", "unread", CHANGE { USED; view.limits.clear(); }, Unknown, "Max open files"},
             {"LimitCPU", "infinity", "as asked", nothing, Good, "unlimited"},
             {"LimitCORE", "0", "as asked", nothing, Good, "0 0"},
         })) {
        check(test);
    }
}

TEST(ReportJudge, KnowsTheFilterByItsContentOrSaysThatItDoesNot) {
    for (const char* directive : {"SystemCallFilter", "RestrictRealtime", "LockPersonality", "MemoryDenyWriteExecute",
                                  "RestrictSUIDSGID", "SystemCallArchitectures", "RestrictAddressFamilies", "SystemCallErrorNumber"}) {
        const std::string_view text = directive;
        const char* value = text == "SystemCallFilter"          ? "@basic-io"
                            : text == "SystemCallArchitectures" ? "native"
                            : text == "RestrictAddressFamilies" ? "AF_UNIX"
                            : text == "SystemCallErrorNumber"   ? "EPERM"
                                                                : "yes";
        for (const Case& test : std::to_array<Case>({
                 {directive, value, "the planned one", nothing, Good, "3 instructions, as planned"},
                 {directive, value, "another", CHANGE { USED; view.filter->back() = 34; }, Bad, "differs"},
                 {directive, value, "a part", CHANGE { USED; view.filter->pop_back(); }, Bad, "2 instructions"},
                 {directive, value, "none", CHANGE { USED; view.filter.reset(); view.status["Seccomp"] = "0"; }, Bad, "mode 0"},
                 {directive, value, "none planned", CHANGE { USED; question.plan.steps.clear(); }, Bad, "plan has no filter"},
                 {directive, value, "unreadable", CHANGE { USED; view.filter.reset(); view.filter_error = "no CAP_SYS_ADMIN"; }, Good, "1 filter attached; content unknown: no CAP_SYS_ADMIN"},
                 {directive, value, "only hearthd's own", CHANGE { USED; view.filter.reset(); view.own_filters = "1"; }, Bad, "one filter more"},
                 {directive, value, "beside hearthd's own", CHANGE { USED; view.filter.reset(); view.own_filters = "1"; view.status["Seccomp_filters"] = "2"; }, Good, "1 of them hearthd's own"},
                 {directive, value, "no line", CHANGE { USED; view.status.erase("Seccomp"); }, Unknown, "Seccomp"},
             })) {
            check(test);
        }
    }
}

TEST(ReportJudge, KnowsResources) {
    for (const Case& test : std::to_array<Case>({
             {"CPUQuota", "20%", "as asked", nothing, Good, "cpu.cfs_quota_us 20000"},
             {"CPUQuota", "20%", "unlimited", CHANGE { USED; view.knobs["cpu.cfs_quota_us"] = "-1"; }, Bad, "expected 20000"},
             {"CPUQuota", "30%", "planned wrongly", nothing, Bad, "20.00% of a CPU"},
             {"CPUQuota", "20%", "elsewhere", CHANGE { USED; replace(view.cgroup, "4:cpu,cpuacct:/hearth/system.slice/heat", "4:cpu,cpuacct:/hearth/system.slice/xheat"); }, Bad, "not in the unit's cpu cgroup"},
             {"CPUQuota", "20%", "not in v1", CHANGE { USED; replace(view.cgroup, "4:cpu,cpuacct:/hearth/system.slice/heat.service", "4:cpu,cpuacct:/"); }, Bad, "not in the unit's cpu cgroup"},
             {"CPUQuota", "20%", "unread", CHANGE { USED; view.knobs.clear(); view.errors["cpu.cfs_period_us"] = "open: gone"; }, Unknown, "open: gone"},
             {"CPUQuota", "20%", "never planned", CHANGE { USED; question.plan.preparations.clear(); }, Bad, "the plan sets no limit"},
             {"CPUWeight", "50", "as asked", nothing, Good, "cpu.shares 512"},
             {"CPUWeight", "50", "another", CHANGE { USED; view.knobs["cpu.shares"] = "1024"; }, Bad, "expected 512"},
             {"MemoryMax", "33554433", "down to pages", nothing, Good, "33554432"},
             {"MemoryMax", "33554433", "more than asked", CHANGE { USED; view.knobs["memory.limit_in_bytes"] = "33558528"; }, Bad, "expected 33554433"},
             {"MemoryMax", "64M", "planned wrongly", nothing, Bad, "expected 67108864"},
             {"MemoryHigh", "2G", "v1's largest for -1", CHANGE { USED; question.unit.settings.resources.memory_high = {{}, 10000}; }, Good, "9223372036854771712"},
             {"TasksMax", "8", "as asked", nothing, Good, "pids.max 8"},
             {"TasksMax", "8", "max", CHANGE { USED; view.knobs["pids.max"] = "max"; }, Bad, "expected 8"},
             {"Slice", "system.slice", "there", nothing, Good, "system.slice/heat.service"},
             {"Slice", "system.slice", "elsewhere", CHANGE { USED; view.cgroup = "0::/\n"; }, Bad, "elsewhere"},
             {"Slice", "system.slice", "unread", CHANGE { USED; view.cgroup.clear(); }, Unknown, ""},
         })) {
        check(test);
    }
}

TEST(ReportJudge, KnowsUnifiedResources) {
    Question question = question_of(unit_of("CPUQuota=20%\nMemoryHigh=1M\n"));
    question.host.cgroup_layout = launch::CgroupLayout::Unified;
    auto& cgroup = std::get<launch::MakeCgroup>(question.plan.preparations.front().preparation);
    cgroup.knobs = {{"cpu", "cpu.max", "20000 100000", {"CPUQuota", "20%", {}}},
                    {"memory", "memory.high", "1048576", {"MemoryHigh", "1M", {}}}};
    KernelView view = good_view();
    view.knobs = {{"cpu.max", "20000 100000"}, {"memory.high", "1048576"}};
    view.cgroup = "0::/hearth/system.slice/heat.service\n";
    const auto verdicts = [&] {
        std::string text;
        for (const Row& row : judge(question, view)) {
            text += std::string(name(row.verdict)) + " " + row.reason + ";";
        }
        return text;
    };
    EXPECT_EQ(verdicts(), "verified ;verified ;");
    view.cgroup = "0::/other/hearth/system.slice/heat.service\n";  // ends alike, is another
    EXPECT_EQ(verdicts(), "MISMATCH the process is not in the unit's cgroup;MISMATCH the process is not in the unit's cgroup;");
}

#define HOST_NAMESPACE(kind) CHANGE { USED; view.namespaces[kind] = view.own_namespaces[kind]; }
#define UNREADABLE(kind) CHANGE { USED; view.namespaces.erase(kind); }

TEST(ReportJudge, KnowsNamespacesAndPrivateParts) {
    for (const Case& test : std::to_array<Case>({
             {"PrivateNetwork", "yes", "own", nothing, Good, "interfaces: lo"},
             {"PrivateNetwork", "yes", "the host's", HOST_NAMESPACE("net"), Bad, "hearthd's own"},
             {"PrivateNetwork", "yes", "without lo", CHANGE { USED; view.interfaces.clear(); }, Bad, "loopback"},
             {"PrivateNetwork", "yes", "unreadable", UNREADABLE("net"), Unknown, "net"},
             {"PrivateIPC", "yes", "own", nothing, Good, "ipc:[2]"},
             {"PrivateIPC", "yes", "the host's", HOST_NAMESPACE("ipc"), Bad, ""},
             {"PrivateIPC", "yes", "the host's queues", CHANGE { USED; replace(view.own_mountinfo, "0:43", "0:42"); }, Bad, "queues"},
             {"PrivateIPC", "yes", "unreadable", UNREADABLE("ipc"), Unknown, ""},
             {"PrivateMounts", "yes", "own", nothing, Good, "no mount shared"},
             {"PrivateMounts", "yes", "the host's", HOST_NAMESPACE("mnt"), Bad, ""},
             {"PrivateMounts", "yes", "propagating", CHANGE { USED; replace(view.mountinfo, "master:1", "shared:1"); }, Bad, "peer group 1"},
             {"PrivateMounts", "yes", "unreadable", UNREADABLE("mnt"), Unknown, ""},
             {"PrivateTmp", "yes", "own", nothing, Good, "/tmp is /tmp/hearth-heat.service-12/tmp"},
             {"PrivateTmp", "yes", "a tmpfs of the host's", CHANGE { USED; replace(view.mountinfo, "/tmp/hearth-heat.service-12/tmp /tmp", "/ /tmp"); }, Bad, "the host's"},
             {"PrivateTmp", "yes", "the same inode", CHANGE { USED; view.paths["/var/tmp"].identity = "1:1"; }, Bad, "/var/tmp"},
             {"PrivateTmp", "yes", "no mount", CHANGE { USED; view.paths["/tmp"] = place("/tmp", 50, false); }, Bad, "/tmp"},
             {"PrivateTmp", "yes", "read-only", CHANGE { USED; replace(view.mountinfo, "/tmp rw - ext4", "/tmp ro - ext4"); }, Bad, "read-only"},
             {"PrivateTmp", "yes", "no /var/tmp", CHANGE { USED; view.paths["/var/tmp"] = missing(); }, Good, ""},
             {"PrivateTmp", "yes", "unreadable", CHANGE { USED; view.paths["/tmp"].error = "openat2: Permission denied"; }, Unknown, "Permission denied"},
             {"PrivateDevices", "yes", "own", nothing, Good, "7 pseudo devices"},
             {"PrivateDevices", "yes", "no null", CHANGE { USED; view.devices.erase("null"); }, Bad, "1:3 is missing"},
             {"PrivateDevices", "yes", "the host's", CHANGE { USED; replace(view.mountinfo, "/dev ro,nosuid,noexec - tmpfs", "/dev ro,nosuid,noexec - devtmpfs"); }, Bad, "of the unit's own"},
             {"PrivateDevices", "yes", "writable", CHANGE { USED; replace(view.mountinfo, "/dev ro,nosuid,noexec", "/dev rw,nosuid,noexec"); }, Bad, "read-only"},
             {"PrivateDevices", "yes", "a disk", CHANGE { USED; view.devices["vda"] = "b 254:0"; }, Bad, "/dev/vda"},
             {"PrivateDevices", "yes", "may make nodes", CHANGE { USED; view.status["CapBnd"] = "0000000008000000"; }, Bad, "CAP_MKNOD"},
             {"PrivateDevices", "yes", "no filter", CHANGE { USED; view.status["Seccomp"] = "0"; }, Bad, "mode 0"},
             {"PrivateDevices", "yes", "unreadable", UNREADABLE("mnt"), Unknown, ""},
             {"ProtectHostname", "yes", "own", nothing, Good, "uts:[2]"},
             {"ProtectHostname", "yes", "the host's", HOST_NAMESPACE("uts"), Bad, ""},
             {"ProtectHostname", "yes", "writable", CHANGE { USED; replace(view.mountinfo, "/proc/sys ro", "/proc/sys rw"); }, Bad, "hostname"},
             {"RootDirectory", "/srv/root", "there", nothing, Good, "254:12"},
             {"RootDirectory", "/srv/root", "elsewhere", CHANGE { USED; view.root = "254:2"; }, Bad, "expected 254:12"},
             {"RootDirectory", "/srv/root", "unreadable", CHANGE { USED; view.root.clear(); }, Unknown, ""},
             {"MountAPIVFS", "yes", "mounted", nothing, Good, "", "RootDirectory=/srv/root\n"},
             {"MountAPIVFS", "yes", "not mounted", CHANGE { USED; replace(view.mountinfo, "/proc rw,nosuid - proc", "/proc rw,nosuid - tmpfs"); }, Bad, "/proc", "RootDirectory=/srv/root\n"},
             {"MountAPIVFS", "yes", "the host's", CHANGE { USED; view.own_mountinfo += "4 1 0:53 / /run rw - tmpfs tmpfs rw\n"; }, Bad, "the host's", "RootDirectory=/srv/root\n"},
             {"MountAPIVFS", "yes", "the host's, as asked", CHANGE { USED; view.own_mountinfo += "4 1 0:53 / /run rw - tmpfs tmpfs rw\n"; }, Good, "", "RootDirectory=/srv/root\nBindPaths=/run\n"},
             {"MountAPIVFS", "yes", "moot", nothing, Unknown, "RootDirectory="},
         })) {
        check(test);
    }
}

TEST(ReportJudge, KnowsProtections) {
    for (const Case& test : std::to_array<Case>({
             {"ProtectSystem", "strict", "all", nothing, Good, "other mounts read-only", "PrivateTmp=yes\nReadWritePaths=/srv\nTemporaryFileSystem=/scratch /run\n"},
             {"ProtectSystem", "strict", "a hole nobody asked for", nothing, Bad, "/srv", "PrivateTmp=yes\nTemporaryFileSystem=/scratch /run\n"},
             {"ProtectSystem", "strict", "the root", CHANGE { USED; replace(view.mountinfo, "/ ro,nosuid", "/ rw,nosuid"); }, Bad, "/", "ReadWritePaths=/srv\n"},
             {"ProtectSystem", "strict", "homes writable", CHANGE { USED; replace(view.mountinfo, "/home ro,nosuid", "/home rw,nosuid"); }, Bad, "/home", "PrivateTmp=yes\nReadWritePaths=/srv\nTemporaryFileSystem=/scratch /run\nProtectHome=tmpfs\n"},
             {"ProtectSystem", "strict", "through a link", CHANGE { USED; view.paths["/var/srv"] = place("/srv", 62, true); }, Good, "", "PrivateTmp=yes\nReadWritePaths=/var/srv\nTemporaryFileSystem=/scratch /run\n"},
             {"ProtectSystem", "strict", "the host's view", HOST_NAMESPACE("mnt"), Bad, ""},
             {"ProtectSystem", "strict", "unreadable", UNREADABLE("mnt"), Unknown, ""},
             {"ProtectSystem", "yes", "read-only", nothing, Good, "/usr read-only, /boot read-only"},
             {"ProtectSystem", "yes", "writable", CHANGE { USED; replace(view.mountinfo, "/ ro,nosuid", "/ rw,nosuid"); }, Bad, "/usr"},
             {"ProtectSystem", "full", "writable below", CHANGE { USED; view.mountinfo += "90 50 0:9 / /etc/open rw - ext4 a rw\n"; }, Bad, "/etc/open"},
             {"ProtectSystem", "full", "writable below, as asked", CHANGE { USED; view.mountinfo += "90 50 0:9 / /etc/open rw - ext4 a rw\n"; }, Good, "", "ReadWritePaths=/etc/open\n"},
             {"ProtectHome", "yes", "hidden", nothing, Good, "/home hidden, /root hidden, /run/user does not exist"},
             {"ProtectHome", "yes", "propagating", CHANGE { USED; replace(view.mountinfo, "master:1", "shared:1"); }, Bad, "peer group 1"},
             {"ProtectHome", "yes", "not covered", CHANGE { USED; view.paths["/home"] = place("/home", 50, false); }, Bad, "/home"},
             {"ProtectHome", "yes", "a home on tmpfs", CHANGE { USED; replace(view.mountinfo, "/home ro,nosuid,nodev,noexec", "/home rw,nosuid"); }, Bad, "/home"},
             {"ProtectHome", "yes", "readable", CHANGE { USED; view.paths["/root"].mode = 0700; }, Bad, "/root"},
             {"ProtectHome", "yes", "unreadable", CHANGE { USED; view.paths["/root"].error = "EIO"; }, Unknown, "EIO"},
             {"ProtectHome", "read-only", "read-only", CHANGE { USED; view.paths["/home"] = place("/home", 50, false); }, Good, "/home read-only"},
             {"ProtectHome", "read-only", "writable", CHANGE { USED; replace(view.mountinfo, "/home ro", "/home rw"); }, Bad, "/home"},
             {"ProtectHome", "tmpfs", "fresh", nothing, Good, "/home an empty tmpfs"},
             {"ProtectHome", "tmpfs", "writable", CHANGE { USED; replace(view.mountinfo, "/home ro", "/home rw"); }, Bad, "/home"},
             {"ProtectHome", "tmpfs", "the host's", CHANGE { USED; view.paths["/home"].identity = "1:1"; }, Bad, "/home"},
             {"ProtectKernelTunables", "yes", "read-only", nothing, Good, "/proc/sys read-only"},
             {"ProtectKernelTunables", "yes", "writable", CHANGE { USED; replace(view.mountinfo, "/proc/sys ro", "/proc/sys rw"); }, Bad, "/proc/sys"},
             {"ProtectKernelTunables", "yes", "cgroups aside", CHANGE { USED; replace(view.mountinfo, "/sys/fs/cgroup ro", "/sys/fs/cgroup rw"); }, Good, ""},
             {"ProtectKernelTunables", "yes", "kcore", CHANGE { USED; view.paths["/proc/kcore"] = place("/proc/kcore", 51, false); }, Bad, "/proc/kcore"},
             {"ProtectControlGroups", "yes", "read-only", nothing, Good, "/sys/fs/cgroup read-only"},
             {"ProtectControlGroups", "yes", "writable", CHANGE { USED; replace(view.mountinfo, "/sys/fs/cgroup ro", "/sys/fs/cgroup rw"); }, Bad, ""},
             {"ProtectKernelModules", "yes", "gone", nothing, Good, "without CAP_SYS_MODULE"},
             {"ProtectKernelModules", "yes", "may load", CHANGE { USED; view.status["CapBnd"] = "0000000000010000"; }, Bad, "CAP_SYS_MODULE"},
             {"ProtectKernelModules", "yes", "may look", CHANGE { USED; view.paths["/lib/modules"] = place("/lib/modules", 50, false); }, Bad, "/lib/modules"},
             {"ProtectKernelLogs", "yes", "gone", nothing, Good, "/proc/kmsg hidden"},
             {"ProtectKernelLogs", "yes", "readable", CHANGE { USED; view.paths["/dev/kmsg"] = place("/dev/kmsg", 55, false); }, Bad, "/dev/kmsg"},
             {"ProtectClock", "yes", "gone", nothing, Good, "CAP_SYS_TIME CAP_WAKE_ALARM"},
             {"ProtectClock", "yes", "may set", CHANGE { USED; view.status["CapBnd"] = "0000000800000000"; }, Bad, "CAP_WAKE_ALARM"},
             {"ProtectClock", "yes", "no line", CHANGE { USED; view.status.erase("CapBnd"); }, Unknown, "CapBnd"},
         })) {
        check(test);
    }
}

TEST(ReportJudge, KnowsPathLists) {
    for (const Case& test : std::to_array<Case>({
             {"ReadOnlyPaths", "/opt /usr", "both", nothing, Good, "/opt /usr read-only"},
             {"ReadOnlyPaths", "/srv", "writable", nothing, Bad, "/srv"},
             {"ReadOnlyPaths", "-/srv", "writable though optional", nothing, Bad, "/srv"},
             {"ReadOnlyPaths", "-/efi", "missing", nothing, Unknown, "none of the paths"},
             {"ReadOnlyPaths", "/efi", "missing since", nothing, Unknown, "no longer exists"},
             {"ReadOnlyDirectories", "/srv", "by its old name", nothing, Bad, "/srv"},
             {"ReadWritePaths", "/srv", "writable", nothing, Good, "/srv writable"},
             {"ReadWritePaths", "/opt", "not writable", nothing, Bad, "/opt"},
             {"ReadWritePaths", "/opt", "not on the host either", CHANGE { USED; view.paths["/opt"].own_read_only = true; }, Good, ""},
             {"InaccessiblePaths", "/secret", "hidden", nothing, Good, "/secret hidden"},
             {"InaccessiblePaths", "/opt", "only read-only", nothing, Bad, "not hidden"},
             {"InaccessiblePaths", "/secret/below", "hidden above only", CHANGE { USED; view.paths["/secret/below"] = place("/secret/below", 65, false); }, Bad, "not hidden"},
             {"InaccessiblePaths", "/secret", "unreadable", CHANGE { USED; view.paths["/secret"].error = "EIO"; }, Unknown, "EIO"},
             {"BindPaths", "/data:/srv", "the source", CHANGE { USED; view.paths["/srv"].own_identity = "9:9"; }, Good, "/srv"},
             {"BindPaths", "/data:/srv", "another inode", nothing, Bad, "not the inode of /data"},
             {"BindPaths", "/data:/srv", "no mount", CHANGE { USED; view.paths["/srv"] = place("/srv", 50, false); }, Bad, "no mount"},
             {"BindPaths", "/data:/srv", "source gone", CHANGE { USED; view.paths["/srv"].own_identity.clear(); }, Unknown, "replaced"},
             {"BindPaths", "-/data:/srv", "no source", CHANGE { USED; view.paths["/srv"] = missing(); }, Unknown, "optional"},
             {"BindReadOnlyPaths", "/data:/opt", "read-only", CHANGE { USED; view.paths["/opt"].own_identity = "9:9"; }, Good, "/opt"},
             {"BindReadOnlyPaths", "/data:/srv", "writable", CHANGE { USED; view.paths["/srv"].own_identity = "9:9"; }, Bad, "not a read-only mount"},
             {"TemporaryFileSystem", "/scratch", "fresh", nothing, Good, "/scratch tmpfs"},
             {"TemporaryFileSystem", "/scratch:ro", "writable", nothing, Bad, "read-only"},
             {"TemporaryFileSystem", "/srv", "no tmpfs", nothing, Bad, "/srv"},
         })) {
        check(test);
    }
}

TEST(ReportJudge, NeverJudgesAProcessThatHasVanished) {
    const Question question = question_of(unit_of("User=nobody\nCPUQuota=20%\nLimitNOFILE=64\nPrivateTmp=yes\n"));
    const KernelView empty;
    const std::vector<Row> rows = judge(question, empty);
    EXPECT_EQ(rows.size(), 4U);
    for (const Row& row : rows) {
        EXPECT_EQ(name(row.verdict), "cannot know") << row.directive;
        EXPECT_EQ(row.reason, "the main process ended meanwhile");
    }
}

TEST(ReportJudge, FollowsRootDirectory) {
    const Question question = question_of(unit_of("RootDirectory=/srv/root\nReadOnlyPaths=/srv/root/opt +/usr /elsewhere\n"));
    const std::vector<Row> rows = judge(question, good_view());
    const auto row = std::ranges::find(rows, "ReadOnlyPaths", &Row::directive);
    ASSERT_NE(row, rows.end());
    EXPECT_EQ(row->kernel, "/opt /usr read-only");
    std::string own;
    for (const AskedPath& path : asked_paths(question.unit)) {
        own += path.path == "/opt" || path.path == "/home" ? path.own + " " : "";
    }
    EXPECT_EQ(own, "/srv/root/opt /srv/root/home ");
}

TEST(ReportJudge, TellsWhatWasRelaxed) {
    Question question = question_of(unit_of("PrivateNetwork=yes\n"));
    question.plan.shortfalls.push_back(
        {Severity::Warning, question.unit.origin_of("PrivateNetwork"), "PrivateNetwork=yes can't be given here: hearthd lacks CAP_SYS_ADMIN", {}, {}});
    KernelView view = good_view();
    view.namespaces["net"] = view.own_namespaces["net"];
    const std::vector<Row> rows = judge(question, view);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(name(rows[0].verdict), "falls short");
    EXPECT_EQ(rows[0].reason, "relaxed: PrivateNetwork=yes can't be given here: hearthd lacks CAP_SYS_ADMIN");
}

TEST(ReportJudge, WhatWasGivenAsFarAsPossibleIsNoContradiction) {
    Question question = question_of(unit_of("OOMScoreAdjust=-500\n"));
    KernelView view = good_view();
    view.oom_score_adj = "0";
    EXPECT_EQ(name(judge(question, view).at(0).verdict), "MISMATCH");
    question.shortfalls.push_back(
        {{"OOMScoreAdjust", "-500", {}}, "step \"set-oom-score-adjust\" failed: Permission denied"});
    const Row row = judge(question, view).at(0);
    EXPECT_EQ(name(row.verdict), "falls short");
    EXPECT_EQ(
        row.reason,
        "given as far as possible: step \"set-oom-score-adjust\" failed: Permission denied");
}

TEST(ReportJudge, AFileChangedSinceTheStartSaysSo) {
    Question question = question_of(unit_of("PrivateNetwork=yes\nMemoryMax=32M\n"));
    question.launched = unit_of("MemoryMax=16M\n");
    KernelView view = good_view();
    view.namespaces["net"] = view.own_namespaces["net"];
    view.knobs["memory.limit_in_bytes"] = "16777216";
    for (const Row& row : judge(question, view)) {
        EXPECT_EQ(name(row.verdict), "MISMATCH") << row.directive;
        EXPECT_EQ(
            row.reason,
            row.directive == "MemoryMax"
                ? "changed since start, when it was '16M'; restart the unit to apply it"
                : "changed since start, when it was not asked for; restart the unit to apply it")
            << row.directive;
        EXPECT_EQ(row.asked, row.directive == "MemoryMax" ? "32M" : "yes");
    }
}

TEST(ReportJudge, ShowsWhatIsNotBuiltAsMissing) {
    const Question question = question_of(unit_of("RestrictFileSystems=ext4\n"));
    const std::vector<Row> rows = judge(question, good_view());
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].directive, "RestrictFileSystems");
    EXPECT_EQ(name(rows[0].verdict), "MISMATCH");
    EXPECT_NE(rows[0].reason.find("not built"), std::string::npos);
}

TEST(ReportJudge, SaysWhatWasApplied) {
    const Question question = question_of(unit_of("CPUQuota=20%\nLockPersonality=yes\n"));
    const std::vector<Row> rows = judge(question, good_view());
    const auto cpu = std::ranges::find(rows, "CPUQuota", &Row::directive);
    const auto personality = std::ranges::find(rows, "LockPersonality", &Row::directive);
    ASSERT_TRUE(cpu != rows.end() && personality != rows.end());
    EXPECT_EQ(cpu->asked, "20%");
    EXPECT_EQ(cpu->applied, "cpu.cfs_period_us=100000; cpu.cfs_quota_us=20000");
    EXPECT_NE(personality->applied.find("with SystemCallFilter="), std::string::npos) << personality->applied;
}

TEST(ReportTables, EveryRowThatIsAMatterOfProofHasACheck) {
    std::set<std::string> built;
    for (const std::span<const hearth::Row> table : service_tables()) {
        for (const hearth::Row& directive : table) {
            if (!is_matter_of_proof(directive) || std::holds_alternative<applied::Refused>(directive.applied)) {
                continue;
            }
            EXPECT_NE(find_check(directive.name), nullptr) << directive.name;
            built.insert(std::string(present_name(directive.name)));
        }
    }
    EXPECT_GT(built.size(), 50U);
    for (const auto& checks : {process_checks(), scheduling_checks(), filter_checks(), resource_checks(), mount_checks(), protect_checks()}) {
        for (const Check& one : checks) {
            EXPECT_TRUE(built.contains(std::string(one.directive))) << one.directive << " is no row";
        }
    }
}

/// What is left out although it confines or limits, and why.
TEST(ReportTables, WhatConfinesIsLeftOutOnlyForAReason) {
    const std::map<std::string, std::string, std::less<>> left_out = {};
    for (const std::span<const hearth::Row> table : service_tables()) {
        for (const hearth::Row& directive : table) {
            const bool about_the_process = directive.context == Context::Sandbox || directive.context == Context::Resources ||
                                           directive.context == Context::Exec;
            if (about_the_process && directive.nature != Nature::Shares && !is_matter_of_proof(directive)) {
                EXPECT_TRUE(left_out.contains(directive.name)) << directive.name;
            }
        }
    }
}

TEST(ReportJson, IsOneObjectPerRowAndSurvivesRubbish) {
    const Row row{"User", "no\xff", "set-user \"1\"", "uid\n1", Verdict::Mismatch, "expected", {"/units/a.service", 3, 1}};
    EXPECT_EQ(
        to_json({row}),
        "[{\"applied\":\"set-user \\\"1\\\"\",\"asked\":\"no\xef\xbf\xbd\",\"directive\":\"User\",\"file\":\"/units/a.service\","
        "\"kernel\":\"uid\\n1\",\"line\":3,\"reason\":\"expected\",\"verdict\":\"MISMATCH\"}]");
    EXPECT_EQ(to_json(std::vector<Row>()), "[]");
}

}  // namespace
}  // namespace hearth::report
