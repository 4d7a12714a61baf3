// SPDX-License-Identifier: MIT
//
// A unit, a plan and a kernel's view written by hand: the ground on which the report's checks are
// tested. Everything in good_view() agrees with everything that a test may ask, so a case changes
// one thing.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "supervisor/report/report.hpp"
#include "units/loader.hpp"

namespace hearth::report {

class OneUnit final : public UnitSource {
public:
    explicit OneUnit(std::string text) : text_(std::move(text)) {}
    [[nodiscard]] Result<std::optional<File>> fragment(const std::string& name) const override {
        return std::optional(File{"/units/" + name, text_, false});
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        return std::vector<File>{};
    }

private:
    std::string text_;
};

inline Unit unit_of(
    std::string_view service_lines, const std::string& exec = "ExecStart=/bin/dd\n") {
    return load_unit(
        "heat.service", OneUnit("[Service]\n" + exec + std::string(service_lines)), {});
}

inline launch::Host host_of() {
    launch::Host host;
    host.accounts["nobody"] = {"nobody", 65534, 65534, "/", "/bin/sh", {}};
    host.accounts["web"] = {"web", 1000, 1001, "/", "/bin/sh", {7}};
    host.account_by_uid = {{65534, "nobody"}, {1000, "web"}};
    host.groups = {{"nogroup", 65534}, {"web", 1001}, {"log", 7}, {"disk", 6}};
    host.cgroup_layout = launch::CgroupLayout::Hybrid;
    host.capabilities = host.bounding_set = (std::uint64_t{1} << 41U) - 1;
    return host;
}

inline launch::Plan plan_of() {
    launch::Plan plan;
    plan.unit = "heat.service";
    plan.executable = "/bin/dd";
    launch::MakeCgroup cgroup{"system.slice/heat.service", {"cpu", "memory", "pids"}, {}};
    cgroup.knobs = {
        {"cpu", "cpu.cfs_period_us", "100000", {"CPUQuota", "20%", {}}},
        {"cpu", "cpu.cfs_quota_us", "20000", {"CPUQuota", "20%", {}}},
        {"cpu", "cpu.shares", "512", {"CPUWeight", "50", {}}},
        {"memory", "memory.limit_in_bytes", "33554433", {"MemoryMax", "33554433", {}}},
        {"memory", "memory.high", "-1", {"MemoryHigh", "infinity", {}}},
        {"pids", "pids.max", "8", {"TasksMax", "8", {}}},
    };
    plan.preparations.push_back({cgroup, {}, 219});
    plan.steps.push_back(
        {Stage::Seccomp, launch::LoadSeccomp{{11, 22, 33}}, {"SystemCallFilter", "", {}}, 228});
    return plan;
}

inline Question question_of(Unit unit) {
    Question question;
    question.unit = std::move(unit);
    question.plan = plan_of();
    question.host = host_of();
    question.main_pid = 4711;
    question.cgroup = "system.slice/heat.service";
    return question;
}

inline PathFact place(
    std::string resolved, std::uint64_t mount, bool mount_point, std::string identity = "9:9") {
    PathFact fact;
    fact.resolved = std::move(resolved);
    fact.mount = mount;
    fact.mount_point = mount_point;
    fact.directory = true;
    fact.identity = std::move(identity);
    fact.own_identity = "1:1";
    return fact;
}

inline PathFact missing() {
    PathFact fact;
    fact.error = "openat2: No such file or directory";
    fact.missing = true;
    return fact;
}

/// Of a service that is confined in every way.
inline KernelView good_view() {
    KernelView view;
    view.alive = true;
    view.status = {
        {"Uid", "65534\t65534\t65534\t65534"},
        {"Gid", "65534\t65534\t65534\t65534"},
        {"Groups", "65534"},
        {"NoNewPrivs", "1"},
        {"Umask", "0027"},
        {"Seccomp", "2"},
        {"Seccomp_filters", "1"},
        {"CapInh", "0000000000000000"},
        {"CapPrm", "0000000000000000"},
        {"CapEff", "0000000000000000"},
        {"CapBnd", "0000000000000000"},
        {"CapAmb", "0000000000000000"}};
    for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
        view.namespaces[kind] = std::string(kind) + ":[2]";
        view.own_namespaces[kind] = std::string(kind) + ":[1]";
    }
    view.own_mountinfo =
        "1 0 0:1 / / rw shared:1 - ext4 a rw\n2 1 0:2 / /tmp rw shared:2 - tmpfs a rw\n3 1 0:43 / "
        "/dev/mqueue rw - mqueue a rw\n";
    view.mountinfo =
        "50 1 0:1 / / ro,nosuid,relatime master:1 - ext4 a rw\n"
        "51 50 0:21 / /proc rw,nosuid - proc proc rw\n"
        "52 51 0:21 /sys /proc/sys ro - proc proc rw\n"
        "53 50 0:22 / /sys ro,nosuid - sysfs sysfs rw\n"
        "54 53 0:31 / /sys/fs/cgroup ro - tmpfs tmpfs rw\n"
        "55 50 0:40 / /dev ro,nosuid,noexec - tmpfs tmpfs rw\n"
        "56 55 0:41 / /dev/pts rw - devpts devpts rw\n"
        "57 55 0:42 / /dev/mqueue rw - mqueue mqueue rw\n"
        "58 50 0:1 /tmp/hearth-heat.service-12/tmp /tmp rw - ext4 a rw\n"
        "59 50 0:1 /var/tmp/hearth-heat.service-34/tmp /var/tmp rw - ext4 a rw\n"
        "60 50 0:50 /directory /home ro,nosuid,nodev,noexec - tmpfs hide rw\n"
        "61 50 0:50 /directory /root ro,nosuid,nodev,noexec - tmpfs hide rw\n"
        "62 50 0:51 /srv /srv rw - ext4 a rw\n"
        "63 50 0:51 /opt /opt ro - ext4 a rw\n"
        "64 50 0:52 / /scratch rw,nosuid - tmpfs tmpfs rw\n"
        "65 50 0:50 /directory /secret ro,nosuid,nodev,noexec - tmpfs hide rw\n"
        "66 51 0:50 /file /proc/kcore ro,nosuid,nodev,noexec - tmpfs hide rw\n"
        "67 51 0:50 /file /proc/kallsyms ro,nosuid,nodev,noexec - tmpfs hide rw\n"
        "68 51 0:50 /file /proc/kmsg ro,nosuid,nodev,noexec - tmpfs hide rw\n"
        "69 50 0:50 /directory /lib/modules ro,nosuid,nodev,noexec - tmpfs hide rw\n"
        "70 50 0:53 / /run rw - tmpfs tmpfs rw\n";
    view.paths = {
        {"/", place("/", 50, true)},
        {"/usr", place("/usr", 50, false)},
        {"/etc", place("/etc", 50, false)},
        {"/boot", place("/boot", 50, false)},
        {"/efi", missing()},
        {"/home", place("/home", 60, true)},
        {"/root", place("/root", 61, true)},
        {"/run/user", missing()},
        {"/tmp", place("/tmp", 58, true)},
        {"/var/tmp", place("/var/tmp", 59, true)},
        {"/dev", place("/dev", 55, true)},
        {"/dev/kmsg", missing()},
        {"/proc/sys", place("/proc/sys", 52, true)},
        {"/sys", place("/sys", 53, true)},
        {"/sys/fs/cgroup", place("/sys/fs/cgroup", 54, true)},
        {"/proc/kcore", place("/proc/kcore", 66, true)},
        {"/proc/kallsyms", place("/proc/kallsyms", 67, true)},
        {"/proc/kmsg", place("/proc/kmsg", 68, true)},
        {"/proc/sysrq-trigger", missing()},
        {"/proc/latency_stats", missing()},
        {"/proc/acpi", missing()},
        {"/proc/timer_stats", missing()},
        {"/proc/bus", missing()},
        {"/proc/mtrr", missing()},
        {"/proc/asound", missing()},
        {"/proc/fs", missing()},
        {"/proc/irq", missing()},
        {"/usr/lib/modules", missing()},
        {"/lib/modules", place("/lib/modules", 69, true)},
        {"/proc/sys/kernel/hostname", place("/proc/sys/kernel/hostname", 52, false)},
        {"/proc/sys/kernel/domainname", missing()},
        {"/srv", place("/srv", 62, true)},
        {"/opt", place("/opt", 63, true)},
        {"/scratch", place("/scratch", 64, true)},
        {"/secret", place("/secret", 65, true)},
    };
    view.devices = {
        {"full", "c 1:7"},
        {"null", "c 1:3"},
        {"ptmx", "c 5:2"},
        {"random", "c 1:8"},
        {"tty", "c 5:0"},
        {"zero", "c 1:5"},
        {"urandom", "c 1:9"}};
    view.interfaces = {"lo"};
    view.limits = {
        {"Max open files", "64 128"},
        {"Max core file size", "0 0"},
        {"Max cpu time", "unlimited unlimited"}};
    view.knobs = {
        {"cpu.cfs_period_us", "100000"},
        {"cpu.cfs_quota_us", "20000"},
        {"cpu.shares", "512"},
        {"memory.high", "9223372036854771712"},
        {"memory.limit_in_bytes", "33554432"},
        {"pids.max", "8"}};
    view.cgroup =
        "9:pids:/x/hearth/system.slice/heat.service\n4:cpu,cpuacct:/hearth/system.slice/"
        "heat.service\n"
        "3:memory:/hearth/system.slice/heat.service\n0::/hearth/system.slice/heat.service\n";
    view.expected_cgroup = "/hearth/system.slice/heat.service";
    view.oom_score_adj = "100";
    view.nice = "5";
    view.root = view.expected_root = "254:12";
    view.own_filters = "0";
    view.filter = FilterProgram{11, 22, 33};
    return view;
}

}  // namespace hearth::report
