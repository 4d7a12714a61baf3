// SPDX-License-Identifier: MIT
//
// InstallFiles: the unit directories for units/install: reads them into an InstallView, carries an
// InstallPlan's changes out. `root` is what `--root=` names, so that the same code works on an
// image that no hearthd runs in; links are never followed out of it. Remembers the [Install]
// sections it has read by (inode, size, mtime). What can't be read counts as not there, as for
// systemd.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "units/install.hpp"

namespace hearth {

/// The roles of a unit path's directories. enable's links go to the first that is none of control,
/// transient, attached and generator; with --runtime to RUNTIME/system where that is in the path,
/// else to /run/systemd/system.
[[nodiscard]] std::vector<UnitDirectory> unit_directories(
    const std::vector<std::string>& unit_path, const std::string& runtime_directory);
/// The path that systemd has offline: with transient units and those of generators.
[[nodiscard]] std::vector<std::string> offline_unit_path();
/// systemd.preset(5): the files of DIRECTORY-preset of each directory of the unit path.
[[nodiscard]] std::vector<PresetRule> read_preset_files(
    const std::vector<std::string>& unit_path, const std::string& root);

class InstallFiles {
public:
    InstallFiles(std::vector<UnitDirectory> directories, LoadContext context, std::string root = {})
        : directories_(std::move(directories)),
          context_(std::move(context)),
          root_(std::move(root)) {}

    /// All that enable and kin need to know; absolute paths among `names` are looked at, too.
    [[nodiscard]] InstallView read(const std::vector<std::string>& names = {}) const;

    /// Makes the links and removes what is to go, in order; stops at the first that fails. The
    /// error names the path and what to do.
    [[nodiscard]] Result<void, RequestError> carry_out(
        const std::vector<FileChange>& changes) const;

private:
    struct Remembered {
        std::uint64_t inode = 0, size = 0;
        std::int64_t seconds = 0, nanoseconds = 0;
        std::vector<InstallLine> lines;
    };
    void read_directory(InstallView& view, const std::string& path, bool is_unit_directory) const;
    void read_entry(InstallView& view, const std::string& path) const;
    void read_where_links_lead(InstallView& view) const;
    /// With its folder, where that is empty then and no unit directory.
    [[nodiscard]] Result<void> remove_link(const std::string& path) const;
    /// Where a path of the root really is, its last part not followed; without the root.
    [[nodiscard]] std::string real_path(const std::string& path) const;

    std::vector<UnitDirectory> directories_;
    LoadContext context_;
    std::string root_;
    mutable std::map<std::string, Remembered> remembered_;
};

}  // namespace hearth
