// SPDX-License-Identifier: MIT
//
// A process's mount table as /proc/PID/mountinfo tells it (proc(5)), and the questions the report
// has: which mount covers a path, which mounts can be seen at all. Pure. Lines that can't be read
// are skipped.
//
// What lies on top is told by the parents' ids, never by the order of the lines: since Linux 6.8
// that is the order of creation, and a tree cloned before the namespace stands before what it was
// moved over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::report {

struct Mount {
    std::uint64_t id = 0, parent = 0;
    std::string device;  ///< of the file system, "0:21"
    std::string point;   ///< as the process sees it, unescaped
    std::string root;    ///< what of the file system is mounted
    std::string type;
    std::string options;  ///< per mount: "ro,nosuid,relatime"
    std::string super_options;
    std::uint64_t shared =
        0;  ///< peer group: what is mounted below it appears in its peers; 0: none

    std::uint64_t master = 0;  ///< peer group whose mounts appear below it; 0: none

    [[nodiscard]] bool has(std::string_view option) const;
    /// Of the file system: "hidepid=invisible".
    [[nodiscard]] bool has_super(std::string_view option) const;
    [[nodiscard]] bool read_only() const { return has("ro"); }
};

class MountTable {
public:
    explicit MountTable(std::string_view mountinfo);
    /// The mount that a lookup of `path` ends in, links aside; null for an empty table.
    [[nodiscard]] const Mount* covering(std::string_view path) const;
    /// The topmost mount exactly at `path`, or null.
    [[nodiscard]] const Mount* at(std::string_view path) const;
    [[nodiscard]] const Mount* by_id(std::uint64_t id) const;
    /// The mounts that can be seen, topmost per mount point, in table order.
    [[nodiscard]] std::vector<const Mount*> visible() const;
    /// Whether a mount of that peer group is in the table.
    [[nodiscard]] bool has_peer_group(std::uint64_t group) const;

private:
    [[nodiscard]] const Mount* top() const;

    std::vector<Mount> mounts_;
};

/// True where `path` is `parent` or below it.
[[nodiscard]] bool is_below(std::string_view path, std::string_view parent);

}  // namespace hearth::report
