// SPDX-License-Identifier: MIT
#include "supervisor/launch/child.hpp"

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

#include "supervisor/launch/child_raw.hpp"

namespace hearth::launch {
namespace {

/// struct sigaction as the kernel has it; the headers' own is the C library's on some
/// architectures.
struct KernelSignalAction {
    unsigned long handler = 0, flags = 0, restorer = 0;
    std::uint64_t mask = 0;
};
constexpr int SignalCount = 64;
constexpr int SetMask = 2;  // SIG_SETMASK of asm-generic, and x86's
constexpr unsigned long DefaultAction = 0, IgnoreAction = 1;

long join_cgroups(const ChildStep& step) {
    const int* tasks = static_cast<const int*>(step.list);
    for (std::uint32_t i = 0; i < step.count; ++i) {
        const long written = call(__NR_write, tasks[i], "0", 1);
        if (written < 0) {
            return written;
        }
    }
    return 0;
}

long default_signals(const ChildStep& step) {
    for (int number = 1; number <= SignalCount; ++number) {
        const bool ignore = ((step.first >> (number - 1)) & 1) != 0;
        KernelSignalAction action;
        long result = call(__NR_rt_sigaction, number, nullptr, &action, sizeof action.mask);
        if (result < 0 || (action.handler == IgnoreAction) == ignore) {
            continue;  // SIGKILL and SIGSTOP can be read; nothing needs setting
        }
        action.handler = ignore ? IgnoreAction : DefaultAction;
        action.flags = 0;
        action.restorer = 0;
        action.mask = 0;
        result = call(__NR_rt_sigaction, number, &action, nullptr, sizeof action.mask);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

long write_file(const ChildStep& step) {
    const bool in_vain = (step.flags & ChildStep::Optional) != 0;
    const long file = call(__NR_openat, AT_FDCWD, step.source.text, O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) {
        return in_vain ? 0 : file;
    }
    const long written = call(__NR_write, file, step.name, step.first);
    close(file);
    return written < 0 && !in_vain ? written : 0;
}

long set_scheduler(const ChildStep& step) {
    const int priority = static_cast<int>(step.second);  // struct sched_param
    return call(__NR_sched_setscheduler, 0, step.first, &priority);
}

/// Each place has room for the widest number.
long own_pid(const ChildStep& step) {
    const long pid = call(__NR_getpid);
    char* const* places = static_cast<char* const*>(step.list);
    for (std::uint32_t i = 0; i < step.count; ++i) {
        char* place = places[i];
        long divisor = 1;
        while (pid / divisor >= 10) {
            divisor *= 10;
        }
        for (; divisor > 0; divisor /= 10) {
            *place++ = static_cast<char>('0' + pid / divisor % 10);
        }
        *place = '\0';
    }
    return 0;
}

/// So that the service can prove which invocation it is: a key that it can read and nobody change.
void keep_invocation_id(const ChildStep& step) {
    constexpr std::uint32_t view = 0x01, read = 0x02, search = 0x08;
    constexpr std::uint32_t possessor = 24, user = 16;
    constexpr std::uint32_t rights = view | read | search;
    const long key = call(
        __NR_add_key, "user", "invocation_id", step.list, step.count, KEY_SPEC_SESSION_KEYRING);
    if (key >= 0) {
        call(__NR_keyctl, KEYCTL_SETPERM, key, (rights << possessor) | (rights << user), 0, 0);
    }
}

/// Without a keyring of its own, there is none of the user's to link either.
long link_user_keyring() {
    const long result =
        call(__NR_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING, 0, 0);
    return result == NoSuchCall ? 0 : result;
}

long new_session_keyring(const ChildStep& step) {
    const long result = call(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr, 0, 0, 0);
    const bool refused = result == NoSuchCall || result == NotPermitted || result == AccessDenied ||
                         result == QuotaExceeded;
    if (result >= 0 && step.count != 0) {
        keep_invocation_id(step);
    }
    return refused ? 0
                   : result;  // a kernel or container without keyrings: the service goes without
}

long new_namespaces(const ChildStep& step) {
    const long result = call(__NR_unshare, step.first);
    return result == 0 && (step.first & CLONE_NEWNET) != 0 ? loopback_up() : result;
}

/// Of what was given, as systemd does: what is no terminal, or another session's, is passed over.
long controlling_terminal(const ChildStep& step) {
    (void)call(__NR_ioctl, step.descriptor, TIOCSCTTY, 0);
    return 0;
}

/// Opened anew each time: the end of the session that had it hangs up what was open before.
long acquire_terminal(const ChildStep& step) {
    constexpr std::uint64_t Wait = 0, Force = 1;
    constexpr long HungUp = -5;            // EIO
    constexpr long Pause = 20 * 1000000L;  // nanoseconds
    while (true) {
        const long terminal =
            call(__NR_openat, AT_FDCWD, step.source.text, O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
        if (terminal < 0) {
            return terminal;
        }
        long result = call(__NR_ioctl, terminal, TIOCSCTTY, step.first == Force ? 1 : 0);
        if (result == 0) {
            result = terminal == 0 ? call(__NR_fcntl, terminal, F_SETFD, 0)
                                   : call(__NR_dup3, terminal, 0, 0);
        }
        if (terminal != 0) {
            close(terminal);
        }
        const bool taken = result == NotPermitted || result == HungUp;
        if (!taken || step.first != Wait) {
            return result;
        }
        const long pause[2] = {0, Pause};  // struct timespec
        call(__NR_nanosleep, pause, nullptr);
    }
}

void note_soft(ChildProgram& program, std::uint32_t index, long error) {
    ChildReport& report = program.report;
    if (report.soft_count < ChildReport::MaximumSoft) {
        report.soft[report.soft_count].step = index;
        report.soft[report.soft_count].error = static_cast<std::int32_t>(-error);
        ++report.soft_count;
    }
}

/// EPERM with Soft: what may be had without CAP_SYS_RESOURCE is set, and -EPERM is still returned,
/// to be told.
long set_resource_limit(const ChildStep& step) {
    rlimit64 wanted;
    wanted.rlim_cur = step.second;
    wanted.rlim_max = step.third;
    const long result = call(__NR_prlimit64, 0, step.first, &wanted, nullptr);
    if (result != NotPermitted || (step.flags & ChildStep::Soft) == 0) {
        return result;
    }
    rlimit64 present;
    const long read = call(__NR_prlimit64, 0, step.first, nullptr, &present);
    if (read < 0) {
        return read;
    }
    if (wanted.rlim_max > present.rlim_max) {
        wanted.rlim_max = present.rlim_max;
    }
    if (wanted.rlim_cur > wanted.rlim_max) {
        wanted.rlim_cur = wanted.rlim_max;
    }
    const long lowered = call(__NR_prlimit64, 0, step.first, &wanted, nullptr);
    return lowered < 0 ? lowered : NotPermitted;
}

long drop_bounding_set(std::uint64_t keep) {
    for (unsigned capability = 0; capability < 64; ++capability) {
        const long present = call(__NR_prctl, PR_CAPBSET_READ, capability, 0, 0, 0);
        if (present < 0) {
            break;  // past the last one that this kernel knows
        }
        if (present == 1 && ((keep >> capability) & 1) == 0) {
            const long result = call(__NR_prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

long set_groups(const ChildStep& step) {
    const long result = call(__NR_setgroups, step.count, step.list);
    return result < 0 ? result : call(__NR_setresgid, step.first, step.first, step.first);
}

long set_capabilities(const ChildStep& step) {
    __user_cap_header_struct header;
    header.version = _LINUX_CAPABILITY_VERSION_3;
    header.pid = 0;
    __user_cap_data_struct data[2];
    for (unsigned half = 0; half < 2; ++half) {
        data[half].effective = static_cast<std::uint32_t>(step.first >> (32 * half));
        data[half].permitted = static_cast<std::uint32_t>(step.second >> (32 * half));
        data[half].inheritable = static_cast<std::uint32_t>(step.third >> (32 * half));
    }
    return call(__NR_capset, &header, data);
}

long raise_ambient(std::uint64_t mask) {
    for (unsigned capability = 0; capability < 64; ++capability) {
        if (((mask >> capability) & 1) != 0) {
            const long result =
                call(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

/// Optional (a leading `-`): without the directory the service starts in "/".
long change_directory(const ChildStep& step) {
    const long result = call(__NR_chdir, step.path.text);
    if (result < 0 && (step.flags & ChildStep::Optional) != 0) {
        return call(__NR_chdir, "/");
    }
    return result;
}

long close_descriptors(const ChildStep& step) {
    constexpr unsigned CloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC
    const long result = call(__NR_close_range, 3U, ~0U, CloseOnExec);
    if (result < 0) {
        return result;
    }
    const int* kept = static_cast<const int*>(step.list);
    for (std::uint32_t i = 0; i < step.count; ++i) {
        const long cleared = call(__NR_fcntl, kept[i], F_SETFD, 0);
        if (cleared < 0) {
            return cleared;
        }
    }
    return 0;
}

long reset_signal_mask() {
    const std::uint64_t none = 0;
    return call(__NR_rt_sigprocmask, SetMask, &none, nullptr, sizeof none);
}

long load_seccomp(const ChildStep& step) {
    sock_fprog program;
    program.len = static_cast<unsigned short>(step.count);
    program.filter = static_cast<sock_filter*>(const_cast<void*>(step.list));
    return call(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

// One case per opcode, each a line or two.
// NOLINTNEXTLINE(readability-function-size)
long apply(ChildProgram& program, const ChildStep& step) {
    switch (step.opcode) {
        case Opcode::JoinCgroups:
            return join_cgroups(step);
        case Opcode::DefaultSignals:
            return default_signals(step);
        case Opcode::NewSession:
            return call(__NR_setsid);
        case Opcode::ControllingTerminal:
            return controlling_terminal(step);
        case Opcode::AcquireTerminal:
            return acquire_terminal(step);
        case Opcode::UseDescriptor:
            return call(__NR_dup3, step.descriptor, step.first, 0);
        case Opcode::OwnPid:
            return own_pid(step);
        case Opcode::SetUmask:
            return call(__NR_umask, step.first);
        case Opcode::SetNice:
            return call(__NR_setpriority, 0, 0, step.first);
        case Opcode::SetAffinity:
            return call(__NR_sched_setaffinity, 0, step.count, step.list);
        case Opcode::SetScheduler:
            return set_scheduler(step);
        case Opcode::SetMemoryPolicy:
            // The kernel takes one bit less than it is told.
            return call(__NR_set_mempolicy, step.first, step.list, step.count * 64UL + 1);
        case Opcode::SetIoPriority:
            return call(__NR_ioprio_set, /*IOPRIO_WHO_PROCESS*/ 1, 0, step.first);
        case Opcode::SetTimerSlack:
            return call(__NR_prctl, PR_SET_TIMERSLACK, step.first, 0, 0, 0);
        case Opcode::SetPersonality:
            return call(__NR_personality, step.first);
        case Opcode::WriteFile:
            return write_file(step);
        case Opcode::NewSessionKeyring:
            return new_session_keyring(step);
        case Opcode::LinkUserKeyring:
            return link_user_keyring();
        case Opcode::EnterNamespace:
            return call(__NR_setns, step.descriptor, 0);
        case Opcode::NewNamespaces:
            return new_namespaces(step);
        case Opcode::SetHostname:
            return call(__NR_sethostname, step.name, step.first);
        case Opcode::SetResourceLimit:
            return set_resource_limit(step);
        case Opcode::DropBoundingSet:
            return drop_bounding_set(step.first);
        case Opcode::KeepCapabilities:
            return call(__NR_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0);
        case Opcode::SetGroups:
            return set_groups(step);
        case Opcode::SetUser:
            return call(__NR_setresuid, step.first, step.first, step.first);
        case Opcode::SetCapabilities:
            return set_capabilities(step);
        case Opcode::SetSecureBits:
            return call(__NR_prctl, PR_SET_SECUREBITS, step.first, 0, 0, 0);
        case Opcode::RaiseAmbient:
            return raise_ambient(step.first);
        case Opcode::ChangeDirectory:
            return change_directory(step);
        case Opcode::NoNewPrivileges:
            return call(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        case Opcode::CloseDescriptors:
            return close_descriptors(step);
        case Opcode::ResetSignalMask:
            return reset_signal_mask();
        case Opcode::LoadSeccomp:
            return load_seccomp(step);
        case Opcode::HostDevices:
        case Opcode::MountPropagation:
        case Opcode::KeepTree:
        case Opcode::BindMount:
        case Opcode::MountAttributes:
        case Opcode::MountFileSystem:
        case Opcode::HidePath:
        case Opcode::MakeDirectory:
        case Opcode::MakeMountPoint:
        case Opcode::MakeSymlink:
        case Opcode::MakeDevice:
        case Opcode::PivotRoot:
            return hearth_child_mount_step(&program, &step);
    }
    return Invalid;
}

[[noreturn]] void leave(ChildProgram& program, std::uint32_t phase, long error, long status) {
    program.report.error = static_cast<std::int32_t>(-error);
    program.report.phase = phase;
    while (true) {
        call(__NR_exit_group, status);
    }
}

void run(void* argument) {
    ChildProgram& program = *static_cast<ChildProgram*>(argument);
    ChildReport& report = program.report;
    // abort() stores this flag, then looks for a pidfd; the kernel has stored the pidfd before we
    // run. So either we see the flag here or abort() sees the pidfd and kills us.
    if (report.abort != nullptr && __atomic_load_n(report.abort, __ATOMIC_SEQ_CST) != 0) {
        leave(program, ChildReport::Aborted, 0, 1);
    }
    report.phase = ChildReport::Stepping;
    for (std::uint32_t index = 0; index < program.step_count; ++index) {
        const ChildStep& step = program.steps[index];
        report.step = index;
        report.part = ChildReport::Whole;
        const long result = apply(program, step);
        if (result >= 0) {
            continue;
        }
        if ((step.flags & ChildStep::Soft) != 0 &&
            (result == NotPermitted || result == AccessDenied)) {
            note_soft(program, index, result);
            continue;
        }
        leave(program, ChildReport::Failed, result, step.exit_status);
    }
    report.step = program.step_count;
    report.part = ChildReport::Whole;
    report.phase = ChildReport::Executing;
    const long result =
        program.executable_descriptor >= 0
            ? call(
                  __NR_execveat,
                  program.executable_descriptor,
                  program.executable,
                  program.arguments,
                  program.environment,
                  AT_EMPTY_PATH)
            : call(__NR_execve, program.executable, program.arguments, program.environment);
    leave(program, ChildReport::Failed, result, program.exec_exit_status);
}

}  // namespace

extern "C" long hearth_child_clone(const CloneArguments* arguments, ChildProgram* program) {
    return raw_clone(__NR_clone3, arguments, sizeof *arguments, run, program);
}

}  // namespace hearth::launch
