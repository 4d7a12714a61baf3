// SPDX-License-Identifier: MIT
//
// Account: what hearth-logd has taken out of pipes and not yet put into files, in memory that
// outlives it (a memfd that hearthd and the keeper hold). A hearth-logd that is killed takes the
// text with it; the next one reads here how many lines of which unit that was, and tells it in the
// unit's log. The count is never too low; it may be too high by what was being written at that
// instant. hearthd only makes and holds the memory, and never looks into it.
//
// The read of a pipe goes straight into this memory, between reading() and read_done(): so what the
// kernel had handed over, and nobody had counted yet, is counted by the next one. For the loop's
// thread; `stored` of a slot is the writer's.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::logd {

class Account {
public:
    static constexpr std::size_t input_size = std::size_t{128} * 1024;

    struct Slot {
        std::array<char, 256> unit;          ///< empty: free
        std::atomic<std::uint64_t> taken;    ///< lines given to the writer
        std::atomic<std::uint64_t> stored;   ///< of those, in the file
        std::atomic<std::uint64_t> untold;   ///< dropped, and no line says so yet
        std::atomic<std::uint64_t> partial;  ///< streams of it of which a line has begun
    };
    struct Loss {
        std::string unit;
        std::uint64_t lines = 0;
        bool operator==(const Loss&) const = default;
    };

    /// Memory for open(); all zeros, which is an account of nothing.
    [[nodiscard]] static Result<sys::Descriptor> make();
    /// Of another layout: an error.
    [[nodiscard]] static Result<std::unique_ptr<Account>> open(const sys::Descriptor& memory);
    ~Account();
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    /// What the one before lost; the account begins anew.
    [[nodiscard]] std::vector<Loss> take_losses();

    /// Null where all are in use: that unit is not accounted for.
    [[nodiscard]] Slot* slot(std::string_view unit);
    static void release(Slot* slot);

    /// Where to read a pipe of that unit to; zeroed.
    [[nodiscard]] char* reading(const Slot* slot);
    /// `used`: bytes of it that were.
    void read_done(std::size_t used);

private:
    struct Shared;
    explicit Account(Shared* shared) : shared_(shared) {}

    Shared* shared_;
};

}  // namespace hearth::logd
