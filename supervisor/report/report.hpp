// SPDX-License-Identifier: MIT
//
// The proof (DESIGN 3.2): for every confinement and resource directive of a running unit, what was
// asked, what was applied, and what the kernel says now: `verified`, `MISMATCH` or `cannot know`
// with a reason, or `falls short` where that was allowed and told. Asked comes from the unit,
// applied from the plan that was launched, and the third column only ever from the kernel:
// /proc/PID/status, namespace identities, mountinfo, cgroup files. Nothing here trusts what hearthd
// believes it did.
//
// snapshot() reads (it may block: worker thread only), judge() compares and is pure. A process that
// is gone in between gives `cannot know`, never a wrong verdict: the pidfd is asked after reading.
// Paths are looked up by the kernel in the service's own view (openat2 below /proc/PID/root), so
// links and stacked mounts are judged as the service meets them. Follows proc(5), openat2(2),
// cgroup-v2.rst.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/launch/host.hpp"
#include "supervisor/launch/launcher.hpp"
#include "supervisor/launch/plan.hpp"
#include "supervisor/report/filter_reader.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "units/directive.hpp"
#include "units/unit.hpp"
#include "units/why.hpp"

namespace hearth::report {

/// A unit of JoinsNamespaceOf= that runs beside the one asked about.
struct Companion {
    Unit unit;
    pid_t main_pid = 0;
    sys::Descriptor pidfd;
};

struct Question {
    Unit unit;          ///< as it is loaded now
    launch::Plan plan;  ///< of the running main process
    launch::Host host;
    pid_t main_pid = 0;
    sys::Descriptor pidfd;
    std::string cgroup;              ///< below hearthd's root
    std::optional<Unit> launched{};  ///< as it was when the main process started, where it differs
    std::vector<launch::Shortfall> shortfalls{};  ///< what the launch could not give in full
    std::vector<Companion> companions{};
};

/// FallsShort: less than asked, and told so when it started: the directive only gives, and was
/// given as far as possible, or the unit relaxes it by name.
enum class Verdict : std::uint8_t { Verified, Mismatch, CannotKnow, FallsShort };
/// "verified", "MISMATCH", "cannot know", "falls short"
[[nodiscard]] std::string_view name(Verdict verdict);

struct Row {
    std::string directive;
    std::string asked;    ///< as the unit has it: "20%"
    std::string applied;  ///< as the plan did it: "cpu.cfs_quota_us=20000"
    std::string kernel;   ///< as the kernel says: "20000 of 100000 us"
    Verdict verdict{};
    std::string reason;  ///< with all but verified
    Origin origin;
    bool operator==(const Row&) const = default;
};

/// What a path is in the service's view, and what hearthd's own view has for it (for a bind: its
/// source).
struct PathFact {
    std::string error;  ///< why it can't be looked at; then the rest is empty, but `own_identity`
    bool missing = false;      ///< that error is ENOENT or ENOTDIR
    std::string resolved;      ///< with links followed, as the service sees it
    std::uint64_t mount = 0;   ///< id of the mount it lies on, as in mountinfo
    bool mount_point = false;  ///< a mount begins exactly there
    bool directory = false;
    std::uint32_t mode = 0;      ///< permissions
    std::uint32_t owner = 0;     ///< uid
    std::string identity;        ///< "device:inode"
    std::string own_identity;    ///< the same of hearthd's own view; empty where there is none
    bool own_read_only = false;  ///< the host's own file system is read-only there
};

/// The BPF programs of one concern on the unit's cgroup: is each that the plan wants attached? Told
/// by the tags that the kernel makes of programs.
struct AttachedFilter {
    bool attached = false;
    std::string text;   ///< "ingress 5f3c..., egress ..."
    std::string error;  ///< why it is not known
};

/// Of a user namespace; empty where it could not be read.
using IdMap = std::vector<launch::IdRange>;
/// /proc/PID/uid_map or gid_map: lines of "INSIDE OUTSIDE COUNT".
[[nodiscard]] IdMap read_id_map(std::string_view text);
/// What the host's id is called inside, or nothing where it is nobody there.
[[nodiscard]] std::optional<std::uint32_t> inside(const IdMap& map, std::uint32_t outside);

/// What the kernel says of one process and its cgroup, as text and numbers; tests write it by hand.
struct KernelView {
    bool alive = false;
    std::map<std::string, std::string> status;      ///< /proc/PID/status: key to value
    std::map<std::string, std::string> namespaces;  ///< "net" to "net:[4026531840]"
    std::map<std::string, std::string> own_namespaces;
    IdMap uid_map, gid_map;
    /// inode of the namespace file at a path that the unit joins
    std::map<std::string, std::string> namespace_files;
    /// Directories that another unit may have too: "/tmp" to "device:inode".
    std::map<std::string, std::string> directories;
    /// The same two of each companion that still runs: "net" to "net:[4026532177]".
    std::map<std::string, std::map<std::string, std::string>> companions;
    std::string mountinfo, own_mountinfo;
    std::map<std::string, std::string>
        limits;  ///< /proc/PID/limits: "Max open files" to "SOFT HARD"
    std::map<std::string, std::string> knobs;  ///< cgroup file to content, of the unit's own cgroup
    std::map<std::string, std::string> block_devices;  ///< path of a knob to "254:0"
    /// "devices", "addresses", "binds", "interfaces"; "HOOK PATH" of a pinned program
    std::map<std::string, AttachedFilter> cgroup_filters;
    std::string cgroup_owner;     ///< uid of the unit's v2 directory
    bool io_weighed = false;      ///< some disk's IO is scheduled by weight: BFQ, or io.cost
    std::string cgroup;           ///< /proc/PID/cgroup
    std::string expected_cgroup;  ///< what the tree says the unit's path is
    std::string oom_score_adj, nice, working_directory;
    /// "scheduler", "ioprio", "timerslack_ns", "coredump_filter", "personality", "numa policy",
    /// "attr/apparmor/current" ...; what the kernel doesn't tell is left out
    std::map<std::string, std::string> properties;
    std::string root, expected_root;  ///< "device:inode" of /proc/PID/root and of RootDirectory=
    std::vector<std::string>
        interfaces;  ///< of the process's network namespace, from /proc/PID/net/dev
    std::map<std::string, PathFact> paths;  ///< by the path as the service sees it (asked_paths())
    std::map<std::string, std::string> devices;  ///< nodes in the service's /dev: "null" to "c 1:3"
    /// Image of the unit to the devices that show it: "7:0 7:3".
    std::map<std::string, std::string> images;
    std::string own_filters;                    ///< Seccomp_filters of hearthd itself
    std::optional<FilterProgram> filter;        ///< the oldest filter, where it could be read
    std::string filter_error;                   ///< else why not
    std::map<std::string, std::string> errors;  ///< what could not be read, and why
};

/// Whether judge() has a row for the directive: what confines, gives or limits, and was not left
/// out.
[[nodiscard]] bool is_matter_of_proof(const hearth::Row& directive);

/// `memory`: spares a process that was asked before from being stopped again; may be null.
[[nodiscard]] KernelView snapshot(
    const Question& question, const cgroup::Tree& tree, FilterMemory* memory = nullptr);
[[nodiscard]] std::vector<Row> judge(const Question& question, const KernelView& view);
[[nodiscard]] std::vector<Row> examine(
    const Question& question, const cgroup::Tree& tree, FilterMemory* memory = nullptr);

/// [{"directive": ..., "asked": ..., "applied": ..., "kernel": ..., "verdict": ..., "reason": ...,
/// "file": ..., "line": N}]
[[nodiscard]] std::string to_json(const std::vector<Row>& rows);
/// {"unit": ..., "active": ..., "sub": ..., "chain": [{"unit", "what", "at", "reasons":
/// [], "transitions": []}], "waits": [{"for", "since", "until"}]}; times in microseconds since 1970
[[nodiscard]] std::string to_json(const Why& why);

}  // namespace hearth::report
