// SPDX-License-Identifier: MIT
//
// Reads the manager's own files (systemd-system.conf(5), systemd-user.conf(5)):
// /etc/systemd/system.conf, then system.conf.d/*.conf of /etc, /run, /usr/local/lib, /usr/lib and
// /lib by file name, of one name the first. What can't be read is told among the diagnostics.
#pragma once

#include <string>

#include "units/loader.hpp"

namespace hearth {

/// `config`: that file and those in its folder `config`.d, and no other; empty: the system's, or
/// the user's. `kernel`: lines of [Manager] that the kernel's command line stands for; they win.
[[nodiscard]] ManagerSettings load_manager_settings(
    const std::string& config, bool user, const std::string& kernel = {});

}  // namespace hearth
