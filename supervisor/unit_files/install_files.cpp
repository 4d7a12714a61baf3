// SPDX-License-Identifier: MIT
#include "supervisor/unit_files/install_files.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "supervisor/sys/file.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr std::size_t largest_file = std::size_t{64} << 20U;
constexpr int most_links = 64;

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}
std::string directory_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

bool is_folder_of_units(const std::string& name) {
    return name.ends_with(".wants") || name.ends_with(".requires") || name.ends_with(".upholds") ||
           name.ends_with(".d");
}

UnitDirectory::Role role_of(const std::string& path) {
    const std::string name = base_name(path);
    return name.ends_with(".control")      ? UnitDirectory::Role::Control
           : name.ends_with(".attached")   ? UnitDirectory::Role::Attached
           : name == "transient"           ? UnitDirectory::Role::Transient
           : name.starts_with("generator") ? UnitDirectory::Role::Generator
                                           : UnitDirectory::Role::Vendor;
}

std::string advice(int code, const std::string& path) {
    switch (code) {
        case EROFS:
            return "; the file system is read-only: make it writable, or take --runtime, whose "
                   "links "
                   "are gone after a boot";
        case EACCES:
        case EPERM:
            return "; you may not write there: ask as root";
        case ENOSPC:
        case EDQUOT:
            return "; free some space";
        case EEXIST:
        case ENOTDIR:
            return "; something is in the way there: move it away, and try again";
        default:
            return "; look at " + directory_of(path);
    }
}

/// A link, or a directory that is empty by now. What is gone already is fine.
Result<void> remove(const std::string& path) {
    auto removed = sys::unlink(path);
    if (!removed && removed.error().code == EISDIR) {
        return sys::rmdir(path);
    }
    return removed || removed.error().code != ENOENT ? removed : Result<void>();
}

/// In one step: the unit is never without its link.
Result<void> replace_link(const std::string& target, const std::string& path) {
    const std::string aside = directory_of(path) + "/.#" + base_name(path);
    HEARTH_TRY(remove(aside));
    HEARTH_TRY(sys::symlink(target, aside));
    return sys::rename(aside, path);
}

/// A link that goes and is made anew by the next change.
bool is_replaced(const std::vector<FileChange>& changes, std::size_t at) {
    return changes[at].kind == FileChange::Kind::Unlink && at + 1 < changes.size() &&
           changes[at + 1].kind == FileChange::Kind::Symlink &&
           changes[at + 1].path == changes[at].path;
}

RequestError refusal(const Error& error, const std::string& path) {
    const bool denied = error.code == EACCES || error.code == EPERM || error.code == EROFS;
    return {
        denied ? "org.freedesktop.DBus.Error.AccessDenied" : "org.freedesktop.DBus.Error.Failed",
        error.what + advice(error.code, path)};
}

}  // namespace

std::vector<UnitDirectory> unit_directories(
    const std::vector<std::string>& unit_path, const std::string& runtime_directory) {
    std::vector<UnitDirectory> directories;
    for (const std::string& path : unit_path) {
        const bool runtime = path.starts_with("/run/") || path.starts_with(runtime_directory + "/");
        directories.push_back({path, role_of(path), runtime});
    }
    const auto first =
        std::ranges::find(directories, UnitDirectory::Role::Vendor, &UnitDirectory::role);
    if (first != directories.end()) {
        first->role = UnitDirectory::Role::Config;
        first->runtime = false;
    }
    for (const std::string& path :
         {runtime_directory + "/system", std::string("/run/systemd/system")}) {
        const auto found = std::ranges::find(directories, path, &UnitDirectory::path);
        if (found != directories.end() && found != first) {
            found->role = UnitDirectory::Role::Config;
            break;
        }
    }
    return directories;
}

std::vector<std::string> offline_unit_path() {
    return {
        "/etc/systemd/system.control",
        "/run/systemd/system.control",
        "/run/systemd/transient",
        "/run/systemd/generator.early",
        "/etc/systemd/system",
        "/etc/systemd/system.attached",
        "/run/systemd/system",
        "/run/systemd/system.attached",
        "/run/systemd/generator",
        "/usr/local/lib/systemd/system",
        "/lib/systemd/system",
        "/usr/lib/systemd/system",
        "/run/systemd/generator.late",
    };
}

std::vector<PresetRule> read_preset_files(
    const std::vector<std::string>& unit_path, const std::string& root) {
    std::map<std::string, std::string> files;  // by name: the first directory counts
    for (const std::string& directory : unit_path) {
        const std::string place = root + directory + "-preset";
        for (const std::string& entry :
             sys::read_directory(place).value_or(std::vector<std::string>{})) {
            if (entry.ends_with(".preset")) {
                files.try_emplace(entry, place + "/" + entry);
            }
        }
    }
    std::vector<PresetRule> rules;
    for (const auto& [name, path] : files) {
        auto some = read_presets(sys::read_file(path, largest_file).value_or(""));
        std::ranges::move(some, std::back_inserter(rules));
    }
    return rules;
}

std::string InstallFiles::real_path(const std::string& path) const {
    std::filesystem::path rest = std::filesystem::path(path).lexically_normal().relative_path();
    std::filesystem::path real = "/";
    for (int links = 0; links < most_links;) {
        if (rest.empty()) {
            break;
        }
        const std::filesystem::path part = *rest.begin();
        const std::filesystem::path behind = rest.lexically_relative(part);
        const bool last = behind.empty() || behind == ".";
        const auto target = last ? Result<std::string>(failure("", 0))
                                 : sys::readlink(root_ + (real / part).string());
        if (target) {
            ++links;
            rest = (*target / behind).lexically_normal();
            if (rest.is_absolute()) {
                real = "/";
                rest = rest.relative_path();
            }
            continue;
        }
        real = (real / part).lexically_normal();  // ".." never leaves "/"
        if (last) {
            break;
        }
        rest = behind;
    }
    return real.string();
}

void InstallFiles::read_entry(InstallView& view, const std::string& path) const {
    const std::string place = root_ + real_path(path);
    const auto status = sys::lstat(place);
    if (!status) {
        return;
    }
    InstallEntry entry;
    const bool null = S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
    if (S_ISLNK(status->st_mode)) {
        auto target = sys::readlink(place);
        if (!target) {
            return;
        }
        entry = {InstallEntry::Kind::Link, std::move(*target)};
    } else if (S_ISDIR(status->st_mode)) {
        entry.kind = InstallEntry::Kind::Directory;
    } else if (null || (S_ISREG(status->st_mode) && status->st_size == 0)) {
        entry.kind = InstallEntry::Kind::Null;
    } else if (!S_ISREG(status->st_mode)) {
        return;
    }
    if (entry.kind == InstallEntry::Kind::File) {
        Remembered& known = remembered_[path];
        const auto size = static_cast<std::uint64_t>(status->st_size);
        if (known.inode != status->st_ino || known.size != size ||
            known.seconds != status->st_mtim.tv_sec ||
            known.nanoseconds != status->st_mtim.tv_nsec) {
            known = {
                status->st_ino,
                size,
                status->st_mtim.tv_sec,
                status->st_mtim.tv_nsec,
                read_install_section(sys::read_file(place, largest_file).value_or(""), path)};
        }
        if (!known.lines.empty()) {
            view.install[path] = known.lines;
        }
    }
    view.entries[path] = std::move(entry);
}

void InstallFiles::read_directory(
    InstallView& view, const std::string& path, bool is_unit_directory) const {
    const auto names = sys::read_directory(root_ + directory_of(real_path(path + "/x")));
    for (const std::string& name : names.value_or(std::vector<std::string>{})) {
        const std::string entry = path + "/" + name;
        const bool folder = is_unit_directory && is_folder_of_units(name);
        if (is_unit_directory && !folder && !is_valid_unit_name(name)) {
            continue;
        }
        read_entry(view, entry);
        if (folder) {
            read_directory(view, entry, false);
        }
    }
}

/// What is outside of the unit path and a link leads to, and what that leads to.
void InstallFiles::read_where_links_lead(InstallView& view) const {
    std::vector<std::string> paths;
    for (const auto& [path, entry] : view.entries) {
        if (entry.kind == InstallEntry::Kind::Link) {
            paths.push_back(path);
        }
    }
    for (std::size_t at = 0; at < paths.size(); ++at) {
        const InstallEntry& link = view.entries.at(paths[at]);
        const std::filesystem::path from = directory_of(paths[at]);
        const std::string target =
            link.target.starts_with('/') ? link.target : (from / link.target).string();
        const std::string to = real_path(target);
        const std::string written = std::filesystem::path(target).lexically_normal().string();
        if (directory_of(written) != directory_of(to)) {
            view.real_directories[directory_of(written)] = directory_of(to);
        }
        if (view.entries.contains(to) || to == "/dev/null") {
            continue;
        }
        read_entry(view, to);
        const auto found = view.entries.find(to);
        if (found != view.entries.end() && found->second.kind == InstallEntry::Kind::Link) {
            paths.push_back(to);
        }
    }
}

InstallView InstallFiles::read(const std::vector<std::string>& names) const {
    InstallView view;
    view.directories = directories_;
    view.context = context_;
    std::vector<std::string> path;
    for (const UnitDirectory& each : directories_) {
        path.push_back(each.path);
        const std::string real = directory_of(real_path(each.path + "/x"));
        if (real != each.path) {
            view.real_directories[each.path] = real;
        }
        read_directory(view, each.path, true);
    }
    for (const std::string& name : names) {
        if (name.starts_with('/') && !view.entries.contains(name)) {
            read_entry(view, name);
        }
    }
    read_where_links_lead(view);
    view.presets = read_preset_files(path, root_);
    return view;
}

Result<void> InstallFiles::remove_link(const std::string& path) const {
    const std::string place = root_ + real_path(path);
    HEARTH_TRY(remove(place));
    const auto of_units = std::ranges::find(directories_, directory_of(path), &UnitDirectory::path);
    if (of_units == directories_.end()) {
        (void)sys::rmdir(directory_of(place));  // where it was the last one
    }
    return {};
}

Result<void, RequestError> InstallFiles::carry_out(const std::vector<FileChange>& changes) const {
    for (std::size_t at = 0; at < changes.size(); ++at) {
        const FileChange& change = changes[at];
        const std::string place = root_ + real_path(change.path);
        Result<void> done;
        if (is_replaced(changes, at)) {
            done = replace_link(changes[++at].source, place);
        } else if (change.kind == FileChange::Kind::Symlink) {
            done = sys::make_directories(directory_of(place), 0755);
            done = done ? sys::symlink(change.source, place) : done;
        } else if (change.kind == FileChange::Kind::Unlink) {
            done = remove_link(change.path);
        }
        if (!done) {
            return Unexpected(refusal(done.error(), place));
        }
    }
    return {};
}

}  // namespace hearth
