// SPDX-License-Identifier: MIT
#include "supervisor/launch/launcher_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/launch/child.hpp"
#include "supervisor/launch/launcher_shim.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::launch {
namespace {

// clone3's flags; <sched.h> has some of them as int, which INTO_CGROUP does not fit.
constexpr std::uint64_t CloneVm = 0x100, ClonePidfd = 0x1000, CloneVfork = 0x4000;
constexpr std::uint64_t CloneNewPid = 0x20000000;
constexpr std::uint64_t CloneClearSignalHandlers = 0x100000000, CloneIntoCgroup = 0x200000000;

constexpr std::size_t StackSize = 64UL * 1024;
constexpr std::size_t GuardSize = 64UL * 1024;  // a page, of whatever size this kernel has

/// A child that changes its ids makes the memory that it shares with us non-dumpable (trap 4),
/// which protects us while it runs and is restored when no launch is in its window. One per
/// process, because the attribute is.
class DumpableWindow {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        if (launches_++ == 0) {
            before_ = ::prctl(PR_GET_DUMPABLE);
        }
    }
    void close() {
        const std::lock_guard lock(mutex_);
        if (--launches_ == 0 && before_ == 1) {
            ::prctl(PR_SET_DUMPABLE, 1);
        }
    }

private:
    std::mutex mutex_;
    int launches_ = 0;
    int before_ = 0;
};
DumpableWindow dumpable_window;

/// The thread's children are born in another PID namespace until destruction.
class BornInPidNamespace {
public:
    Result<void> enter(int descriptor) {
        own_ = HEARTH_TRY(sys::own_namespace("pid"));
        return sys::setns(descriptor, static_cast<int>(CloneNewPid));
    }
    /// False: this thread's children would go on being born there.
    [[nodiscard]] bool leave() {
        return !own_ || sys::setns(own_.number(), static_cast<int>(CloneNewPid)).has_value();
    }

private:
    sys::Descriptor own_;
};

class Launch {
public:
    Launch(LaunchRequest request, const LaunchMeans& means, InFlight& in_flight)
        : request_(std::move(request)),
          means_(means),
          in_flight_(in_flight),
          preparing_(request_, means, in_flight) {}

    LaunchOutcome run() {
        std::optional<LaunchFailure> failure = preparing_.run();
        if (!failure) {
            failure = attempt();
            if (spoilt_ && !in_flight_.aborted()) {
                failure = again(*failure);
            }
        }
        result_.failure = std::move(failure);
        result_.id = request_.id;
        result_.plan = std::move(request_.plan);
        result_.activation = std::move(request_.activation);
        return LaunchOutcome{std::move(result_), thread_usable_ && preparing_.thread_usable()};
    }

private:
    std::optional<LaunchFailure> attempt();
    std::optional<LaunchFailure> again(const LaunchFailure& first);
    long clone(ChildProgram& program);
    long clone_below(const CloneArguments& arguments, ChildProgram& program);
    std::optional<LaunchFailure> judge(long pid, const LoweredPlan& lowered);
    LaunchFailure died(const LoweredPlan& lowered);
    LaunchFailure at_step(std::size_t plan_step) const;
    void tell_soft_failures(const ChildProgram& program);

    LaunchRequest request_;
    const LaunchMeans& means_;
    InFlight& in_flight_;
    Preparing preparing_;
    LaunchResult result_;
    bool thread_usable_ = true;
    bool spoilt_ = false;  ///< the child was killed at birth
};

/// The step's name and origin; past the last step: the execve.
LaunchFailure Launch::at_step(std::size_t plan_step) const {
    const Plan& plan = request_.plan;
    LaunchFailure failure;
    if (plan_step < plan.steps.size()) {
        const Step& step = plan.steps[plan_step];
        failure.step = name(step.action);
        failure.exit_status = step.exit_status;
        failure.asked = step.asked;
    } else {
        failure.step = "execve";
        failure.exit_status = ChildProgram().exec_exit_status;
        failure.asked = plan.executable_asked;
    }
    return failure;
}

std::optional<LaunchFailure> Launch::attempt() {
    spoilt_ = false;
    auto lowered = lower(request_.plan, preparing_.slots());
    if (!lowered) {
        LaunchFailure failure = at_step(lowered.error().step);
        failure.error = lowered.error().error.code;
        failure.detail = lowered.error().error.what;
        failure.before_clone = true;
        return failure;
    }
    lowered->program().report.abort = in_flight_.abort_flag();
    if (in_flight_.aborted()) {
        LaunchFailure failure;
        failure.step = "abort";
        failure.error = ECANCELED;
        failure.before_clone = true;
        return failure;
    }
    BornInPidNamespace pid_namespace;
    const auto pid_slot = request_.descriptors.find("pid");
    if (pid_slot != request_.descriptors.end() && !request_.shim) {
        if (const auto entered = pid_namespace.enter(pid_slot->second.number()); !entered) {
            LaunchFailure failure;
            failure.step = "enter-pid-namespace";
            failure.error = entered.error().code;
            failure.exit_status = 226;  // systemd.exec(5): NAMESPACE
            failure.before_clone = true;
            return failure;
        }
    }
    result_.started_realtime_microseconds = sys::realtime_microseconds();
    result_.started_monotonic_microseconds = sys::monotonic_microseconds();
    const long pid = clone(lowered->program());
    thread_usable_ = pid_namespace.leave();
    return judge(pid, *lowered);
}

long Launch::clone(ChildProgram& program) {
    CloneArguments arguments;
    arguments.flags = CloneVfork | ClonePidfd | CloneClearSignalHandlers;
    arguments.flags |= needs_own_memory(request_.plan) ? 0 : CloneVm;
    arguments.pidfd = reinterpret_cast<std::uint64_t>(in_flight_.pidfd_place());
    arguments.exit_signal = SIGCHLD;
    arguments.stack = means_.stack.base();
    arguments.stack_size = means_.stack.size();
    if (request_.plan.new_pid_namespace) {
        arguments.flags |= CloneNewPid;
    }
    if (request_.shim) {
        return clone_below(arguments, program);
    }
    if (preparing_.cgroup_directory() >= 0) {
        arguments.flags |= CloneIntoCgroup;
        arguments.cgroup = static_cast<std::uint64_t>(preparing_.cgroup_directory());
    }
    dumpable_window.open();
    const long pid = hearth_child_clone(&arguments, &program);
    dumpable_window.close();
    if (in_flight_.aborted() && (arguments.flags & CloneVm) == 0) {
        in_flight_.abort();  // a child with memory of its own doesn't see the flag
    }
    return pid;
}

long Launch::clone_below(const CloneArguments& arguments, ChildProgram& program) {
    const auto pid_namespace = request_.descriptors.find("pid");
    BelowShim below(*request_.shim, arguments, program);
    if (pid_namespace != request_.descriptors.end()) {
        below.born_in(pid_namespace->second.number());
    }
    dumpable_window.open();
    const long pid = below.run(in_flight_);
    dumpable_window.close();
    result_.shim = below.pid();
    return pid;
}

std::optional<LaunchFailure> Launch::judge(long pid, const LoweredPlan& lowered) {
    const ChildProgram& program = lowered.program();
    const ChildReport& report = program.report;
    result_.pidfd = in_flight_.take_pidfd();
    if (pid < 0) {
        LaunchFailure failure;
        failure.step = "clone3";
        failure.error = static_cast<int>(-pid);
        failure.exit_status = request_.plan.cgroup.empty() ? 1 : 219;  // CGROUP
        failure.asked = request_.plan.executable_asked;
        failure.before_clone = true;
        if (!request_.plan.cgroup.empty()) {
            failure.detail = "into cgroup " + request_.plan.cgroup;
        }
        return failure;
    }
    result_.pid = static_cast<pid_t>(pid);
    tell_soft_failures(program);
    if (report.phase == ChildReport::Executing) {
        return std::nullopt;
    }
    if (report.phase != ChildReport::Failed) {
        return died(lowered);
    }
    LaunchFailure failure = at_step(
        report.step < program.step_count ? program.steps[report.step].plan_step
                                         : request_.plan.steps.size());
    failure.error = report.error;
    if (report.part == ChildReport::Source) {
        failure.detail = "its source";
    } else if (report.part == ChildReport::Destination) {
        failure.detail = "its destination";
    } else if (failure.error == EINVAL && failure.step == name(MountPropagation{})) {
        failure.detail =
            "the root directory here is no mount point, as in a plain chroot: make it one with "
            "'mount --bind DIRECTORY DIRECTORY' before the chroot";
    }
    return failure;
}

/// Killed between two steps, before the first, or by its own choice when the abort came first.
LaunchFailure Launch::died(const LoweredPlan& lowered) {
    const ChildReport& report = lowered.program().report;
    LaunchFailure failure;
    failure.step = "clone3";
    failure.asked = request_.plan.executable_asked;
    if (report.phase == ChildReport::Stepping) {
        failure = at_step(lowered.program().steps[report.step].plan_step);
    }
    failure.exit_status = 0;  // what waitid says counts
    if (in_flight_.aborted()) {
        failure.error = ECANCELED;
        failure.detail = "the launch was aborted";
        return failure;
    }
    // It is dying and can't be stopped any more, so this ends; WNOWAIT: the caller reaps.
    const auto status = sys::waitid(result_.pidfd.number(), WNOWAIT);
    if (status && *status && (*status)->code != sys::ExitStatus::Code::Exited) {
        failure.detail = "killed by signal " + std::to_string((*status)->status);
        spoilt_ = report.phase == ChildReport::Unborn && (*status)->status == SIGKILL &&
                  preparing_.cgroup_directory() >= 0;
    } else {
        failure.detail = "the process ended before it reported";
    }
    if (report.phase == ChildReport::Unborn) {
        failure.detail += " before its first step";
    }
    return failure;
}

/// Killed at birth: the cgroup has seen a cgroup.kill (trap 1). Once more, in a new directory.
std::optional<LaunchFailure> Launch::again(const LaunchFailure& first) {
    static_cast<void>(sys::waitid(result_.pidfd.number(), 0));  // nobody else has heard of it
    result_.pidfd.reset();
    result_.pid = 0;
    result_.shortfalls.clear();
    if (auto failure = preparing_.remake_cgroup()) {
        failure->detail = first.detail + ", as after a cgroup.kill; its cgroup can't be remade: " +
                          failure->detail;
        return failure;
    }
    return attempt();
}

void Launch::tell_soft_failures(const ChildProgram& program) {
    const ChildReport& report = program.report;
    for (std::uint32_t i = 0; i < report.soft_count; ++i) {
        LaunchFailure soft = at_step(program.steps[report.soft[i].step].plan_step);
        soft.error = report.soft[i].error;
        soft.detail = "given as far as possible";
        result_.shortfalls.push_back({soft.asked, message(soft)});
    }
}

}  // namespace

void InFlight::abort() {
    __atomic_store_n(&aborted_, 1, __ATOMIC_SEQ_CST);
    const std::lock_guard lock(mutex_);
    const int pidfd = __atomic_load_n(&pidfd_, __ATOMIC_SEQ_CST);
    if (pidfd >= 0) {
        static_cast<void>(sys::pidfd_send_signal(pidfd, SIGKILL));  // gone already: as wanted
    }
}

sys::Descriptor InFlight::take_pidfd() {
    const std::lock_guard lock(mutex_);
    return sys::Descriptor(__atomic_exchange_n(&pidfd_, -1, __ATOMIC_SEQ_CST));
}

ChildStack::ChildStack() {
    void* mapping = ::mmap(
        nullptr,
        GuardSize + StackSize,
        PROT_NONE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1,
        0);
    if (mapping == MAP_FAILED) {
        return;
    }
    if (::mprotect(static_cast<char*>(mapping) + GuardSize, StackSize, PROT_READ | PROT_WRITE) <
        0) {
        ::munmap(mapping, GuardSize + StackSize);
        return;
    }
    mapping_ = mapping;
}

ChildStack::~ChildStack() {
    if (mapping_ != nullptr) {
        ::munmap(mapping_, GuardSize + StackSize);
    }
}

std::uint64_t ChildStack::base() const {
    return reinterpret_cast<std::uint64_t>(mapping_) + GuardSize;
}
std::uint64_t ChildStack::size() const {
    return StackSize;
}

SignalsBlocked::SignalsBlocked() {
    const std::uint64_t all = ~std::uint64_t{0};
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof all);
}
SignalsBlocked::~SignalsBlocked() {
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_);
}

LaunchOutcome run_launch(LaunchRequest request, const LaunchMeans& means, InFlight& in_flight) {
    return Launch(std::move(request), means, in_flight).run();
}

LaunchResult aborted_result(LaunchRequest request) {
    LaunchResult result;
    result.id = request.id;
    result.plan = std::move(request.plan);
    result.activation = std::move(request.activation);
    LaunchFailure failure;
    failure.step = "abort";
    failure.error = ECANCELED;
    failure.before_clone = true;
    result.failure = std::move(failure);
    return result;
}

sys::Descriptor make_inaccessible() {
    constexpr std::uint64_t NoExecution =
        sys::MountNoSetuid | sys::MountNoDevices | sys::MountNoExecute;
    auto made = [&]() -> Result<sys::Descriptor> {
        sys::Descriptor tree =
            HEARTH_TRY(sys::detached_mount("tmpfs", "mode=0755,nr_inodes=8,size=4k", NoExecution));
        if (::mkdirat(tree.number(), "directory", 0) < 0 ||
            ::mknodat(tree.number(), "file", S_IFREG, 0) < 0) {
            return sys::call_failure("mkdirat", "inaccessible", errno);
        }
        HEARTH_TRY(sys::mount_setattr(
            tree.number(),
            "",
            sys::AtEmptyPath,
            sys::MountAttributesRequest{.set = sys::MountReadOnly}));
        // The probe: before 6.15 nothing can be cloned out of a tree that is attached nowhere.
        HEARTH_TRY(sys::open_tree(tree.number(), "file", sys::OpenTreeClone));
        return tree;
    }();
    return made ? std::move(*made) : sys::Descriptor();
}

LaunchResult launch_now(LaunchRequest request, const cgroup::Tree& tree) {
    const SignalsBlocked blocked;
    const ChildStack stack;
    const bool hides = std::ranges::any_of(request.plan.steps, [](const Step& step) {
        return std::holds_alternative<HidePath>(step.action);
    });
    const sys::Descriptor inaccessible = hides ? make_inaccessible() : sys::Descriptor();
    InFlight in_flight;
    if (!stack.usable()) {
        LaunchResult result = aborted_result(std::move(request));
        result.failure->step = "mmap";
        result.failure->error = ENOMEM;
        return result;
    }
    return run_launch(
               std::move(request), LaunchMeans{tree, stack, inaccessible.number()}, in_flight)
        .result;
}

}  // namespace hearth::launch
