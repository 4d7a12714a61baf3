// SPDX-License-Identifier: MIT
#include "supervisor/doctor.hpp"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>

#include "supervisor/launch/planner.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "supervisor/sys/file.hpp"
#include "units/directive.hpp"
#include "units/names.hpp"

namespace hearth::doctor {

namespace {

struct Look {
    bool given = false;
    std::string detail;
};

struct Kind {
    std::string name;
    std::function<Look(const launch::Host&)> look;
    /// the same host without it; empty: the planner doesn't know it
    std::function<void(launch::Host&)> take_away;
    std::vector<std::string_view> needed_by;
};

Look answer(bool given, std::string missing, std::string there = {}) {
    return {given, given ? std::move(there) : std::move(missing)};
}

Look call_answer(long result, const char* call) {
    const int error = errno;
    if (result >= 0) {
        ::close(static_cast<int>(result));
        return {true, {}};
    }
    return {false, std::string(call) + ": " + std::strerror(error)};
}

Look kernel(const launch::Host&) {
    utsname names{};
    int major = 0, minor = 0;
    ::uname(&names);
    const bool read = std::sscanf(names.release, "%d.%d", &major, &minor) == 2;
    return answer(
        read && (major > 5 || (major == 5 && minor >= 14)),
        std::string(names.release) + ": hearth needs Linux 5.14 or later",
        names.release);
}

Look load_bpf(const launch::Host&) {
    bpf_insn program[2] = {};
    program[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
    program[0].imm = 1;
    program[1].code = BPF_JMP | BPF_EXIT;
    bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = reinterpret_cast<std::uint64_t>(&program[0]);
    attributes.insn_cnt = 2;
    attributes.license = reinterpret_cast<std::uint64_t>("MIT");
    return call_answer(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes), "bpf");
}

Look process_information(const launch::Host&) {
    const sys::Descriptor own(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    constexpr unsigned long get_info = 0xC040FF0B;  // PIDFD_GET_INFO, 64 bytes: Linux 6.13
    std::uint64_t information[8] = {1};
    const bool given = own && ::ioctl(own.number(), get_info, information) == 0;
    return answer(given, "exit statuses of adopted processes can't be known after a restart");
}

Look session_keyring(const launch::Host&) {
    errno = 0;
    const long ring = ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    return answer(ring >= 0 || errno == ENOKEY, std::string("keyctl: ") + std::strerror(errno));
}

Look detached_mounts(const launch::Host&) {
    constexpr int clone = 1;  // OPEN_TREE_CLONE
    return call_answer(
        ::syscall(SYS_open_tree, AT_FDCWD, "/proc/self", clone | O_CLOEXEC), "open_tree");
}

Look listed_file_system(const char* name) {
    const std::string text = sys::read_file("/proc/filesystems", 1U << 16U).value_or("");
    return answer(
        text.find("\t" + std::string(name) + "\n") != std::string::npos,
        "not in /proc/filesystems; perhaps its module isn't loaded");
}

Look name_space(const char* kind) {
    const std::string path = std::string("/proc/self/ns/") + kind;
    return answer(
        ::access(path.c_str(), F_OK) == 0, path + " is missing: not built into this kernel");
}

Look user_namespaces(const launch::Host& host) {
    const std::string text = sys::read_file("/proc/sys/user/max_user_namespaces", 64).value_or("0");
    if (std::strtoull(text.c_str(), nullptr, 10) == 0) {
        return {false, "user.max_user_namespaces is 0"};
    }
    const std::string knob = "/proc/sys/kernel/unprivileged_userns_clone";
    const std::string allowed = sys::read_file(knob, 64).value_or("1");
    return answer(host.own_uid == 0 || allowed.front() != '0', knob + " is 0");
}

Kind capability(unsigned number) {
    const std::uint64_t bit = std::uint64_t{1} << number;
    return {
        capability_name(number),
        [bit](const launch::Host& host) {
            return answer((host.capabilities & bit) != 0, "hearthd lacks it");
        },
        [bit](launch::Host& host) {
            host.capabilities &= ~bit;
            host.bounding_set &= ~bit;
        },
        {}};
}

Kind controller(const std::string& name) {
    return {
        "cgroup controller " + name,
        [name](const launch::Host& host) {
            const auto why = host.controllers_missing.find(name);
            return answer(
                host.controllers.contains(name),
                why != host.controllers_missing.end() ? why->second
                                                      : "not usable for services here");
        },
        [name](launch::Host& host) { host.controllers.erase(name); },
        {}};
}

/// `directive`: what needs it whether the planner knows it yet or not.
Kind security_module(const std::string& name, std::string_view directive) {
    return {
        "LSM " + name,
        [name](const launch::Host& host) {
            return answer(
                host.linux_security_modules.contains(name), "not in /sys/kernel/security/lsm");
        },
        [name](launch::Host& host) { host.linux_security_modules.erase(name); },
        {directive}};
}

/// Collects what no part of a plan stands for: looked at, and which directives need it is declared.
struct Declared {
    std::vector<Kind>& all;
    void operator()(
        std::string name,
        std::function<Look(const launch::Host&)> look,
        std::vector<std::string_view> needed_by) const {
        all.push_back({std::move(name), std::move(look), {}, std::move(needed_by)});
    }
};

void add_namespaces(const Declared& declared) {
    declared(
        "network namespaces",
        [](const auto&) { return name_space("net"); },
        {"PrivateNetwork", "NetworkNamespacePath"});
    declared(
        "IPC namespaces",
        [](const auto&) { return name_space("ipc"); },
        {"PrivateIPC", "IPCNamespacePath"});
    declared("UTS namespaces", [](const auto&) { return name_space("uts"); }, {"ProtectHostname"});
    declared("PID namespaces", [](const auto&) { return name_space("pid"); }, {"PrivatePIDs"});
    declared(
        "cgroup namespaces",
        [](const auto&) { return name_space("cgroup"); },
        {"ProtectControlGroups"});
    declared("user namespaces", user_namespaces, {"PrivateUsers", "UserNamespaceRange"});
}

void add_mounts(const Declared& declared) {
    declared(
        "detached mounts",
        detached_mounts,
        {"BindPaths", "BindReadOnlyPaths", "PrivateTmp", "ReadWritePaths", "UserNamespaceRange"});
    declared(
        "loop devices",
        [](const auto&) {
            return answer(::access("/dev/loop-control", F_OK) == 0, "/dev/loop-control is missing");
        },
        {"RootImage", "MountImages", "ExtensionImages"});
    declared(
        "overlay",
        [](const auto&) { return listed_file_system("overlay"); },
        {"ExtensionImages", "ExtensionDirectories", "RootEphemeral"});
    declared("squashfs", [](const auto&) { return listed_file_system("squashfs"); }, {"RootImage"});
}

void add_others(const Declared& declared, const std::string& runtime_directory) {
    declared("keyrings", session_keyring, {"KeyringMode"});
    declared(
        "BPF programs for cgroups",
        load_bpf,
        {"DeviceAllow",
         "DevicePolicy",
         "IPAddressAllow",
         "IPAddressDeny",
         "IPIngressFilterPath",
         "IPEgressFilterPath",
         "SocketBindAllow",
         "SocketBindDeny",
         "RestrictNetworkInterfaces",
         "RestrictFileSystems",
         "BPFProgram"});
    declared("PIDFD_GET_INFO", process_information, {});
    declared(
        "RUNTIME on tmpfs",
        [runtime_directory](const auto&) {
            struct statfs status{};
            std::string place = runtime_directory;
            while (::statfs(place.c_str(), &status) < 0 && place.size() > 1) {
                place.erase(std::max<std::size_t>(place.rfind('/'), 1));
            }
            return answer(
                status.f_type == TMPFS_MAGIC,
                runtime_directory + " is on a disk: each change of a unit is written there");
        },
        {});
}

std::vector<Kind> kinds(const std::string& runtime_directory, launch::CgroupLayout layout) {
    std::vector<Kind> all;
    all.push_back({"Linux 5.14", kernel, {}, {}});
    for (const unsigned number :
         {CAP_SYS_ADMIN,
          CAP_SETUID,
          CAP_SETGID,
          CAP_SETPCAP,
          CAP_SYS_CHROOT,
          CAP_NET_ADMIN,
          CAP_MKNOD,
          CAP_SYS_NICE,
          CAP_SYS_RESOURCE,
          CAP_SYS_PTRACE,
          CAP_BPF}) {
        all.push_back(capability(number));
    }
    all.push_back(
        {"seccomp",
         [](const launch::Host& host) {
             return answer(host.seccomp, "this kernel has no CONFIG_SECCOMP_FILTER");
         },
         [](launch::Host& host) { host.seccomp = false; },
         {}});
    all.push_back(security_module("apparmor", "AppArmorProfile"));
    all.push_back(security_module("selinux", "SELinuxContext"));
    all.push_back(security_module("smack", "SmackProcessLabel"));
    all.push_back(security_module("bpf", "RestrictFileSystems"));
    all.push_back(
        {"cgroups",
         [](const launch::Host& host) {
             return answer(
                 host.cgroup_layout != launch::CgroupLayout::None,
                 "no writable cgroup",
                 host.cgroup_layout == launch::CgroupLayout::Hybrid ? "hybrid: limits by v1"
                                                                    : "v2");
         },
         [](launch::Host& host) {
             host.cgroup_layout = launch::CgroupLayout::None;
             host.controllers.clear();
         },
         {}});
    const bool hybrid = layout == launch::CgroupLayout::Hybrid;
    for (const char* name : {"cpu", "cpuset", hybrid ? "blkio" : "io", "memory", "pids"}) {
        all.push_back(controller(name));
    }
    const Declared declared{all};
    add_namespaces(declared);
    add_mounts(declared);
    add_others(declared, runtime_directory);
    return all;
}

/// A host on which nothing is missing.
launch::Host whole(launch::Host host) {
    host.capabilities = host.bounding_set = ~std::uint64_t{0};
    host.seccomp = true;
    host.controllers = {"blkio", "cpu", "cpuset", "io", "memory", "pids"};
    host.controllers_missing.clear();
    host.linux_security_modules = {"apparmor", "bpf", "selinux", "smack"};
    if (host.cgroup_layout == launch::CgroupLayout::None) {
        host.cgroup_layout = launch::CgroupLayout::Unified;
    }
    return host;
}

bool is_given(const Unit& unit, const hearth::Row& row, const launch::Host& host) {
    static const std::vector<std::uint64_t> program{1};
    launch::Invocation invocation;
    invocation.command = &unit.settings.service.exec_start.front();
    invocation.executable = "/bin/true";
    invocation.seccomp = &program;
    const auto about = [&](const Diagnostic& told) {
        return told.message.starts_with(std::string(row.name) + "=");
    };
    const auto planned = launch::plan(unit, invocation, host);
    return planned ? std::ranges::none_of(planned->shortfalls, about)
                   : std::ranges::none_of(planned.error(), about);
}

struct Sample {
    const hearth::Row* row;
    Unit unit;
};

/// A unit per directive that may be refused for what a host lacks.
std::vector<Sample> samples(const launch::Host& host) {
    std::vector<Sample> made;
    for (const std::span<const hearth::Row> table : service_tables()) {
        for (const hearth::Row& row : table) {
            const bool fit = row.nature != Nature::Shares && !row.sample.empty() &&
                             !std::holds_alternative<applied::NoEffect>(row.applied) &&
                             (!std::holds_alternative<applied::Refused>(row.applied) ||
                              row.name == "AppArmorProfile");
            Unit unit;
            unit.name = "sample.service";
            unit.load_state = LoadState::Loaded;
            CommandLine command;
            command.path = "/bin/true";
            command.argv = {"/bin/true"};
            unit.settings.service.exec_start = {command};
            if (fit && row.assign(unit.settings, row.sample, ValueContext{})) {
                unit.origins[std::string(row.name)] = {};
                if (is_given(unit, row, host)) {
                    made.push_back({&row, std::move(unit)});
                }
            }
        }
    }
    return made;
}

}  // namespace

std::vector<Facility> facilities(const launch::Host& host, const std::string& runtime_directory) {
    const launch::Host complete = whole(host);
    const std::vector<Sample> all = samples(complete);
    std::vector<Facility> found;
    for (const Kind& kind : kinds(runtime_directory, host.cgroup_layout)) {
        const Look look = kind.look(host);
        Facility facility{kind.name, look.detail, look.given, {}};
        for (const std::string_view directive : kind.needed_by) {
            if (find_row(directive) != nullptr) {
                facility.breaks.emplace_back(directive);
            }
        }
        if (kind.take_away) {
            launch::Host without = complete;
            kind.take_away(without);
            for (const Sample& sample : all) {
                const bool told =
                    std::ranges::find(facility.breaks, sample.row->name) != facility.breaks.end();
                if (!told && !is_given(sample.unit, *sample.row, without)) {
                    facility.breaks.emplace_back(sample.row->name);
                }
            }
        }
        found.push_back(std::move(facility));
    }
    return found;
}

}  // namespace hearth::doctor
