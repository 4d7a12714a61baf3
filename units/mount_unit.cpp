// SPDX-License-Identifier: MIT
#include "units/mount_unit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "parser/values.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr const char* mount_program = "/bin/mount";
constexpr const char* unmount_program = "/bin/umount";
constexpr const char* directory_program = "/bin/mkdir";

template <class Visit>
void for_each_option(std::string_view options, Visit visit) {
    while (!options.empty()) {
        const std::size_t end = std::min(options.find(','), options.size());
        if (end > 0) {
            visit(options.substr(0, end));
        }
        options.remove_prefix(std::min(end + 1, options.size()));
    }
}

}  // namespace

std::string options_of_command(std::string_view options) {
    std::string kept;
    for_each_option(options, [&](std::string_view option) {
        constexpr auto others = std::to_array<std::string_view>(
            {"auto", "noauto", "nofail", "fail", "comment=systemd.automount"});
        if (!option.starts_with("x-") && std::ranges::count(others, option) == 0) {
            kept += (kept.empty() ? "" : ",") + std::string(option);
        }
    });
    return kept;
}

namespace {

bool is_bind(const MountSettings& mount) {
    return has_mount_option(mount.options, "bind") || has_mount_option(mount.options, "rbind");
}

CommandLine command(const char* program, std::vector<std::string> arguments) {
    CommandLine line;
    line.path = program;
    line.argv = {program};
    for (std::string& argument : arguments) {
        // Nothing of the environment is expanded in a path or an option.
        line.argv.push_back(std::move(argument));
    }
    line.no_environment_expansion = true;
    return line;
}

CommandLine mount_command(const MountSettings& mount, bool again) {
    std::vector<std::string> words = {mount.what, mount.where};
    if (!mount.type.empty()) {
        words.insert(words.end(), {"-t", mount.type});
    }
    if (mount.sloppy_options) {
        words.emplace_back("-s");
    }
    if (mount.read_write_only) {
        words.emplace_back("-w");
    }
    std::string options = options_of_command(mount.options);
    if (again) {
        options = options.empty() ? "remount" : "remount," + options;
    }
    if (!options.empty()) {
        words.insert(words.end(), {"-o", options});
    }
    return command(mount_program, std::move(words));
}

CommandLine unmount_command(const MountSettings& mount) {
    std::vector<std::string> words = {mount.where, "-c"};  // don't canonicalise: it may hang
    if (mount.lazy_unmount) {
        words.emplace_back("-l");
    }
    if (mount.force_unmount) {
        words.emplace_back("-f");
    }
    return command(unmount_program, std::move(words));
}

/// The mount point, and for a bind mount what is bound, where they are missing.
CommandLine directory_command(const MountSettings& mount) {
    std::vector<std::string> words = {
        "-p", "-m", fmt::format("{:04o}", mount.directory_mode.bits), "--", mount.where};
    if (is_bind(mount)) {
        words.push_back(mount.what);
    }
    CommandLine line = command(directory_program, std::move(words));
    line.ignore_failure = true;  // a file is bound onto a file; mount says what is wrong else
    return line;
}

void refuse(Unit& unit, std::string_view directive, std::string message, std::string hint) {
    unit.refusals.push_back(
        {Severity::Error, unit.origin_of(directive), std::move(message), std::move(hint), {}});
    unit.diagnostics.push_back(unit.refusals.back());
    unit.load_state = LoadState::BadSetting;
}

}  // namespace

bool has_mount_option(std::string_view options, std::string_view name) {
    bool found = false;
    for_each_option(options, [&](std::string_view option) {
        found = found || option.substr(0, option.find('=')) == name;
    });
    return found;
}

std::vector<std::string_view> mount_option_values(std::string_view options, std::string_view name) {
    std::vector<std::string_view> values;
    for_each_option(options, [&](std::string_view option) {
        if (option.starts_with(name) && option.substr(name.size()).starts_with('=')) {
            values.push_back(option.substr(name.size() + 1));
        }
    });
    return values;
}

std::string mount_option(std::string_view options, std::string_view name) {
    const std::vector<std::string_view> values = mount_option_values(options, name);
    return values.empty() ? std::string() : std::string(values.back());
}

bool is_network_mount(const MountSettings& mount) {
    constexpr auto types = std::to_array<std::string_view>(
        {"afs",
         "ceph",
         "cifs",
         "davfs",
         "gfs",
         "gfs2",
         "glusterfs",
         "lustre",
         "ncp",
         "ncpfs",
         "nfs",
         "nfs4",
         "ocfs2",
         "orangefs",
         "pvfs2",
         "sshfs",
         "smb3",
         "smbfs",
         "vboxsf"});
    const std::string_view type = mount.type;
    const std::string_view plain = type.starts_with("fuse.") ? type.substr(5) : type;
    return has_mount_option(mount.options, "_netdev") || std::ranges::count(types, plain) > 0;
}

std::vector<std::string> paths_above(std::string_view where) {
    if (where == "/" || where.empty()) {
        return {};
    }
    const std::size_t slash = where.rfind('/');
    return {slash == 0 ? "/" : std::string(where.substr(0, slash))};
}

std::vector<std::string> paths_needed(const MountSettings& mount) {
    std::vector<std::string> paths = paths_above(mount.where);
    const bool a_path =
        mount.what.starts_with('/') && !mount.what.starts_with("/dev/") && !is_network_mount(mount);
    if (a_path) {
        paths.push_back(simplified_path(mount.what));
    }
    return paths;
}

void complete_mount(Unit& unit) {
    MountSettings& mount = unit.settings.mount;
    const auto parsed = parse_unit_name(unit.name);
    const auto named = parsed ? unescape_path(parsed->prefix) : Result<std::string>(failure("", 0));
    if (!parsed || parsed->instance || !named) {
        return refuse(
            unit,
            "Where",
            "the unit's name is no path",
            "name it as systemd-escape --path --suffix=mount says");
    }
    if (mount.where.empty()) {
        mount.where = *named;
    }
    if (mount.where != *named) {
        const auto right = escape_path(mount.where);
        return refuse(
            unit,
            "Where",
            fmt::format("Where={} doesn't match the unit's name {}", mount.where, unit.name),
            right ? "name the file " + *right + ".mount" : std::string());
    }
    if (unit.fragment_path.empty()) {
        return;  // the kernel has it, nobody here made it
    }
    if (mount.what.empty()) {
        return refuse(unit, "What", "What= is missing", "write What=/dev/..., or what it is");
    }
    ServiceSettings& service = unit.settings.service;
    service.type = ServiceType::Oneshot;
    service.remain_after_exit = true;
    service.exec_start_pre = {directory_command(mount)};
    service.exec_start = {mount_command(mount, false)};
    service.exec_reload = {mount_command(mount, true)};
    service.exec_stop = {unmount_command(mount)};
    service.timeout_start = mount.timeout;
    service.timeout_stop = mount.timeout;
}

}  // namespace hearth
