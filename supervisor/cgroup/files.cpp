// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/files.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>

#include "supervisor/sys/file.hpp"

namespace hearth::cgroup {
namespace {

constexpr std::size_t longest_file = std::size_t{64} << 20;  // cgroup.procs of a fork bomb
constexpr int deepest = 200;  // a path of more levels is over PATH_MAX soon, and no service's

bool is_gone(int code) {
    return code == ENOENT || code == ENODEV;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end == text.data()) {
        return std::nullopt;
    }
    return value;
}

Result<void> remove_below(const std::string& path, int depth);

Result<void> remove_children(const std::string& path, int depth) {
    const std::vector<std::string> names = HEARTH_TRY(children(path));
    if (names.empty() || depth == deepest) {
        return failure("cgroup " + path + " still holds processes", EBUSY);
    }
    for (const std::string& name : names) {
        HEARTH_TRY(remove_below(path + '/' + name, depth + 1));
    }
    return {};
}

Result<void> remove_below(const std::string& path, int depth) {
    Result<void> removed = sys::rmdir(path);
    if (removed || removed.error().code == ENOENT) {
        return {};
    }
    if (removed.error().code != EBUSY && removed.error().code != ENOTEMPTY) {
        return removed;
    }
    HEARTH_TRY(remove_children(path, depth));
    removed = sys::rmdir(path);
    if (!removed && removed.error().code == EBUSY) {
        return failure("cgroup " + path + " still holds processes", EBUSY);
    }
    return removed || removed.error().code == ENOENT ? Result<void>() : removed;
}

Result<void> collect(const std::string& path, std::vector<pid_t>& pids, int depth) {
    // The processes of a threaded cgroup are listed by the domain above it.
    Result<std::vector<pid_t>> own = own_processes(path);
    if (own) {
        pids.insert(pids.end(), own->begin(), own->end());
    } else if (own.error().code != EOPNOTSUPP) {
        return Unexpected(std::move(own).error());
    }
    if (depth == deepest) {
        return {};
    }
    for (const std::string& name : HEARTH_TRY(children(path))) {
        HEARTH_TRY(collect(path + '/' + name, pids, depth + 1));
    }
    return {};
}

}  // namespace

Result<bool> make_directory(const std::string& path) {
    Result<void> made = sys::mkdir(path, 0755);
    if (made) {
        return true;
    }
    if (made.error().code == EEXIST) {
        return false;
    }
    return Unexpected(std::move(made).error());
}

Result<void> remove_directory(const std::string& path) {
    return remove_below(path, 0);
}

Result<std::vector<std::string>> children(const std::string& path) {
    // A directory of kernfs counts its subdirectories: most have none, and many files to look at.
    const auto itself = sys::lstat(path);
    if (itself && itself->st_nlink == 2) {
        return std::vector<std::string>();
    }
    Result<std::vector<std::string>> names = sys::read_directory(path);
    if (!names) {
        if (is_gone(names.error().code)) {
            return std::vector<std::string>();
        }
        return names;
    }
    std::vector<std::string> directories;
    for (std::string& name : *names) {
        // The kernel's files have a '.' behind the controller's name; our slices and services too.
        const auto status = sys::lstat(path + '/' + name);
        if (status && S_ISDIR(status->st_mode)) {
            directories.push_back(std::move(name));
        }
    }
    return directories;
}

Result<std::vector<pid_t>> own_processes(const std::string& path) {
    std::vector<pid_t> pids;
    Result<std::string> text = sys::read_file(path + "/cgroup.procs", longest_file);
    if (!text) {
        if (is_gone(text.error().code)) {
            return pids;
        }
        return Unexpected(std::move(text).error());
    }
    std::istringstream lines(*text);
    for (pid_t pid = 0; lines >> pid;) {
        pids.push_back(pid);
    }
    return pids;
}

Result<void> collect_processes(const std::string& path, std::vector<pid_t>& pids) {
    return collect(path, pids, 0);
}

std::optional<std::uint64_t> read_number(const std::string& path) {
    const Result<std::string> text = sys::read_file(path, 4096);
    return text ? number(*text) : std::nullopt;
}

std::optional<std::uint64_t> read_keyed(const std::string& path, std::string_view key) {
    const Result<std::string> text = sys::read_file(path, 65536);
    if (!text) {
        return std::nullopt;
    }
    std::string_view rest = *text;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
            return number(line.substr(key.size() + 1));
        }
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    return std::nullopt;
}

Result<std::vector<std::string>> read_words(const std::string& path) {
    std::istringstream text(HEARTH_TRY(sys::read_file(path, 65536)));
    std::vector<std::string> words;
    for (std::string word; text >> word;) {
        words.push_back(std::move(word));
    }
    return words;
}

Result<void> inherit_cpuset(const std::string& directory) {
    const std::string parent = directory.substr(0, directory.rfind('/'));
    for (const char* const file : {"/cpuset.cpus", "/cpuset.mems"}) {
        const std::string own = HEARTH_TRY(sys::read_file(directory + file, 65536));
        if (own.empty() || own == "\n") {
            const std::string inherited = HEARTH_TRY(sys::read_file(parent + file, 65536));
            HEARTH_TRY(sys::write_file(directory + file, inherited));
        }
    }
    return {};
}

Result<sys::Descriptor> watch_v1_memory(const std::string& directory) {
    sys::Descriptor event = HEARTH_TRY(sys::eventfd());
    const sys::Descriptor control =
        HEARTH_TRY(sys::open(directory + "/memory.oom_control", O_RDONLY));
    HEARTH_TRY(sys::write_file(
        directory + "/cgroup.event_control",
        std::to_string(event.number()) + " " + std::to_string(control.number())));
    return event;
}

}  // namespace hearth::cgroup
