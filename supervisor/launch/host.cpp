// SPDX-License-Identifier: MIT
#include "supervisor/launch/host.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>

extern char** environ;

namespace hearth::launch {
namespace {

std::vector<std::string_view> fields_of(std::string_view line, char separator) {
    std::vector<std::string_view> fields;
    for (std::size_t begin = 0;;) {
        const std::size_t end = line.find(separator, begin);
        fields.push_back(line.substr(begin, end - begin));
        if (end == std::string_view::npos) {
            return fields;
        }
        begin = end + 1;
    }
}

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

template <class Visitor>
void for_each_line(std::string_view text, const Visitor& visit) {
    for (const std::string_view line : fields_of(text, '\n')) {
        if (!line.empty() && line.front() != '#') {
            visit(line);
        }
    }
}

Result<std::string> content(const char* path) {
    const std::ifstream file(path);
    if (!file) {
        return failure(std::string("cannot read ") + path);
    }
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

/// The value of "Name:\tvalue" in /proc/self/status.
std::string_view status_field(std::string_view status, std::string_view name) {
    for (const std::string_view line : fields_of(status, '\n')) {
        if (line.starts_with(name) && line.substr(name.size()).starts_with(":")) {
            const std::string_view value = line.substr(name.size() + 1);
            return value.substr(std::min(value.find_first_not_of(" \t"), value.size()));
        }
    }
    return {};
}

Result<void> read_status(Host& host) {
    const std::string status = HEARTH_TRY(content("/proc/self/status"));
    const auto mask = [&](std::string_view name) {
        return number_of<std::uint64_t>(status_field(status, name), 16);
    };
    const auto permitted = mask("CapPrm"), bounding = mask("CapBnd"), ignored = mask("SigIgn");
    if (!permitted || !bounding || !ignored) {
        return failure("/proc/self/status doesn't tell our capabilities: is /proc mounted?");
    }
    host.capabilities = *permitted;
    host.bounding_set = *bounding;
    host.ignored_signals.clear();
    for (int number = 1; number <= 64; ++number) {
        if (((*ignored >> (number - 1)) & 1U) != 0) {
            host.ignored_signals.push_back(number);
        }
    }
    host.seccomp =
        !status_field(status, "Seccomp").empty();  // the line is there if the kernel has it
    return {};
}

void read_memory(Host& host) {
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) {
        host.memory_bytes = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
    }
}

/// The least of what the kernel sets as a bound for tasks.
void read_task_limits(Host& host) {
    std::uint64_t least = UINT64_MAX;
    for (const char* const path : {"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"}) {
        if (const auto text = content(path)) {
            const std::string_view line = std::string_view(*text).substr(0, text->find('\n'));
            least = std::min(least, number_of<std::uint64_t>(line).value_or(UINT64_MAX));
        }
    }
    host.tasks_maximum = least == UINT64_MAX ? 0 : least;
}

void read_security_modules(Host& host) {
    if (const auto text = content("/sys/kernel/security/lsm")) {
        for (const std::string_view name : fields_of(*text, ',')) {
            const std::string_view clean = name.substr(0, name.find('\n'));
            if (!clean.empty()) {
                host.linux_security_modules.emplace(clean);
            }
        }
        return;
    }
    // Where securityfs isn't mounted, each module's own sign.
    const auto enabled = content("/sys/module/apparmor/parameters/enabled");
    if (enabled && enabled->starts_with('Y')) {
        host.linux_security_modules.emplace("apparmor");
    }
    if (access("/sys/fs/selinux/enforce", F_OK) == 0) {
        host.linux_security_modules.emplace("selinux");
    }
    if (access("/sys/fs/smackfs/load2", F_OK) == 0) {
        host.linux_security_modules.emplace("smack");
    }
}

void read_kernel_version(Host& host) {
    utsname names{};
    if (uname(&names) != 0) {
        return;
    }
    const std::string_view release = names.release;  // "6.1.0-18-amd64"
    const auto fields = fields_of(release.substr(0, release.find('-')), '.');
    host.kernel_major = number_of<unsigned>(fields[0]).value_or(0);
    host.kernel_minor = fields.size() > 1 ? number_of<unsigned>(fields[1]).value_or(0) : 0;
}

void read_processors(Host& host) {
    host.cpus = read_number_list(content("/sys/devices/system/cpu/online").value_or(std::string()));
    const auto nodes = content("/sys/devices/system/node/online");
    for (const unsigned node : read_number_list(nodes.value_or(std::string()))) {
        const std::string path =
            "/sys/devices/system/node/node" + std::to_string(node) + "/cpulist";
        host.memory_nodes[node] = read_number_list(content(path.c_str()).value_or(std::string()));
    }
}

void read_resource_limits(Host& host) {
    for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
        struct rlimit limit{};
        if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0) {
            host.resource_limits[resource] = {limit.rlim_cur, limit.rlim_max};
        }
    }
}

void read_environment(Host& host) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
            host.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
        }
    }
}

}  // namespace

std::set<unsigned> read_number_list(std::string_view text) {
    std::set<unsigned> numbers;
    for (const std::string_view range : fields_of(text.substr(0, text.find('\n')), ',')) {
        const std::size_t dash = range.find('-');
        const auto low = number_of<unsigned>(range.substr(0, dash));
        const auto high =
            dash == std::string_view::npos ? low : number_of<unsigned>(range.substr(dash + 1));
        constexpr unsigned sane = 65536;
        for (unsigned number = low.value_or(1); low && high && number <= std::min(*high, sane);
             ++number) {
            numbers.insert(number);
        }
    }
    return numbers;
}

void read_accounts(Host& host, std::string_view passwd, std::string_view group) {
    for_each_line(passwd, [&](std::string_view line) {
        const auto fields = fields_of(line, ':');
        if (fields.size() != 7 || fields[0].empty()) {
            return;
        }
        const auto uid = number_of<std::uint32_t>(fields[2]),
                   gid = number_of<std::uint32_t>(fields[3]);
        if (!uid || !gid) {
            return;
        }
        Account account{
            std::string(fields[0]),
            *uid,
            *gid,
            std::string(fields[5]),
            fields[6].empty() ? "/bin/sh" : std::string(fields[6]),
            {}};
        host.account_by_uid.emplace(
            *uid, account.name);  // the first of several names, as getpwuid(3)
        host.accounts.emplace(account.name, std::move(account));
    });
    for_each_line(group, [&](std::string_view line) {
        const auto fields = fields_of(line, ':');
        const auto gid = fields.size() == 4 ? number_of<std::uint32_t>(fields[2]) : std::nullopt;
        if (!gid || fields[0].empty()) {
            return;
        }
        host.groups.emplace(fields[0], *gid);
        for (const std::string_view member : fields_of(fields[3], ',')) {
            const auto account = host.accounts.find(member);
            if (account != host.accounts.end() && account->second.gid != *gid) {
                account->second.groups.push_back(*gid);
            }
        }
    });
}

std::vector<SubordinateRange> read_subordinate_ranges(std::string_view text) {
    std::vector<SubordinateRange> ranges;
    for_each_line(text, [&](std::string_view line) {
        const auto fields = fields_of(line, ':');
        if (fields.size() != 3 || fields[0].empty()) {
            return;
        }
        const auto base = number_of<std::uint32_t>(fields[1]),
                   count = number_of<std::uint32_t>(fields[2]);
        // 0 is the host's root, and nothing may reach the kernel's "no id".
        if (base && count && *base > 0 && *count > 0 && *count <= UINT32_MAX - *base) {
            ranges.push_back({std::string(fields[0]), *base, *count});
        }
    });
    return ranges;
}

std::vector<CgroupPoint> read_cgroup_points(std::string_view mountinfo) {
    std::vector<CgroupPoint> points;
    for_each_line(mountinfo, [&](std::string_view line) {
        const std::size_t separator = line.find(" - ");
        const auto left = fields_of(line.substr(0, separator), ' ');
        if (separator == std::string_view::npos || left.size() < 5) {
            return;
        }
        const auto right = fields_of(line.substr(separator + 3), ' ');
        const bool unified = right[0] == "cgroup2";
        const bool there = left[4] == "/sys/fs/cgroup" || left[4].starts_with("/sys/fs/cgroup/");
        if (!there || right.size() < 3 || (!unified && right[0] != "cgroup")) {
            return;
        }
        std::string options;
        for (const std::string_view option : fields_of(unified ? "" : right[2], ',')) {
            // What every file system may have is no part of which hierarchy it is.
            if (!option.empty() && option != "rw" && option != "ro" && option != "xattr" &&
                option != "cpuset_v2_mode" && option != "favordynmods" &&
                option != "clone_children" && option != "noprefix" &&
                !option.starts_with("release_agent=")) {
                options += (options.empty() ? "" : ",") + std::string(option);
            }
        }
        // A named hierarchy without controllers has to say that it wants none.
        if (!unified && options.starts_with("name=")) {
            options = "none," + options;
        }
        points.push_back({std::string(left[4]), unified, std::move(options)});
    });
    std::ranges::stable_sort(points, {}, &CgroupPoint::path);
    const auto same_path = [](const CgroupPoint& a, const CgroupPoint& b) {
        return a.path == b.path;
    };
    points.erase(std::ranges::unique(points, same_path).begin(), points.end());
    return points;
}

Result<Host> gather_host() {
    Host host;
    host.own_uid = geteuid();
    host.own_gid = getegid();
    HEARTH_TRY(read_status(host));
    if (const auto last = content("/proc/sys/kernel/cap_last_cap")) {
        host.last_capability =
            number_of<unsigned>(std::string_view(*last).substr(0, last->find('\n'))).value_or(40);
    }
    read_memory(host);
    read_task_limits(host);
    read_security_modules(host);
    read_kernel_version(host);
    read_processors(host);
    read_resource_limits(host);
    read_environment(host);
    for (const char* const path : {"/home", "/root", "/run/user", "/boot", "/efi"}) {
        if (access(path, F_OK) == 0) {
            host.existing_paths.emplace(path);
        }
    }
    host.subordinate_uids = read_subordinate_ranges(content("/etc/subuid").value_or(std::string()));
    host.subordinate_gids = read_subordinate_ranges(content("/etc/subgid").value_or(std::string()));
    host.cgroup_points =
        read_cgroup_points(content("/proc/self/mountinfo").value_or(std::string()));
    // No users and no groups is a host like any other (a container from scratch): User= is refused
    // there.
    const std::string users = content("/etc/passwd").value_or(std::string());
    const std::string groups = content("/etc/group").value_or(std::string());
    read_accounts(host, users, groups);
    return host;
}

}  // namespace hearth::launch
