// SPDX-License-Identifier: MIT
//
// What the planner must know about this machine: a struct that tests write by hand and that
// gather_host() (host.cpp, the only impure part) reads once and refreshes when account files
// change. The planner asks nothing else of the world.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parser/result.hpp"

namespace hearth::launch {

struct Account {
    std::string name;
    std::uint32_t uid = 0, gid = 0;
    std::string home = "/", shell = "/bin/sh";
    std::vector<std::uint32_t> groups;  ///< supplementary groups by the group file, without `gid`
    bool operator==(const Account&) const = default;
};

/// A line of /etc/subuid or /etc/subgid: ids that `owner` (a name or a number) may use for
/// namespaces.
struct SubordinateRange {
    std::string owner;
    std::uint32_t base = 0, count = 0;
    bool operator==(const SubordinateRange&) const = default;
};

/// A mount of cgroup or cgroup2 on this host.
struct CgroupPoint {
    std::string path;
    bool unified = false;
    std::string options;  ///< v1: the controllers or the name, as mount(8) takes them
    bool operator==(const CgroupPoint&) const = default;
};

/// Where the directories of services are (systemd.exec(5), StateDirectory=): the system's, or a
/// user's own.
struct DirectoryBases {
    std::string runtime = "/run", state = "/var/lib", cache = "/var/cache", logs = "/var/log",
                configuration = "/etc";
    bool operator==(const DirectoryBases&) const = default;
};

enum class CgroupLayout : std::uint8_t { None, Unified, Hybrid };

struct Host {
    // identity, from /etc/passwd and /etc/group; never NSS
    std::map<std::string, Account, std::less<>> accounts;
    std::map<std::string, std::uint32_t, std::less<>> groups;
    std::map<std::uint32_t, std::string> account_by_uid;

    std::vector<SubordinateRange> subordinate_uids, subordinate_gids;
    bool user_manager = false;  ///< hearthd --user
    /// Why hearthd can't make a user namespace; empty: it can.
    std::string user_namespaces_missing;
    /// the mounts below /sys/fs/cgroup, parents first
    std::vector<CgroupPoint> cgroup_points;

    CgroupLayout cgroup_layout = CgroupLayout::None;
    /// our root's directory in the v2 tree, where cgroups have a memory.pressure; empty: they have
    /// none
    std::string pressure_directory;
    std::set<std::string> controllers;  ///< usable for our services: "cpu", "memory", "pids"
    std::map<std::string, std::string> controllers_missing;  ///< name to why not

    std::uint32_t own_uid = 0, own_gid = 0;  ///< hearthd's, effective
    /// hearthd's, for PassEnvironment=
    std::map<std::string, std::string, std::less<>> environment;

    unsigned kernel_major = 0, kernel_minor = 0;  ///< 6.1 is 6, 1

    std::uint64_t capabilities = 0;  ///< hearthd's own permitted set
    std::uint64_t bounding_set = 0;
    unsigned last_capability = 40;
    bool seccomp = true;
    std::set<unsigned> cpus;  ///< online; empty: not known
    /// the CPUs of each; empty: the kernel has no such nodes
    std::map<unsigned, std::set<unsigned>> memory_nodes;
    std::uint64_t memory_bytes = 0;   ///< physical memory, for MemoryMax=10%
    std::uint64_t tasks_maximum = 0;  ///< for TasksMax=10%
    /// from /sys/kernel/security/lsm; "apparmor" ...
    std::set<std::string> linux_security_modules;
    std::set<std::string> existing_paths;  ///< of those the planner may ask about (fixed list:
                                           ///< /home, /root, /run/user, /boot, /efi ...)
    /// our own, RLIMIT_* to soft, hard
    std::map<int, std::pair<std::uint64_t, std::uint64_t>> resource_limits;
    std::vector<int> ignored_signals;  ///< those hearthd ignores itself (SIGPIPE)
    std::string runtime_directory;     ///< RUNTIME; its private parts are hidden from services
    DirectoryBases bases;
    bool hides_credentials = false;  ///< credentials of others are hidden where there are mounts
    std::string default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    bool operator==(const Host&) const = default;
};

/// Parsed account files: pure, for tests. A line that can't be read is skipped.
void read_accounts(Host& host, std::string_view passwd, std::string_view group);

/// Parsed /etc/subuid or /etc/subgid: pure, as above.
[[nodiscard]] std::vector<SubordinateRange> read_subordinate_ranges(std::string_view text);
/// The cgroup mounts of a mountinfo: pure, as above.
[[nodiscard]] std::vector<CgroupPoint> read_cgroup_points(std::string_view mountinfo);
/// "0-3,5", as in /sys/devices/system/cpu/online; what can't be read is left out.
[[nodiscard]] std::set<unsigned> read_number_list(std::string_view text);

/// Reads the facts of this machine, except cgroups (cgroup/tree fills those in).
[[nodiscard]] Result<Host> gather_host();

}  // namespace hearth::launch
