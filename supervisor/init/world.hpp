// SPDX-License-Identifier: MIT
//
// What the keeper asks of the kernel. Nothing here allocates or blocks, and nothing throws: what
// fails answers -1, 0 or false. Only the keeper uses it.
#pragma once

#include "supervisor/init/protocol.hpp"

namespace hearth::keeper {

/// What the keeper is: it decides, and tells hearthd. Nothing else looks at its own pid.
enum class Role { Machine, Container, Guest };
Role role();
const char* name(Role role);

/// One line to stderr: "hearth-init: " and the parts that are not null.
void say(const char* first, const char* second = nullptr, const char* third = nullptr);
/// The same, with a number behind.
void say(const char* first, long number, const char* last = nullptr);

/// Writes the digits of `number` so that they end before `end`; where they begin.
char* digits(unsigned long number, char* end);

/// Milliseconds of CLOCK_MONOTONIC.
int64_t now();

/// Field 22 of /proc/PID/stat, for zombies too; 0: can't be read.
uint64_t start_time(int32_t pid);

/// hash() of its cgroup's path in the v2 tree, as /proc/PID/cgroup shows it; 0: can't be read.
uint64_t cgroup_of(int32_t pid);

/// The two ends of a channel, close-on-exec; the keeper's doesn't block.
bool open_channel(int& own, int& other);
enum class Sent { Yes, Later, Never };
Sent send(int channel, const Packet& packet, int descriptor = -1);
/// False: nothing more waits, or the other end is gone (`closed`). `descriptor`: -1, or one that
/// came along and is the caller's.
bool receive(int channel, Packet& packet, int& descriptor, bool& closed);

/// SIGCHLD and the signals that are passed on, as a descriptor; they are blocked. A machine's first
/// process passes on all that systemd(1) gives a meaning.
int open_signals(Role role);
/// The next signal; 0: none waits.
int next_signal(int descriptor);
void unblock_signals();

/// A container's first process is given a terminal as its own (`docker run -it`): from then on it
/// is free to become the command's, for job control and Ctrl-C. Before open_signals().
void give_up_terminal();

/// Ctrl-Alt-Del comes as SIGINT, and Alt-ArrowUp as SIGWINCH; both are for a machine's first
/// process.
void take_the_keyboard();

/// What hearthd needs of its parent's OOM score, that services shall inherit it.
class OomScore {
public:
    /// Out of the OOM killer's reach, as far as we may.
    void lower();
    /// In a child: as it was.
    void restore() const;

private:
    char before_[16] = {};
    long size_ = 0;
};

/// Descriptors 0 to 2 are open, and as many as the hard limit gives may be.
void prepare_descriptors();

}  // namespace hearth::keeper
