// SPDX-License-Identifier: MIT
//
// UnitStore: the real UnitSource, reading unit files along the unit path (systemd.unit(5), "Unit
// File Load Path"). First directory wins for a fragment; drop-ins of NAME.d/, of its template, of
// its name cut at each dash and of service.d/ are taken from all directories, sorted by file name;
// of one file name the nearest folder and then the first directory wins. Keeps what it read of
// (inode, size, mtime), for each unit, so that need_reload() can tell that a file has changed.
// A symlink to a unit of another name is an alias of it; which names there are is read once and
// kept until a directory of the path changes. Never writes. A file larger than 64 MiB is an error.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "units/loader.hpp"

namespace hearth {

class UnitStore final : public UnitSource {
public:
    explicit UnitStore(std::vector<std::string> unit_path);

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
    [[nodiscard]] Result<std::optional<File>> read(const std::string& path, Stamps& stamps) const;
    /// What the link at `path` leads to within the unit path: the unit's own name; empty: none.
    [[nodiscard]] std::string alias_target(const std::string& path, const std::string& name) const;
    /// The name that `name` is an alias of in the end, else `name`. Links are followed by name, as
    /// systemd does: what they lead to may stand in another directory of the path.
    [[nodiscard]] std::string own_name(const std::string& name) const;
    /// Alias to the unit's own name, of the whole path.
    [[nodiscard]] const std::map<std::string, std::string>& aliases() const;
    [[nodiscard]] std::vector<std::string> names_of(const std::string& name) const;
    [[nodiscard]] std::vector<Stamp> directory_stamps() const;
    /// Where `name` may be, in the order of preference.
    [[nodiscard]] std::vector<std::string> fragment_paths(const std::string& name) const;
    [[nodiscard]] std::string present_fragment(const std::string& name) const;
    [[nodiscard]] static bool is_mask(const std::string& path);
    [[nodiscard]] static std::optional<Stamp> stamp(const std::string& path);
    [[nodiscard]] std::vector<std::string> drop_in_paths(const std::string& name) const;

    std::vector<std::string> unit_path_;
    mutable std::map<std::string, std::string> aliases_;
    mutable std::vector<Stamp> alias_stamps_, asked_stamps_;  ///< of the directories
    mutable std::map<std::string, Stamps> stamps_;            ///< of what was read last, by unit
};

}  // namespace hearth
