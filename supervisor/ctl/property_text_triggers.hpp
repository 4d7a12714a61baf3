// SPDX-License-Identifier: MIT
//
// What `show` prints of timers, paths and sockets, as systemctl 252 does. Pure, but for the time
// zone.
#pragma once

#include "supervisor/ctl/property_text.hpp"

namespace hearth::ctl {

/// Of Listen and Paths: "/run/x.sock (Stream)", "/srv/in (PathExists)".
[[nodiscard]] PropertyText kinds_and_paths(const Value& value);

/// Of TimersMonotonic, a(stt), and TimersCalendar, a(sst): "{ OnActiveUSec=1h ; next_elapse=2h }".
/// A calendar without a next time has libc's "(null)", as with systemctl.
[[nodiscard]] PropertyText timers(const Value& value);

}  // namespace hearth::ctl
