// SPDX-License-Identifier: MIT
//
// The client's side of an attached terminal: a pseudo terminal of its own, whose slave goes to the
// session, and the user's terminal in raw mode meanwhile. What is typed, Ctrl-C too, goes through
// the pair, so the line discipline of the slave makes the signals. The user's terminal gets its
// settings back when the object dies, on every way out that runs destructors. Follows pty(7),
// termios(3).
#pragma once

#include <termios.h>

#include <optional>
#include <string>

#include "parser/result.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::ctl {

struct PseudoTerminal {
    sys::Descriptor master, slave;  ///< the master does not block
    std::string path;               ///< of the slave
};
/// With the size of the terminal on `like`, where that is one.
Result<PseudoTerminal> open_pseudo_terminal(int like);

/// Makes a terminal raw; restores it at the end.
class RawMode {
public:
    static Result<RawMode> enter(int terminal);
    RawMode(RawMode&& other) noexcept;
    RawMode& operator=(RawMode&&) = delete;
    RawMode(const RawMode&) = delete;
    RawMode& operator=(const RawMode&) = delete;
    ~RawMode();

private:
    RawMode(int terminal, const termios& before) : terminal_(terminal), before_(before) {}
    int terminal_;
    termios before_;
};

/// Copies between standard input/output and the master until stopped. Where standard input is a
/// terminal its end ends the loop; else, a file or a pipe, it becomes Ctrl-D for the session.
class Relay {
public:
    Relay(EventLoop& loop, const sys::Descriptor& master) : loop_(loop), master_(master.number()) {}
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    Result<void> start();
    /// What the session wrote before it ended.
    void drain();

private:
    void typed();
    void input_ended();
    void written();
    bool read_master();
    void flush_typed();
    void pass_size() const;

    EventLoop& loop_;
    int master_;
    std::string pending_;  ///< typed, not yet taken by the session
    bool ended_ = false;   ///< no more is typed
    EventSource input_, output_, resized_;
};

}  // namespace hearth::ctl
