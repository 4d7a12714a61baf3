// SPDX-License-Identifier: MIT
//
// How a Supervisor comes to be: the cgroup tree, what is known of this machine, what wakes the
// loop, what an earlier hearthd or the keeper hands over.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "supervisor/hardware_watchdog.hpp"
#include "supervisor/log.hpp"
#include "supervisor/shutdown_console.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "supervisor/transient.hpp"

namespace hearth {

namespace {

// What the keeper holds, by name; stored descriptors by their slots, the log's in log_pipes.cpp.
constexpr const char* held_lock = "lock";
constexpr const char* held_notify = "notify";

}  // namespace

/// set-property --runtime writes below the runtime directory where systemd's own isn't searched,
/// and so do transient units.
std::vector<std::string> searched_path(const Options& options) {
    std::vector<std::string> path = options.unit_path;
    if (std::ranges::find(path, transient_directory(options)) == path.end()) {
        path.insert(path.begin(), transient_directory(options));
    }
    if (std::ranges::find(path, "/run/systemd/system.control") == path.end()) {
        path.insert(path.begin(), options.runtime_directory + "/system.control");
    }
    return path;
}

Supervisor::Supervisor(EventLoop& loop, Options options, KeeperChannel keeper, cgroup::Tree tree)
    : loop_(loop),
      options_(std::move(options)),
      keeper_(std::move(keeper)),
      store_(searched_path(options_)),
      tree_(std::move(tree)) {}

Supervisor::~Supervisor() = default;

/// A plain user, or a container, may have no cgroup to write to (DESIGN 5): hearthd runs without,
/// and every limit is refused by its name.
static Result<cgroup::Tree> open_tree(const cgroup::Tree::Options& options, bool may_lack) {
    // A hearthd that was killed a moment ago still holds the root until the kernel is done with it.
    constexpr int patience = 25;
    auto tree = cgroup::Tree::open(options);
    for (int tries = 0; !tree && tree.error().code == EBUSY && tries < patience; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        tree = cgroup::Tree::open(options);
    }
    if (tree || tree.error().code == EBUSY) {
        return tree;
    }
    const int code = tree.error().code;
    if (!may_lack && (::geteuid() != 0 || (code != EROFS && code != EACCES && code != EPERM))) {
        return tree;
    }
    log::write(log::Level::Notice, "running without cgroups: " + tree.error().what);
    return cgroup::Tree::without_cgroups();
}

Result<std::unique_ptr<Supervisor>> Supervisor::create(
    EventLoop& loop, Options options, KeeperChannel keeper) {
    cgroup::Tree::Options tree_options;
    tree_options.root = options.cgroup_root;
    tree_options.owner = options.runtime_directory;
    const sys::Descriptor lock = keeper.take(held_lock);
    tree_options.lock = lock.number();
    tree_options.keeper = keeper ? keeper.pid() : 0;
    if (options.cgroup_root.empty()) {
        tree_options.root = cgroup::Tree::Options().root;
        tree_options.own =
            options.role == Role::Machine ? cgroup::Own::Machine : cgroup::Own::Container;
    }
    auto tree = HEARTH_TRY(open_tree(tree_options, options.user || options.makes_do()));
    if (tree.lock() >= 0) {
        keeper.hold(held_lock, tree.lock());
    }
    std::unique_ptr<Supervisor> supervisor(
        new Supervisor(loop, std::move(options), std::move(keeper), std::move(tree)));
    HEARTH_TRY(supervisor->set_up());
    return supervisor;
}

Result<void> Supervisor::set_up() {
    HEARTH_TRY(set_up_facts());
    worker_ = HEARTH_TRY(Worker::create(loop_));
    launchers_ = HEARTH_TRY(launch::LauncherPool::create(tree_));
    HEARTH_TRY(take_log_writer());
    attach_ = std::make_unique<AttachSessions>(loop_, tree_);
    // Orphans of services come to us, not to PID 1: their zombies are ours to collect.
    (void)sys::prctl(PR_SET_CHILD_SUBREAPER, 1);
    HEARTH_TRY(set_up_sources());
    for (const char digit : HEARTH_TRY(sys::random_hex(8))) {
        world_.random = world_.random * 16 + static_cast<unsigned char>(digit) % 16;
    }
    take_up_work();
    set_up_watchdog();
    return {};
}

/// What is known of this machine, and what the manager's files say.
Result<void> Supervisor::set_up_facts() {
    load_context_ = gather_load_context(options_.user, options_.directories_root);
    facts_ = HEARTH_TRY(HostFacts::gather(tree_, options_.runtime_directory, options_.user));
    facts_.set_directories(load_context_);
    dynamic_users_ = DynamicUsers(options_.runtime_directory);
    load_context_.memory_bytes = facts_.snapshot().memory_bytes;
    load_context_.tasks_maximum = facts_.snapshot().tasks_maximum;
    load_context_.confinement = options_.confinement;
    load_context_.guest = !options_.boots;
    load_context_.transient_directory = transient_directory(options_);
    load_context_.defaults = options_.manager.defaults;
    install_files_.emplace(
        unit_directories(options_.unit_path, options_.runtime_directory), load_context_);
    return {};
}

/// What wakes the loop.
Result<void> Supervisor::set_up_sources() {
    child_source_ = HEARTH_TRY(loop_.on_signal(SIGCHLD, [this](int, pid_t) { orphans_ended(); }));
    find_shim_program();
    orphan_source_ = HEARTH_TRY(loop_.timer(Priority::Timer, [this] { orphans_ended(); }));
    launch_source_ = HEARTH_TRY(loop_.on_io(
        launchers_->event_descriptor(), EPOLLIN, Priority::Process, [this](std::uint32_t) {
            launches_returned();
        }));
    log_source_ = HEARTH_TRY(loop_.on_io(
        logs_->pidfd(), EPOLLIN, Priority::Process, [this](std::uint32_t) { log_writer_ended(); }));
    deadline_source_ = HEARTH_TRY(loop_.timer(Priority::Timer, [this] { happen(TimeElapsed{}); }));
    unsaved_source_ = HEARTH_TRY(loop_.timer(Priority::Timer, [this] { save_unsaved(); }));
    idle_source_ = HEARTH_TRY(loop_.timer(Priority::Timer, [this] { launch_delayed(true); }));
    store_of_descriptors_.emplace(loop_, [this](const std::string& unit, std::uint64_t id) {
        happen(StoredDescriptorEnded{unit, id});
    });
    notify_ = HEARTH_TRY(notify::NotifySocket::open(
        loop_,
        options_.runtime_directory + "/notify",
        [this](notify::Datagram datagram) { notification_received(std::move(datagram)); },
        [](const std::string& what) { log::write(log::Level::Warning, what); },
        keeper_.take(held_notify)));
    keeper_.hold(held_notify, notify_->number());
    bus_names_ = std::make_unique<notify::BusNames>(
        loop_,
        notify::message_bus_address(options_.user),
        options_.runtime_directory + "/private",
        [this](const std::string& unit, bool owned) { happen(BusNameChanged{unit, owned}); },
        [](const std::string& what) { log::write(log::Level::Warning, what); });
    settle_source_ = HEARTH_TRY(loop_.deferred(Priority::Process, [this] { settle(); }));
    HEARTH_TRY(set_up_triggers());
    if (keeper_) {
        keeper_source_ = HEARTH_TRY(
            loop_.on_io(keeper_.socket(), EPOLLIN, Priority::Process, [this](std::uint32_t) {
                keeper_speaks();
            }));
        keeper_news_source_ =
            HEARTH_TRY(loop_.deferred(Priority::Process, [this] { keeper_speaks(); }));
    }
    return {};
}

/// What there is without a file, and what an earlier hearthd left.
void Supervisor::take_up_work() {
    restore_manager();
    set_timer_bases();
    kernel_log_.open();
    // Both are there whatever runs, and their drop-ins may limit all.
    take_in(read_units({"-.slice", "system.slice"}, store_));
    slices_.try_emplace("");
    slices_.try_emplace("system.slice");

    adopt();
    for (const std::string& path : tree_.existing()) {
        const auto populated = tree_.populated(path);
        const bool ours = live_.contains(path.substr(path.rfind('/') + 1));
        if (populated && *populated && !ours) {
            log::write(
                log::Level::Warning,
                path +
                    " holds processes that an earlier hearthd left; starting the unit ends them "
                    "first");
        }
    }
}

}  // namespace hearth
