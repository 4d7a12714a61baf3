// SPDX-License-Identifier: MIT
//
// DirectoryIndex: what stands in the directories of a unit path and in the folders below them
// (NAME.d/, NAME.wants/), so that looking for a name costs no system call. A directory is read
// once, and again when it is another or has changed (inode, ctime; its mtime can be set by
// anybody). File systems' clocks are coarse: one that had changed just before it was read is read
// again. Never reads a file. A directory that can't be read is an empty one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace hearth {

class DirectoryIndex {
public:
    enum class Kind { File, Link, Directory, Other };
    struct Entry {
        Kind kind = Kind::Other;
        std::string target = {};  ///< of a link, as it is written
        bool operator==(const Entry&) const = default;
    };
    using Entries = std::unordered_map<std::string, Entry>;

    explicit DirectoryIndex(const std::vector<std::string>& directories);

    /// Makes the rest true of now: one stat(2) for each directory. While it is held: at the first
    /// look only.
    void look();
    void hold();
    void release();

    /// Another number after each look that found a directory changed.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    [[nodiscard]] std::size_t size() const { return directories_.size(); }
    [[nodiscard]] const std::string& path(std::size_t directory) const {
        return directories_[directory].path;
    }
    [[nodiscard]] const Entries& entries(std::size_t directory) const {
        return directories_[directory].entries;
    }
    /// Of the folder `name` in it, looked at once for each look; null: there is none.
    [[nodiscard]] const Entries* folder(std::size_t directory, const std::string& name);

private:
    struct Stamp {
        std::uint64_t device = 0, inode = 0;
        std::int64_t seconds = 0, nanoseconds = 0;
        bool operator==(const Stamp&) const = default;
    };
    struct Directory {
        std::string path;
        std::optional<Stamp> stamp = {};  ///< none: it is missing
        bool settled = true;              ///< any later change has another stamp
        std::uint64_t looked = 0;         ///< at which look
        Entries entries = {};
        std::map<std::string, Directory> folders = {};
    };
    [[nodiscard]] static std::optional<Stamp> stamp(const std::string& path);
    [[nodiscard]] static bool is_settled(const Stamp& stamp, std::uint64_t read_at);
    /// True where it has changed.
    static bool update(Directory& directory);

    std::vector<Directory> directories_;
    std::uint64_t looks_ = 0, generation_ = 0;
    int holds_ = 0;
    bool held_look_ = false;
};

}  // namespace hearth
