// SPDX-License-Identifier: MIT
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "supervisor/launch/seccomp_abis.hpp"
#include "supervisor/report/filter_verdict.hpp"
#include "supervisor/report/mount_table.hpp"
#include "supervisor/report/probe.hpp"
#include "units/directive.hpp"
#include "units/names.hpp"
#include "units/system_call_groups.hpp"

namespace hearth::report {

namespace {

constexpr std::uint64_t ones = ~std::uint64_t{0};

struct Making {
    const Unit& unit;
    const launch::Plan& plan;
    const Beacons& beacons;
    const std::vector<std::uint64_t>* program = nullptr;
    std::string directive;
    std::vector<Try>& made;

    [[nodiscard]] const SandboxSettings& sandbox() const { return unit.settings.sandbox; }
    void add(std::string word, std::string what, Expect expect = Expect::Refused) const {
        made.push_back({directive, std::move(word), std::move(what), expect});
    }
    void write(const std::string& path) const { add("w:" + path, "write to " + path); }
    void look(const std::string& path) const {
        add("l:" + path, "look into " + path, Expect::Empty);
    }
    void open(const std::string& path) const { add("o:" + path, "open " + path, Expect::Absent); }
    /// A call with arguments that no kernel accepts, where the filter alone refuses it.
    bool call(std::string_view name) const {
        const auto number = launch::call_number(launch::local_abis().front(), name);
        if (program == nullptr || !number) {
            return false;
        }
        const auto answer = filter_verdict(*program, name, {ones, ones, ones, ones, ones, ones});
        if (!answer || *answer == SECCOMP_RET_ALLOW || *answer == SECCOMP_RET_LOG) {
            return false;
        }
        made.push_back(
            {directive,
             "c:" + std::to_string(*number),
             std::string(name) + "()",
             Expect::Refused,
             answer});
        return true;
    }
    [[nodiscard]] bool kills() const {
        return !made.empty() && made.back().filtered &&
               (*made.back().filtered & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO;
    }
};

/// The lines of the directive's own text, without the prefixes of path lists.
std::vector<std::string> paths_of(const Making& making) {
    const hearth::Row* const row = find_row(making.directive);
    std::vector<std::string> paths;
    std::istringstream words(row == nullptr ? "" : row->format(making.unit.settings));
    for (std::string word; words >> word;) {
        word.erase(0, word.find_first_not_of("-+"));
        if (word.starts_with('/')) {
            paths.push_back(word);
        }
    }
    return paths;
}

bool is_kept_writable(const Making& making, const std::string& path) {
    return std::ranges::any_of(making.sandbox().read_write_paths, [&](const PathEntry& entry) {
        return is_below(path, entry.path) || path == entry.path;
    });
}

void bounding_set(const Making& making) {
    for (unsigned capability = 0; capability <= CAP_LAST_CAP; ++capability) {
        if (((making.sandbox().capability_bounding_set.mask >> capability) & 1U) == 0) {
            making.add(
                "b:" + std::to_string(capability),
                "keep " + capability_name(capability),
                Expect::Zero);
        }
    }
}

void protect_system(const Making& making) {
    const ProtectSystem how = making.sandbox().protect_system;
    std::vector<std::string> paths = {"/usr", "/boot", "/efi"};
    if (how != ProtectSystem::Yes) {
        paths.emplace_back("/etc");
    }
    if (how == ProtectSystem::Strict) {
        paths.insert(paths.end(), {"/", "/var", "/srv", "/opt"});
    }
    for (const std::string& path : paths) {
        if (!is_kept_writable(making, path)) {
            making.write(path);
        }
    }
}

void protect_home(const Making& making) {
    for (const char* path : {"/home", "/root", "/run/user"}) {
        if (making.sandbox().protect_home == ProtectHome::ReadOnly) {
            making.write(path);
        } else {
            making.look(path);
        }
    }
}

struct Family {
    const char* name;
    int number, type;
};
constexpr auto families = std::to_array<Family>({
    {"AF_UNIX", AF_UNIX, SOCK_STREAM},
    {"AF_INET", AF_INET, SOCK_DGRAM},
    {"AF_INET6", AF_INET6, SOCK_DGRAM},
    {"AF_NETLINK", AF_NETLINK, SOCK_RAW},
    {"AF_PACKET", AF_PACKET, SOCK_RAW},
    {"AF_VSOCK", AF_VSOCK, SOCK_STREAM},
    {"AF_ALG", AF_ALG, SOCK_SEQPACKET},
    {"AF_BLUETOOTH", AF_BLUETOOTH, SOCK_RAW},
    {"AF_KEY", AF_KEY, SOCK_RAW},
});

void address_families(const Making& making) {
    const AddressFamilies& asked = making.sandbox().restrict_address_families;
    for (const Family& family : families) {
        if (asked.families.contains(family.name) != asked.allow_list) {
            making.add(
                "s:" + std::to_string(family.number) + ":" + std::to_string(family.type),
                std::string("a socket of ") + family.name);
        }
    }
}

/// Those of which a call that goes through ends or holds up the caller, whatever its arguments.
bool is_unfit(std::string_view call) {
    constexpr auto unfit = std::to_array<std::string_view>(
        {"exit",
         "exit_group",
         "fork",
         "pause",
         "restart_syscall",
         "rt_sigreturn",
         "sigreturn",
         "sync",
         "vfork",
         "vhangup"});
    return std::ranges::find(unfit, call) != unfit.end();
}

void system_calls(const Making& making) {
    constexpr std::size_t most_killed = 12;  // each takes a process of its own
    std::set<std::string_view> names;
    if (const SystemCallGroup* known = find_system_call_group("@known")) {
        for_each_call(*known, [&](std::string_view call) { names.insert(call); });
    }
    std::size_t killed = 0;
    for (const std::string_view name : names) {
        if (is_unfit(name) || !making.call(name) || !making.kills()) {
            continue;
        }
        if (++killed > most_killed) {
            making.made.pop_back();
        }
    }
}

void calls(const Making& making, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        making.call(name);
    }
}

struct Namespace {
    const char* name;
    std::uint64_t flag;
};
constexpr auto namespaces = std::to_array<Namespace>({
    {"cgroup", 0x02000000},
    {"ipc", 0x08000000},
    {"mnt", 0x00020000},
    {"net", 0x40000000},
    {"pid", 0x20000000},
    {"user", 0x10000000},
    {"uts", 0x04000000},
});

void restrict_namespaces(const Making& making) {
    for (const Namespace& kind : namespaces) {
        const auto answer =
            making.program == nullptr
                ? std::nullopt
                : filter_verdict(*making.program, "unshare", {kind.flag, 0, 0, 0, 0, 0});
        if (answer && *answer != SECCOMP_RET_ALLOW) {
            making.made.push_back(
                {making.directive,
                 "!u:" + std::to_string(kind.flag),
                 std::string("a new ") + kind.name + " namespace",
                 Expect::Refused,
                 answer});
        }
    }
}

struct Entry {
    std::string_view directive;
    void (*make)(const Making&);
};
const auto table = std::to_array<Entry>({
    {"BindReadOnlyPaths",
     [](const Making& making) {
         for (const BindEntry& entry : making.sandbox().bind_read_only_paths) {
             making.write(entry.destination.empty() ? entry.source : entry.destination);
         }
     }},
    {"CapabilityBoundingSet", bounding_set},
    {"InaccessiblePaths",
     [](const Making& making) {
         for (const std::string& path : paths_of(making)) {
             making.look(path);
         }
     }},
    {"LockPersonality", [](const Making& making) { making.add("!p", "another execution domain"); }},
    {"MemoryDenyWriteExecute",
     [](const Making& making) { making.add("x", "memory that is writable and executable"); }},
    {"NoExecPaths",
     [](const Making& making) {
         for (const std::string& path : paths_of(making)) {
             making.add("e:" + path, "execute from " + path);
         }
     }},
    {"NoNewPrivileges",
     [](const Making& making) { making.add("n", "the flag no_new_privs", Expect::One); }},
    {"PrivateDevices",
     [](const Making& making) {
         for (const char* node :
              {"/dev/kmsg",
               "/dev/mem",
               "/dev/port",
               "/dev/loop-control",
               "/dev/fuse",
               "/dev/kvm",
               "/dev/sda",
               "/dev/vda",
               "/dev/cpu/0/msr"}) {
             making.open(node);
         }
         making.add("M:/dev/shm/.hearth-probe", "make a device node");
     }},
    {"PrivateIPC",
     [](const Making& making) {
         making.add(
             "S:" + std::to_string(making.beacons.shared_memory),
             "attach the host's shared memory");
     }},
    {"PrivateNetwork",
     [](const Making& making) {
         making.add("A:" + making.beacons.socket, "reach an abstract socket of the host");
     }},
    {"PrivatePIDs",
     [](const Making& making) {
         making.add("k:" + std::to_string(making.beacons.stranger), "signal hearthd");
     }},
    {"PrivateTmp",
     [](const Making& making) {
         making.open(making.beacons.tmp);
         making.open(making.beacons.var_tmp);
     }},
    {"ProcSubset", [](const Making& making) { making.open("/proc/meminfo"); }},
    {"ProtectClock",
     [](const Making& making) {
         making.add("a", "set the clock");
         making.open("/dev/rtc0");
     }},
    {"ProtectControlGroups",
     [](const Making& making) {
         for (const char* path :
              {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory"}) {
             making.write(path);
         }
     }},
    {"ProtectHome", protect_home},
    {"ProtectHostname", [](const Making& making) { making.add("h", "set the host's name"); }},
    {"ProtectKernelLogs",
     [](const Making& making) {
         making.open("/dev/kmsg");
         making.open("/proc/kmsg");
         calls(making, {"syslog"});
     }},
    {"ProtectKernelModules",
     [](const Making& making) {
         calls(making, {"delete_module", "finit_module", "init_module"});
         making.look("/usr/lib/modules");
     }},
    {"ProtectKernelTunables",
     [](const Making& making) {
         for (const char* path :
              {"/proc/sys/vm/drop_caches",
               "/proc/sys/kernel/core_pattern",
               "/proc/sysrq-trigger",
               "/proc/irq/default_smp_affinity",
               "/sys/kernel/mm/transparent_hugepage/enabled",
               "/sys/power/state"}) {
             making.write(path);
         }
     }},
    {"ProtectProc",
     [](const Making& making) {
         making.open("/proc/" + std::to_string(making.beacons.stranger) + "/environ");
     }},
    {"ProtectSystem", protect_system},
    {"ReadOnlyPaths",
     [](const Making& making) {
         for (const std::string& path : paths_of(making)) {
             if (!is_kept_writable(making, path)) {
                 making.write(path);
             }
         }
     }},
    {"ReadWritePaths",
     [](const Making& making) {
         for (const std::string& path : paths_of(making)) {
             making.add("w:" + path, "write to " + path, Expect::Reached);
         }
     }},
    {"RestrictAddressFamilies", address_families},
    {"RestrictNamespaces", restrict_namespaces},
    {"RestrictRealtime", [](const Making& making) { making.add("!r", "real-time scheduling"); }},
    {"RestrictSUIDSGID",
     [](const Making& making) { making.add("m", "a file with the set-user-id bit"); }},
    {"SystemCallFilter", system_calls},
    {"User",
     [](const Making& making) {
         const auto& user = making.unit.settings.exec.user;
         if (user != "root" && user != "0") {
             making.add("!i:0", "become root");
         }
     }},
});

const std::vector<std::uint64_t>* program_of(const launch::Plan& plan) {
    for (const launch::Step& step : plan.steps) {
        if (const auto* load = std::get_if<launch::LoadSeccomp>(&step.action)) {
            return &load->program;
        }
    }
    return nullptr;
}

}  // namespace

std::vector<Try> tries(const Unit& unit, const launch::Plan& plan, const Beacons& beacons) {
    std::vector<Try> made;
    for (const Entry& entry : table) {
        const hearth::Row* const row = find_row(entry.directive);
        if (row != nullptr && unit.origins.contains(entry.directive) &&
            !row->is_default(unit.settings)) {
            entry.make({unit, plan, beacons, program_of(plan), std::string(entry.directive), made});
        }
    }
    return made;
}

std::string probe_forbidden(const launch::Plan& plan) {
    const auto* const program = program_of(plan);
    if (program == nullptr) {
        return {};
    }
    for (const char* call : {"execveat", "write", "exit_group"}) {
        const auto answer = filter_verdict(*program, call, {});
        if (!answer || (*answer != SECCOMP_RET_ALLOW && *answer != SECCOMP_RET_LOG)) {
            return std::string("the unit's filter forbids ") + call + "(), which the probe needs";
        }
    }
    return {};
}

}  // namespace hearth::report
