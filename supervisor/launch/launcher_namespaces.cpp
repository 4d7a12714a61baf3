// SPDX-License-Identifier: MIT
//
// Preparing: namespaces that outlive one command. Network and IPC are made by this thread, which
// goes back to its own; a user namespace, and what must belong to it, by a holder (child.hpp).
// Follows user_namespaces(7), mount_setattr(2) (ID-mapped mounts).
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "supervisor/launch/child.hpp"
#include "supervisor/launch/launcher_run.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::launch {
namespace {

constexpr std::uint64_t CloneVm = 0x100, ClonePidfd = 0x1000;
constexpr std::uint64_t CloneClearSignalHandlers = 0x100000000;

struct KindOfNamespace {
    std::string name;  ///< in /proc/PID/ns
    int flag;          ///< of unshare(2)
    const char* words;
};
KindOfNamespace kind_of(MakeNamespace::Kind kind) {
    return kind == MakeNamespace::Kind::Network ? KindOfNamespace{"net", CLONE_NEWNET, "network"}
                                                : KindOfNamespace{"ipc", CLONE_NEWIPC, "IPC"};
}

/// Made by this thread, which goes back to its own; `usable` becomes false where it can't.
Result<sys::Descriptor> new_namespace(MakeNamespace::Kind which, bool& usable) {
    const KindOfNamespace kind = kind_of(which);
    const sys::Descriptor own = HEARTH_TRY(sys::own_namespace(kind.name));
    HEARTH_TRY(sys::unshare(kind.flag));
    Result<void> up;
    if (which == MakeNamespace::Kind::Network) {
        up = sys::loopback_up();
    }
    Result<sys::Descriptor> pinned = sys::own_namespace(kind.name);
    if (const auto back = sys::setns(own.number(), kind.flag); !back) {
        usable = false;
        return Unexpected(back.error());
    }
    HEARTH_TRY(std::move(up));
    return pinned;
}

/// A holder in flight: killed and reaped whatever happens.
class HeldProcess {
public:
    HeldProcess(const HeldProcess&) = delete;
    HeldProcess& operator=(const HeldProcess&) = delete;
    HeldProcess() = default;
    ~HeldProcess() {
        if (pidfd_ < 0) {
            return;
        }
        static_cast<void>(sys::pidfd_send_signal(pidfd_, SIGKILL));
        // It sends no signal at its end, so nobody else waits for it.
        siginfo_t info{};
        while (::waitid(
                   static_cast<idtype_t>(3) /* P_PIDFD */,
                   static_cast<id_t>(pidfd_),
                   &info,
                   WEXITED | __WALL) < 0 &&
               errno == EINTR) {
        }
        ::close(pidfd_);
    }

    /// Returns when the namespaces stand.
    Result<void> start(const ChildStack& stack, std::uint64_t born_into, Holder holder) {
        auto pipe = HEARTH_TRY(sys::pipe2());
        holder_ = holder;
        holder_.ready = pipe.write.number();
        holder_.parent = ::getpid();
        CloneArguments arguments;
        arguments.flags = CloneVm | ClonePidfd | CloneClearSignalHandlers | born_into;
        arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd_);
        arguments.stack = stack.base();
        arguments.stack_size = stack.size();
        const long pid = hearth_child_hold(&arguments, &holder_);
        if (pid < 0) {
            pidfd_ = -1;
            return sys::call_failure("clone3", "a user namespace", static_cast<int>(-pid));
        }
        pid_ = static_cast<pid_t>(pid);
        pipe.write.reset();  // so that its death is the end of file
        char byte = 0;
        ssize_t got = 0;
        while ((got = ::read(pipe.read.number(), &byte, 1)) < 0 && errno == EINTR) {
        }
        if (got == 1) {
            return {};
        }
        const int error = __atomic_load_n(&holder_.error, __ATOMIC_SEQ_CST);
        return sys::call_failure("unshare", "in a user namespace", error != 0 ? error : ECHILD);
    }
    [[nodiscard]] std::string file(const std::string& name) const {
        return "/proc/" + std::to_string(pid_) + "/" + name;
    }

private:
    Holder holder_;
    pid_t pid_ = 0;
    int pidfd_ = -1;
};

/// Another launch's child that changes its ids makes our memory, which the holder shares, hidden
/// from /proc for a moment (launch-path.md, trap 4), unless we are root.
template <class Attempt>
auto patiently(const Attempt& attempt) {
    auto result = attempt();
    for (int tries = 0; tries < 50 && !result && ::geteuid() != 0 &&
                        (result.error().code == EACCES || result.error().code == EPERM);
         ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        result = attempt();
    }
    return result;
}

std::string map_text(const std::vector<IdRange>& map) {
    std::string text;
    for (const IdRange& range : map) {
        text += std::to_string(range.inside) + " " + std::to_string(range.outside) + " " +
                std::to_string(range.count) + "\n";
    }
    return text;
}

Result<void> write_maps(const HeldProcess& held, const MakeUserNamespace& preparation) {
    const auto write = [&](const char* name, const std::string& text) {
        return patiently([&] { return sys::write_file(held.file(name), text); });
    };
    if (preparation.deny_setgroups) {
        HEARTH_TRY(write("setgroups", "deny"));
    }
    HEARTH_TRY(write("gid_map", map_text(preparation.gids)));
    return write("uid_map", map_text(preparation.uids));
}

}  // namespace

Result<void> Preparing::prepare(const MakeNamespace& preparation, const Prepared&) {
    if (request_.activation.descriptors.contains(preparation.slot)) {
        return {};
    }
    sys::Descriptor made;
    if (preparation.kind == MakeNamespace::Kind::Network && means_.spare_network != nullptr) {
        made = means_.spare_network->take();
    }
    if (!made) {
        made = HEARTH_TRY(new_namespace(preparation.kind, thread_usable_));
    }
    request_.activation.descriptors[preparation.slot] = std::move(made);
    return {};
}

sys::Descriptor SpareNetwork::take() {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    return std::move(kept_);
}

bool SpareNetwork::refill() {
    {
        const std::lock_guard lock(mutex_);
        if (!wanted_ || kept_) {
            return true;
        }
        wanted_ = false;  // one thread is enough
    }
    bool usable = true;
    auto made = new_namespace(MakeNamespace::Kind::Network, usable);
    const std::lock_guard lock(mutex_);
    if (made) {
        kept_ = std::move(*made);
    }
    return usable;
}

Result<void> Preparing::prepare(const OpenNamespace& preparation, const Prepared&) {
    if (request_.activation.descriptors.contains(preparation.slot)) {
        return {};
    }
    const KindOfNamespace kind = kind_of(preparation.kind);
    // Without waiting for a FIFO's writer: whatever it is, it is looked at first.
    sys::Descriptor opened =
        HEARTH_TRY(sys::open(preparation.path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    const auto type = sys::namespace_type(opened.number());
    if (!type || *type != kind.flag) {
        return failure(
            preparation.path + " is not " + (kind.words[0] == 'I' ? "an " : "a ") + kind.words +
                " namespace; expected a file like /proc/PID/ns/" + kind.name + " or a bind of one",
            EINVAL);
    }
    request_.activation.descriptors[preparation.slot] = std::move(opened);
    return {};
}

Result<void> Preparing::prepare(const MakeUserNamespace& preparation, const Prepared&) {
    auto& descriptors = request_.activation.descriptors;
    MakeUserNamespace wanted = preparation;
    std::erase_if(
        wanted.owned, [&](const MakeNamespace& owned) { return descriptors.contains(owned.slot); });
    const auto present = descriptors.find(preparation.slot);
    if (present != descriptors.end() && wanted.owned.empty()) {
        return {};
    }
    std::uint64_t flags = 0;
    Holder holder;
    for (const MakeNamespace& owned : wanted.owned) {
        flags |= static_cast<unsigned>(kind_of(owned.kind).flag);
        holder.loopback = holder.loopback || owned.kind == MakeNamespace::Kind::Network;
    }
    const bool fresh = present == descriptors.end();
    if (!fresh) {
        holder.user_namespace = present->second.number();
        holder.namespaces = flags;
    }
    HeldProcess held;
    HEARTH_TRY(
        held.start(means_.stack, fresh ? flags | static_cast<unsigned>(CLONE_NEWUSER) : 0, holder));
    if (fresh) {
        HEARTH_TRY(write_maps(held, preparation));
        descriptors[preparation.slot] =
            HEARTH_TRY(patiently([&] { return sys::open(held.file("ns/user"), O_RDONLY); }));
    }
    for (const MakeNamespace& owned : wanted.owned) {
        const std::string file = held.file("ns/" + kind_of(owned.kind).name);
        descriptors[owned.slot] = HEARTH_TRY(patiently([&] { return sys::open(file, O_RDONLY); }));
    }
    return {};
}

std::string user_namespaces_missing() {
    const SignalsBlocked blocked;
    const ChildStack stack;
    MakeUserNamespace own;
    own.uids = {{::geteuid(), ::geteuid(), 1}};
    own.gids = {{::getegid(), ::getegid(), 1}};
    own.deny_setgroups = ::geteuid() != 0;
    const auto tried = [&]() -> Result<void> {
        if (!stack.usable()) {
            return failure("no memory for a stack", ENOMEM);
        }
        HeldProcess held;
        HEARTH_TRY(held.start(stack, static_cast<unsigned>(CLONE_NEWUSER), Holder{}));
        return write_maps(held, own);
    }();
    return tried ? std::string() : "the kernel gives no user namespace: " + tried.error().what;
}

Result<void> Preparing::map_ids(const sys::Descriptor& tree, const CloneTree& preparation) {
    const auto map = request_.activation.descriptors.find(preparation.id_map);
    if (map == request_.activation.descriptors.end()) {
        return failure("no user namespace was made for '" + preparation.id_map + "'", EINVAL);
    }
    const auto mapped = sys::mount_setattr(
        tree.number(),
        "",
        sys::AtEmptyPath | (preparation.recursive ? sys::AtRecursive : 0),
        sys::MountAttributesRequest{
            .set = sys::MountIdMap,
            .user_namespace = static_cast<std::uint64_t>(map->second.number())});
    if (!mapped && mapped.error().code == EINVAL) {
        return failure(
            preparation.source +
                " is, or holds a mount of, a file system that can't show its owners through a "
                "user namespace",
            EINVAL);
    }
    return mapped;
}

}  // namespace hearth::launch
