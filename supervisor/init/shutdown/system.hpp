// SPDX-License-Identifier: MIT
//
// What the steps of hearth-shutdown share: the console, files, time, the watchdog, and calls that
// may never return, made in a child with a bound.
#pragma once

#include <stdint.h>

namespace hearth::shutdown {

/// One line to stderr: "hearth-shutdown: " and the parts that are not null.
void say(const char* first, const char* second = nullptr, const char* third = nullptr);
/// The same with a number in the middle.
void say(const char* first, long number, const char* last);
void say_error(const char* what, const char* whom, int error);

/// The file's text, ended by zero, in `text`; false: it can't be read.
bool read_file(const char* path, char* text, unsigned long size);

/// Milliseconds of CLOCK_MONOTONIC.
int64_t now();

/// The open watchdog device; kept alive by pause() from then on.
void use_watchdog(int descriptor);
/// Some hundredths of a second, with the watchdog kept alive.
void pause();

/// Runs it in a child, for at most so long: the errno that it returned, or ETIMEDOUT.
int bounded(int (*call)(const char*), const char* argument, int64_t milliseconds);

// The steps. ------------------------------------------------------------------------------------

/// SIGTERM to all processes, `patience` milliseconds to end, then SIGKILL. Kernel threads, the
/// first process, ourselves and storage daemons of root (whose argv[0] begins with '@') are left.
void end_processes(int64_t patience);

/// Swaps, mounts, loop devices, again and again while that gets on. What stays mounted becomes
/// read-only. True: nothing with data of its own is left to write to.
bool release_storage();

/// The programs of systemd-halt.service(8), all at once, each given the word.
void run_hooks(const char* word);

/// Removes all files below the directory `root` that lie on its file system, if that is memory.
void remove_old_root(int root);

}  // namespace hearth::shutdown
