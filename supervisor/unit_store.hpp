// SPDX-License-Identifier: MIT
//
// UnitStore: the real UnitSource, reading unit files along the unit path (systemd.unit(5), "Unit
// File Load Path"). First directory wins for a fragment; drop-ins of NAME.d/, of its template, of
// its name cut at each dash and of service.d/ are taken from all directories, sorted by file name;
// of one file name the nearest folder and then the first directory wins. Keeps what it read of
// (inode, size, mtime), for each unit, so that need_reload() can tell that a file has changed.
// A symlink to a unit of another name is an alias of it. Names are looked up in an index of the
// directories, kept until they change: a file that appears is found. Never writes. A file larger
// than 64 MiB is an error.
#pragma once

#include <sys/stat.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/directory_index.hpp"
#include "units/loader.hpp"

namespace hearth {

class UnitStore final : public UnitSource {
public:
    explicit UnitStore(std::vector<std::string> unit_path);

    /// While it lives, the directories are what they were at the first look: for many units that
    /// are read at once.
    class Batch {
    public:
        explicit Batch(const UnitStore& store) : index_(store.index_) { index_.hold(); }
        ~Batch() { index_.release(); }
        Batch(const Batch&) = delete;
        Batch& operator=(const Batch&) = delete;

    private:
        DirectoryIndex& index_;
    };

    [[nodiscard]] Result<std::optional<File>> fragment(const std::string& name) const override;
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string& name) const override;
    [[nodiscard]] LinkedDependencies links(const std::string& name) const override;
    [[nodiscard]] bool has_fragment(const std::string& name) const override;
    [[nodiscard]] bool is_present(const std::string& name) const override;

    /// Whether a directory of the path has changed since this was asked last.
    [[nodiscard]] bool directories_changed() const;

    /// True where a file that `unit` was loaded from is gone or changed, or where another one or
    /// another drop-in would be read now.
    [[nodiscard]] bool need_reload(const Unit& unit) const;
    /// What `other`, of the same path, has read is what runs from now on; but of the units `but`.
    void take_over(UnitStore&& other, const std::set<std::string, std::less<>>& but);
    /// Every unit file's path along the search path, first match per name, sorted by name.
    [[nodiscard]] std::vector<std::string> files() const;
    [[nodiscard]] const std::vector<std::string>& path() const { return unit_path_; }

    /// systemd's own path for a system manager, in its order.
    [[nodiscard]] static std::vector<std::string> default_path(
        const std::string& runtime_directory);

private:
    struct Stamp {
        std::uint64_t inode = 0, size = 0;
        std::int64_t seconds = 0, nanoseconds = 0;
        bool operator==(const Stamp&) const = default;
    };
    using Stamps = std::map<std::string, Stamp>;  ///< by path
    /// A path that there is, or was when the directories were looked at.
    struct Place {
        std::string path;
        DirectoryIndex::Kind kind = DirectoryIndex::Kind::Other;
    };
    [[nodiscard]] static Result<std::optional<File>> read(const Place& place, Stamps& stamps);
    /// What the link at `path` leads to within the unit path: the unit's own name; empty: none.
    [[nodiscard]] std::string alias_target(const std::string& path, const std::string& name) const;
    /// The name that `name` is an alias of in the end, else `name`. Links are followed by name, as
    /// systemd does: what they lead to may stand in another directory of the path.
    [[nodiscard]] std::string own_name(const std::string& name) const;
    /// The aliases of each unit that has any, of the whole path.
    using Aliases = std::map<std::string, std::vector<std::string>>;
    [[nodiscard]] const Aliases& aliases() const;
    [[nodiscard]] std::vector<std::string> names_of(const std::string& name) const;
    /// Where `name` is, in the order of preference; directories of that name are not.
    [[nodiscard]] std::vector<Place> fragment_places(const std::string& name) const;
    [[nodiscard]] std::string present_fragment(const std::string& name) const;
    [[nodiscard]] static bool is_mask(const std::string& path);
    [[nodiscard]] static Stamp stamp_of(const struct stat& status);
    [[nodiscard]] static std::optional<Stamp> stamp(const std::string& path);
    [[nodiscard]] std::vector<Place> drop_in_places(const std::string& name) const;

    std::vector<std::string> unit_path_;
    mutable DirectoryIndex index_;
    mutable Aliases aliases_;
    mutable std::optional<std::uint64_t> aliases_of_, asked_;  ///< generations of the index
    mutable std::map<std::string, Stamps> stamps_;             ///< of what was read last, by unit
};

}  // namespace hearth
