// SPDX-License-Identifier: MIT
//
// What the launcher thread does before the clone. All of it runs as hearthd, in the host's view.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/launch/cgroup_limits.hpp"
#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/launcher_credentials.hpp"
#include "supervisor/launch/launcher_run.hpp"
#include "supervisor/launch/launcher_trees.hpp"
#include "supervisor/launch/terminal.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth::launch {
namespace {

constexpr std::chrono::milliseconds FifoPause{10};

LaunchFailure failed(std::string step, const Error& error, int exit_status, const Asked& asked) {
    LaunchFailure failure;
    failure.step = std::move(step);
    failure.error = error.code;
    failure.exit_status = exit_status;
    failure.asked = asked;
    failure.detail = error.what;
    failure.before_clone = true;
    return failure;
}

/// A connection to the socket of the file system. systemd.exec(5), StandardInput=file: a stream,
/// shut the other way where it is only read or only written; `file.connect`: of whatever type it
/// is.
Result<sys::Descriptor> connected(const OpenFile& file) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        // A listener whose queue is full must not hold this launch: it fails with EAGAIN.
        auto socket = sys::connect_unix(file.path, type | SOCK_NONBLOCK);
        if (!socket && socket.error().code == EPROTOTYPE && file.connect) {
            continue;
        }
        const int access = file.flags & O_ACCMODE;
        if (socket && access != O_RDWR) {
            ::shutdown(socket->number(), access == O_RDONLY ? SHUT_WR : SHUT_RD);
        }
        return socket;
    }
    return failure(file.path + " is a socket of a type that can't be connected to", EPROTOTYPE);
}

/// A FIFO without a reader would hold open() for ever, and nothing could end this launch: ask again
/// until there is one, or until the launch is aborted.
Result<sys::Descriptor> open_patiently(const OpenFile& file, const InFlight& in_flight) {
    while (true) {
        auto opened = sys::open(file.path, file.flags | O_NONBLOCK, file.mode);
        if (opened || opened.error().code != ENXIO || in_flight.aborted()) {
            return opened;
        }
        const auto status = sys::stat(file.path);
        if (status && S_ISSOCK(status->st_mode)) {
            return connected(file);
        }
        if (!status || !S_ISFIFO(status->st_mode)) {
            return opened;
        }
        std::this_thread::sleep_for(FifoPause);
    }
}

}  // namespace

/// A detached copy of the source. Below `root` its symlinks are resolved as if that were "/".
Result<sys::Descriptor> Preparing::clone_tree(const CloneTree& preparation, unsigned recursion) {
    constexpr std::string_view Slot = "slot:";
    std::string source = preparation.source;
    if (source.starts_with(Slot)) {
        const std::string slot = source.substr(Slot.size());
        if (const auto open = opened_.find(slot); open != opened_.end()) {
            return sys::open_tree(
                open->second.number(), "", sys::OpenTreeClone | sys::AtEmptyPath | recursion);
        }
        const auto made = request_.activation.directories.find(slot);
        if (made == request_.activation.directories.end()) {
            return failure("no directory was made for '" + source + "'", EINVAL);
        }
        source = made->second;
    }
    const std::string& root = preparation.root;
    if (root.empty() || !source.starts_with(root) || source == root) {
        return sys::open_tree(AT_FDCWD, source, sys::OpenTreeClone | recursion);
    }
    const sys::Descriptor top = HEARTH_TRY(sys::open(root, O_PATH | O_DIRECTORY));
    const sys::Descriptor found = HEARTH_TRY(sys::openat2(
        top.number(),
        source.substr(root.size()),
        O_PATH,
        0,
        sys::ResolveInRoot | sys::ResolveNoMagicLinks));
    return sys::open_tree(found.number(), "", sys::OpenTreeClone | sys::AtEmptyPath | recursion);
}

Preparing::Preparing(LaunchRequest& request, const LaunchMeans& means, const InFlight& in_flight)
    : request_(request), means_(means), in_flight_(in_flight) {}

std::optional<LaunchFailure> Preparing::run() {
    for (const Prepared& prepared : request_.plan.preparations) {
        if (in_flight_.aborted()) {
            break;
        }
        knob_ = nullptr;
        const Result<void> result = std::visit(
            [&](const auto& preparation) { return prepare(preparation, prepared); },
            prepared.preparation);
        if (!result) {
            return failed(
                std::string(name(prepared.preparation)),
                result.error(),
                prepared.exit_status,
                knob_ != nullptr ? *knob_ : prepared.asked);
        }
    }
    if (in_flight_.aborted()) {  // perhaps long after: the pool and its tree may be gone
        return failed("abort", Error{"", ECANCELED}, 1, request_.plan.executable_asked);
    }
    if (!request_.plan.cgroup.empty()) {
        if (auto failure = enter_cgroup()) {
            return failure;
        }
    }
    return number_slots();
}

Result<void> Preparing::prepare(const MakeCgroup& preparation, const Prepared&) {
    HEARTH_TRY(make_cgroup(means_.tree, preparation));
    if (preparation.delegated_to) {
        const auto& [user, group] = *preparation.delegated_to;
        const std::string directory = means_.tree.directory(preparation.path);
        for (const char* const file :
             {"", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"}) {
            HEARTH_TRY(sys::chown(directory + file, user, group));
        }
    }
    if (preparation.pressure_watcher) {
        const auto& [user, group] = *preparation.pressure_watcher;
        HEARTH_TRY(
            sys::chown(means_.tree.directory(preparation.path) + "/memory.pressure", user, group));
    }
    return write_knobs(means_.tree, preparation, knob_);
}

Result<void> Preparing::prepare(const FilterCgroup& preparation, const Prepared&) {
    return attach_filters(means_.tree, preparation);
}

Result<void> Preparing::prepare(const AttachProgram& preparation, const Prepared&) {
    return cgroup::attach_pinned(means_.tree.directory(preparation.path), preparation.program);
}

Result<void> Preparing::prepare(const LimitSlice& preparation, const Prepared&) {
    return limit_slice(means_.tree, preparation, knob_);
}

Result<void> Preparing::prepare(const MakeInput& preparation, const Prepared&) {
    const sys::Descriptor memory =
        HEARTH_TRY(sys::memfd_create("standard-input", MFD_ALLOW_SEALING));
    HEARTH_TRY(sys::write_all(memory.number(), preparation.bytes, "standard input"));
    constexpr int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    if (::fcntl(memory.number(), F_ADD_SEALS, all) != 0) {
        return sys::call_failure("fcntl", "standard input", errno);
    }
    // Read-only, and from its beginning.
    opened_[preparation.slot] =
        HEARTH_TRY(sys::open("/proc/self/fd/" + std::to_string(memory.number()), O_RDONLY));
    return {};
}

Result<void> Preparing::prepare(const PrepareTerminal& preparation, const Prepared&) {
    prepare_terminal(preparation);
    PrepareTerminal& after = request_.activation.terminal.emplace(preparation);
    after.rows = after.columns = 0;
    if (!after.asks_for_anything()) {
        request_.activation.terminal.reset();
    }
    return {};
}

Result<void> Preparing::prepare(const OpenFile& preparation, const Prepared&) {
    auto opened = open_patiently(preparation, in_flight_);
    if (!opened && preparation.optional) {
        slots_.absent.insert(preparation.slot);
        return {};
    }
    sys::Descriptor file = HEARTH_TRY(std::move(opened));
    if ((preparation.flags & (O_NONBLOCK | O_PATH)) == 0) {
        HEARTH_TRY(sys::set_nonblocking(file.number(), false));
    }
    opened_[preparation.slot] = std::move(file);
    return {};
}

Result<void> Preparing::prepare(const MakePrivateTmp& preparation, const Prepared&) {
    if (request_.activation.directories.contains(preparation.slot)) {
        return {};
    }
    const std::string mark = request_.mark.empty() ? HEARTH_TRY(sys::random_hex(8)) : request_.mark;
    const std::string inner = private_directory(preparation, request_.plan.unit, mark);
    const std::string outer = inner.substr(0, inner.rfind('/'));
    // The outer directory keeps other users of the host out; the inner one is the service's /tmp.
    HEARTH_TRY(sys::mkdir(outer, 0700));
    request_.activation.directories[preparation.slot] = inner;  // released also when the rest fails
    HEARTH_TRY(sys::chmod(outer, 0700));
    HEARTH_TRY(sys::mkdir(inner, 0777));
    return sys::chmod(inner, 01777);
}

Result<void> Preparing::prepare(const CloneTree& preparation, const Prepared&) {
    const unsigned recursion = preparation.recursive ? sys::AtRecursive : 0;
    auto tree = clone_tree(preparation, recursion);
    if (!tree && preparation.optional &&
        (tree.error().code == ENOENT || tree.error().code == ENOTDIR)) {
        slots_.absent.insert(preparation.slot);
        return {};
    }
    sys::Descriptor copy = HEARTH_TRY(std::move(tree));
    // At once, so that nothing mounted in the copy ever travels back to the host.
    HEARTH_TRY(sys::mount_setattr(
        copy.number(),
        "",
        sys::AtEmptyPath | recursion,
        sys::MountAttributesRequest{.propagation = MS_SLAVE}));
    if (!preparation.id_map.empty()) {
        HEARTH_TRY(map_ids(copy, preparation));
    }
    opened_[preparation.slot] = std::move(copy);
    return {};
}

Result<void> Preparing::prepare(const MakeDevices& preparation, const Prepared&) {
    DeviceTree made = HEARTH_TRY(device_tree(preparation));
    opened_[preparation.slot] = std::move(made.tree);
    for (auto& [name, part] : made.parts) {
        opened_[preparation.slot + "/" + name] = std::move(part);
    }
    return {};
}

Result<void> Preparing::prepare(const MountImage& preparation, const Prepared&) {
    auto tree = mount_image(preparation, request_.activation, in_flight_);
    if (!tree && preparation.optional && tree.error().code == ENOENT &&
        !sys::stat(preparation.source)) {
        slots_.absent.insert(preparation.slot);
        return {};
    }
    opened_[preparation.slot] = HEARTH_TRY(std::move(tree));
    return {};
}

Result<void> Preparing::prepare(const MountLayers& preparation, const Prepared&) {
    sys::Descriptor tree = HEARTH_TRY(mount_layers(preparation, opened_));
    if (!tree) {
        slots_.absent.insert(preparation.slot);
        return {};
    }
    opened_[preparation.slot] = std::move(tree);
    return {};
}

Result<void> Preparing::prepare(const MountEphemeral& preparation, const Prepared&) {
    opened_[preparation.slot] =
        HEARTH_TRY(mount_ephemeral(preparation, opened_, request_.activation));
    return {};
}

Result<void> Preparing::prepare(const MakeServiceDirectory& preparation, const Prepared&) {
    if (preparation.lifetime != MakeServiceDirectory::Lifetime::Unlimited) {
        Activation::RuntimeDirectory kept{
            {preparation.base, preparation.path, preparation.is_private, preparation.links},
            preparation.lifetime == MakeServiceDirectory::Lifetime::UntilStop};
        auto& all = request_.activation.runtime_directories;
        const bool known =
            std::ranges::any_of(all, [&](const auto& each) { return each.made == kept.made; });
        if (!known) {
            all.push_back(std::move(kept));  // removed also when the rest fails
        }
    }
    opened_[preparation.slot] = HEARTH_TRY(make_service_directory(preparation));
    return {};
}

Result<void> Preparing::prepare(const MakeCredentials& preparation, const Prepared&) {
    if (!request_.activation.credentials.empty()) {
        return {};
    }
    request_.activation.credentials = preparation.place;
    Result<void> made = make_credentials(
        preparation, request_.plan.unit, [this] { return in_flight_.aborted(); }, knob_);
    if (!made) {  // the next command tries again, and finds nothing half-made
        static_cast<void>(remove_credentials(preparation.place));
        request_.activation.credentials.clear();
    }
    return made;
}

/// The supervisor's, when the unit ends.
Result<void> Preparing::prepare(const RemoveIpc&, const Prepared&) {
    return {};
}

/// Opens what the child is born into and joins. A frozen cgroup would hold the child, and us, for
/// ever.
std::optional<LaunchFailure> Preparing::enter_cgroup() {
    const Plan& plan = request_.plan;
    const std::vector<std::string>* controllers = nullptr;
    const Asked* asked = &plan.executable_asked;
    for (const Prepared& prepared : plan.preparations) {
        const auto* made = std::get_if<MakeCgroup>(&prepared.preparation);
        if (made != nullptr && made->path == plan.cgroup) {
            controllers = &made->v1_controllers;
            asked = &prepared.asked;
        }
    }
    auto handle = means_.tree.enter(
        plan.cgroup, controllers != nullptr ? *controllers : std::vector<std::string>());
    if (!handle) {
        return failed("enter-cgroup", handle.error(), cgroup_status, *asked);
    }
    cgroup_ = std::move(*handle);
    const auto events = sys::openat(cgroup_.directory, "cgroup.events", O_RDONLY);
    if (events) {
        const auto text = sys::read_all(events->number(), 4096, "cgroup.events");
        if (text && text->find("frozen 1") != std::string::npos) {
            const Error frozen{"cgroup " + plan.cgroup + " is frozen: thaw it first", EBUSY};
            return failed("enter-cgroup", frozen, cgroup_status, *asked);
        }
    }
    return std::nullopt;
}

std::optional<LaunchFailure> Preparing::remake_cgroup() {
    cgroup_ = cgroup::Handle();
    for (const Prepared& prepared : request_.plan.preparations) {
        const auto* made = std::get_if<MakeCgroup>(&prepared.preparation);
        const auto* filter = std::get_if<FilterCgroup>(&prepared.preparation);
        const auto* program = std::get_if<AttachProgram>(&prepared.preparation);
        knob_ = nullptr;
        Result<void> result;
        if (made != nullptr && made->path == request_.plan.cgroup) {
            result = means_.tree.remove(made->path);
            if (result) {
                result = prepare(*made, prepared);
            }
        } else if (filter != nullptr && filter->path == request_.plan.cgroup) {
            result = prepare(*filter, prepared);  // its programs went with the directory
        } else if (program != nullptr && program->path == request_.plan.cgroup) {
            result = prepare(*program, prepared);
        }
        if (!result) {
            return failed(
                std::string(name(prepared.preparation)),
                result.error(),
                prepared.exit_status,
                knob_ != nullptr ? *knob_ : prepared.asked);
        }
    }
    if (auto failure = enter_cgroup()) {
        return failure;
    }
    return number_slots();
}

/// The number of a descriptor, or of a copy that no earlier dup3 of the child can replace.
Result<int> Preparing::out_of_the_way(int number) {
    const int free = first_free_number(request_.plan);
    if (number >= free) {
        return number;
    }
    renumbered_.push_back(HEARTH_TRY(sys::duplicate(number, free)));
    return renumbered_.back().number();
}

Result<void> Preparing::number_all() {
    slots_.descriptors.clear();
    slots_.tasks.clear();
    // What this launch opened goes before what the caller gave, and that before what is kept.
    for (const auto* source : {&request_.activation.descriptors, &request_.descriptors, &opened_}) {
        for (const auto& [slot, descriptor] : *source) {
            slots_.descriptors[slot] = HEARTH_TRY(out_of_the_way(descriptor.number()));
        }
    }
    for (const sys::Descriptor& tasks : cgroup_.tasks) {
        slots_.tasks.push_back(HEARTH_TRY(out_of_the_way(tasks.number())));
    }
    if (means_.inaccessible >= 0) {
        slots_.inaccessible = HEARTH_TRY(out_of_the_way(means_.inaccessible));
    }
    slots_.directories = request_.activation.directories;
    return {};
}

std::optional<LaunchFailure> Preparing::number_slots() {
    if (const Result<void> numbered = number_all(); !numbered) {
        return failed("number-slots", numbered.error(), 1, Asked{});
    }
    return std::nullopt;
}

}  // namespace hearth::launch
