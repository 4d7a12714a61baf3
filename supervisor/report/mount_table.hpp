// SPDX-License-Identifier: MIT
//
// A process's mount table as /proc/PID/mountinfo tells it (proc(5)), and the one question the report has:
// which mount covers a path. Pure. Lines that can't be read are skipped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::report {

struct Mount {
    std::string point;   ///< unescaped
    std::string root;    ///< what of the file system is mounted
    std::string type;
    std::string options; ///< per mount: "ro,nosuid,relatime"
    std::string super_options;

    [[nodiscard]] bool has(std::string_view option) const;
    [[nodiscard]] bool read_only() const { return has("ro"); }
};

class MountTable {
public:
    explicit MountTable(std::string_view mountinfo);
    /// The topmost mount at or above `path`, or null for an empty table.
    [[nodiscard]] const Mount* covering(std::string_view path) const;
    /// The topmost mount exactly at `path`, or null.
    [[nodiscard]] const Mount* at(std::string_view path) const;
    /// The mounts that can be seen, topmost per mount point, in table order.
    [[nodiscard]] std::vector<const Mount*> visible() const;

private:
    std::vector<Mount> mounts_;
};

/// True where `path` is `parent` or below it.
[[nodiscard]] bool is_below(std::string_view path, std::string_view parent);

}  // namespace hearth::report
