// SPDX-License-Identifier: MIT
//
// snapshot(): one pass over /proc/PID and the unit's cgroup files. Reads only; every read is
// bounded.
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/launch/cgroup_filters.hpp"
#include "supervisor/report/path_facts.hpp"
#include "supervisor/report/report.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth::report {

namespace {

constexpr std::size_t max_text = std::size_t{4} << 20U;

std::string trimmed(const std::string& text) {
    const std::size_t start = text.find_first_not_of(" \t\n");
    if (start == std::string::npos) {
        return {};
    }
    return text.substr(start, text.find_last_not_of(" \t\n") - start + 1);
}

std::string read(KernelView& view, const std::string& path, const std::string& key) {
    auto text = sys::read_file(path, max_text);
    if (!text) {
        view.errors[key] = text.error().what;
        return {};
    }
    return std::move(*text);
}

std::map<std::string, std::string> keyed(const std::string& text) {
    std::map<std::string, std::string> values;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos) {
            values[trimmed(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
        }
    }
    return values;
}

/// "Max open files            1024                 524288               files"
void read_limits(KernelView& view, const std::string& text) {
    constexpr std::size_t name_width = 26;
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);  // the heading
    while (std::getline(lines, line)) {
        if (line.size() <= name_width) {
            continue;
        }
        std::istringstream values(line.substr(name_width));
        std::string soft;
        std::string hard;
        values >> soft >> hard;
        view.limits[trimmed(line.substr(0, name_width))] = soft + " " + hard;
    }
}

void read_namespaces(KernelView& view, const std::string& process) {
    for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
        const std::string file = std::string("/ns/") + kind;
        auto theirs = sys::namespace_identity(process + file);
        auto ours = sys::namespace_identity("/proc/self" + file);
        if (theirs && ours) {
            view.namespaces[kind] = std::move(*theirs);
            view.own_namespaces[kind] = std::move(*ours);
        } else {
            view.errors[kind] = theirs ? ours.error().what : theirs.error().what;
        }
    }
}

/// Field 19 of /proc/PID/stat; the name in field 2 may hold anything, its last ')' ends it.
void read_nice(KernelView& view, const std::string& stat) {
    const std::size_t end = stat.rfind(')');
    if (end == std::string::npos) {
        return;
    }
    std::istringstream fields(stat.substr(end + 1));
    for (int number = 3; number <= 19; ++number) {
        fields >> view.nice;
    }
}

/// Whether any disk's IO is shared by weight.
bool is_io_weighed() {
    const auto cost = sys::read_file("/sys/fs/cgroup/io.cost.qos", 65536);
    if (cost && cost->find("enable=1") != std::string::npos) {
        return true;
    }
    const auto disks = sys::read_directory("/sys/block");
    return disks && std::ranges::any_of(*disks, [](const std::string& disk) {
               const auto text = sys::read_file("/sys/block/" + disk + "/queue/scheduler", 4096);
               return text && text->find("[bfq]") != std::string::npos;
           });
}

AttachedFilter attached_filter(
    const std::string& directory, const std::vector<cgroup::BpfProgram>& programs) {
    AttachedFilter filter;
    filter.attached = true;
    for (const cgroup::BpfProgram& program : programs) {
        const auto wanted = cgroup::tag_of(program);
        const auto found = cgroup::attached_tags(directory, program.hook);
        if (!wanted || !found) {
            filter.error = !wanted ? wanted.error().what : found.error().what;
            return filter;
        }
        const bool there = std::ranges::count(*found, *wanted) != 0;
        filter.attached = filter.attached && there;
        filter.text += (filter.text.empty() ? "" : ", ") + std::string(name(program.hook)) + " " +
                       (there ? *wanted : "without " + *wanted);
    }
    return filter;
}

AttachedFilter attached_program(const std::string& directory, const launch::AttachProgram& wanted) {
    AttachedFilter filter;
    const auto state = cgroup::pinned_state(directory, wanted.program);
    if (!state) {
        filter.error = state.error().what;
        return filter;
    }
    filter.attached = state->attached;
    filter.text = wanted.program.hook + (state->attached ? " " : " without ") + state->tag;
    return filter;
}

void read_filters(KernelView& view, const Question& question, const cgroup::Tree& tree) {
    for (const launch::Prepared& prepared : question.plan.preparations) {
        if (const auto* pinned = std::get_if<launch::AttachProgram>(&prepared.preparation)) {
            const std::string what = pinned->program.hook + " " + pinned->program.path;
            view.cgroup_filters[what] = attached_program(tree.directory(pinned->path), *pinned);
            continue;
        }
        const auto* filter = std::get_if<launch::FilterCgroup>(&prepared.preparation);
        if (filter == nullptr) {
            continue;
        }
        const auto programs = launch::cgroup_filters(*filter);
        if (!programs) {
            view.errors["cgroup filters"] = programs.error().what;
            continue;
        }
        const std::string directory = tree.directory(filter->path);
        view.cgroup_filters["devices"] = attached_filter(directory, programs->devices);
        view.cgroup_filters["addresses"] = attached_filter(directory, programs->addresses);
        view.cgroup_filters["binds"] = attached_filter(directory, programs->binds);
        view.cgroup_filters["interfaces"] = attached_filter(directory, programs->interfaces);
    }
}

void read_id_maps(KernelView& view, const std::string& process) {
    view.uid_map = read_id_map(read(view, process + "/uid_map", "uid_map"));
    view.gid_map = read_id_map(read(view, process + "/gid_map", "gid_map"));
}

void read_namespace_files(KernelView& view, const Unit& unit) {
    const NamespaceSettings& asked = unit.settings.namespaces;
    for (const std::string& path : {asked.network_namespace_path, asked.ipc_namespace_path}) {
        if (path.empty()) {
            continue;
        }
        if (const auto status = sys::stat(path)) {
            view.namespace_files[path] = std::to_string(status->st_ino);
        } else {
            view.errors[path] = status.error().what;
        }
    }
}

/// A signal would still reach a zombie, whose /proc tells nothing any more: a pidfd becomes
/// readable.
bool is_alive(int pidfd) {
    pollfd ended{pidfd, POLLIN, 0};
    return ::poll(&ended, 1, 0) == 0;
}

/// As the process sees the directory; empty where it can't be looked at.
std::string directory_identity(const std::string& process, const std::string& path) {
    const auto status = sys::stat(process + "/root" + path);
    return status ? fmt::format("{}:{}", status->st_dev, status->st_ino) : std::string();
}

void read_companions(KernelView& view, const Question& question, const std::string& process) {
    if (!question.companions.empty()) {
        view.directories["/tmp"] = directory_identity(process, "/tmp");
    }
    for (const Companion& companion : question.companions) {
        const std::string theirs = "/proc/" + std::to_string(companion.main_pid);
        std::map<std::string, std::string> found;
        found["/tmp"] = directory_identity(theirs, "/tmp");
        for (const char* const kind : {"ipc", "net"}) {
            found[kind] = sys::namespace_identity(theirs + "/ns/" + kind).value_or("");
        }
        if (is_alive(companion.pidfd.number())) {
            view.companions[companion.unit.name] = std::move(found);
        }
    }
}

/// The policy of the first mapping without one of its own: "bind:0-1".
std::string first_policy(const std::string& maps) {
    std::istringstream fields(maps.substr(0, maps.find('\n')));
    std::string address, policy;
    fields >> address >> policy;
    return policy;
}

void read_properties(KernelView& view, pid_t pid, const std::string& process) {
    for (const char* const file :
         {"timerslack_ns",
          "coredump_filter",
          "personality",
          "attr/apparmor/current",
          "attr/current",
          "attr/smack/current"}) {
        const std::string text = trimmed(read(view, process + "/" + file, file));
        if (!text.empty()) {
            view.properties[file] = text.substr(0, text.find('\0'));
        }
    }
    if (const auto policy = first_policy(read(view, process + "/numa_maps", "numa policy"));
        !policy.empty()) {
        view.properties["numa policy"] = policy;
    }
    sched_param parameter{};
    const int policy = ::sched_getscheduler(pid);
    if (policy >= 0 && ::sched_getparam(pid, &parameter) == 0) {
        view.properties["scheduler"] =
            std::to_string(policy) + " " + std::to_string(parameter.sched_priority);
    }
    constexpr int one_process = 1;  // IOPRIO_WHO_PROCESS
    if (const long priority = ::syscall(SYS_ioprio_get, one_process, pid); priority >= 0) {
        view.properties["ioprio"] = std::to_string(priority);
    }
}

void read_knobs(KernelView& view, const Question& question, const cgroup::Tree& tree) {
    view.expected_cgroup = tree.shown(question.cgroup);
    if (const auto status = sys::stat(tree.directory(question.cgroup))) {
        view.cgroup_owner = std::to_string(status->st_uid);
    }
    const ResourceSettings& resources = question.unit.settings.resources;
    view.io_weighed =
        (resources.io_weight || !resources.io_device_weight.entries.empty()) && is_io_weighed();
    for (const launch::Prepared& prepared : question.plan.preparations) {
        const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        if (cgroup == nullptr) {
            continue;
        }
        for (const launch::MakeCgroup::Knob& knob : cgroup->knobs) {
            if (!knob.device.empty()) {
                if (const auto device = cgroup::Tree::block_device(knob.device)) {
                    view.block_devices[knob.device] = *device;
                }
            }
            auto value = tree.read(cgroup->path, {knob.controller, knob.file, knob.value});
            if (value) {
                view.knobs[knob.file] = trimmed(*value);
            } else {
                view.errors[knob.file] = value.error().what;
            }
        }
    }
}

bool loads_a_filter(const launch::Plan& plan) {
    for (const launch::Step& step : plan.steps) {
        if (std::holds_alternative<launch::LoadSeccomp>(step.action)) {
            return true;
        }
    }
    return false;
}

/// Only where there is one to compare with: the process is stopped for it.
void read_filters(KernelView& view, const Question& question, FilterMemory* memory) {
    auto own = keyed(read(view, "/proc/self/status", "own status"));
    view.own_filters = own["Seccomp_filters"];
    if (!loads_a_filter(question.plan) || view.status["Seccomp"] != "2") {
        return;
    }
    auto filter = memory != nullptr ? memory->filter(question.main_pid, question.pidfd.number())
                                    : read_filter(question.main_pid, question.pidfd.number());
    if (filter) {
        view.filter = std::move(*filter);
    } else {
        view.filter_error = filter.error().what;
    }
}

}  // namespace

KernelView snapshot(const Question& question, const cgroup::Tree& tree, FilterMemory* memory) {
    KernelView view;
    const std::string process = "/proc/" + std::to_string(question.main_pid);
    view.status = keyed(read(view, process + "/status", "status"));
    read_namespaces(view, process);
    read_id_maps(view, process);
    read_namespace_files(view, question.unit);
    read_companions(view, question, process);
    view.mountinfo = read(view, process + "/mountinfo", "mountinfo");
    view.own_mountinfo = read(view, "/proc/self/mountinfo", "own mountinfo");
    view.cgroup = read(view, process + "/cgroup", "cgroup");
    view.oom_score_adj = trimmed(read(view, process + "/oom_score_adj", "oom_score_adj"));
    read_limits(view, read(view, process + "/limits", "limits"));
    read_nice(view, read(view, process + "/stat", "stat"));
    read_properties(view, question.main_pid, process);
    for (const auto& [interface, counters] : keyed(read(view, process + "/net/dev", "net/dev"))) {
        view.interfaces.push_back(interface);
    }
    view.working_directory = sys::readlink(process + "/cwd").value_or("");
    read_paths(view, question, process);
    read_knobs(view, question, tree);
    read_filters(view, question, tree);
    read_filters(view, question, memory);
    view.alive = is_alive(question.pidfd.number());
    return view;
}

}  // namespace hearth::report
