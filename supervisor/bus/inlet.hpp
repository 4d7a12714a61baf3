// SPDX-License-Identifier: MIT
//
// What stands before sd-bus for a client that isn't trusted: sd-bus takes messages of up to 128 MiB
// and keeps a half one for as long as the client likes. An Inlet reads the client's socket itself
// and hands on whole messages only, through a socket pair that sd-bus reads; its answers go to the
// client directly. Bounded: a message, what all clients of a user and all together have begun, and
// how long a begun message may take. Descriptors are not taken: those that come are closed by the
// kernel. Whoever breaks a bound is cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "parser/result.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::bus {

/// How many bytes are held of messages that have begun.
struct InletBudget {
    std::size_t message = std::size_t{1} << 20U;
    std::size_t user = std::size_t{4} << 20U;
    std::size_t all = std::size_t{16} << 20U;
    std::uint64_t message_microseconds = 10'000'000;  ///< from its first byte to its last
};

class Inlet {
public:
    struct Calls {
        /// Whether that many bytes may be held besides what is held already.
        std::function<bool(std::size_t)> may_hold;
        std::function<void()> cut_off;  ///< called from the loop, at most once
    };
    /// `client` is read and never closed here. Nothing is read before run().
    [[nodiscard]] static Result<std::unique_ptr<Inlet>> open(
        EventLoop& loop, int client, InletBudget budget, Calls calls);

    /// What sd-bus is to read; once.
    [[nodiscard]] sys::Descriptor take_output() { return std::move(output_); }
    /// sd-bus has let the client in: from here on it reads messages. Bytes behind BEGIN wait for
    /// this, for only sd-bus knows whether that BEGIN counts.
    void logged_in();
    /// Bytes held now.
    [[nodiscard]] std::size_t held() const { return buffer_.capacity(); }

private:
    Inlet(EventLoop& loop, int client, InletBudget budget, Calls calls)
        : loop_(loop), client_(client), budget_(budget), calls_(std::move(calls)) {}
    [[nodiscard]] Result<void> start();
    void readable();
    void advance();
    [[nodiscard]] bool hand_on();
    [[nodiscard]] bool accept(std::size_t size);
    [[nodiscard]] std::size_t whole();
    [[nodiscard]] std::size_t whole_lines();
    void refuse();

    EventLoop& loop_;
    int client_;
    InletBudget budget_;
    Calls calls_;
    sys::Descriptor input_, output_, copy_;
    EventSource reading_, writing_, patience_;
    std::string buffer_;
    std::size_t ready_ = 0;  ///< of buffer_: whole lines or messages, to be handed on
    enum class Phase : std::uint8_t { Login, Begun, Messages };
    Phase phase_ = Phase::Login;
    bool refused_ = false;
};

}  // namespace hearth::bus
