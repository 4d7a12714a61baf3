// SPDX-License-Identifier: MIT
//
// /run/systemd/system, which sd_booted(3) looks for, so that the stock systemctl talks to hearthd;
// only on request, and never where a systemd runs, because it changes what other software on the
// host does. A hidden file in it names the runtime directory that it belongs to: a hearthd that was
// killed leaves the directory, and the next one of the same runtime directory takes it again.
#pragma once

#include <string>
#include <utility>

#include "parser/result.hpp"

namespace hearth {

class SystemdCompatibility {
public:
    /// `successor`: an earlier hearthd, which may have known no such file, has made the directory.
    [[nodiscard]] static Result<SystemdCompatibility> create(
        const std::string& runtime_directory,
        bool successor,
        const std::string& directory = "/run/systemd/system");
    SystemdCompatibility(SystemdCompatibility&& other) noexcept
        : directory_(std::exchange(other.directory_, {})), owner_(std::move(other.owner_)) {}
    SystemdCompatibility& operator=(SystemdCompatibility&&) = delete;
    /// Removes the directory, if nobody put anything else into it.
    ~SystemdCompatibility();

private:
    SystemdCompatibility(std::string directory, std::string owner)
        : directory_(std::move(directory)), owner_(std::move(owner)) {}

    std::string directory_;  ///< empty: moved from
    std::string owner_;
};

}  // namespace hearth
