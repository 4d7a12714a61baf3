// SPDX-License-Identifier: MIT
// How a Tree comes to be: hierarchies found, root made, lock taken, controllers made usable.
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/cgroup/files.hpp"
#include "supervisor/cgroup/tree.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::cgroup {
namespace {

/// What services can be limited by. Others join when a directive needs them.
constexpr std::array v1_controllers = {"blkio", "cpu", "cpuset", "memory", "pids"};
constexpr std::array unified_controllers = {"cpu", "cpuset", "io", "memory", "pids"};
constexpr const char* owner_attribute = "user.hearth.owner";

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::ranges::find(words, word) != words.end();
}

/// mountinfo also lists mounts that a later one covers: ask the file system itself.
bool is_cgroup_file_system(const std::string& path, bool unified) {
    struct statfs status{};
    if (::statfs(path.c_str(), &status) < 0) {
        return false;
    }
    return status.f_type == (unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

/// Opens the root and locks it, as long as it is still the directory of that name: another hearth
/// may have removed it between our mkdir and our lock.
/// `inherited`: has the lock already, if it still is that directory; -1: none.
Result<sys::Descriptor> lock_directory(const std::string& path, int inherited) {
    sys::Descriptor directory = HEARTH_TRY(
        inherited >= 0 ? sys::duplicate(inherited) : sys::open(path, O_RDONLY | O_DIRECTORY));
    HEARTH_TRY(sys::flock(directory.number(), LOCK_EX | LOCK_NB));
    const struct stat held = HEARTH_TRY(sys::fstat(directory.number()));
    const struct stat named = HEARTH_TRY(sys::stat(path));
    if (held.st_ino != named.st_ino) {
        return failure("cgroup " + path + " was removed meanwhile", ENOENT);
    }
    return directory;
}

std::string process_name(pid_t pid) {
    const auto name = sys::command_name(pid);
    return name ? " (" + *name + ")" : std::string();
}

/// Moves our own processes out of a cgroup so that it can pass controllers on. An error where
/// others are there too.
Result<void> evacuate(const std::string& directory, const std::set<pid_t>& own) {
    const std::vector<pid_t> pids = HEARTH_TRY(own_processes(directory));
    for (const pid_t pid : pids) {
        if (!own.contains(pid)) {
            return failure(
                "cgroup " + directory + " holds other processes, such as " +
                    (pid == 0 ? "one of another PID namespace"
                              : std::to_string(pid) + process_name(pid)) +
                    ", so the kernel passes no controller on from there: start hearthd in a cgroup "
                    "of its own",
                EBUSY);
        }
    }
    if (!pids.empty()) {
        HEARTH_TRY(make_directory(directory + '/' + keeper_leaf));
    }
    for (const pid_t pid : pids) {
        HEARTH_TRY(
            sys::write_file(directory + '/' + keeper_leaf + "/cgroup.procs", std::to_string(pid)));
    }
    return {};
}

/// "+controller" into a directory's subtree_control for each that is not there yet; what can't be
/// passed on goes from `controllers` to `missing`.
void pass_on(
    const std::string& directory,
    const std::set<pid_t>& own,
    std::set<std::string>& controllers,
    std::map<std::string, std::string>& missing) {
    const std::string file = directory + "/cgroup.subtree_control";
    const Result<std::vector<std::string>> enabled = read_words(file);
    Result<void> empty;
    // Only the root of a hierarchy (it has no type) may hold processes and pass controllers on. Not
    // left to the kernel to refuse: cpu and pids alone would silently make it a threaded domain.
    if (sys::stat(directory + "/cgroup.type")) {
        const bool lacks_some =
            std::ranges::any_of(controllers, [&](const std::string& controller) {
                return !enabled || !contains(*enabled, controller);
            });
        empty = lacks_some ? evacuate(directory, own) : Result<void>();
    }
    std::erase_if(controllers, [&](const std::string& controller) {
        if (enabled && contains(*enabled, controller)) {
            return false;
        }
        const Result<void> passed = empty ? sys::write_file(file, "+" + controller) : empty;
        if (!passed) {
            missing[controller] = passed.error().what;
        }
        return !passed;
    });
}

/// The directories from the base down to the root, both included.
std::vector<std::string> chain(
    const std::string& mount, const std::string& base, const std::string& root) {
    std::vector<std::string> directories{join(mount, base)};
    for (std::size_t end = root.find('/', base.size() + 1); end != std::string::npos;
         end = root.find('/', end + 1)) {
        directories.push_back(join(mount, root.substr(0, end)));
    }
    directories.push_back(join(mount, root));
    return directories;
}

Error explained(Error error, const std::string& what) {
    error.what = what + ": " + error.what;
    if (error.code == EROFS || error.code == EACCES || error.code == EPERM) {
        error.what += "; it must be writable for us: run as root, or delegate a cgroup";
    }
    return error;
}

}  // namespace

Tree::Hierarchy Tree::hierarchy(const Place& place, const std::string& root) {
    const std::string base = root.starts_with('/') ? "" : place.own;
    return {place.mount, place.mount_root, base, join(base, root)};
}

std::string Tree::Hierarchy::path(const std::string& below) const {
    return join(join(mount, root), below);
}

Result<Tree> Tree::open(const Options& options) {
    const auto or_default = [](const std::string& path, const char* otherwise) {
        return path.empty() ? std::string(otherwise) : path;
    };
    const std::size_t longest = std::size_t{32} << 20;
    const std::string mountinfo = HEARTH_TRY(
        sys::read_file(or_default(options.mountinfo_path, "/proc/self/mountinfo"), longest));
    const std::string self = HEARTH_TRY(
        sys::read_file(or_default(options.self_cgroup_path, "/proc/self/cgroup"), longest));
    const bool absolute = options.root.starts_with('/');
    HEARTH_TRY(components(std::string_view(options.root).substr(absolute ? 1 : 0)));
    const Hierarchies found = find_hierarchies(mountinfo, self, absolute);
    if (!found.unified) {
        return failure(
            found.unified_problem.empty()
                ? "no cgroup v2 hierarchy is mounted: mount one, \"mount -t cgroup2 cgroup2 "
                  "/sys/fs/cgroup\" or, beside v1, on /sys/fs/cgroup/unified"
                : "the cgroup v2 hierarchy can't be used: " + found.unified_problem +
                      "; give a root below its mount point, --cgroup-root /NAME");
    }
    Tree tree;
    std::string root = options.root;
    if (options.own != Own::Shared &&
        HEARTH_TRY(owns_whole(join(found.unified->mount, found.unified->own), options))) {
        tree.whole_ = true;
        root.clear();
    }
    tree.unified_ = hierarchy(*found.unified, root);
    if (!is_cgroup_file_system(tree.unified_.mount, true)) {
        return failure("the cgroup v2 mount at " + tree.unified_.mount + " is hidden by another");
    }
    HEARTH_TRY(tree.lock_root(options));
    if (tree.whole_) {
        if (Result<void> made = tree.make_leaves(options.keeper); !made) {
            return Unexpected(explained(
                std::move(made).error(), "cannot use the cgroup " + tree.unified_.path("")));
        }
    }
    const bool hybrid = std::ranges::any_of(v1_controllers, [&](const char* controller) {
        return found.v1.contains(controller) || found.v1_problems.contains(controller);
    });
    tree.layout_ = hybrid ? launch::CgroupLayout::Hybrid : launch::CgroupLayout::Unified;
    if (hybrid) {
        tree.find_v1_controllers(found, root);
    } else {
        tree.enable_controllers({options.keeper, ::getpid()});
    }
    tree.find_filters();
    return tree;
}

Result<void> Tree::make_root(const Hierarchy& hierarchy) {
    for (const std::string& directory : chain(hierarchy.mount, hierarchy.base, hierarchy.root)) {
        Result<bool> made = make_directory(directory);
        if (made && !*made && directory == hierarchy.path("")) {
            if (::access(directory.c_str(), W_OK) < 0) {  // nothing is made there yet
                made = Unexpected(sys::call_failure("access", directory, errno));
            }
        }
        if (!made) {
            return Unexpected(
                explained(std::move(made).error(), "cannot make the cgroup " + hierarchy.path("")));
        }
        if (*made && directory != hierarchy.path("")) {
            made_.push_back(directory);
        }
    }
    return {};
}

Result<void> Tree::lock_root(const Options& options) {
    const std::string path = unified_.path("");
    for (int tries = 0; tries < 5; ++tries) {
        HEARTH_TRY(make_root(unified_));
        Result<sys::Descriptor> locked = lock_directory(path, tries == 0 ? options.lock : -1);
        if (locked) {
            lock_ = std::move(*locked);
            // Only for the other's error message; kernels before 5.7 have no user.* here.
            static_cast<void>(sys::setxattr(path, owner_attribute, options.owner));
            return {};
        }
        if (locked.error().code == EWOULDBLOCK) {
            const Result<std::string> owner = sys::getxattr(path, owner_attribute);
            return failure(
                "cgroup root " + path + " belongs to another hearthd that runs" +
                    (owner && !owner->empty() ? ", with the runtime directory " + *owner : "") +
                    ": choose another with --cgroup-root",
                EBUSY);
        }
        if (locked.error().code != ENOENT) {
            return Unexpected(std::move(locked).error());
        }
    }
    return failure("cgroup root " + path + " keeps being removed by somebody", ENOENT);
}

void Tree::find_v1_controllers(const Hierarchies& found, const std::string& root) {
    for (const char* controller : v1_controllers) {
        const auto place = found.v1.find(controller);
        if (place == found.v1.end()) {
            const auto problem = found.v1_problems.find(controller);
            missing_[controller] = problem != found.v1_problems.end()
                                       ? problem->second
                                       : std::string("no v1 hierarchy with the ") + controller +
                                             " controller is mounted";
            continue;
        }
        Hierarchy candidate = hierarchy(place->second, root);
        if (!is_cgroup_file_system(candidate.mount, false)) {
            missing_[controller] = "its mount at " + candidate.mount + " is hidden by another";
            continue;
        }
        if (Result<void> made = make_root(candidate); !made) {
            missing_[controller] = made.error().what;
            continue;
        }
        if (std::string_view(controller) == "cpuset") {
            Result<void> filled;
            for (const std::string& directory :
                 chain(candidate.mount, candidate.base, candidate.root)) {
                filled = filled ? inherit_cpuset(directory) : std::move(filled);
            }
            if (!filled) {
                missing_[controller] = filled.error().what;
                continue;
            }
        }
        controllers_.insert(controller);
        v1_.emplace(controller, std::move(candidate));
    }
}

/// systemd's names for what BPF programs do on a cgroup.
void Tree::find_filters() {
    const auto device = why_not(Hook::Device);
    const auto packets = why_not(Hook::Ingress);  // for both of what it judges
    const auto bind = why_not(Hook::Bind4);
    for (const auto& [controller, reason] :
         {std::pair{"bpf-devices", &device},
          std::pair{"bpf-firewall", &packets},
          std::pair{"bpf-foreign", &packets},
          std::pair{"bpf-restrict-network-interfaces", &packets},
          std::pair{"bpf-socket-bind", &bind}}) {
        if (*reason) {
            missing_[controller] = **reason;
        } else {
            controllers_.insert(controller);
        }
    }
}

void Tree::enable_controllers(const std::set<pid_t>& own_processes) {
    const std::string base = join(unified_.mount, unified_.base);
    const Result<std::vector<std::string>> available = read_words(base + "/cgroup.controllers");
    for (const std::string controller : unified_controllers) {
        if (!available || !contains(*available, controller)) {
            missing_[controller] = "cgroup " + base + " has no " + controller +
                                   " controller: it is not delegated to it, or not in the kernel";
            continue;
        }
        controllers_.insert(controller);
    }
    for (const std::string& directory : chain(unified_.mount, unified_.base, unified_.root)) {
        pass_on(directory, own_processes, controllers_, missing_);
    }
}

}  // namespace hearth::cgroup
