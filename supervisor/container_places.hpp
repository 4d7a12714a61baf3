// SPDX-License-Identifier: MIT
//
// Where hearthd keeps its state and logs in a container, where /run/hearth and /var/log/hearth may
// not be writable: a root that is read-only, a user that is not root. Deterministic, so that the
// next hearthd and hearthctl find the same place. Never a place that others could have prepared: a
// directory below a sticky one must be our own, of mode 0700, and no link.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "parser/result.hpp"

namespace hearth {

/// In the order in which they are tried: /run/hearth, $XDG_RUNTIME_DIR/hearth, then
/// /dev/shm/hearth-UID and /tmp/hearth-UID.
[[nodiscard]] inline std::vector<std::string> container_runtime_directories() {
    const std::string own = "hearth-" + std::to_string(::geteuid());
    std::vector<std::string> found = {"/run/hearth"};
    const char* user = std::getenv("XDG_RUNTIME_DIR");
    if (user != nullptr && *user == '/') {
        found.push_back(std::string(user) + "/hearth");
    }
    found.push_back("/dev/shm/" + own);
    found.push_back("/tmp/" + own);
    return found;
}

/// The first of those that is ours to write to; it is there on return. An error says what to mount.
[[nodiscard]] Result<std::string> find_container_runtime_directory();

/// /var/log/hearth where it can be written to (it is there on return), else logd's "-": lines are
/// shown on standard output, and kept nowhere.
[[nodiscard]] std::string find_container_log_directory();

}  // namespace hearth
