// SPDX-License-Identifier: MIT
//
// The shim (`hearth-init --shim`): the parent of one launch where there is no cgroup to be born in
// (docs/decisions/0032). It is a subreaper, so whatever the launched process leaves stays below it;
// it reaps, writes down how each child ended, and exits when none is left. It passes no signal on,
// allocates nothing and talks to nobody: what it knows is in its record, a memory file that hearthd
// and the keeper hold, too, so that it outlives any of the three.
//
// Seen by the keeper's program, which knows no standard library: constants and plain structs only.
#pragma once

#include <stdint.h>

namespace hearth::shim {

/// The shim's only descriptor.
inline constexpr int record_number = 3;
inline constexpr uint64_t capacity = 256;

struct End {
    int32_t pid = 0;
    int32_t code = 0;  ///< and status, as waitid(2) has them
    int32_t status = 0;
    int32_t reserved = 0;
    uint64_t started = 0;  ///< field 22 of /proc/PID/stat; 0: could not be read
};

/// Zeros at first. Written by one process at a time: the launch's child, then the shim.
struct Record {
    int32_t shim = 0;       ///< its own number
    int32_t main = 0;       ///< what was launched
    uint64_t finished = 0;  ///< 1: the shim saw its last child end
    uint64_t count = 0;     ///< of ends, written after the end; the last `capacity` are kept
    End ends[capacity] = {};
};

/// Returns when no child is left.
int run();

}  // namespace hearth::shim
