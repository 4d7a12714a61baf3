// SPDX-License-Identifier: MIT
#include "supervisor/unit_store.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "supervisor/sys/file.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr std::size_t max_unit_file = std::size_t{64} << 20U;

bool has_suffix(std::string_view text, std::string_view suffix) {
    return text.size() > suffix.size() && text.ends_with(suffix);
}

/// "getty@.service" of "getty@tty1.service"; empty where the name is no instance.
std::string template_of(const std::string& name) {
    const std::size_t at = name.find('@');
    const std::size_t dot = name.rfind('.');
    const bool instance = at != std::string::npos && dot != std::string::npos && at + 1 < dot;
    return instance ? name.substr(0, at + 1) + name.substr(dot) : std::string();
}

}  // namespace

UnitStore::UnitStore(std::vector<std::string> unit_path) : unit_path_(std::move(unit_path)) {}

std::vector<std::string> UnitStore::default_path(const std::string& runtime_directory) {
    return {
        "/etc/systemd/system.control",
        "/run/systemd/system.control",
        runtime_directory + "/transient",
        "/etc/systemd/system",
        "/etc/systemd/system.attached",
        "/run/systemd/system",
        "/run/systemd/system.attached",
        "/usr/local/lib/systemd/system",
        "/lib/systemd/system",
        "/usr/lib/systemd/system",
    };
}

std::optional<UnitStore::Stamp> UnitStore::stamp(const std::string& path) {
    auto status = sys::stat(path);
    if (!status) {
        return std::nullopt;
    }
    return Stamp{
        status->st_ino,
        static_cast<std::uint64_t>(status->st_size),
        status->st_mtim.tv_sec,
        status->st_mtim.tv_nsec};
}

/// An empty file masks, and so does a link to /dev/null, however it is written.
bool UnitStore::is_mask(const std::string& path) {
    const auto status = sys::stat(path);
    const bool null = status && S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
    return null || (status && S_ISREG(status->st_mode) && status->st_size == 0);
}

Result<std::optional<UnitSource::File>> UnitStore::read(
    const std::string& path, Stamps& stamps) const {
    auto status = sys::stat(path);
    if (!status) {
        if (status.error().code == ENOENT || status.error().code == ENOTDIR) {
            return std::optional<File>{};
        }
        return Unexpected(std::move(status).error());
    }
    if (S_ISDIR(status->st_mode)) {
        return std::optional<File>{};
    }
    if (is_mask(path)) {
        return std::optional(File{path, {}, true});
    }
    if (!S_ISREG(status->st_mode)) {
        return failure(path + ": not a regular file", EINVAL);
    }
    const auto before = stamp(path);
    std::string text = HEARTH_TRY(sys::read_file(path, max_unit_file));
    if (before) {
        stamps[path] = *before;
    }
    const bool masked = text.empty();
    return std::optional(File{path, std::move(text), masked});
}

std::vector<std::string> UnitStore::fragment_paths(const std::string& name) const {
    std::vector<std::string> paths;
    for (const std::string& candidate : {name, template_of(name)}) {
        for (const std::string& directory : unit_path_) {
            if (!candidate.empty()) {
                paths.push_back(directory + "/" + candidate);
            }
        }
    }
    return paths;
}

Result<std::optional<UnitSource::File>> UnitStore::fragment(const std::string& name) const {
    const std::string own = own_name(name);
    Stamps& stamps = stamps_[own];
    stamps.clear();  // a load begins with the fragment
    for (const std::string& path : fragment_paths(own)) {
        auto file = HEARTH_TRY(read(path, stamps));
        if (!file) {
            continue;
        }
        if (!file->masked) {
            file->canonical = own == name ? std::string() : own;
            file->aliases = names_of(own);
            std::erase(file->aliases, own);
        }
        return file;
    }
    return std::optional<File>{};
}

std::string UnitStore::present_fragment(const std::string& name) const {
    for (const std::string& path : fragment_paths(name)) {
        const auto status = sys::stat(path);
        if (status && !S_ISDIR(status->st_mode)) {
            return path;
        }
    }
    return {};
}

std::vector<std::string> UnitStore::drop_in_paths(const std::string& name) const {
    std::vector<std::string> folders;
    for (const std::string& each : names_of(name)) {
        folders.push_back(each + ".d");
    }
    if (const std::string its_template = template_of(name); !its_template.empty()) {
        folders.push_back(its_template + ".d");
    }
    const std::size_t dot = name.rfind('.');
    const std::string suffix = dot == std::string::npos ? "" : name.substr(dot);
    const std::string prefix = name.substr(0, std::min(name.find('@'), dot));
    for (std::size_t dash = prefix.rfind('-'); dash != std::string::npos && dash > 0;
         dash = prefix.rfind('-', dash - 1)) {
        if (const std::string folder = prefix.substr(0, dash + 1) + suffix + ".d";
            folder != folders.front()) {
            folders.push_back(folder);
        }
    }
    if (!suffix.empty()) {
        folders.push_back(suffix.substr(1) + ".d");  // service.d, for all services
    }
    std::map<std::string, std::string>
        chosen;  // file name to path: the first folder of the first directory wins
    for (const std::string& folder : folders) {
        for (const std::string& directory : unit_path_) {
            const std::string place = directory + "/" + folder;
            auto entries = sys::read_directory(place);
            if (!entries) {
                continue;
            }
            for (const std::string& entry : *entries) {
                if (has_suffix(entry, ".conf")) {
                    chosen.try_emplace(entry, place + "/" + entry);
                }
            }
        }
    }
    std::vector<std::string> paths;
    for (auto& [file, path] : chosen) {
        paths.push_back(std::move(path));
    }
    return paths;
}

Result<std::vector<UnitSource::File>> UnitStore::drop_ins(const std::string& name) const {
    std::vector<File> files;
    for (const std::string& path : drop_in_paths(name)) {
        auto file = HEARTH_TRY(read(path, stamps_[name]));
        if (file && !file->masked) {
            files.push_back(std::move(*file));
        }
    }
    return files;
}

bool UnitStore::need_reload(const Unit& unit) const {
    if (unit.fragment_path.empty()) {
        return false;
    }
    if (present_fragment(unit.name) != unit.fragment_path) {
        return true;
    }
    if (unit.load_state == LoadState::Masked) {
        return !is_mask(unit.fragment_path);
    }
    const auto stamps = stamps_.find(unit.name);
    const auto changed = [&](const std::string& path) {
        const auto now = stamp(path);
        if (!now || stamps == stamps_.end()) {
            return true;
        }
        const auto known = stamps->second.find(path);
        return known == stamps->second.end() || known->second != *now;
    };
    if (changed(unit.fragment_path) || std::ranges::any_of(unit.drop_in_paths, changed)) {
        return true;
    }
    std::vector<std::string> present = drop_in_paths(unit.name);
    std::erase_if(present, [](const std::string& path) {
        const auto status = sys::stat(path);
        return !status || S_ISDIR(status->st_mode) || is_mask(path);
    });
    std::vector<std::string> loaded = unit.drop_in_paths;
    std::ranges::sort(loaded);
    std::ranges::sort(present);
    return loaded != present;
}

std::vector<std::string> UnitStore::files() const {
    std::map<std::string, std::string> found;
    for (const std::string& directory : unit_path_) {
        auto entries = sys::read_directory(directory);
        if (!entries) {
            continue;
        }
        for (const std::string& entry : *entries) {
            const auto status = sys::stat(directory + "/" + entry);
            if (is_valid_unit_name(entry) && status && !S_ISDIR(status->st_mode)) {
                found.try_emplace(entry, directory + "/" + entry);
            }
        }
    }
    std::vector<std::string> paths;
    for (auto& [name, path] : found) {
        paths.push_back(std::move(path));
    }
    return paths;
}

}  // namespace hearth
