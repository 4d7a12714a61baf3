// SPDX-License-Identifier: MIT
//
// Credentials of a service: read from files, directories and sockets, copied to a read-only file
// system of their own that only the service's user can look into. Blocks (a socket's other end may
// take its time): launcher threads only, and `stop` ends the wait. An error names a credential,
// never its value. Follows systemd.exec(5), Credentials.
#pragma once

#include <functional>
#include <string>

#include "parser/result.hpp"
#include "supervisor/launch/plan.hpp"

namespace hearth::launch {

/// All credentials of a unit together.
inline constexpr std::size_t max_credentials_size = std::size_t{1} << 20U;

/// `failed` is set to the source that an error is about.
Result<void> make_credentials(
    const MakeCredentials& wanted,
    const std::string& unit,
    const std::function<bool()>& stop,
    const Asked*& failed);

/// Unmounts and removes what stands at `place`; missing is fine.
Result<void> remove_credentials(const std::string& place);

}  // namespace hearth::launch
