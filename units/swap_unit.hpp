// SPDX-License-Identifier: MIT
//
// Swap units (systemd.swap(5)). A swap of ours lives like a mount of ours (units/mount_unit.hpp):
// a oneshot whose commands are swapon(8) and swapoff(8). One that somebody else switched on is
// shown, and left alone. Pure.
#pragma once

#include "units/unit.hpp"

namespace hearth {

/// What= and the commands, after [Swap] has been read. What systemd doesn't load (a name that isn't
/// What='s) is a refusal with LoadState::BadSetting.
void complete_swap(Unit& unit);

/// Where= of an automount unit, likewise.
void complete_automount(Unit& unit);

}  // namespace hearth
