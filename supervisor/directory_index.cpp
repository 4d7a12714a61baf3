// SPDX-License-Identifier: MIT
#include "supervisor/directory_index.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

/// More than a tick of any kernel; and for file systems that keep whole seconds, FAT's two.
constexpr std::uint64_t tick_microseconds = 50'000;
constexpr std::uint64_t whole_seconds_microseconds = 2'000'000;

DirectoryIndex::Kind kind_of(const std::string& path, unsigned char type) {
    using enum DirectoryIndex::Kind;
    switch (type) {
        case DT_REG:
            return File;
        case DT_LNK:
            return Link;
        case DT_DIR:
            return Directory;
        case DT_UNKNOWN:  // a file system that doesn't tell
            break;
        default:
            return Other;
    }
    const auto status = sys::lstat(path);
    return !status                    ? Other
           : S_ISREG(status->st_mode) ? File
           : S_ISLNK(status->st_mode) ? Link
           : S_ISDIR(status->st_mode) ? Directory
                                      : Other;
}

DirectoryIndex::Entries read_entries(const std::string& directory) {
    DirectoryIndex::Entries entries;
    for (auto& [name, type] :
         sys::list_directory(directory).value_or(std::vector<sys::DirectoryEntry>())) {
        const std::string path = directory + "/" + name;
        DirectoryIndex::Entry entry{kind_of(path, type)};
        if (entry.kind == DirectoryIndex::Kind::Link) {
            entry.target = sys::readlink(path).value_or("");
        }
        entries.emplace(std::move(name), std::move(entry));
    }
    return entries;
}

}  // namespace

DirectoryIndex::DirectoryIndex(const std::vector<std::string>& directories) {
    for (const std::string& path : directories) {
        directories_.push_back({path});
    }
}

std::optional<DirectoryIndex::Stamp> DirectoryIndex::stamp(const std::string& path) {
    const auto status = sys::stat(path);
    if (!status || !S_ISDIR(status->st_mode)) {
        return std::nullopt;
    }
    return Stamp{status->st_dev, status->st_ino, status->st_ctim.tv_sec, status->st_ctim.tv_nsec};
}

bool DirectoryIndex::is_settled(const Stamp& stamp, std::uint64_t read_at) {
    const std::uint64_t changed = static_cast<std::uint64_t>(stamp.seconds) * 1'000'000 +
                                  static_cast<std::uint64_t>(stamp.nanoseconds) / 1000;
    const std::uint64_t margin =
        stamp.nanoseconds == 0 ? whole_seconds_microseconds : tick_microseconds;
    return changed + margin < read_at;
}

bool DirectoryIndex::update(Directory& directory) {
    const auto now = stamp(directory.path);
    if (now == directory.stamp && directory.settled) {
        return false;
    }
    const std::uint64_t read_at = sys::realtime_microseconds();
    Entries entries = now ? read_entries(directory.path) : Entries();
    const bool changed = now != directory.stamp || entries != directory.entries;
    directory.stamp = now;
    directory.settled = !now || is_settled(*now, read_at);
    directory.entries = std::move(entries);
    std::erase_if(directory.folders, [&](const auto& folder) {
        return !directory.entries.contains(folder.first);
    });
    return changed;
}

void DirectoryIndex::look() {
    if (holds_ > 0 && held_look_) {
        return;
    }
    held_look_ = true;
    ++looks_;
    bool changed = false;
    for (Directory& directory : directories_) {
        changed = update(directory) || changed;
    }
    generation_ += changed ? 1 : 0;
}

void DirectoryIndex::hold() {
    if (holds_++ == 0) {
        held_look_ = false;
    }
}

void DirectoryIndex::release() {
    --holds_;
}

const DirectoryIndex::Entries* DirectoryIndex::folder(
    std::size_t directory, const std::string& name) {
    Directory& parent = directories_[directory];
    const auto entry = parent.entries.find(name);
    if (entry == parent.entries.end() || entry->second.kind == Kind::File) {
        return nullptr;
    }
    Directory& found =
        parent.folders.try_emplace(name, Directory{parent.path + "/" + name}).first->second;
    if (found.looked != looks_) {
        found.looked = looks_;
        (void)update(found);
    }
    return &found.entries;
}

}  // namespace hearth
