// SPDX-License-Identifier: MIT
#include "supervisor/blockers.hpp"

#include <fmt/format.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "parser/values.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

constexpr std::size_t longest_line = 4096;

/// A process names itself as it likes: nothing of it may steer a terminal.
std::string printable(std::string text) {
    std::ranges::replace_if(text, [](char each) { return each < ' ' || each > '~'; }, '?');
    return text;
}

std::string first_line(const std::string& path) {
    const std::string text = sys::read_file(path, longest_line).value_or("");
    return text.substr(0, text.find('\n'));
}

/// What a first argument that is a descriptor names, of the calls that hang most.
bool takes_descriptor(const std::string& call) {
    constexpr auto calls = std::to_array<std::string_view>(
        {"close",      "fallocate",       "fdatasync", "fgetxattr",  "flock",
         "fstat",      "fsync",           "ftruncate", "getdents64", "ioctl",
         "newfstatat", "openat",          "pread64",   "pwrite64",   "read",
         "readv",      "sync_file_range", "syncfs",    "write",      "writev"});
    return std::ranges::binary_search(calls, call);
}

/// /proc/PID/syscall: "running", or the number, six arguments and two registers.
void add_call(const std::string& directory, BlockingProcess& process) {
    const std::string line = first_line(directory + "/syscall");
    int number = -1;
    const char* const end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data(), end, number);
    if (error != std::errc() || number < 0) {
        return;
    }
    const std::unique_ptr<char, decltype(&std::free)> name(
        seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), &std::free);
    process.call = name ? name.get() : std::to_string(number);
    const std::string_view arguments(rest, static_cast<std::size_t>(end - rest));
    if (!takes_descriptor(process.call) || !arguments.starts_with(" 0x")) {
        return;
    }
    unsigned long long descriptor = 0;
    if (std::from_chars(rest + 3, end, descriptor, 16).ec == std::errc()) {
        process.path =
            printable(sys::readlink(directory + "/fd/" + std::to_string(descriptor)).value_or(""));
    }
}

std::string text_of(const BlockingProcess& process) {
    std::string text = fmt::format("{} ({}): {}", process.name, process.pid, process.state);
    if (!process.wchan.empty()) {
        text += " in " + process.wchan;
    }
    if (!process.call.empty()) {
        text += ", " + process.call;
    }
    if (!process.path.empty()) {
        text += " of " + process.path;
    }
    return text;
}

std::string rounded(std::uint64_t microseconds) {
    constexpr std::uint64_t second = 1'000'000;
    return format_timespan(Timespan::seconds((microseconds + second / 2) / second));
}

/// Names are printable; what JSON wants escaped is.
std::string quoted_json(const std::string& text) {
    std::string out = "\"";
    for (const char each : text) {
        if (each == '"' || each == '\\') {
            out += '\\';
        }
        out += each;
    }
    return out + "\"";
}

}  // namespace

std::vector<Blocker> find_blockers(const World& world, std::uint64_t now) {
    std::vector<Blocker> found;
    for (const auto& [name, record] : world.units) {
        if (record.active_state() != ActiveState::Deactivating) {
            continue;
        }
        Blocker blocker;
        blocker.unit = name;
        blocker.doing = sub_state(record);
        const std::uint64_t began =
            std::max(record.active_exit.monotonic, record.inactive_exit.monotonic);
        blocker.since = now > began ? now - began : 0;
        if (const auto deadline = record.status.next_deadline()) {
            blocker.left = *deadline > now ? *deadline - now : 0;
        }
        found.push_back(std::move(blocker));
    }
    std::ranges::stable_sort(found, std::greater(), &Blocker::since);
    return found;
}

std::vector<BlockingProcess> look_at(const std::vector<pid_t>& pids) {
    std::vector<BlockingProcess> found;
    for (const pid_t pid : pids) {
        const std::string directory = "/proc/" + std::to_string(pid);
        BlockingProcess process;
        process.pid = pid;
        process.name = printable(sys::command_name(pid).value_or(""));
        const std::string stat = first_line(directory + "/stat");
        const std::size_t state = stat.rfind(") ");
        if (process.name.empty() || state == std::string::npos) {
            continue;
        }
        process.state = stat.substr(state + 2, 1);
        process.wchan = printable(first_line(directory + "/wchan"));
        if (process.wchan == "0") {
            process.wchan.clear();
        }
        add_call(directory, process);
        found.push_back(std::move(process));
    }
    return found;
}

std::string blockers_text(const std::vector<Blocker>& blockers) {
    std::string text;
    int number = 0;
    for (const Blocker& each : blockers) {
        text += fmt::format(
            "{:3} {}: {} for {}, {}\n",
            ++number,
            each.unit,
            each.doing,
            rounded(each.since),
            each.left ? rounded(*each.left) + " left" : "no limit");
        for (const BlockingProcess& process : each.processes) {
            text += "      " + text_of(process) + "\n";
        }
    }
    return text;
}

std::string to_json(const std::vector<Blocker>& blockers) {
    std::string text = "[";
    for (const Blocker& each : blockers) {
        text += fmt::format(
            R"({}{{"unit":{},"doing":{},"since_usec":{},"left_usec":{},"processes":[)",
            text.size() > 1 ? "," : "",
            quoted_json(each.unit),
            quoted_json(each.doing),
            each.since,
            each.left ? std::to_string(*each.left) : "null");
        for (const BlockingProcess& process : each.processes) {
            text += fmt::format(
                R"({}{{"pid":{},"name":{},"state":{},"wchan":{},"call":{},"path":{}}})",
                &process == each.processes.data() ? "" : ",",
                process.pid,
                quoted_json(process.name),
                quoted_json(process.state),
                quoted_json(process.wchan),
                quoted_json(process.call),
                quoted_json(process.path));
        }
        text += "]}";
    }
    return text + "]";
}

}  // namespace hearth
