// SPDX-License-Identifier: MIT
#include "supervisor/attach.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "supervisor/log.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

/// Launch ids of sessions never meet those of the engine.
constexpr std::uint64_t session_launches = std::uint64_t{1} << 63U;
constexpr std::uint64_t retry_microseconds = 10'000;

struct NamespaceKind {
    const char* name;  ///< ours, and the slot
    const char* file;  ///< in /proc/PID/ns
};
// The order of entering: user first (it gives the rights for the others, unless hearthd has them
// already: attach_plan()), mount last (paths change).
constexpr std::array<NamespaceKind, 7> namespace_kinds{{
    {"user", "user"},
    {"pid", "pid"},
    {"ipc", "ipc"},
    {"uts", "uts"},
    {"network", "net"},
    {"cgroup", "cgroup"},
    {"mount", "mnt"},
}};

Unexpected<RequestError> refused(const std::string& name, std::string message) {
    return Unexpected(RequestError{name, std::move(message)});
}

struct Gathered {
    std::map<std::string, sys::Descriptor> descriptors;
    std::vector<std::string> entered;
    std::string executable;
};

bool is_executable(int root, const std::string& path) {
    auto file = sys::openat2(root, path.substr(1), O_PATH, 0, sys::ResolveInRoot);
    if (!file) {
        return false;
    }
    const auto status = sys::fstat(file->number());
    return status && S_ISREG(status->st_mode) && (status->st_mode & 0111U) != 0;
}

/// The program in the unit's own view: a bare name is searched for below the main process's root.
Result<std::string> find_executable(const std::string& word, int root) {
    if (word.find('/') != std::string::npos) {
        return word;
    }
    for (const char* directory :
         {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
        const std::string candidate = std::string(directory) + "/" + word;
        if (is_executable(root, candidate)) {
            return candidate;
        }
    }
    return failure(
        quoted(word) + " is not in the unit's /usr/bin, /bin and kin; give an absolute path",
        ENOENT);
}

/// Everything that may block on the unit's file systems, on the worker.
Result<Gathered> gather(
    pid_t pid, int pidfd, const std::vector<std::string>& wanted, const std::string& word) {
    Gathered gathered;
    const std::string process = "/proc/" + std::to_string(pid);
    for (const NamespaceKind& kind : namespace_kinds) {
        const bool all = wanted.empty();
        if (!all && std::ranges::find(wanted, kind.name) == wanted.end()) {
            continue;
        }
        const auto theirs = sys::namespace_identity(process + "/ns/" + kind.file);
        const auto ours = sys::namespace_identity("/proc/self/ns/" + std::string(kind.file));
        if (theirs && ours && *theirs == *ours) {
            continue;  // shared with us: nothing to enter
        }
        gathered.descriptors.emplace(kind.name, HEARTH_TRY(sys::namespace_of(pid, kind.file)));
        gathered.entered.emplace_back(kind.name);
    }
    const auto mount = gathered.descriptors.contains("mount");
    auto root = HEARTH_TRY(sys::open(mount ? process + "/root" : "/", O_PATH | O_DIRECTORY));
    gathered.executable = HEARTH_TRY(find_executable(word, root.number()));
    HEARTH_TRY(sys::pidfd_send_signal(pidfd, 0));  // still the process that we mean
    return gathered;
}

}  // namespace

void AttachSessions::start(
    AttachRequest request,
    Target target,
    Worker& worker,
    launch::LauncherPool& launchers,
    Started started,
    Ended ended) {
    const std::uint64_t id = ++last_;
    Session& session = sessions_[id];
    session.unit = request.unit;
    session.started = std::move(started);
    session.ended = std::move(ended);
    session.tasks_limit = target.tasks_limit;
    session.cgroup = request.level == AttachRequest::Level::Privileged
                         ? "system.slice/attach-" + std::to_string(id) + ".scope"
                         : target.cgroup + "/attach-" + std::to_string(id);

    struct Gathering {
        AttachRequest request;
        Target target;
        Result<Gathered> gathered = failure("not gathered");
    };
    auto job = std::make_shared<Gathering>(Gathering{std::move(request), std::move(target)});
    const std::string word =
        job->request.command.empty() ? "/bin/sh" : job->request.command.front();
    worker.run(
        [job, word] {
            job->gathered = gather(
                job->target.main_pid, job->target.pidfd.number(), job->request.namespaces, word);
        },
        [this, job, id, &launchers] {
            const auto found = sessions_.find(id);
            if (found == sessions_.end()) {
                return;
            }
            if (!job->gathered || found->second.ending) {
                const std::string why =
                    job->gathered ? "the unit is stopping" : job->gathered.error().what;
                const Started tell = std::move(found->second.started);
                sessions_.erase(found);
                tell(refused("AttachFailed", "cannot attach to " + job->request.unit + ": " + why));
                return;
            }
            launch::LaunchRequest launch;
            launch.id = session_launches | id;
            launch.plan = attach_plan(
                job->request,
                job->target.plan,
                job->gathered->entered,
                job->gathered->executable,
                tree_.layout() == launch::CgroupLayout::None ? "" : found->second.cgroup,
                job->target.capabilities);
            launch.descriptors = std::move(job->gathered->descriptors);
            const char* const slots[] = {"stdin", "stdout", "stderr"};
            for (std::size_t number = 0; number < 3; ++number) {
                launch.descriptors.emplace(slots[number], std::move(job->request.stdio[number]));
            }
            found->second.launching = true;
            launchers.launch(std::move(launch));
        });
}

void AttachSessions::start_fresh(
    AttachRequest request,
    launch::Plan plan,
    Worker& worker,
    launch::LauncherPool& launchers,
    Started started,
    Ended ended) {
    const std::uint64_t id = ++last_;
    Session session;
    session.unit = request.unit;
    session.cgroup = plan.cgroup.empty() ? "attach-" + std::to_string(id) : plan.cgroup;
    session.started = std::move(started);
    session.ended = std::move(ended);
    session.launching = true;
    session.worker = &worker;
    launch::LaunchRequest launch;
    launch.id = session_launches | id;
    launch.plan = std::move(plan);
    const char* const slots[] = {"stdin", "stdout", "stderr"};
    for (std::size_t number = 0; number < 3; ++number) {
        launch.descriptors.emplace(slots[number], std::move(request.stdio[number]));
    }
    sessions_.emplace(id, std::move(session));
    launchers.launch(std::move(launch));
}

bool AttachSessions::launched(launch::LaunchResult& result) {
    if ((result.id & session_launches) == 0) {
        return false;
    }
    const std::uint64_t id = result.id & ~session_launches;
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        return true;
    }
    Session& session = found->second;
    session.launching = false;
    session.activation = std::move(result.activation);
    const Started started = std::move(session.started);
    if (result.failure) {
        if (result.pidfd) {
            (void)sys::waitid(result.pidfd.number(), 0);
        }
        std::string why = launch::message(*result.failure);
        if (result.failure->error == EAGAIN && !session.tasks_limit.empty()) {
            why += "; TasksMax=" + session.tasks_limit + " of " + session.unit +
                   " is used up: --privileged attaches outside the unit's limits";
        }
        started(refused("AttachFailed", "cannot attach to " + session.unit + ": " + why));
        remove(id);
        return true;
    }
    session.pid = result.pid;
    session.pidfd = std::move(result.pidfd);
    tree_.track(session.cgroup, session.pid, {});  // where there are no cgroups
    auto source =
        loop_.on_io(session.pidfd.number(), EPOLLIN, Priority::Process, [this, id](std::uint32_t) {
            exited(id);
        });
    if (!source) {
        started(refused("AttachFailed", source.error().what));
        (void)sys::pidfd_send_signal(session.pidfd.number(), SIGKILL);
        remove(id);
        return true;
    }
    session.source = std::move(*source);
    started(AttachSession{id, session.pid});
    if (session.ending) {
        end(id);
    }
    return true;
}

void AttachSessions::exited(std::uint64_t id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        return;
    }
    Session& session = found->second;
    const auto status = sys::waitid(session.pidfd.number(), WNOHANG);
    if (status && !*status) {
        return;
    }
    AttachExit exit{CLD_KILLED, SIGKILL};
    if (status) {
        const bool exited = (*status)->code == sys::ExitStatus::Code::Exited;
        exit = {exited ? CLD_EXITED : CLD_KILLED, (*status)->status};
    }
    session.source = {};
    session.pid = 0;
    if (session.ended) {
        session.ended(id, exit);
    }
    remove(id);
}

/// The session is over: whatever it left in its cgroup is killed and the cgroup goes.
void AttachSessions::remove(std::uint64_t id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        return;
    }
    Session& session = found->second;
    if (tree_.populated(session.cgroup).value_or(false)) {
        (void)tree_.kill(session.cgroup);
    }
    if (tree_.remove(session.cgroup)) {
        if (session.worker != nullptr) {
            auto activation = std::make_shared<launch::Activation>(std::move(session.activation));
            session.worker->run([activation] { launch::release(*activation); });
        }
        sessions_.erase(found);
        return;
    }
    if (!session.retry) {
        auto timer = loop_.timer(Priority::Timer, [this, id] { remove(id); });
        if (!timer) {
            log::write(
                log::Level::Warning, session.unit, "cgroup " + session.cgroup + " is left behind");
            sessions_.erase(found);
            return;
        }
        session.retry = std::move(*timer);
    }
    session.retry.arm_in(retry_microseconds);
}

void AttachSessions::signal(std::uint64_t session, int signal) {
    const auto found = sessions_.find(session);
    if (found != sessions_.end() && found->second.pidfd) {
        (void)sys::pidfd_send_signal(found->second.pidfd.number(), signal);
    }
}

void AttachSessions::end(std::uint64_t id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        return;
    }
    found->second.ending = true;
    if (found->second.pid != 0) {
        // A shell gets its hang-up; the kill that follows is for what doesn't listen.
        (void)tree_.signal(found->second.cgroup, SIGHUP, {});
        (void)tree_.signal(found->second.cgroup, SIGCONT, {});
        (void)tree_.kill(found->second.cgroup);
    }
}

void AttachSessions::end_unit(const std::string& unit) {
    for (auto& [id, session] : sessions_) {
        if (session.unit == unit) {
            end(id);
        }
    }
}

void AttachSessions::end_all() {
    for (auto& [id, session] : sessions_) {
        end(id);
    }
}

bool AttachSessions::watches(pid_t pid) const {
    return std::ranges::any_of(
        sessions_, [pid](const auto& entry) { return entry.second.pid == pid; });
}

bool AttachSessions::launching() const {
    return std::ranges::any_of(sessions_, [](const auto& entry) { return entry.second.launching; });
}

}  // namespace hearth
