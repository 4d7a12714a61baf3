// SPDX-License-Identifier: MIT
#include "supervisor/notify/main_process.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <optional>

#include "supervisor/sys/file.hpp"

namespace hearth::notify {

namespace {

constexpr int most_symlinks = 40;  // as in path_resolution(7)
constexpr std::size_t longest_pid_file = 64;

/// State and parent of a process; the name before them may hold spaces and parentheses.
struct ProcessFacts {
    char state = 0;
    pid_t parent = 0;
};
std::optional<ProcessFacts> facts_of(pid_t pid) {
    const auto text = sys::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    const std::size_t name_end = text ? text->rfind(") ") : std::string::npos;
    if (name_end == std::string::npos || name_end + 4 >= text->size()) {
        return std::nullopt;
    }
    ProcessFacts facts;
    facts.state = (*text)[name_end + 2];
    const char* const begin = text->data() + name_end + 4;
    std::from_chars(begin, text->data() + text->size(), facts.parent);
    return facts;
}

bool is_alive(pid_t pid) {
    const auto facts = facts_of(pid);
    return facts && facts->state != 'Z' && facts->state != 'X';
}

std::optional<pid_t> read_pid(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && pid > 0 ? std::optional(pid) : std::nullopt;
}

MainSearch none(std::string why) {
    return {0, std::move(why)};
}

MainSearch judge(
    const std::string& path,
    pid_t pid,
    bool trusted,
    const std::vector<pid_t>& members,
    pid_t control) {
    const std::string says = "PIDFile=" + path + " names process " + std::to_string(pid);
    if (pid == 1 || pid == ::getpid()) {
        return none(says + ", which is not the service's");
    }
    if (pid == control) {
        return none(says + ", which is a command of the unit and no main process");
    }
    if (!is_alive(pid)) {
        return none(says + ", which does not run");
    }
    const bool belongs = std::ranges::find(members, pid) != members.end();
    if (!belongs && !trusted) {
        return none(
            says + ", which is not in the service's cgroup: such a file must be root's alone");
    }
    return {pid, {}};
}

}  // namespace

Result<OpenedPath> open_judged(const std::string& path) {
    OpenedPath opened;
    opened.descriptor = HEARTH_TRY(sys::open("/", O_PATH | O_DIRECTORY));
    std::string rest = path;
    uid_t owner = 0;
    int symlinks = 0;
    while (!rest.empty()) {
        const std::size_t begin = rest.find_first_not_of('/');
        if (begin == std::string::npos) {
            break;
        }
        const std::size_t end = std::min(rest.find('/', begin), rest.size());
        const std::string part = rest.substr(begin, end - begin);
        rest.erase(0, end);
        sys::Descriptor next =
            HEARTH_TRY(sys::openat(opened.descriptor, part, O_PATH | O_NOFOLLOW));
        const struct stat status = HEARTH_TRY(sys::fstat(next.number()));
        opened.questionable = opened.questionable || (owner != 0 && owner != status.st_uid);
        owner = status.st_uid;
        if (!S_ISLNK(status.st_mode)) {
            opened.descriptor = std::move(next);
            continue;
        }
        if (++symlinks > most_symlinks) {
            return sys::call_failure("open", path, ELOOP);
        }
        char target[PATH_MAX];
        const ssize_t length = ::readlinkat(next.number(), "", target, sizeof target);
        if (length < 0) {
            return sys::call_failure("readlinkat", path, errno);
        }
        rest = std::string(target, static_cast<std::size_t>(length)) + rest;
        if (rest.front() == '/') {
            opened.descriptor = HEARTH_TRY(sys::open("/", O_PATH | O_DIRECTORY));
        }
    }
    return opened;
}

MainSearch main_by_pid_file(
    const std::string& path, const std::vector<pid_t>& members, pid_t control) {
    auto opened = open_judged(path);
    if (!opened) {
        return none(
            opened.error().code == ENOENT ? "PIDFile=" + path + " is not there yet"
                                          : "PIDFile=" + path + ": " + opened.error().what);
    }
    const auto status = sys::fstat(opened->descriptor.number());
    if (!status || !S_ISREG(status->st_mode)) {
        return none("PIDFile=" + path + " is no regular file");
    }
    // By the descriptor that was judged, not by the name, which may be another file by now.
    const auto text = sys::read_file(
        "/proc/self/fd/" + std::to_string(opened->descriptor.number()), longest_pid_file);
    if (!text) {
        return none("PIDFile=" + path + ": " + text.error().what);
    }
    const auto pid = read_pid(*text);
    if (!pid) {
        return none("PIDFile=" + path + " holds no process number");
    }
    const bool trusted = !opened->questionable && status->st_uid == 0;
    return judge(path, *pid, trusted, members, control);
}

MainSearch guess_main(const std::vector<pid_t>& members, pid_t control, pid_t parent) {
    pid_t found = 0;
    for (const pid_t pid : members) {
        const auto facts = pid == control ? std::nullopt : facts_of(pid);
        if (!facts || facts->parent != parent || facts->state == 'Z') {
            continue;
        }
        if (found != 0) {
            return none({});  // several: not knowing is better than a wrong guess
        }
        found = pid;
    }
    return {found, {}};
}

}  // namespace hearth::notify
