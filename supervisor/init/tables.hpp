// SPDX-License-Identifier: MIT
//
// What the keeper keeps, in tables of a fixed size: descriptors by name, and processes with how
// they ended. No allocation, no system call but close(2). A table that is full refuses, and says so
// by its answer. All zeros at first, so that an
// entry that was never used costs no memory. Not for threads.
#pragma once

#include "supervisor/init/protocol.hpp"

namespace hearth::keeper {

struct HeldDescriptor {
    char name[longest_name + 1] = {};
    int number = 0;
    bool held = false;
    bool told = false;  ///< to the hearthd that runs
};

class Descriptors {
public:
    static constexpr unsigned capacity = 16384;

    /// Takes `number` over, instead of one of that name, which is closed. False: no room.
    bool hold(const char* name, int number);
    void drop(const char* name);
    /// The number of the descriptor of that name; -1: none.
    int number(const char* name);
    /// One that the hearthd of now was not told of; null: none.
    HeldDescriptor* untold();
    void tell_again();

private:
    HeldDescriptor* find(const char* name);

    HeldDescriptor entries_[capacity] = {};
    unsigned used_ = 0;  ///< the entries behind were never used
};

struct Process {
    int32_t pid = 0;  ///< 0: the entry is free
    int32_t code = 0;
    int32_t status = 0;
    bool registered = false;
    bool ended = false;
    bool told = false;
    uint64_t started = 0;
    uint64_t order = 0;   ///< of its end
    uint64_t cgroup = 0;  ///< that it ended in
};

class Processes {
public:
    static constexpr unsigned capacity = 16384;
    static constexpr unsigned strangers = 1024;  ///< at most so many that nobody registered

    /// Kept until forget(). False: no room.
    bool watch(int32_t pid, uint64_t started);
    void forget(int32_t pid, uint64_t started);
    /// A process has ended. One that nobody registered is kept until forget_strangers(), and the
    /// oldest of those goes where there are too many; the hearthd of now is told of it only if
    /// `tell_strangers`. False: nobody is to be told.
    bool ended(
        int32_t pid,
        uint64_t started,
        int32_t code,
        int32_t status,
        bool tell_strangers,
        uint64_t cgroup = 0);
    Process* untold();
    void tell_again();
    void forget_strangers();

private:
    Process* find(int32_t pid, uint64_t started);
    Process* add(int32_t pid, uint64_t started);
    Process* oldest_stranger();

    Process entries_[capacity] = {};
    unsigned used_ = 0;
    unsigned strangers_ = 0;
    uint64_t order_ = 0;
};

}  // namespace hearth::keeper
