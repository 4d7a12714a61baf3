// SPDX-License-Identifier: MIT
//
// What the kernel lists of mounts and swaps, taken apart line by line where it stands: fields end
// in zeros, octal escapes are undone. Pure, allocates nothing.
#pragma once

namespace hearth::shutdown {

/// A line of /proc/self/mountinfo; the texts lie in the table's own memory.
struct Mount {
    const char* where = nullptr;
    const char* options = nullptr;
    const char* type = nullptr;
    const char* source = nullptr;
    const char* super_options = nullptr;
};

/// Takes the line at `text` apart and moves `text` behind it. False: no line is left; one that
/// can't be read has an empty `where`.
bool next_mount(char*& text, Mount& mount);

/// A line of /proc/swaps behind its head: the path. Null: no line is left.
const char* next_swap(char*& text);

/// Whether `path` is `directory` or below it.
bool is_below(const char* path, const char* directory);

/// A file system that holds nothing of its own on a disk: the kernel's, or memory.
bool is_virtual(const char* type);

/// "rw,noatime" has "rw", not "r".
bool has_option(const char* options, const char* option);

}  // namespace hearth::shutdown
