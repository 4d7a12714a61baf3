// SPDX-License-Identifier: MIT
//
// mount_wishes(): which directive wishes what for which path. The tables are systemd.exec(5)'s
// lists.
#include <fmt/format.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/planner.hpp"
#include "units/root_codecs.hpp"

namespace hearth::launch {
namespace {

using Kind = MountWish::Kind;
using Execution = MountWish::Execution;

struct Fixed {
    std::string_view path;
    Kind kind;
};

constexpr auto system_yes = std::to_array<Fixed>(
    {{"/usr", Kind::ReadOnly}, {"/boot", Kind::ReadOnly}, {"/efi", Kind::ReadOnly}});
constexpr auto system_full = std::to_array<Fixed>(
    {{"/usr", Kind::ReadOnly},
     {"/boot", Kind::ReadOnly},
     {"/efi", Kind::ReadOnly},
     {"/etc", Kind::ReadOnly}});
constexpr auto system_strict = std::to_array<Fixed>(
    {{"/", Kind::ReadOnly},
     {"/dev", Kind::ReadWrite},
     {"/proc", Kind::ReadWrite},
     {"/sys", Kind::ReadWrite}});
constexpr auto home_directories = std::to_array<std::string_view>({"/home", "/root", "/run/user"});
constexpr auto kernel_tunables = std::to_array<Fixed>({
    {"/sys", Kind::ReadOnly},
    {"/sys/fs/cgroup", Kind::ReadWrite},  // ProtectControlGroups= has it
    {"/proc/sys", Kind::ReadOnly},
    {"/proc/sysrq-trigger", Kind::ReadOnly},
    {"/proc/latency_stats", Kind::ReadOnly},
    {"/proc/acpi", Kind::ReadOnly},
    {"/proc/timer_stats", Kind::ReadOnly},
    {"/proc/fs", Kind::ReadOnly},
    {"/proc/irq", Kind::ReadOnly},
    {"/proc/bus", Kind::ReadOnly},
    {"/proc/mtrr", Kind::ReadOnly},
    {"/proc/asound", Kind::ReadOnly},
    {"/proc/kallsyms", Kind::Inaccessible},
    {"/proc/kcore", Kind::Inaccessible},
});
constexpr auto kernel_modules = std::to_array<Fixed>(
    {{"/usr/lib/modules", Kind::Inaccessible}, {"/lib/modules", Kind::Inaccessible}});
constexpr auto kernel_logs =
    std::to_array<Fixed>({{"/proc/kmsg", Kind::Inaccessible}, {"/dev/kmsg", Kind::Inaccessible}});
constexpr auto control_groups = std::to_array<Fixed>({{"/sys/fs/cgroup", Kind::ReadOnly}});
// The namespace keeps changes from the host; this keeps them from happening.
constexpr auto host_name_files = std::to_array<Fixed>(
    {{"/proc/sys/kernel/hostname", Kind::ReadOnly},
     {"/proc/sys/kernel/domainname", Kind::ReadOnly}});

struct Switch {
    std::string_view directive;
    bool SandboxSettings::* asked;
    std::span<const Fixed> paths;
};
constexpr auto switches = std::to_array<Switch>({
    {"ProtectKernelTunables", &SandboxSettings::protect_kernel_tunables, kernel_tunables},
    {"ProtectKernelModules", &SandboxSettings::protect_kernel_modules, kernel_modules},
    {"ProtectKernelLogs", &SandboxSettings::protect_kernel_logs, kernel_logs},
});

void read_tmpfs_options(MountWish& wish, std::string_view text) {
    MountOptions options = read_mount_options(text, MS_NODEV | MS_STRICTATIME);
    wish.read_only = (options.flags & MS_RDONLY) != 0;
    wish.flags = options.flags & ~std::uint64_t{MS_RDONLY};
    wish.options = std::move(options.rest);
    const bool mode =
        wish.options.starts_with("mode=") || wish.options.find(",mode=") != std::string::npos;
    if (!mode) {
        wish.options.insert(0, wish.options.empty() ? "mode=0755" : "mode=0755,");
    }
}

class Collector {
public:
    Collector(const Unit& unit, const Host& host, Diagnostics* notes)
        : unit_(unit),
          sandbox_(unit.settings.sandbox),
          roots_(unit.settings.roots),
          host_(host),
          notes_(notes) {}

    std::vector<MountWish> collect(const MountScope& scope) {
        // Paths without `+` are the host's: those of RootDirectory= are below it, none is in an
        // image.
        const std::string place = root_place(unit_, scope);
        const bool directory = !place.empty() && roots_.root_image.empty();
        root_ = directory ? unit_.settings.exec.root_directory : place;
        if (!root_.empty() && mounts_api_file_systems(unit_)) {
            api_file_systems();
        }
        binds("BindPaths", sandbox_.bind_paths, false);
        binds("BindReadOnlyPaths", sandbox_.bind_read_only_paths, true);
        images();
        layers();
        temporary_file_systems();
        directory_wishes(unit_, host_, wishes_);
        if (!scope.full_privileges) {
            paths("ReadWritePaths", sandbox_.read_write_paths, Kind::ReadWrite);
            paths("ReadOnlyPaths", sandbox_.read_only_paths, Kind::ReadOnly);
            paths("InaccessiblePaths", sandbox_.inaccessible_paths, Kind::Inaccessible);
            paths("ExecPaths", roots_.exec_paths, Kind::Keep, Execution::Allowed);
            paths("NoExecPaths", roots_.no_exec_paths, Kind::Keep, Execution::Forbidden);
            protect_system();
            protect_home();
            private_parts();
            for (const Switch& entry : switches) {
                if (sandbox_.*entry.asked) {
                    fixed(entry.directive, "yes", entry.paths);
                }
            }
            host_name();
            control_groups_view();
            own_processes();
            hide_runtime_directory(scope.notify_socket);
        }
        if (!scope.notify_socket.empty() && !root_.empty()) {
            show_notify_socket(notify_path(root_, scope.notify_socket), scope.notify_socket);
        }
        return std::move(wishes_);
    }

private:
    MountWish& add(std::string path, Kind kind, std::string_view directive, std::string value) {
        MountWish& wish = wishes_.emplace_back();
        wish.path = std::move(path);
        wish.kind = kind;
        wish.asked = {std::string(directive), std::move(value), unit_.origin_of(directive)};
        return wish;
    }

    void fixed(std::string_view directive, std::string_view value, std::span<const Fixed> paths) {
        for (const Fixed& entry : paths) {
            add(std::string(entry.path), entry.kind, directive, std::string(value)).optional = true;
        }
    }

    void api_file_systems() {
        const bool explicitly = sandbox_.mount_api_vfs.value_or(false);
        const Asked root = root_asked(unit_);
        const std::string asked = explicitly ? "MountAPIVFS" : root.directive;
        const std::string value = explicitly ? "yes" : root.value;
        add("/proc", Kind::Processes, asked, value).unless_mounted = true;
        add("/sys", Kind::Kernel, asked, value).unless_mounted = true;
        add("/dev", Kind::HostDevices, asked, value).unless_mounted = true;
        MountWish& run = add("/run", Kind::TemporaryFileSystem, asked, value);
        run.unless_mounted = true;
        run.flags = MS_NODEV | MS_NOSUID | MS_STRICTATIME;
        run.options = "mode=0755";
    }

    void binds(std::string_view directive, const std::vector<BindEntry>& entries, bool read_only) {
        for (const BindEntry& entry : entries) {
            const std::string& destination =
                entry.destination.empty() ? entry.source : entry.destination;
            MountWish& wish =
                add(destination,
                    Kind::Bind,
                    directive,
                    entry.source == destination ? entry.source : entry.source + ":" + destination);
            wish.source = entry.source;
            wish.read_only = read_only;
            wish.optional = entry.optional;
            wish.recursive = entry.recursive;
        }
    }

    void images() {
        for (const ImageEntry& entry : roots_.mount_images) {
            MountWish& wish =
                add(entry.destination,
                    Kind::Image,
                    "MountImages",
                    entry.source + ":" + entry.destination);
            MountOptions options = image_options(entry.options);
            wish.source = entry.source;
            wish.optional = entry.optional;
            wish.read_only = (options.flags & MS_RDONLY) != 0;
            wish.flags = options.flags;
            wish.options = std::move(options.rest);
        }
    }

    /// systemd.exec(5): extensions are laid over these two.
    void layers() {
        const bool images = !roots_.extension_images.empty();
        if (!images && roots_.extension_directories.empty()) {
            return;
        }
        const std::string value = images ? roots_.extension_images.front().source
                                         : roots_.extension_directories.front().path;
        for (const char* path : {"/usr", "/opt"}) {
            add(path, Kind::Layers, images ? "ExtensionImages" : "ExtensionDirectories", value);
        }
    }

    void temporary_file_systems() {
        for (const TmpfsEntry& entry : sandbox_.temporary_file_systems) {
            MountWish& wish =
                add(entry.path, Kind::TemporaryFileSystem, "TemporaryFileSystem", entry.path);
            read_tmpfs_options(wish, entry.options);
        }
    }

    void paths(
        std::string_view directive,
        const std::vector<PathEntry>& entries,
        Kind kind,
        Execution execution = Execution::Inherited) {
        for (const PathEntry& entry : entries) {
            std::string path = entry.path;
            if (!root_.empty() && !entry.below_root) {
                if (!is_below(path, root_)) {
                    note_outside(directive, path);
                    continue;
                }
                path = path == root_ ? "/" : path.substr(root_.size());
            }
            MountWish& wish = add(std::move(path), kind, directive, entry.path);
            wish.optional = entry.optional;
            wish.execution = execution;
        }
    }

    void note_outside(std::string_view directive, std::string_view path) {
        if (notes_ != nullptr) {
            notes_->push_back(
                {Severity::Note,
                 unit_.origin_of(directive),
                 fmt::format(
                     "{}={} lies outside {}={}, where the service can't "
                     "go anyway: it changes nothing",
                     directive,
                     path,
                     root_asked(unit_).directive,
                     root_asked(unit_).value),
                 fmt::format("write {}=+{} for a path below the root", directive, path),
                 {}});
        }
    }

    void protect_system() {
        const std::string value = Codec<ProtectSystem>::format(sandbox_.protect_system);
        switch (sandbox_.protect_system) {
            case ProtectSystem::No:
                return;
            case ProtectSystem::Yes:
                return fixed("ProtectSystem", value, system_yes);
            case ProtectSystem::Full:
                return fixed("ProtectSystem", value, system_full);
            case ProtectSystem::Strict:
                return fixed("ProtectSystem", value, system_strict);
        }
    }

    void protect_home() {
        if (sandbox_.protect_home == ProtectHome::No) {
            return;
        }
        const std::string value = Codec<ProtectHome>::format(sandbox_.protect_home);
        for (const std::string_view path : home_directories) {
            MountWish& wish = add(std::string(path), Kind::Inaccessible, "ProtectHome", value);
            wish.optional = true;
            if (sandbox_.protect_home == ProtectHome::ReadOnly) {
                wish.kind = Kind::ReadOnly;
            } else if (sandbox_.protect_home == ProtectHome::Tmpfs) {
                wish.kind = Kind::TemporaryFileSystem;
                read_tmpfs_options(wish, "ro,nosuid");
            }
        }
    }

    void private_parts() {
        for (const char* path : {"/tmp", "/var/tmp"}) {
            if (sandbox_.private_tmp == PrivateTmp::Yes) {
                add(path, Kind::PrivateTmp, "PrivateTmp", "yes");
            } else if (sandbox_.private_tmp == PrivateTmp::Disconnected) {
                MountWish& wish =
                    add(path, Kind::TemporaryFileSystem, "PrivateTmp", "disconnected");
                read_tmpfs_options(wish, "mode=1777,nosuid");
            }
        }
        processes();
        if (sandbox_.private_devices) {
            add("/dev", Kind::PrivateDevices, "PrivateDevices", "yes");
        }
        const std::string& ipc = unit_.settings.namespaces.ipc_namespace_path;
        if (!ipc.empty()) {
            add("/dev/mqueue", Kind::MessageQueues, "IPCNamespacePath", ipc).optional = true;
        } else if (sandbox_.private_ipc) {
            add("/dev/mqueue", Kind::MessageQueues, "PrivateIPC", "yes").optional = true;
        }
    }

    void host_name() {
        if (sandbox_.protect_hostname.locked()) {
            fixed("ProtectHostname", "yes", host_name_files);
        }
    }

    void control_groups_view() {
        if (sandbox_.protect_control_groups == ProtectControlGroups::Yes) {
            fixed("ProtectControlGroups", "yes", control_groups);
            if (std::string file = watched_pressure(unit_, host_); !file.empty()) {
                add(std::move(file), Kind::ReadWrite, "MemoryPressureWatch", "on").optional = true;
            }
            return;
        }
        if (!has_own_control_groups(sandbox_)) {
            return;
        }
        constexpr const char* directive = "ProtectControlGroups";
        const std::string value =
            Codec<ProtectControlGroups>::format(sandbox_.protect_control_groups);
        const bool strict = sandbox_.protect_control_groups == ProtectControlGroups::Strict;
        const bool several = !host_.cgroup_points.empty() &&
                             host_.cgroup_points.front().path != control_groups.front().path;
        if (several) {  // beside each other, in a directory that isn't the host's
            MountWish& top =
                add(std::string(control_groups.front().path),
                    Kind::TemporaryFileSystem,
                    directive,
                    value);
            top.options = "mode=0755";
            top.flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
            top.read_only = strict;
        }
        for (const CgroupPoint& point : host_.cgroup_points) {
            MountWish& wish = add(point.path, Kind::ControlGroups, directive, value);
            wish.source = point.unified ? "cgroup2" : "cgroup";
            wish.options = point.options;
            wish.read_only = strict;
        }
    }

    /// Last, so that a directive that says how /proc is mounted comes before.
    void own_processes() {
        if (unit_.settings.namespaces.private_pids) {
            add("/proc", Kind::Processes, "PrivatePIDs", "yes");
        }
    }

    /// A proc of the service's own, in which other users' processes or all but processes are
    /// hidden.
    void processes() {
        const auto hidden = [&](std::string_view directive, std::string value, std::string option) {
            MountWish& wish = add("/proc", Kind::Processes, directive, std::move(value));
            wish.options = std::move(option);
        };
        if (roots_.protect_proc != ProtectProc::Default) {
            const std::string value = Codec<ProtectProc>::format(roots_.protect_proc);
            hidden("ProtectProc", value, "hidepid=" + value);
        }
        if (roots_.proc_subset == ProcSubset::Pid) {
            hidden("ProcSubset", "pid", "subset=pid");
        }
    }

    /// A confined service must not find the manager's state and sockets, by no name they have.
    void hide_runtime_directory(const std::string& notify_socket) {
        const std::string& hidden = host_.runtime_directory;
        if (hidden.empty()) {
            return;
        }
        std::vector<std::string> views;
        if (is_below(hidden, root_.empty() ? "/" : root_)) {
            views.push_back(hidden.substr(root_.size()));
        }
        for (const MountWish& wish : wishes_) {
            if (wish.kind == Kind::Bind && is_below(hidden, wish.source)) {
                const std::string rest =
                    wish.source == "/" ? hidden : hidden.substr(wish.source.size());
                views.push_back(wish.path + rest);
            }
        }
        std::erase(views, "");  // it is the root itself: hiding that would hide everything
        for (std::string& view : views) {
            const bool notifies = !notify_socket.empty() && is_below(notify_socket, hidden);
            if (notifies) {
                show_notify_socket(view + notify_socket.substr(hidden.size()), notify_socket);
            }
            MountWish& wish = wishes_.emplace_back();
            wish.path = std::move(view);
            wish.kind = notifies ? Kind::TemporaryFileSystem : Kind::Inaccessible;
            wish.optional = true;
            if (notifies) {  // an empty directory, with nothing but the socket in it
                wish.read_only = true;
                wish.options = "mode=0755,nr_inodes=8,size=4k";
                wish.flags = MS_NODEV | MS_NOSUID | MS_NOEXEC;
            }
        }
    }

    void show_notify_socket(std::string path, const std::string& source) {
        MountWish& wish = wishes_.emplace_back();
        wish.path = std::move(path);
        wish.kind = Kind::Bind;
        wish.source = source;
        wish.recursive = false;
        wish.read_only = true;  // sendto(2) asks the socket's mode, not the mount
    }

    const Unit& unit_;
    const SandboxSettings& sandbox_;
    const RootSettings& roots_;
    const Host& host_;
    Diagnostics* notes_;
    std::string root_;
    std::vector<MountWish> wishes_;
};

}  // namespace

bool has_own_control_groups(const SandboxSettings& sandbox) {
    return sandbox.protect_control_groups == ProtectControlGroups::Private ||
           sandbox.protect_control_groups == ProtectControlGroups::Strict;
}

std::string notify_path(const std::string& root, const std::string& on_host) {
    constexpr std::string_view in_root = "/run/hearth/notify";
    return root.empty() || root == "/" ? on_host : std::string(in_root);
}

std::vector<MountWish> mount_wishes(
    const Unit& unit, const Host& host, const MountScope& scope, Diagnostics* notes) {
    return Collector(unit, host, notes).collect(scope);
}

std::optional<Asked> mount_namespace_asked(
    const Unit& unit, const MountScope& scope, const std::vector<MountWish>& wishes) {
    const auto asked = [&](std::string_view directive, std::string value) {
        return Asked{std::string(directive), std::move(value), unit.origin_of(directive)};
    };
    if (!root_place(unit, scope).empty()) {
        return root_asked(unit);
    }
    if (!scope.full_privileges && unit.settings.sandbox.private_mounts) {
        return asked("PrivateMounts", "yes");
    }
    const MountFlags flags = unit.settings.roots.mount_flags;
    if (!scope.full_privileges && (flags == MountFlags::Slave || flags == MountFlags::Private)) {
        return asked("MountFlags", Codec<MountFlags>::format(flags));
    }
    // The runtime directory is hidden where there is a namespace anyway; it asks for none.
    const auto first = std::ranges::find_if(wishes, [](const MountWish& wish) {
        return !wish.asked.directive.empty() && !wish.follows;
    });
    return first == wishes.end() ? std::nullopt : std::optional(first->asked);
}

}  // namespace hearth::launch
