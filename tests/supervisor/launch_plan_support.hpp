// SPDX-License-Identifier: MIT
//
// What the planner's tests share: a machine written by hand, units read from text by the real
// loader, a plan in one call, golden files. HEARTH_UPDATE_GOLDEN=1 renews those.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "places.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/launch/seccomp_program.hpp"
#include "units/loader.hpp"

namespace hearth::launch::testing {

inline constexpr std::uint64_t every_capability = (std::uint64_t{1} << 41) - 1;

class TextSource : public UnitSource {
public:
    TextSource(std::string path, std::string text)
        : file_{std::move(path), std::move(text), false} {}
    [[nodiscard]] Result<std::optional<File>> fragment(const std::string&) const override {
        return std::optional(file_);
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        return std::vector<File>{};
    }

private:
    File file_;
};

inline Unit load(const std::string& name, const std::string& text, const std::string& path = {}) {
    LoadContext context;
    context.machine_id = "0123456789abcdef0123456789abcdef";
    context.memory_bytes = std::uint64_t{4} << 30;
    context.tasks_maximum = 32768;
    return load_unit(
        name, TextSource(path.empty() ? "/etc/systemd/system/" + name : path, text), context);
}

/// A [Service] that runs /bin/true with `lines` added; sections may follow.
inline Unit service(const std::string& lines) {
    return load("test.service", "[Service]\nExecStart=/bin/true\n" + lines + "\n");
}

/// Root with all capabilities on a machine with everything.
inline Host machine(CgroupLayout layout = CgroupLayout::Hybrid) {
    Host host;
    read_accounts(
        host,
        "root:x:0:0:root:/root:/bin/bash\n"
        "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
        "heat:x:990:991:Heat:/var/lib/heat:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
        "root:x:0:\ndaemon:x:1:\nadm:x:4:heat,nosuchuser\nheat:x:991:\nvideo:x:44:heat\n"
        "nogroup:x:65534:\n");
    host.subordinate_uids = {{"hearth", 100000, 131072}, {"heat", 600000, 70000}};
    host.subordinate_gids = host.subordinate_uids;
    host.cgroup_layout = layout;
    host.pressure_directory = "/sys/fs/cgroup/unified/hearth";
    host.controllers = {
        layout == CgroupLayout::Unified ? "io" : "blkio",
        "bpf-devices",
        "bpf-firewall",
        "bpf-foreign",
        "bpf-restrict-network-interfaces",
        "bpf-socket-bind",
        "cpu",
        "cpuset",
        "memory",
        "pids"};
    host.cgroup_points =
        layout == CgroupLayout::Hybrid
            ? std::vector<
                  CgroupPoint>{{"/sys/fs/cgroup/memory", false, "memory"}, {"/sys/fs/cgroup/unified", true, {}}}
            : std::vector<CgroupPoint>{{"/sys/fs/cgroup", true, {}}};
    host.capabilities = host.bounding_set = every_capability;
    host.cpus = {0, 1, 2, 3};
    host.memory_nodes = {{0, {0, 1}}, {1, {2, 3}}};
    host.kernel_major = 6;
    host.kernel_minor = 1;
    host.memory_bytes = std::uint64_t{4} << 30;
    host.tasks_maximum = 32768;
    host.runtime_directory = "/run/hearth";
    host.environment = {{"LANG", "C.UTF-8"}, {"SECRET", "no"}};
    return host;
}

/// The plan of the unit's first ExecStart=.
inline Result<Plan, Diagnostics> plan_of(
    const Unit& unit, const Host& host, Invocation invocation = {}) {
    static SeccompCache cache;
    if (invocation.command == nullptr && !unit.settings.service.exec_start.empty()) {
        invocation.command = &unit.settings.service.exec_start.front();
    }
    if (invocation.invocation_id.empty()) {
        invocation.invocation_id = "00112233445566778899aabbccddeeff";
    }
    if (invocation.seccomp == nullptr) {
        // What SeccompProfile='s file would have; the caller reads it.
        constexpr std::string_view profile =
            R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["execve", "exit_group"], "action": "SCMP_ACT_ALLOW"}]})";
        const ProfileText text{profile, host.capabilities, host.kernel_major, host.kernel_minor};
        const auto program = cache.program(
            unit.settings.sandbox, unit.settings.sandbox.seccomp_profile.empty() ? nullptr : &text);
        EXPECT_TRUE(program.has_value());
        invocation.seccomp = program.value_or(nullptr);
    }
    return plan(unit, invocation, host);
}

/// The same, expected to succeed.
inline Plan planned(const Unit& unit, const Host& host = machine(), Invocation invocation = {}) {
    auto result = plan_of(unit, host, std::move(invocation));
    if (!result) {
        for (const Diagnostic& refusal : result.error()) {
            ADD_FAILURE() << one_line(refusal);
        }
        return {};
    }
    return std::move(*result);
}

/// The refusals, one line each.
inline std::vector<std::string> refused(
    const Unit& unit, const Host& host = machine(), Invocation invocation = {}) {
    const auto result = plan_of(unit, host, std::move(invocation));
    std::vector<std::string> lines;
    if (!result) {
        for (const Diagnostic& refusal : result.error()) {
            lines.push_back(one_line(refusal));
        }
    }
    return lines;
}

/// All steps of one kind.
template <class Kind>
std::vector<Kind> steps(const Plan& plan) {
    std::vector<Kind> found;
    for (const Step& step : plan.steps) {
        if (const auto* action = std::get_if<Kind>(&step.action)) {
            found.push_back(*action);
        }
    }
    return found;
}
template <class Kind>
std::vector<Kind> preparations(const Plan& plan) {
    std::vector<Kind> found;
    for (const Prepared& prepared : plan.preparations) {
        if (const auto* preparation = std::get_if<Kind>(&prepared.preparation)) {
            found.push_back(*preparation);
        }
    }
    return found;
}

/// Mounts and what prepares them, one line each.
inline std::vector<std::string> mount_lines(const Plan& plan) {
    std::vector<std::string> lines;
    for (const Prepared& prepared : plan.preparations) {
        if (!std::holds_alternative<MakeCgroup>(prepared.preparation) &&
            !std::holds_alternative<FilterCgroup>(prepared.preparation) &&
            !std::holds_alternative<AttachProgram>(prepared.preparation) &&
            !std::holds_alternative<OpenFile>(prepared.preparation) &&
            !std::holds_alternative<MakeNamespace>(prepared.preparation)) {
            lines.push_back(describe(prepared.preparation));
        }
    }
    for (const Step& step : plan.steps) {
        if (step.stage == Stage::Mounts || step.stage == Stage::Root) {
            lines.push_back(describe(step.action));
        }
    }
    return lines;
}

inline std::string content_of(const std::string& path) {
    const std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

inline void expect_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(HEARTH_SOURCE_DIR) + "/tests/golden/plans/" + name;
    if (std::getenv("HEARTH_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << text;
    }
    EXPECT_EQ(content_of(path), text) << "HEARTH_UPDATE_GOLDEN=1 renews " << path;
}

}  // namespace hearth::launch::testing
