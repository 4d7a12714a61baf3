// SPDX-License-Identifier: MIT
#include "supervisor/unit_store.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "supervisor/sys/file.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr std::size_t max_unit_file = std::size_t{64} << 20U;

bool missing(const Error& error) {
    return error.code == ENOENT || error.code == ENOTDIR;
}

bool has_suffix(std::string_view text, std::string_view suffix) {
    return text.size() > suffix.size() && text.ends_with(suffix);
}

}  // namespace

UnitStore::UnitStore(std::vector<std::string> unit_path)
    : unit_path_(std::move(unit_path)), index_(unit_path_) {}

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

UnitStore::Stamp UnitStore::stamp_of(const struct stat& status) {
    return {
        status.st_ino,
        static_cast<std::uint64_t>(status.st_size),
        status.st_mtim.tv_sec,
        status.st_mtim.tv_nsec};
}

std::optional<UnitStore::Stamp> UnitStore::stamp(const std::string& path) {
    const auto status = sys::stat(path);
    return status ? std::optional(stamp_of(*status)) : std::nullopt;
}

/// An empty file masks, and so does a link to /dev/null, however it is written.
bool UnitStore::is_mask(const std::string& path) {
    const auto status = sys::stat(path);
    const bool null = status && S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
    return null || (status && S_ISREG(status->st_mode) && status->st_size == 0);
}

Result<std::optional<UnitSource::File>> UnitStore::read(const Place& place, Stamps& stamps) {
    const std::string& path = place.path;
    if (place.kind != DirectoryIndex::Kind::File) {  // it may lead to what must not be opened
        auto status = sys::stat(path);
        if (!status) {
            return missing(status.error()) ? Result(std::optional<File>())
                                           : Unexpected(std::move(status).error());
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
    }
    auto file = sys::open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    if (!file) {
        return missing(file.error()) ? Result(std::optional<File>())
                                     : Unexpected(std::move(file).error());
    }
    const auto status = HEARTH_TRY(sys::fstat(file->number()));
    if (!S_ISREG(status.st_mode)) {
        return failure(path + ": not a regular file", EINVAL);
    }
    std::string text = HEARTH_TRY(sys::read_all(file->number(), max_unit_file, path));
    stamps[path] = stamp_of(status);
    const bool masked = text.empty();
    return std::optional(File{path, std::move(text), masked});
}

std::vector<UnitStore::Place> UnitStore::fragment_places(const std::string& name) const {
    std::vector<Place> places;
    for (const std::string& candidate : {name, template_of(name)}) {
        for (std::size_t each = 0; each < index_.size(); ++each) {
            const auto found = index_.entries(each).find(candidate);
            if (found != index_.entries(each).end() &&
                found->second.kind != DirectoryIndex::Kind::Directory) {
                places.push_back({index_.path(each) + "/" + candidate, found->second.kind});
            }
        }
    }
    return places;
}

Result<std::optional<UnitSource::File>> UnitStore::fragment(const std::string& name) const {
    index_.look();
    const std::string own = own_name(name);
    Stamps& stamps = stamps_[own];
    stamps.clear();  // a load begins with the fragment
    for (const Place& place : fragment_places(own)) {
        auto file = HEARTH_TRY(read(place, stamps));
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
    for (const auto& [path, kind] : fragment_places(name)) {
        const auto leads = [](const std::string& link) {
            const auto status = sys::stat(link);
            return status && !S_ISDIR(status->st_mode);
        };
        if (kind != DirectoryIndex::Kind::Link || leads(path)) {
            return path;
        }
    }
    return {};
}

std::vector<UnitStore::Place> UnitStore::drop_in_places(const std::string& name) const {
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
    std::map<std::string, Place> chosen;  // by file name: the first folder of the first directory
    for (const std::string& folder : folders) {
        for (std::size_t each = 0; each < index_.size(); ++each) {
            const DirectoryIndex::Entries* const entries = index_.folder(each, folder);
            if (entries == nullptr) {
                continue;
            }
            for (const auto& [file, entry] : *entries) {
                if (has_suffix(file, ".conf")) {
                    chosen.try_emplace(
                        file, Place{index_.path(each) + "/" + folder + "/" + file, entry.kind});
                }
            }
        }
    }
    std::vector<Place> places;
    for (auto& [file, place] : chosen) {
        places.push_back(std::move(place));
    }
    return places;
}

Result<std::vector<UnitSource::File>> UnitStore::drop_ins(const std::string& name) const {
    index_.look();
    std::vector<File> files;
    for (const Place& place : drop_in_places(name)) {
        auto file = HEARTH_TRY(read(place, stamps_[name]));
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
    index_.look();
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
    std::vector<std::string> present;
    for (Place& place : drop_in_places(unit.name)) {
        const auto status = sys::stat(place.path);
        if (status && !S_ISDIR(status->st_mode) && !is_mask(place.path)) {
            present.push_back(std::move(place.path));
        }
    }
    std::vector<std::string> loaded = unit.drop_in_paths;
    std::ranges::sort(loaded);
    std::ranges::sort(present);
    return loaded != present;
}

std::vector<std::string> UnitStore::files() const {
    index_.look();
    std::map<std::string, std::string> found;
    for (std::size_t each = 0; each < index_.size(); ++each) {
        for (const auto& [entry, what] : index_.entries(each)) {
            const std::string path = index_.path(each) + "/" + entry;
            if (!is_valid_unit_name(entry) || what.kind == DirectoryIndex::Kind::Directory) {
                continue;
            }
            const auto status = sys::stat(path);
            if (status && !S_ISDIR(status->st_mode)) {
                found.try_emplace(entry, path);
            }
        }
    }
    std::vector<std::string> paths;
    for (auto& [name, path] : found) {
        paths.push_back(std::move(path));
    }
    return paths;
}

void UnitStore::take_over(UnitStore&& other, const std::set<std::string, std::less<>>& but) {
    for (auto& [unit, stamps] : other.stamps_) {
        if (!but.contains(unit)) {
            stamps_.insert_or_assign(unit, std::move(stamps));
        }
    }
    index_ = std::move(other.index_);
    aliases_ = {};
    aliases_of_.reset();
    asked_.reset();
}

}  // namespace hearth
