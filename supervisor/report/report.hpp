// SPDX-License-Identifier: MIT
//
// The proof (DESIGN 3.2): for every confinement and resource directive of a running unit, what was
// asked, what was applied, and what the kernel says now: `verified`, `MISMATCH` or `cannot know` with a
// reason. Asked comes from the unit, applied from the plan that was launched, and the third column only
// ever from the kernel: /proc/PID/status, namespace identities, mountinfo, cgroup files. Nothing here
// trusts what hearthd believes it did.
//
// snapshot() reads (it may block: worker thread only), judge() compares and is pure. A process that is
// gone in between gives `cannot know`, never a wrong verdict: the pidfd is asked after reading.
// Follows proc(5), cgroup-v2.rst.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/launch/host.hpp"
#include "supervisor/launch/plan.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "units/unit.hpp"

namespace hearth::report {

struct Question {
    Unit unit;
    launch::Plan plan;  ///< of the running main process
    launch::Host host;
    pid_t main_pid = 0;
    sys::Descriptor pidfd;
    std::string cgroup;  ///< below hearthd's root
};

enum class Verdict : std::uint8_t { Verified, Mismatch, CannotKnow };
[[nodiscard]] std::string_view name(Verdict verdict);  // "verified", "MISMATCH", "cannot know"

struct Row {
    std::string directive;
    std::string asked;    ///< as the unit has it: "20%"
    std::string applied;  ///< as the plan did it: "cpu.cfs_quota_us=20000"
    std::string kernel;   ///< as the kernel says: "20000 of 100000 us"
    Verdict verdict{};
    std::string reason;   ///< with MISMATCH and cannot know
    Origin origin;
    bool operator==(const Row&) const = default;
};

/// What the kernel says of one process and its cgroup, as text and numbers; tests write it by hand.
struct KernelView {
    bool alive = false;
    std::map<std::string, std::string> status;      ///< /proc/PID/status: key to value
    std::map<std::string, std::string> namespaces;  ///< "net" to "net:[4026531840]"
    std::map<std::string, std::string> own_namespaces;
    std::string mountinfo;
    std::map<std::string, std::string> limits;      ///< /proc/PID/limits: "Max open files" to "SOFT HARD"
    std::map<std::string, std::string> knobs;       ///< cgroup file to content, of the unit's own cgroup
    std::string cgroup;                             ///< /proc/PID/cgroup
    std::string expected_cgroup;                    ///< what the tree says the unit's path is
    std::string oom_score_adj, nice, working_directory;
    std::string root, expected_root;                ///< "device:inode" of /proc/PID/root and of RootDirectory=
    std::vector<std::string> interfaces;            ///< of the process's network namespace, from /proc/PID/net/dev
    std::map<std::string, std::string> errors;      ///< what could not be read, and why
};

[[nodiscard]] KernelView snapshot(const Question& question, const cgroup::Tree& tree);
[[nodiscard]] std::vector<Row> judge(const Question& question, const KernelView& view);
[[nodiscard]] std::vector<Row> examine(const Question& question, const cgroup::Tree& tree);

/// [{"directive": ..., "asked": ..., "applied": ..., "kernel": ..., "verdict": ..., "reason": ..., "file": ..., "line": N}]
[[nodiscard]] std::string to_json(const std::vector<Row>& rows);

}  // namespace hearth::report
