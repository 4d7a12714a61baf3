// SPDX-License-Identifier: MIT
//
// snapshot(): one pass over /proc/PID and the unit's cgroup files. Reads only; every read is bounded.
#include <fcntl.h>
#include <sys/stat.h>

#include <sstream>

#include "supervisor/report/report.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::report {

namespace {

constexpr std::size_t max_text = std::size_t{1} << 20U;

std::string trimmed(std::string text) {
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

std::string identity(const std::string& path) {
    const auto status = sys::stat(path);
    return status ? std::to_string(status->st_dev) + ":" + std::to_string(status->st_ino) : std::string();
}

}  // namespace

KernelView snapshot(const Question& question, const cgroup::Tree& tree) {
    KernelView view;
    const std::string process = "/proc/" + std::to_string(question.main_pid);
    std::istringstream status(read(view, process + "/status", "status"));
    for (std::string line; std::getline(status, line);) {
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos) {
            view.status[line.substr(0, colon)] = trimmed(line.substr(colon + 1));
        }
    }
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
    view.mountinfo = read(view, process + "/mountinfo", "mountinfo");
    view.cgroup = read(view, process + "/cgroup", "cgroup");
    view.oom_score_adj = trimmed(read(view, process + "/oom_score_adj", "oom_score_adj"));
    read_limits(view, read(view, process + "/limits", "limits"));
    const std::string stat = read(view, process + "/stat", "stat");
    if (const std::size_t end = stat.rfind(')'); end != std::string::npos) {
        std::istringstream fields(stat.substr(end + 1));
        std::string field;
        for (int number = 3; number <= 19; ++number) {
            fields >> field;
        }
        view.nice = field;
    }
    std::istringstream devices(read(view, process + "/net/dev", "net/dev"));
    for (std::string line; std::getline(devices, line);) {
        const std::size_t colon = line.find(':');
        if (colon != std::string::npos) {
            view.interfaces.push_back(trimmed(line.substr(0, colon)));
        }
    }
    view.root = identity(process + "/root");
    view.working_directory = sys::readlink(process + "/cwd").value_or("");
    if (!question.unit.settings.exec.root_directory.empty()) {
        view.expected_root = identity(question.unit.settings.exec.root_directory);
    }
    view.expected_cgroup = tree.shown(question.cgroup);
    for (const launch::Prepared& prepared : question.plan.preparations) {
        const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        if (cgroup == nullptr) {
            continue;
        }
        for (const launch::MakeCgroup::Knob& knob : cgroup->knobs) {
            auto value = tree.read(cgroup->path, {knob.controller, knob.file, knob.value});
            if (value) {
                view.knobs[knob.file] = trimmed(std::move(*value));
            } else {
                view.errors[knob.file] = value.error().what;
            }
        }
    }
    view.alive = sys::pidfd_send_signal(question.pidfd.number(), 0).has_value();
    return view;
}

}  // namespace hearth::report
