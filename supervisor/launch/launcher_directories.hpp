// SPDX-License-Identifier: MIT
//
// Makes and removes StateDirectory= and kin, safe against whoever owns a directory on the way:
// below the base each name is opened by itself, without following a symbolic link, unless the
// link and the directory that it stands in are root's (or ours) alone. What is made is handed on as
// a descriptor, so that no path is looked up twice. Blocks: launcher threads and the worker only.
// Follows systemd.exec(5).
#pragma once

#include <functional>
#include <string>

#include "parser/result.hpp"
#include "supervisor/launch/plan.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::launch {

/// The directory, of the owner and mode asked for, with its links; O_PATH.
[[nodiscard]] Result<sys::Descriptor> make_service_directory(const MakeServiceDirectory& wanted);

/// Where such a directory was made.
struct MadeDirectory {
    std::string base, path;
    bool is_private = false;
    std::vector<std::string> links;
    bool operator==(const MadeDirectory&) const = default;
};

/// Asked between two entries; true: stop, with ECANCELED.
using Stop = std::function<bool()>;

/// Its content, itself and its links. A link is removed only where it is one; missing is fine.
Result<void> remove_service_directory(const MadeDirectory& made, const Stop& stop = {});

}  // namespace hearth::launch
