// SPDX-License-Identifier: MIT
//
// Who is on the message bus (D-Bus specification, "Message Bus"): BusName= of a service has an
// owner, or has none any more. hearthd is an ordinary client there: it owns no name, answers no
// calls, and needs no policy of its own. It connects when the first name is watched, and tries
// again as long as one is and no bus answers, for the bus may be a service that is about to start.
// Nothing waits for the bus: a bus that hangs delays the services of Type=dbus, and nobody else.
//
// A name's state is told once it is known, and at each change; after a lost connection what the
// next one finds. That no bus answers is told in words, once per silence.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "supervisor/loop/event_loop.hpp"

struct sd_bus;
struct sd_bus_slot;

namespace hearth::notify {

/// Of the system's bus, or of a user's: what the environment says, else where it usually is.
[[nodiscard]] std::string message_bus_address(bool of_user);

class BusNames {
public:
    using Changed = std::function<void(const std::string& unit, bool owned)>;
    using Told = std::function<void(const std::string& what)>;

    /// `address` as in $DBUS_SYSTEM_BUS_ADDRESS; where `own_socket` is what stands there, that is
    /// no bus (supervisor/compatibility.hpp). Both functions are called on the loop.
    BusNames(
        EventLoop& loop, std::string address, std::string own_socket, Changed changed, Told told);
    BusNames(const BusNames&) = delete;
    BusNames& operator=(const BusNames&) = delete;
    ~BusNames();

    /// In place of the name that was watched for that unit, if it was another.
    void watch(const std::string& unit, const std::string& name);
    /// Changes are told on, but nobody waits: no lost connection is mended for it.
    void rest(const std::string& unit);
    void forget(const std::string& unit);

private:
    struct BusCloser {
        void operator()(sd_bus* bus) const noexcept;
    };
    struct SlotCloser {
        void operator()(sd_bus_slot* slot) const noexcept;
    };
    using Slot = std::unique_ptr<sd_bus_slot, SlotCloser>;
    struct Name;  ///< that a unit waits for

    [[nodiscard]] const Name* awaited() const;
    void connect();
    void try_again();
    void lost(const std::string& why);
    void silence(const std::string& why);
    [[nodiscard]] int ask(Name& name);

    EventLoop& loop_;
    std::string address_, own_socket_;
    Changed changed_;
    Told told_;
    EventSource again_;
    std::uint64_t pause_ = 0;  ///< microseconds before the next try
    bool silence_told_ = false;
    std::unique_ptr<sd_bus, BusCloser> bus_;
    Slot disconnected_;
    std::map<std::string, std::unique_ptr<Name>, std::less<>> names_;  ///< by unit
};

}  // namespace hearth::notify
