// SPDX-License-Identifier: MIT
#include "supervisor/init/shutdown/table.hpp"

#include <string.h>

namespace hearth::shutdown {

namespace {

bool octal(const char* text) {
    for (int index = 1; index <= 3; ++index) {
        if (text[index] < '0' || text[index] > '7') {
            return false;
        }
    }
    return text[0] == '\\';
}

void unescape(char* text) {
    char* out = text;
    while (*text != '\0') {
        if (octal(text)) {
            const int value = (text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0');
            *out++ = static_cast<char>(value);
            text += 4;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}

/// Cuts the line off; null where the text is at its end.
char* take_line(char*& text) {
    if (*text == '\0') {
        return nullptr;
    }
    char* const line = text;
    char* const end = ::strchr(text, '\n');
    if (end == nullptr) {
        text += ::strlen(text);
    } else {
        *end = '\0';
        text = end + 1;
    }
    return line;
}

/// Cuts the next word off; an empty one where none is left.
char* take_word(char*& line) {
    while (*line == ' ' || *line == '\t') {
        ++line;
    }
    char* const word = line;
    line += ::strcspn(line, " \t");
    if (*line != '\0') {
        *line++ = '\0';
    }
    return word;
}

}  // namespace

// 36 35 98:0 /root-of-it /where rw,noatime master:1 - ext4 /dev/sda1 rw,errors=continue
bool next_mount(char*& text, Mount& mount) {
    char* line = take_line(text);
    if (line == nullptr) {
        return false;
    }
    constexpr int fields_before = 4;
    for (int index = 0; index < fields_before; ++index) {
        (void)take_word(line);
    }
    char* const where = take_word(line);
    mount.options = take_word(line);
    for (const char* word = take_word(line); *word != '\0' && ::strcmp(word, "-") != 0;) {
        word = take_word(line);
    }
    mount.type = take_word(line);
    char* const source = take_word(line);
    mount.super_options = take_word(line);
    unescape(where);
    unescape(source);
    mount.where = where;
    mount.source = source;
    return true;
}

const char* next_swap(char*& text) {
    char* line = take_line(text);
    if (line == nullptr) {
        return nullptr;
    }
    char* const path = take_word(line);
    unescape(path);
    return path;
}

bool is_below(const char* path, const char* directory) {
    const unsigned long size = ::strlen(directory);
    return ::strncmp(path, directory, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

bool is_virtual(const char* type) {
    constexpr const char* types[] = {"autofs",   "binfmt_misc", "bpf",    "cgroup",     "cgroup2",
                                     "configfs", "debugfs",     "devpts", "devtmpfs",   "efivarfs",
                                     "fusectl",  "hugetlbfs",   "mqueue", "nsfs",       "proc",
                                     "pstore",   "ramfs",       "rootfs", "securityfs", "selinuxfs",
                                     "sysfs",    "tmpfs",       "tracefs"};
    for (const char* const each : types) {
        if (::strcmp(type, each) == 0) {
            return true;
        }
    }
    return false;
}

bool has_option(const char* options, const char* option) {
    const unsigned long size = ::strlen(option);
    for (const char* at = options; *at != '\0';) {
        const unsigned long length = ::strcspn(at, ",");
        if (length == size && ::strncmp(at, option, size) == 0) {
            return true;
        }
        at += length + (at[length] == ',' ? 1 : 0);
    }
    return false;
}

}  // namespace hearth::shutdown
