// SPDX-License-Identifier: MIT
//
// What the keeper and hearthd say to each other (DESIGN 1): one Packet per message of a
// SOCK_SEQPACKET socketpair that hearthd inherits by number (`--keeper-fd`). Both run on one
// machine, so the bytes are the struct's. A hearthd that starts asks for everything with Take; the
// keeper answers with a Held for each descriptor, an Ended for each death that it knows of, and
// Done. From then on an Ended comes as soon as a process ends that hearthd registered and that is
// the keeper's child. Nothing else is answered.
//
// Seen by the keeper, which knows no standard library: constants and plain structs only.
#pragma once

#include <stdint.h>

namespace hearth::keeper {

inline constexpr uint32_t version = 1;
inline constexpr unsigned long longest_name = 63;
/// The number under which hearthd inherits its end.
inline constexpr int channel_number = 3;

enum class Kind : uint32_t {
    // hearthd to the keeper
    Take = 1,  ///< send all that is kept
    Ready,     ///< hearthd works: its death is answered at once from now on
    Stopped,   ///< all units are stopped: its exit status is the keeper's; number: an Ending.
               ///< name: reboot(2)'s argument, or the program to run in the new root, whose
               ///< directory comes along; code: milliseconds that the machine's last processes
               ///< have between SIGTERM and SIGKILL, 0 of a hearthd that doesn't say
    Watch,     ///< pid, started: keep the exit status of that process until Forget
    Forget,    ///< pid, started: hearthd has written down how it ended
    Hold,      ///< name, and one descriptor: keep it, instead of one of that name
    Drop,      ///< name: close it
    // the keeper to hearthd
    Held,   ///< name, and the descriptor
    Ended,  ///< pid, started, code and status as waitid(2) has them; cgroup
    Done,   ///< the answer to Take is complete; number: hearthds that were ready before this one;
            ///< code: feature_replace, or 0 of a keeper that knows no Replace
    // hearthd to the keeper
    Replace,  ///< one descriptor (O_PATH): the program to start next, when this hearthd has ended;
              ///< number: milliseconds that it has to become ready
    // the keeper to hearthd
    NotReplaced,  ///< the program of the last Replace was ended, and this one brought back; number:
                  ///< 1 where it wasn't ready in time, 0 where it ended; then code and status
};

/// How a machine ends; what is no machine's first process only exits.
enum class Ending : uint32_t { Exit = 0, Halt, PowerOff, Reboot, KExec, SwitchRoot };
/// Beside an Ending: nothing is ended or unmounted before it, only written back.
inline constexpr uint32_t immediate = 0x100;

/// The names under which the keeper holds what it uses itself.
inline constexpr char held_watchdog[] = "watchdog-device";
/// Bits of a Done's code: what this keeper can do beside what all can.
inline constexpr int32_t feature_replace = 1;

/// FNV-1a: a path in a packet of a fixed size.
constexpr uint64_t hash(const char* text, unsigned long size) {
    uint64_t value = 0xcbf29ce484222325U;
    for (unsigned long index = 0; index < size; ++index) {
        value = (value ^ static_cast<unsigned char>(text[index])) * 0x100000001b3U;
    }
    return value;
}

struct Packet {
    uint32_t protocol = version;
    Kind kind{};
    int32_t pid = 0;
    int32_t code = 0;
    int32_t status = 0;
    uint32_t number = 0;
    uint64_t started = 0;  ///< field 22 of /proc/PID/stat: with the pid it names one process
    uint64_t cgroup = 0;   ///< of an Ended: hash() of its path in the v2 tree
    char name[longest_name + 1] = {};
};

}  // namespace hearth::keeper
