// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/descendants.hpp"

#include <dirent.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::cgroup {
namespace {

constexpr std::size_t longest_environment = std::size_t{1} << 20;

struct Process {
    pid_t parent = 0;
    std::uint64_t started = 0;
    bool dead = false;
};

/// Fields 3, 4 and 22 of /proc/PID/stat; the name in field 2 may hold anything, its last ')' ends
/// it.
std::optional<Process> read_process(const std::string& pid) {
    const auto text = sys::read_file("/proc/" + pid + "/stat", 4096);
    const std::size_t end = text ? text->rfind(')') : std::string::npos;
    if (end == std::string::npos) {
        return std::nullopt;
    }
    std::istringstream fields(text->substr(end + 1));
    Process process;
    std::string state, skipped;
    fields >> state >> process.parent;
    for (int number = 5; number < 22; ++number) {
        fields >> skipped;
    }
    fields >> process.started;
    process.dead = state == "Z" || state == "X";
    return fields ? std::optional(process) : std::nullopt;
}

std::map<pid_t, Process> all_processes() {
    std::map<pid_t, Process> found;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), ::closedir);
    while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
        if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) == 0) {
            continue;
        }
        if (const auto process = read_process(entry->d_name)) {
            found.emplace(static_cast<pid_t>(std::atoi(entry->d_name)), *process);
        }
    }
    return found;
}

bool carries(pid_t pid, const std::string& invocation) {
    const auto environment =
        sys::read_file("/proc/" + std::to_string(pid) + "/environ", longest_environment);
    const std::string variable = "INVOCATION_ID=" + invocation + '\0';
    if (!environment || invocation.empty()) {
        return false;
    }
    const std::string text = '\0' + *environment + '\0';
    return text.find('\0' + variable) != std::string::npos;
}

}  // namespace

void Descendants::add(const std::string& unit, pid_t pid, const std::string& invocation) {
    const auto process = read_process(std::to_string(pid));
    const std::lock_guard lock(mutex_);
    Entry& entry = units_[unit];
    entry.invocation = invocation;
    if (process) {
        entry.known[pid] = process->started;
    }
}

void Descendants::add_shim(const std::string& unit, pid_t pid, std::uint64_t started) {
    const std::lock_guard lock(mutex_);
    units_[unit].shims[pid] = started;
}

void Descendants::remove_shim(const std::string& unit, pid_t pid) {
    const std::lock_guard lock(mutex_);
    if (const auto found = units_.find(unit); found != units_.end()) {
        found->second.shims.erase(pid);
    }
}

bool Descendants::populated(const std::string& unit) {
    if (!processes(unit).empty()) {
        return true;
    }
    const std::lock_guard lock(mutex_);
    const auto found = units_.find(unit);
    return found != units_.end() && !found->second.shims.empty();
}

void Descendants::remove(const std::string& unit) {
    const std::lock_guard lock(mutex_);
    units_.erase(unit);
}

void Descendants::look(Entry& entry) const {
    const std::map<pid_t, Process> now = all_processes();
    std::erase_if(entry.known, [&](const auto& known) {
        const auto process = now.find(known.first);
        return process == now.end() || process->second.started != known.second;
    });
    const pid_t own = ::getpid(), above = ::getppid();  // the keeper: what a dead hearthd left
    const auto is_shim = [&](pid_t pid) {
        const auto shim = entry.shims.find(pid);
        const auto process = now.find(pid);
        return shim != entry.shims.end() && process != now.end() &&
               process->second.started == shim->second;
    };
    for (const auto& [pid, process] : now) {
        const bool orphan = (process.parent == own || process.parent == above) && !process.dead &&
                            !entry.known.contains(pid) && carries(pid, entry.invocation);
        if (orphan || is_shim(process.parent)) {
            entry.known.emplace(pid, process.started);
        }
    }
    for (bool more = true; more;) {
        more = false;
        for (const auto& [pid, process] : now) {
            if (entry.known.contains(process.parent)) {
                more = entry.known.emplace(pid, process.started).second || more;
            }
        }
    }
    // A zombie has run its course; its children are our own by now.
    std::erase_if(entry.known, [&](const auto& known) { return now.at(known.first).dead; });
}

std::vector<pid_t> Descendants::processes(const std::string& unit) {
    const std::lock_guard lock(mutex_);
    const auto found = units_.find(unit);
    std::vector<pid_t> pids;
    if (found != units_.end()) {
        look(found->second);
        for (const auto& [pid, started] : found->second.known) {
            pids.push_back(pid);
        }
    }
    return pids;
}

Result<void> Descendants::signal(const std::string& unit, pid_t pid, const sys::Signal& signal) {
    const auto pidfd = sys::pidfd_open(pid);
    const auto process = read_process(std::to_string(pid));
    if (!pidfd || !process) {
        return {};
    }
    {
        const std::lock_guard lock(mutex_);
        const auto found = units_.find(unit);
        const bool same = found != units_.end() && found->second.known.contains(pid) &&
                          found->second.known.at(pid) == process->started;
        if (!same) {
            return {};
        }
    }
    auto sent = sys::pidfd_send_signal(pidfd->number(), signal);
    return sent || sent.error().code == ESRCH ? Result<void>() : sent;
}

}  // namespace hearth::cgroup
