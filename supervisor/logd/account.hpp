// SPDX-License-Identifier: MIT
//
// Account: what hearth-logd has taken out of pipes and not yet put into files, in memory that
// outlives it (a memfd that hearthd and the keeper hold). A hearth-logd that is killed takes the
// text with it; the next one reads here how many lines of which unit that was, and tells it in the
// unit's log. The count is never too low, whenever whoever is killed, while it takes up what the
// one before left, too; it may be too high by what was being written at that instant. hearthd only
// makes and holds the memory, and never looks into it.
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
#include <utility>
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
        /// Dropped, and told by a line that is with the writer; in the file once `stored` is
        /// `told_at`.
        std::atomic<std::uint64_t> telling, told_at;
    };
    struct Loss {
        std::string unit;
        std::uint64_t lines = 0;
        bool operator==(const Loss&) const = default;
    };

    /// Memory for open(); all zeros, which is an account of nothing.
    [[nodiscard]] static Result<sys::Descriptor> make();
    /// Of this version's size.
    [[nodiscard]] static bool fits(const sys::Descriptor& memory);
    /// Of another layout, or in use by another process for more than a second: an error.
    [[nodiscard]] static Result<std::unique_ptr<Account>> open(sys::Descriptor memory);
    ~Account();
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    /// What the one before lost, which is `untold` in the units' slots from then on. Before slot().
    [[nodiscard]] std::vector<Loss> take_losses();

    /// The unit's own, or a new one. Null where all are in use: that unit is not accounted for.
    [[nodiscard]] Slot* slot(std::string_view unit);
    static void release(Slot* slot);
    /// The next line that is counted as taken tells of `lines`, all that is untold: `untold` may be
    /// 0 when it has been.
    static void tell(Slot* slot, std::uint64_t lines);

    /// Where to read a pipe of that unit to; zeroed.
    [[nodiscard]] char* reading(const Slot* slot);
    /// `used`: bytes of it that were.
    void read_done(std::size_t used);

private:
    struct Shared;
    Account(Shared* shared, sys::Descriptor memory) : shared_(shared), memory_(std::move(memory)) {}

    Shared* shared_;
    sys::Descriptor memory_;  ///< locked: fcntl(2)'s lock goes with the first that is closed
};

}  // namespace hearth::logd
