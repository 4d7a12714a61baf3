// SPDX-License-Identifier: MIT
//
// The descriptors that services stored (FDSTORE=1), held open between two runs of a service. What
// is kept and for how long is the engine's decision; here they have an id and an owner. What a
// message brings is an offer first: claimed by keep(), or closed by decline(). A descriptor that
// the unit has stored already (the same open file) is not offered again.
//
// Whoever passes us a descriptor chose its file: nothing is read from it, written to it or blocked
// on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::notify {

/// The slot of a launch plan that stands for a stored descriptor.
[[nodiscard]] std::string slot_of(std::uint64_t id);
/// Behind it, in the keeper's name for one that isn't watched (FDPOLL=0).
inline constexpr const char* unpolled = "-unpolled";

class DescriptorStore {
public:
    /// `ended`: the other end of a kept descriptor hung up.
    DescriptorStore(
        EventLoop& loop, std::function<void(const std::string& unit, std::uint64_t id)> ended)
        : loop_(loop), ended_(std::move(ended)) {}

    [[nodiscard]] std::vector<std::uint64_t> offer(
        const std::string& unit, std::vector<sys::Descriptor> descriptors);
    void keep(std::uint64_t id, bool poll);
    /// Closes those of the offers that were not kept.
    void decline(const std::vector<std::uint64_t>& offered);
    void close(std::uint64_t id);
    /// One that an earlier hearthd kept, under its id.
    void restore(const std::string& unit, std::uint64_t id, sys::Descriptor descriptor, bool poll);
    /// Its number; -1: there is none of that id.
    [[nodiscard]] int number(std::uint64_t id) const;
    [[nodiscard]] Result<sys::Descriptor> duplicate(std::uint64_t id) const;

private:
    struct Held {
        std::string unit;
        sys::Descriptor descriptor;
        EventSource source;
        bool kept = false;
    };
    [[nodiscard]] bool has(const std::string& unit, int descriptor) const;

    EventLoop& loop_;
    std::function<void(const std::string&, std::uint64_t)> ended_;
    std::map<std::uint64_t, Held> held_;
    std::uint64_t next_ = 1;
};

}  // namespace hearth::notify
