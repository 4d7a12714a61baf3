// SPDX-License-Identifier: MIT
#include "supervisor/init/tables.hpp"

#include <string.h>
#include <unistd.h>

namespace hearth::keeper {

// ---- descriptors --------------------------------------------------------------------------------

HeldDescriptor* Descriptors::find(const char* name) {
    for (unsigned index = 0; index < used_; ++index) {
        HeldDescriptor& entry = entries_[index];
        if (entry.held && ::strncmp(entry.name, name, longest_name) == 0) {
            return &entry;
        }
    }
    return nullptr;
}

bool Descriptors::hold(const char* name, int number) {
    HeldDescriptor* entry = find(name);
    for (unsigned index = 0; entry == nullptr && index < used_; ++index) {
        entry = !entries_[index].held ? &entries_[index] : nullptr;
    }
    if (entry == nullptr && used_ < capacity) {
        entry = &entries_[used_++];
    }
    if (entry == nullptr) {
        return false;
    }
    if (entry->held) {
        ::close(entry->number);
    }
    ::strncpy(entry->name, name, longest_name);
    entry->number = number;
    entry->held = true;
    entry->told = true;  // whoever gives it has it
    return true;
}

void Descriptors::drop(const char* name) {
    if (HeldDescriptor* entry = find(name)) {
        ::close(entry->number);
        entry->held = false;
    }
}

int Descriptors::number(const char* name) {
    const HeldDescriptor* const entry = find(name);
    return entry != nullptr ? entry->number : -1;
}

HeldDescriptor* Descriptors::untold() {
    for (unsigned index = 0; index < used_; ++index) {
        if (entries_[index].held && !entries_[index].told) {
            return &entries_[index];
        }
    }
    return nullptr;
}

void Descriptors::tell_again() {
    for (unsigned index = 0; index < used_; ++index) {
        entries_[index].told = false;
    }
}

// ---- processes ----------------------------------------------------------------------------------

/// A start time of 0 is one that could not be read (no /proc): then the pid has to do.
Process* Processes::find(int32_t pid, uint64_t started) {
    for (unsigned index = 0; index < used_; ++index) {
        Process& entry = entries_[index];
        if (entry.pid == pid && (entry.started == started || entry.started == 0 || started == 0)) {
            return &entry;
        }
    }
    return nullptr;
}

Process* Processes::add(int32_t pid, uint64_t started) {
    Process* entry = nullptr;
    for (unsigned index = 0; entry == nullptr && index < used_; ++index) {
        entry = entries_[index].pid == 0 ? &entries_[index] : nullptr;
    }
    if (entry == nullptr && used_ < capacity) {
        entry = &entries_[used_++];
    }
    if (entry != nullptr) {
        *entry = Process{};
        entry->pid = pid;
        entry->started = started;
    }
    return entry;
}

bool Processes::watch(int32_t pid, uint64_t started) {
    Process* entry = find(pid, started);
    if (entry == nullptr) {
        entry = add(pid, started);
    } else if (entry->ended && !entry->registered) {
        --strangers_;
    }
    if (entry == nullptr) {
        return false;
    }
    entry->registered = true;
    return true;
}

void Processes::forget(int32_t pid, uint64_t started) {
    if (Process* entry = find(pid, started)) {
        strangers_ -= entry->ended && !entry->registered ? 1 : 0;
        *entry = Process{};
    }
}

Process* Processes::oldest_stranger() {
    Process* oldest = nullptr;
    for (unsigned index = 0; index < used_; ++index) {
        Process& entry = entries_[index];
        if (entry.pid != 0 && entry.ended && !entry.registered &&
            (oldest == nullptr || entry.order < oldest->order)) {
            oldest = &entry;
        }
    }
    return oldest;
}

bool Processes::ended(
    int32_t pid,
    uint64_t started,
    int32_t code,
    int32_t status,
    bool tell_strangers,
    uint64_t cgroup) {
    Process* entry = find(pid, started);
    if (entry == nullptr) {
        if (strangers_ == strangers) {
            forget(oldest_stranger()->pid, oldest_stranger()->started);
        }
        entry = add(pid, started);
        if (entry == nullptr) {
            return false;
        }
        ++strangers_;
    }
    entry->cgroup = cgroup;
    entry->code = code;
    entry->status = status;
    entry->ended = true;
    entry->told = !entry->registered && !tell_strangers;
    entry->order = ++order_;
    return !entry->told;
}

Process* Processes::untold() {
    for (unsigned index = 0; index < used_; ++index) {
        if (entries_[index].pid != 0 && entries_[index].ended && !entries_[index].told) {
            return &entries_[index];
        }
    }
    return nullptr;
}

void Processes::tell_again() {
    for (unsigned index = 0; index < used_; ++index) {
        entries_[index].told = false;
    }
}

void Processes::forget_strangers() {
    for (unsigned index = 0; strangers_ > 0 && index < used_; ++index) {
        Process& entry = entries_[index];
        if (entry.pid != 0 && entry.ended && !entry.registered) {
            entry = Process{};
            --strangers_;
        }
    }
}

}  // namespace hearth::keeper
