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
#include "units/codecs.hpp"

namespace hearth::launch {
namespace {

using Kind = MountWish::Kind;

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

struct MountFlag {
    std::string_view option;
    std::uint64_t set, clear;
};
// What mount(8) takes as flags; all else is the file system's own.
constexpr auto mount_flags = std::to_array<MountFlag>({
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"strictatime", MS_STRICTATIME, 0},
    {"nostrictatime", 0, MS_STRICTATIME},
    {"noatime", MS_NOATIME, MS_STRICTATIME},
    {"atime", 0, MS_NOATIME},
    {"relatime", MS_RELATIME, MS_STRICTATIME},
    {"norelatime", 0, MS_RELATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"rw", 0, 0},
});

void read_tmpfs_options(MountWish& wish, std::string_view text) {
    wish.flags = MS_NODEV | MS_STRICTATIME;
    bool mode = false;
    while (!text.empty()) {
        const std::string_view option = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), option.size() + 1));
        const auto* const flag = std::ranges::find(mount_flags, option, &MountFlag::option);
        if (option == "ro" || option == "rw") {
            wish.read_only = option == "ro";
        } else if (flag != mount_flags.end()) {
            wish.flags = (wish.flags & ~flag->clear) | flag->set;
        } else if (!option.empty()) {
            mode = mode || option.starts_with("mode=");
            (wish.options += wish.options.empty() ? "" : ",") += option;
        }
    }
    if (!mode) {
        wish.options.insert(0, wish.options.empty() ? "mode=0755" : "mode=0755,");
    }
}

class Collector {
public:
    Collector(const Unit& unit, const Host& host, Diagnostics* notes)
        : unit_(unit), sandbox_(unit.settings.sandbox), host_(host), notes_(notes) {
        root_ = unit.settings.exec.root_directory == "/" ? "" : unit.settings.exec.root_directory;
    }

    std::vector<MountWish> collect(const MountScope& scope) {
        if (!root_.empty() && sandbox_.mount_api_vfs.value_or(true)) {
            api_file_systems();
        }
        binds("BindPaths", sandbox_.bind_paths, false);
        binds("BindReadOnlyPaths", sandbox_.bind_read_only_paths, true);
        temporary_file_systems();
        directory_wishes(unit_, host_, wishes_);
        if (!scope.full_privileges) {
            paths("ReadWritePaths", sandbox_.read_write_paths, Kind::ReadWrite);
            paths("ReadOnlyPaths", sandbox_.read_only_paths, Kind::ReadOnly);
            paths("InaccessiblePaths", sandbox_.inaccessible_paths, Kind::Inaccessible);
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
            hide_runtime_directory();
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
        const std::string_view asked = sandbox_.mount_api_vfs ? "MountAPIVFS" : "RootDirectory";
        const std::string value = sandbox_.mount_api_vfs ? "yes" : root_;
        add("/proc", Kind::Processes, asked, value);
        add("/sys", Kind::Kernel, asked, value);
        add("/dev", Kind::HostDevices, asked, value);
        MountWish& run = add("/run", Kind::TemporaryFileSystem, asked, value);
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

    void temporary_file_systems() {
        for (const TmpfsEntry& entry : sandbox_.temporary_file_systems) {
            MountWish& wish =
                add(entry.path, Kind::TemporaryFileSystem, "TemporaryFileSystem", entry.path);
            read_tmpfs_options(wish, entry.options);
        }
    }

    void paths(std::string_view directive, const std::vector<PathEntry>& entries, Kind kind) {
        for (const PathEntry& entry : entries) {
            std::string path = entry.path;
            if (!root_.empty() && !entry.below_root) {
                if (!is_below(path, root_)) {
                    note_outside(directive, path);
                    continue;
                }
                path = path == root_ ? "/" : path.substr(root_.size());
            }
            add(std::move(path), kind, directive, entry.path).optional = entry.optional;
        }
    }

    void note_outside(std::string_view directive, std::string_view path) {
        if (notes_ != nullptr) {
            notes_->push_back(
                {Severity::Note,
                 unit_.origin_of(directive),
                 fmt::format(
                     "{}={} lies outside RootDirectory={}, where the service can't "
                     "go anyway: it changes nothing",
                     directive,
                     path,
                     root_),
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
        if (sandbox_.private_tmp) {
            add("/tmp", Kind::PrivateTmp, "PrivateTmp", "yes");
            add("/var/tmp", Kind::PrivateTmp, "PrivateTmp", "yes");
        }
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
            return fixed("ProtectControlGroups", "yes", control_groups);
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

    /// A confined service must not find the manager's state and sockets, by no name they have.
    void hide_runtime_directory() {
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
            MountWish& wish = wishes_.emplace_back();
            wish.path = std::move(view);
            wish.kind = Kind::Inaccessible;
            wish.optional = true;
        }
    }

    const Unit& unit_;
    const SandboxSettings& sandbox_;
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

std::vector<MountWish> mount_wishes(
    const Unit& unit, const Host& host, const MountScope& scope, Diagnostics* notes) {
    return Collector(unit, host, notes).collect(scope);
}

std::optional<Asked> mount_namespace_asked(
    const Unit& unit, const MountScope& scope, const std::vector<MountWish>& wishes) {
    const std::string& root = unit.settings.exec.root_directory;
    const auto asked = [&](std::string_view directive, std::string value) {
        return Asked{std::string(directive), std::move(value), unit.origin_of(directive)};
    };
    if (!root.empty() && root != "/") {
        return asked("RootDirectory", root);
    }
    if (!scope.full_privileges && unit.settings.sandbox.private_mounts) {
        return asked("PrivateMounts", "yes");
    }
    // The runtime directory is hidden where there is a namespace anyway; it asks for none.
    const auto first = std::ranges::find_if(
        wishes, [](const MountWish& wish) {
            return !wish.asked.directive.empty() && !wish.follows;
        });
    return first == wishes.end() ? std::nullopt : std::optional(first->asked);
}

}  // namespace hearth::launch
