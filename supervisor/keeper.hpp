// SPDX-License-Identifier: MIT
//
// hearthd's side of the keeper (DESIGN 1, supervisor/init): what must outlive hearthd and is no
// text goes there. Descriptors are held by name, and come back to the next hearthd; processes are
// registered, so that how they ended is known even when nobody watched. An empty channel stands for
// a hearthd that runs alone: everything may be called, nothing is kept.
//
// For the loop's thread. Calls wait for the keeper at most 100 ms, where its socket is full; open()
// for its answer at most 5 s. A keeper that is gone is told of once; hearthd goes on alone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/init/protocol.hpp"
#include "supervisor/machine_end.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

class KeeperChannel {
public:
    KeeperChannel() = default;
    /// Takes the inherited socket, and all that the keeper has for us.
    [[nodiscard]] static Result<KeeperChannel> open(int number);

    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(socket_); }
    [[nodiscard]] int socket() const { return socket_.number(); }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// A hearthd was ready before this one.
    [[nodiscard]] bool is_successor() const { return ready_before_ > 0; }

    /// `name`: at most keeper::longest_name bytes. The keeper has a copy of its own from then on.
    void hold(const std::string& name, int descriptor);
    void drop(const std::string& name);
    /// A descriptor that an earlier hearthd gave; empty: none. It is held on.
    [[nodiscard]] sys::Descriptor take(const std::string& name);
    /// The names of those that nobody has taken.
    [[nodiscard]] std::vector<std::string> untaken() const;

    void watch(pid_t pid, std::uint64_t started);
    void forget(pid_t pid, std::uint64_t started);
    /// How a process ended that was a child of the keeper, or of an earlier hearthd.
    [[nodiscard]] std::optional<sys::ExitStatus> exit_of(pid_t pid, std::uint64_t started);
    struct Orphan {
        pid_t pid = 0;
        std::uint64_t started = 0;
        sys::ExitStatus status;
    };
    /// On return the keeper has told of every child of its own that has ended before the call.
    void synchronise();
    /// Those that ended in that cgroup (as /proc/PID/cgroup shows it) and whose exit no hearthd has
    /// written down, by their start.
    [[nodiscard]] std::vector<Orphan> ended_in(const std::string& cgroup) const;
    /// exit_of() or synchronise() came upon deaths that read() has yet to tell of.
    [[nodiscard]] bool has_news() const { return !news_.empty(); }
    /// Reads what the keeper says; the processes that it tells of. An error: it is gone.
    [[nodiscard]] Result<std::vector<std::pair<pid_t, std::uint64_t>>> read();

    /// Whether the keeper knows how to start another program in our place.
    [[nodiscard]] bool can_replace() const { return socket_ && can_replace_; }
    /// `program` (O_PATH) is started when we have ended, and has so long to become ready.
    void replace(int program, std::uint64_t microseconds);
    /// Why the program that was to take our place didn't, and we were brought back.
    [[nodiscard]] const std::optional<std::string>& replacement_failure() const {
        return replacement_failure_;
    }

    void ready();
    /// All is stopped: our exit status is the keeper's, or the machine ends so.
    void stopped(const MachineEnd& end);

private:
    using ProcessId = std::pair<pid_t, std::uint64_t>;

    void send(const keeper::Packet& packet, int descriptor = -1);
    [[nodiscard]] Result<bool> take_packet();  ///< false: none waits
    [[nodiscard]] Result<void> take_all();

    sys::Descriptor socket_;
    pid_t pid_ = 0;
    std::uint32_t ready_before_ = 0;
    bool complete_ = false, opened_ = false, can_replace_ = false;
    std::optional<std::string> replacement_failure_;
    std::map<std::string, sys::Descriptor, std::less<>> held_;
    struct Ended {
        sys::ExitStatus status;
        std::uint64_t cgroup = 0;
    };
    std::map<ProcessId, Ended> ended_;
    std::vector<ProcessId> news_;
};

}  // namespace hearth
