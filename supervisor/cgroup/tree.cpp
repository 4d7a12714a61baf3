// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/tree.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ranges>

#include "supervisor/cgroup/files.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::cgroup {
namespace {

constexpr int kill_rounds = 1000;  // each kills all it sees; a fork bomb that outruns this is told
constexpr int signal_rounds = 16;  // a service that forks on a signal needs not be chased for ever

bool is_gone(int code) {
    return code == ENOENT || code == ENODEV || code == ESRCH;
}

/// Passed on by every slice of the unified tree.
bool is_usual(std::string_view controller) {
    return controller == "cpu" || controller == "memory" || controller == "pids";
}

Error in_cgroup(Error error, const std::string& path) {
    error.what = "cgroup " + path + ": " + error.what;
    return error;
}

/// Signals a process if it is still in `directory`: its pid may have passed to a stranger
/// meanwhile.
Result<void> signal_member(
    pid_t pid, const sys::Signal& signal, const std::string& shown, const std::string& directory) {
    Result<sys::Descriptor> pidfd = sys::pidfd_open(pid);
    if (!pidfd) {
        return is_gone(pidfd.error().code) ? Result<void>() : Unexpected(std::move(pidfd).error());
    }
    const auto text = sys::read_file("/proc/" + std::to_string(pid) + "/cgroup", 1 << 20);
    if (text) {
        const auto all = parse_self_cgroup(*text);
        const auto own = all.find("");
        const std::string path = own == all.end() ? "" : own->second;
        const bool member = path == shown || path.starts_with(shown + "/");
        if (!member) {
            return {};
        }
    } else if (!is_gone(text.error().code)) {
        // /proc may be hidden from us; then the list itself must do, read a moment ago.
        std::vector<pid_t> again;
        HEARTH_TRY(collect_processes(directory, again));
        if (std::ranges::find(again, pid) == again.end()) {
            return {};
        }
    } else {
        return {};
    }
    Result<void> sent = sys::pidfd_send_signal(pidfd->number(), signal);
    return sent || is_gone(sent.error().code) ? Result<void>() : sent;
}

/// "-controller" in a slice and the slices below, innermost first. A unit that manages its own part
/// of the tree may hold on to it; then it stays.
void withhold(const std::string& directory, const std::string& controller) {
    for (const std::string& name : children(directory).value_or(std::vector<std::string>())) {
        if (name.ends_with(".slice")) {
            withhold(directory + '/' + name, controller);
        }
    }
    static_cast<void>(sys::write_file(directory + "/cgroup.subtree_control", "-" + controller));
}

}  // namespace

Tree Tree::without_cgroups() {
    Tree tree;
    tree.layout_ = launch::CgroupLayout::None;
    tree.descendants_ = std::make_shared<Descendants>();
    return tree;
}

void Tree::track(const std::string& path, pid_t pid, const std::string& invocation) const {
    if (descendants_) {
        descendants_->add(path, pid, invocation);
    }
}

void Tree::track_shim(const std::string& path, pid_t pid, std::uint64_t started) const {
    if (descendants_) {
        descendants_->add_shim(path, pid, started);
    }
}

void Tree::untrack_shim(const std::string& path, pid_t pid) const {
    if (descendants_) {
        descendants_->remove_shim(path, pid);
    }
}

launch::CgroupLayout Tree::layout() const {
    return layout_;
}
const std::set<std::string>& Tree::controllers() const {
    return controllers_;
}
const std::map<std::string, std::string>& Tree::missing_controllers() const {
    return missing_;
}

std::string Tree::shown(const std::string& path) const {
    return descendants_ ? std::string() : join(join(unified_.mount_root, unified_.root), path);
}

std::string Tree::directory(const std::string& path, const std::string& controller) const {
    const auto found = v1_.find(controller);
    return (found == v1_.end() ? unified_ : found->second).path(path);
}

std::vector<const Tree::Hierarchy*> Tree::every_hierarchy() const {
    std::vector<const Hierarchy*> all{&unified_};
    for (const auto& [controller, hierarchy] : v1_) {
        const bool known =
            std::ranges::any_of(  // "cpu" and "cpuacct" share a mount on many machines
                all,
                [&](const Hierarchy* other) { return other->mount == hierarchy.mount; });
        if (!known) {
            all.push_back(&hierarchy);
        }
    }
    return all;
}

Result<void> Tree::pass_on_controllers(
    const std::string& directory,
    const std::vector<std::string>& passed,
    const std::set<std::string>& withheld) const {
    const std::string file = directory + "/cgroup.subtree_control";
    const std::vector<std::string> enabled = HEARTH_TRY(read_words(file));
    std::string wanted;
    for (const std::string& controller : controllers_) {
        const bool has = std::ranges::count(enabled, controller) != 0;
        if (withheld.contains(controller)) {
            if (has) {
                withhold(directory, controller);
            }
            continue;
        }
        const bool needed = is_usual(controller) || std::ranges::count(passed, controller) != 0;
        if (needed && !has) {
            wanted += (wanted.empty() ? "+" : " +") + controller;
        }
    }
    return wanted.empty() ? Result<void>() : sys::write_file(file, wanted);
}

Result<void> Tree::make_unified(
    const std::vector<std::string>& names,
    const std::vector<std::string>& passed,
    const Withheld& withheld) const {
    std::string directory = unified_.path("");
    std::set<std::string> hidden;  // what is withheld above is not there to be passed on
    std::string path;
    const auto hide = [&] {
        if (const auto found = withheld.find(path); found != withheld.end()) {
            hidden.insert(found->second.begin(), found->second.end());
        }
    };
    hide();
    for (std::size_t i = 0; i < names.size(); ++i) {
        directory += '/' + names[i];
        path += (path.empty() ? "" : "/") + names[i];
        HEARTH_TRY(make_directory(directory));
        hide();
        // A unit's own cgroup holds processes, so it passes nothing on: what is made below it lives
        // within the unit's limits and has none of its own.
        const bool above =
            names[i].ends_with(".slice") && (i + 1 < names.size() || !hidden.empty());
        if (above && layout_ == launch::CgroupLayout::Unified) {
            HEARTH_TRY(pass_on_controllers(directory, passed, hidden));
        }
    }
    return {};
}

Result<void> Tree::make(
    const std::string& path,
    const std::vector<std::string>& v1_controllers,
    const std::vector<std::string>& passed,
    const Withheld& withheld) const {
    const std::vector<std::string> names =
        path.empty() ? std::vector<std::string>() : HEARTH_TRY(components(path));
    HEARTH_TRY(make_unified(names, passed, withheld));
    for (const std::string& controller : v1_controllers) {
        const auto found = v1_.find(controller);
        if (found == v1_.end()) {
            const auto reason = missing_.find(controller);
            return failure(
                "cgroup " + path + ": the v1 controller " + controller + " can't be used here" +
                    (reason == missing_.end() ? "" : ": " + reason->second),
                ENODEV);
        }
        std::string directory = found->second.path("");
        for (const std::string& name : names) {
            directory += '/' + name;
            HEARTH_TRY(make_directory(directory));
            if (controller == "cpuset") {
                HEARTH_TRY(inherit_cpuset(directory));
            }
        }
    }
    return {};
}

Result<void> Tree::write(const std::string& path, const Knob& knob) const {
    return sys::write_file(directory(path, knob.controller) + '/' + knob.file, knob.value);
}

Result<std::string> Tree::read(const std::string& path, const Knob& knob) const {
    std::string text = HEARTH_TRY(
        sys::read_file(directory(path, knob.controller) + '/' + knob.file, std::size_t{1} << 20));
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

Result<Handle> Tree::enter(
    const std::string& path, const std::vector<std::string>& v1_controllers) const {
    Handle handle;
    handle.directory = HEARTH_TRY(sys::open(directory(path), O_RDONLY | O_DIRECTORY));
    std::set<std::string> joined;
    for (const std::string& controller : v1_controllers) {
        const std::string file = directory(path, controller) + "/tasks";
        if (!joined.insert(file).second) {
            continue;
        }
        sys::Descriptor tasks = HEARTH_TRY(sys::open(file, O_WRONLY));
        if (tasks.number() < 3) {  // the child puts its standard streams there before it joins
            tasks = HEARTH_TRY(sys::duplicate(tasks.number(), 3));
        }
        handle.tasks.push_back(std::move(tasks));
    }
    return handle;
}

Result<void> Tree::signal_one(const std::string& path, pid_t pid, const sys::Signal& signal) const {
    return descendants_ ? descendants_->signal(path, pid, signal)
                        : signal_member(pid, signal, shown(path), directory(path));
}

Result<void> Tree::kill(const std::string& path) const {
    if (!descendants_) {
        const Result<void> killed = sys::write_file(directory(path) + "/cgroup.kill", "1");
        if (killed || killed.error().code == ENODEV) {
            return {};
        }
    }
    // No such file: the cgroup is gone, or the kernel is older than 5.14. Threaded: EOPNOTSUPP.
    for (int round = 0; round < kill_rounds; ++round) {
        const std::vector<pid_t> pids = HEARTH_TRY(processes(path));
        if (pids.empty()) {
            return {};
        }
        for (const pid_t pid : pids) {
            HEARTH_TRY(signal_one(path, pid, SIGKILL));
        }
    }
    return failure("cgroup " + path + " still holds processes after SIGKILL to all of them", EBUSY);
}

Result<void> Tree::signal(
    const std::string& path, const sys::Signal& signal, const std::set<pid_t>& except) const {
    std::set<pid_t> done = except;
    for (int round = 0; round < signal_rounds; ++round) {
        bool more = false;
        for (const pid_t pid : HEARTH_TRY(processes(path))) {
            if (done.insert(pid).second) {
                more = true;
                HEARTH_TRY(signal_one(path, pid, signal));
            }
        }
        if (!more) {
            break;
        }
    }
    return {};
}

Result<void> Tree::freeze(const std::string& path, bool frozen) const {
    return sys::write_file(directory(path) + "/cgroup.freeze", frozen ? "1" : "0");
}

Result<std::vector<pid_t>> Tree::processes(const std::string& path) const {
    if (descendants_) {
        return descendants_->processes(path);
    }
    std::vector<pid_t> pids;
    HEARTH_TRY(collect_processes(directory(path), pids));
    std::erase(pids, 0);  // of a PID namespace that we don't see: no number we could use
    std::ranges::sort(pids);
    return pids;
}

Result<bool> Tree::populated(const std::string& path) const {
    if (descendants_) {
        return descendants_->populated(path);
    }
    const Result<std::vector<std::string>> words = read_words(directory(path) + "/cgroup.events");
    if (!words) {
        if (is_gone(words.error().code)) {
            return false;
        }
        return Unexpected(in_cgroup(words.error(), path));
    }
    const auto key = std::find(words->begin(), words->end(), "populated");
    return key != words->end() && key + 1 != words->end() && key[1] == "1";
}

Result<sys::Descriptor> Tree::events(const std::string& path) const {
    return sys::open(directory(path) + "/cgroup.events", O_RDONLY);
}

Result<void> Tree::remove(const std::string& path) const {
    if (descendants_) {
        if (descendants_->populated(path)) {
            return failure(path + " still has processes", EBUSY);
        }
        descendants_->remove(path);
        return {};
    }
    HEARTH_TRY(components(path));  // an empty or ".." path must not reach past the unit
    Result<void> first;
    for (const Hierarchy* hierarchy : every_hierarchy()) {
        Result<void> removed = remove_directory(hierarchy->path(path));
        if (!removed && first) {
            first = std::move(removed);
        }
    }
    return first;
}

Result<void> Tree::remove_root() const {
    if (descendants_) {
        return {};
    }
    if (whole_) {
        return remove_below_root();
    }
    for (const Hierarchy* hierarchy : every_hierarchy()) {
        HEARTH_TRY(remove_directory(hierarchy->path("")));
    }
    for (const std::string& directory : std::views::reverse(made_)) {
        // Another hearth may have its root below the same parent by now: then it stays.
        static_cast<void>(sys::rmdir(directory));
    }
    return {};
}

std::vector<std::string> Tree::existing() const {
    std::set<std::string> units;
    if (descendants_) {
        return {};
    }
    for (const Hierarchy* hierarchy : every_hierarchy()) {
        std::vector<std::string> slices{""};
        while (!slices.empty()) {
            const std::string slice = std::move(slices.back());
            slices.pop_back();
            const auto names = children(hierarchy->path(slice));
            for (const std::string& name : names.value_or(std::vector<std::string>())) {
                std::string path = slice.empty() ? name : slice + '/' + name;
                if (slice.empty() && is_own_leaf(name)) {
                    continue;
                }
                if (name.ends_with(".slice")) {
                    slices.push_back(std::move(path));
                } else {
                    units.insert(std::move(path));
                }
            }
        }
    }
    return {units.begin(), units.end()};
}

}  // namespace hearth::cgroup
