// SPDX-License-Identifier: MIT
//
// ShutdownConsole: while a machine stops its units, /dev/console shows after some seconds who holds
// that up (blockers.hpp), again when it changes, and takes keys: `k` and a number kills that unit's
// processes, `K` those of all. The terminal is read by nobody else then: it is opened when the end
// begins, never blocks, and is as it was when this object goes.
#pragma once

#include <termios.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/blockers.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth {

class ShutdownConsole {
public:
    using Found = std::function<void(std::vector<Blocker>)>;
    struct Calls {
        std::function<void(Found)> look;               ///< answers later
        std::function<void(const std::string&)> kill;  ///< the processes of that unit
    };
    /// Nothing where there is no console.
    static std::unique_ptr<ShutdownConsole> open(EventLoop& loop, Calls calls);
    ~ShutdownConsole();
    ShutdownConsole(const ShutdownConsole&) = delete;
    ShutdownConsole& operator=(const ShutdownConsole&) = delete;

private:
    ShutdownConsole(EventLoop& loop, Calls calls, sys::Descriptor terminal);
    Result<void> watch(EventLoop& loop);
    void look();
    void show(std::vector<Blocker> blockers);
    void keys_pressed();
    void key(char pressed);
    void write(const std::string& text) const;

    Calls calls_;
    sys::Descriptor terminal_;
    termios before_{};
    bool changed_ = false;  ///< the terminal's mode
    EventSource timer_, input_;
    std::vector<Blocker> shown_;
    std::size_t since_shown_ = 0;  ///< looks that found the same
    bool number_follows_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth
