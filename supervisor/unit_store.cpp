// SPDX-License-Identifier: MIT
#include "supervisor/unit_store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr std::size_t max_unit_file = std::size_t{64} << 20U;

bool has_suffix(std::string_view text, std::string_view suffix) {
    return text.size() > suffix.size() && text.ends_with(suffix);
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

Result<std::optional<UnitSource::File>> UnitStore::read(const std::string& path) const {
    auto link = sys::readlink(path);
    if (link && *link == "/dev/null") {
        return std::optional(File{path, {}, true});
    }
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
    if (!S_ISREG(status->st_mode)) {
        return failure(path + ": not a regular file", EINVAL);
    }
    const auto before = stamp(path);
    std::string text = HEARTH_TRY(sys::read_file(path, max_unit_file));
    if (before) {
        stamps_[path] = *before;
    }
    const bool masked = text.empty();
    return std::optional(File{path, std::move(text), masked});
}

Result<std::optional<UnitSource::File>> UnitStore::fragment(const std::string& name) const {
    const std::size_t at = name.find('@');
    const std::size_t dot = name.rfind('.');
    const bool instance = at != std::string::npos && dot != std::string::npos && at + 1 < dot;
    const std::string names[] = {name, instance ? name.substr(0, at + 1) + name.substr(dot) : ""};
    for (const std::string& candidate : names) {
        for (const std::string& directory : unit_path_) {
            if (candidate.empty()) {
                break;
            }
            auto file = HEARTH_TRY(read(directory + "/" + candidate));
            if (file) {
                return file;
            }
        }
    }
    return std::optional<File>{};
}

std::vector<std::string> UnitStore::drop_in_paths(const std::string& name) const {
    const std::size_t at = name.find('@');
    const std::size_t dot = name.rfind('.');
    std::vector<std::string> folders = {name + ".d"};
    if (at != std::string::npos && dot != std::string::npos && at < dot) {
        folders.push_back(name.substr(0, at + 1) + name.substr(dot) + ".d");
    }
    if (dot != std::string::npos) {
        folders.push_back(name.substr(dot + 1) + ".d");  // service.d, for all services
    }
    std::map<std::string, std::string> chosen;  // file name to path: the first folder of the first directory wins
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
        auto file = HEARTH_TRY(read(path));
        if (file && !file->masked) {
            files.push_back(std::move(*file));
        }
    }
    return files;
}

bool UnitStore::need_reload(const Unit& unit) const {
    const auto changed = [this](const std::string& path) {
        const auto known = stamps_.find(path);
        const auto now = stamp(path);
        return !now || known == stamps_.end() || known->second != *now;
    };
    if (unit.fragment_path.empty() || unit.load_state == LoadState::Masked) {
        return false;
    }
    if (changed(unit.fragment_path) || std::ranges::any_of(unit.drop_in_paths, changed)) {
        return true;
    }
    std::vector<std::string> present = drop_in_paths(unit.name);
    std::erase_if(present, [](const std::string& path) {
        const auto status = sys::stat(path);
        return !status || status->st_size == 0;
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
            if (has_suffix(entry, ".service")) {
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

std::string UnitStore::file_state(const Unit& unit) {
    switch (unit.load_state) {
        case LoadState::Masked:
            return "masked";
        case LoadState::Loaded:
            break;
        case LoadState::Stub:
        case LoadState::NotFound:
            return "";
        case LoadState::BadSetting:
        case LoadState::Error:
        case LoadState::Merged:
            return "bad";
    }
    return unit.settings.install == InstallSettings{} ? "static" : "disabled";
}

}  // namespace hearth
