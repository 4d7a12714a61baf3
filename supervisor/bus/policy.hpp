// SPDX-License-Identifier: MIT
//
// Who may call what. One table gives every method its class; a method that isn't in it can't be
// called at all. A peer is judged on its credentials as the kernel gave them at accept
// (SO_PEERCRED, SO_PEERGROUPS), never on what a message claims, and never on the pid alone. Pure:
// facts in, verdict out (server.cpp gathers the facts).
//
// A confined service must not undo its confinement by asking the manager: a peer that sits in a
// unit's cgroup may change things only while that unit keeps CAP_SYS_ADMIN in its bounding set
// (DESIGN 4), or its unit says [X-Hearth] ControlAccess=yes; ControlAccess=no forbids it to any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/bus/server.hpp"

namespace hearth::bus {

enum class MethodClass : std::uint8_t {
    Read,     ///< everybody who may connect
    Private,  ///< reading what may hold secrets: those who may change, wherever they sit
    Change,   ///< root, our own uid, the group; not from within a confined service
    Root,     ///< as Change, and uid 0 only
};

struct MethodRule {
    std::string_view interface;
    std::string_view member;
    MethodClass kind{};
};
[[nodiscard]] std::span<const MethodRule> method_rules();
[[nodiscard]] std::optional<MethodClass> method_class(
    std::string_view interface, std::string_view member);

/// A client's process as it was when it connected.
struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
    std::string command;    ///< /proc/PID/comm; "" where it can't be read
    std::string unit;       ///< whose cgroup it sat in at accept; "" none
    bool vanished = false;  ///< gone before it was looked at: nobody knows which unit it was of
};

/// The client as the history of units names it.
[[nodiscard]] Requester requester(const Peer& peer);

struct Policy {
    BusAccess access = BusAccess::Owner;
    uid_t own_uid = 0;
    std::optional<gid_t> group;
    bool user_mode = false;

    [[nodiscard]] bool trusted(const Peer& peer) const;
    [[nodiscard]] bool may_connect(const Peer& peer) const;
    /// Nothing, or AccessDenied with what would be needed.
    [[nodiscard]] std::optional<RequestError> refuse(
        const Peer& peer, MethodClass kind, std::string_view member, const World& world) const;
};

/// The gid of `name` in the text of /etc/group.
[[nodiscard]] std::optional<gid_t> group_id(std::string_view group_file, std::string_view name);

}  // namespace hearth::bus
