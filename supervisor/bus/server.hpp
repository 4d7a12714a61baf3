// SPDX-License-Identifier: MIT
//
// BusServer: hearth's control API, org.freedesktop.systemd1 (and org.hearth1) on private unix
// sockets by sd-bus, with no message broker. It reads the World, turns method calls into calls of
// Control, and outcomes into signals. It must never decide anything about a unit, never block, and
// never let a client cost more than its share: connections, queues and unfinished logins are
// bounded, and what a peer may do is decided on its credentials at accept (policy.hpp), deny by
// default.
//
// Signals leave after the reply of the call that caused them: outcomes are collected and told once
// per loop iteration. One thread; Control and EventLoop must outlive the server. Follows
// org.freedesktop.systemd1(5); the recipe is reference/systemctl-compat.md sections 4 to 6.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/bus/inlet.hpp"
#include "supervisor/control.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::bus {

/// Who may connect at all. Changing is for root, our own uid and the group, whatever this says.
enum class BusAccess : std::uint8_t { Owner, Everyone };

struct Options {
    std::vector<std::string> paths;  ///< sockets to listen on; made, and removed at the end
    BusAccess access = BusAccess::Owner;
    std::string group = "hearth";  ///< may read and change, where /etc/group has it; empty: none
    bool user_mode = false;        ///< --user: a service without any confinement may change things
    Moment started;                ///< UserspaceTimestamp of the manager
    std::string control_group;     ///< the manager's own, for `status` without a unit
    std::string machine_id_file = "/etc/machine-id";        ///< what GetMachineId answers
    std::function<std::string()> log_level;                 ///< "info"; empty function: "info"
    std::function<bool(const std::string&)> set_log_level;  ///< false: no such level

    // Bounds, changed by tests only.
    std::size_t connections = 256;
    std::size_t connections_per_user = 32;  ///< of a peer that isn't root
    std::size_t reserved_for_root = 16;
    std::uint64_t login_microseconds = 5'000'000;
    std::size_t queued_messages = 64;  ///< unread by a peer that isn't root
    std::size_t queued_messages_root = 4096;
    InletBudget half_messages;  ///< of peers that aren't root
};

class BusServer {
public:
    /// Listens on every path; serves as soon as the loop runs. Listeners taken over from the keeper
    /// come as `inherited` and are not bound again.
    static Result<std::unique_ptr<BusServer>> listen(
        EventLoop& loop,
        Control& control,
        Options options,
        std::vector<sys::Descriptor> inherited = {});
    BusServer(const BusServer&) = delete;
    BusServer& operator=(const BusServer&) = delete;
    ~BusServer();

    /// Descriptors of the listeners, in the order of the paths, for the keeper to hold.
    [[nodiscard]] std::vector<int> listeners() const;
    [[nodiscard]] std::size_t connections() const;

    /// Writes out what is queued, as far as the clients read; before exit, so that the last
    /// JobRemoved arrives.
    void flush();

    struct Core;

private:
    explicit BusServer(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace hearth::bus
