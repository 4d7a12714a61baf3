// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/kernel_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include "supervisor/sys/file.hpp"

namespace hearth::cgroup {

namespace {

constexpr std::size_t most_victims = 64;
constexpr unsigned user_facility = 8;  // priorities of records from elsewhere than the kernel

std::optional<std::uint64_t> number_at(std::string_view text, std::size_t at) {
    std::uint64_t number = 0;
    if (at > text.size()) {
        return std::nullopt;
    }
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
    return error == std::errc() ? std::optional(number) : std::nullopt;
}

/// The number behind `key`, of which there is one.
std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key) {
    const std::size_t at = text.rfind(key);
    return at == std::string_view::npos ? std::nullopt : number_at(text, at + key.size());
}

/// "oom-kill:constraint=...,task_memcg=/a/b,task=NAME,pid=12,uid=0". A name may hold commas, and is
/// its process's to choose; what follows it is not.
std::optional<Victim> chosen(std::string_view line) {
    constexpr std::string_view group_key = ",task_memcg=", name_key = ",task=", pid_key = ",pid=";
    const std::size_t group = line.find(group_key);
    const std::size_t name = group == std::string_view::npos ? group : line.find(name_key, group);
    const std::size_t pid = line.rfind(pid_key);
    if (!line.starts_with("oom-kill:") || name == std::string_view::npos || pid < name ||
        pid == std::string_view::npos) {
        return std::nullopt;
    }
    Victim victim;
    victim.pid = static_cast<pid_t>(number_at(line, pid + pid_key.size()).value_or(0));
    victim.name = line.substr(name + name_key.size(), pid - name - name_key.size());
    victim.cgroup = line.substr(group + group_key.size(), name - group - group_key.size());
    return victim;
}

/// "Memory cgroup out of memory: Killed process 12 (NAME) total-vm:30776kB, anon-rss:24196kB,
/// file-rss:848kB, shmem-rss:0kB, ..."
std::optional<std::pair<pid_t, std::uint64_t>> killed(std::string_view line) {
    constexpr std::string_view words = "Memory cgroup out of memory: Killed process ";
    if (!line.starts_with(words)) {
        return std::nullopt;
    }
    std::uint64_t kilobytes = 0;
    for (const std::string_view key : {"anon-rss:", "file-rss:", "shmem-rss:"}) {
        kilobytes += number_of(line, key).value_or(0);
    }
    const pid_t pid = static_cast<pid_t>(number_at(line, words.size()).value_or(0));
    return std::pair(pid, kilobytes * 1024);
}

bool lies_in(std::string_view cgroup, std::string_view wanted) {
    const std::size_t at = cgroup.find(wanted);
    const std::size_t end = at + wanted.size();
    return at != std::string_view::npos && (at == 0 || cgroup[at - 1] == '/') &&
           (end == cgroup.size() || cgroup[end] == '/');
}

}  // namespace

void Victims::read(std::string_view record) {
    const std::size_t semicolon = record.find(';');
    if (semicolon == std::string_view::npos ||
        number_at(record, 0).value_or(user_facility) >= user_facility) {
        return;
    }
    const std::string_view line = record.substr(semicolon + 1);
    if (auto victim = chosen(line)) {
        if (chosen_.size() >= most_victims) {
            chosen_.clear();
        }
        chosen_.insert_or_assign(victim->pid, *victim);
    } else if (const auto end = killed(line)) {
        const auto found = chosen_.find(end->first);
        if (found == chosen_.end()) {
            return;
        }
        found->second.bytes = end->second;
        killed_.push_back(std::move(found->second));
        chosen_.erase(found);
        if (killed_.size() > most_victims) {
            killed_.erase(killed_.begin());
        }
    }
}

std::vector<Victim> Victims::take(std::string_view cgroup) {
    std::vector<Victim> taken;
    std::erase_if(killed_, [&](const Victim& victim) {
        const bool wanted = lies_in(victim.cgroup, cgroup);
        if (wanted) {
            taken.push_back(victim);
        }
        return wanted;
    });
    return taken;
}

void KernelLog::open() {
    why_not_.clear();
    auto log = sys::open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    if (!log) {
        why_not_ = log.error().what;
    } else if (::lseek(log->number(), 0, SEEK_END) < 0) {
        why_not_ = sys::call_failure("lseek", "/dev/kmsg", errno).error().what;
    } else {
        log_ = std::move(*log);
    }
}

std::vector<Victim> KernelLog::victims(std::string_view cgroup) {
    std::array<char, 8192> record{};
    while (log_) {
        const ssize_t size = ::read(log_.number(), record.data(), record.size());
        if (size > 0) {
            victims_.read({record.data(), static_cast<std::size_t>(size)});
        } else if (size == 0 || (errno != EPIPE && errno != EINTR)) {
            break;  // EPIPE: records were lost, and the next are there
        }
    }
    return victims_.take(cgroup);
}

}  // namespace hearth::cgroup
