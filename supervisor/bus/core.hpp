// SPDX-License-Identifier: MIT
//
// What the parts of the bus share: the server's state and its connections. Only files of this
// folder include it. A Connection is destroyed by Core::reap, from the loop, never inside a
// callback of its own sd_bus: callbacks doom it.
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "supervisor/bus/inlet.hpp"
#include "supervisor/bus/policy.hpp"
#include "supervisor/bus/request.hpp"
#include "supervisor/bus/server.hpp"

namespace hearth::bus {

struct BusCloser {
    void operator()(sd_bus* bus) const noexcept {
        sd_bus_detach_event(bus);
        sd_bus_close_unref(bus);  // does not flush, so it can't block
    }
};
using BusHandle = std::unique_ptr<sd_bus, BusCloser>;

/// One client: its credentials, its sd_bus and what it holds.
struct Connection {
    Connection(BusServer::Core& server, std::uint64_t number, Peer who)
        : core(server), id(number), peer(std::move(who)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();  ///< gives back its references (unit_api.cpp)

    BusServer::Core& core;
    const std::uint64_t id;
    const Peer peer;
    BusHandle bus;
    std::unique_ptr<Inlet> inlet;  ///< before the bus of a peer that isn't trusted
    int socket = -1;  ///< the client's, which is sd-bus's to close; with an inlet sd-bus has two
    EventSource deadline;
    bool ready = false;
    bool spoke = false;  ///< has sent its first message, by which we know what kind of peer it is
    bool doomed = false;
    std::string unique_name;     ///< ":1.7" once it said Hello, as a client of a bus does
    bool wants_signals = false;  ///< after AddMatch or Subscribe
    std::map<std::string, unsigned> references;
    std::set<std::uint64_t> sessions;  ///< attach sessions that end with it

    // What the find callback of an object path showed last; read by the getters and handlers that
    // sd-bus calls right after it.
    const UnitRecord* unit = nullptr;
    const Job* job = nullptr;
    UnitRecord unknown;   ///< stands for a unit that doesn't exist (LoadState=not-found)
    std::string missing;  ///< looked for in vain while answering the present message

    /// Told signals at all: a direct peer always, a bus client when it asked. Who has said nothing
    /// yet may be about to say Hello, and sd-bus gives up (EIO) on a signal before that answer.
    [[nodiscard]] bool listens() const {
        return ready && spoke && !doomed && (unique_name.empty() || wants_signals);
    }
};

struct BusServer::Core final : OutcomeObserver {
    Core(EventLoop& on, Control& of, Options with);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    ~Core() override;

    // server.cpp
    Result<void> open(std::vector<sys::Descriptor> inherited);
    void accept_some(std::size_t listener);
    void admit(sys::Descriptor socket);
    [[nodiscard]] bool room_for(const Peer& peer) const;
    Result<void> start(Connection& connection, sys::Descriptor socket);
    /// Opens the socket's Inlet where it needs one; what sd-bus is to read then.
    Result<sys::Descriptor> guard(Connection& connection, int socket);
    [[nodiscard]] bool may_hold(const Peer& peer, std::size_t bytes) const;
    void finish_logins();
    void doom(Connection& connection);
    void reap();
    [[nodiscard]] bool overfull(const Connection& connection) const;
    /// The unit's live facts, read at most once per message.
    const LiveFacts& live(const UnitRecord& record);

    // signals.cpp
    void happened(const Outcome& outcome) override;
    void units_reloading(bool active) override;
    void compare(std::vector<std::string>& added, std::vector<std::string>& removed);
    void tell();
    void units_may_have_changed();
    void unit_files_changed();

    EventLoop& loop;
    Control& control;
    Options options;
    Policy policy;
    sd_id128_t bus_id{};

    struct Listener {
        sys::Descriptor socket;
        std::string path;
        EventSource source;
    };
    std::vector<Listener> listeners;
    EventSource resume_accepting, logins, reaper, teller;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections;
    std::set<std::uint64_t> logging_in;
    std::uint64_t next_connection = 1;
    bool closing = false;

    // Collected until the next tell().
    std::vector<JobChange> job_changes;
    std::set<std::string> changed_units;
    std::set<std::string, std::less<>> known_units;
    bool compare_units = false;

    const UnitRecord* live_of = nullptr;
    LiveFacts live_facts;

    /// Callbacks given to Control may come after the server is gone; they ask this first.
    std::shared_ptr<int> alive = std::make_shared<int>(0);
};

/// Adds every object of the API to a new connection; negative errno where the peer is gone already.
int add_objects(Connection& connection);
// Each adds its own objects.
int add_manager(Connection& connection);
int add_units(Connection& connection);
int add_jobs(Connection& connection);
int add_broker(Connection& connection);
int add_hearth(Connection& connection);
int add_log_control(Connection& connection);
/// Judges every incoming message before any object sees it.
int filter(sd_bus_message* message, void* userdata, sd_bus_error* error) noexcept;

// unit_api.cpp, used by signals and manager alike.
void emit_unit_changed(Connection& connection, const std::string& unit);
/// The record of `name`, loading it where the peer may cause that; null: there is none.
const UnitRecord* find_or_load(Connection& connection, const std::string& name);
Result<JobId, RequestError> queue_job(
    Request& request, const std::string& unit, Verb verb, const std::string& mode);
/// The same, answered with the job's path.
int submit(Request& request, const std::string& unit, Verb verb, const std::string& mode);
/// Reads the rest of the message, si, or sii where the signal is `queued` with a value.
int kill(Request& request, const std::string& unit, bool queued);
int clean(Request& request, const std::string& unit, std::vector<std::string> what);
int freeze(Request& request, const std::string& unit, bool frozen);
/// Reads the rest of the message, ba(sv), and sets those properties (property_changes.cpp).
int set_properties(Request& request, const std::string& unit);
int start_transient_unit(Request& request);  ///< ssa(sv)a(sa(sv)), all of the message
/// The same once all is read. `referenced`: the client refers to the first unit from now on.
int start_transient(
    Request& request, std::vector<TransientUnit> units, const std::string& mode, bool referenced);
int add_reference(Request& request, const std::string& unit);
int drop_reference(Request& request, const std::string& unit);
/// A unit that a connection refers to is not forgotten. Why it may not; false: it never did.
std::optional<RequestError> take_reference(Connection& connection, const std::string& unit);
bool leave_reference(Connection& connection, const std::string& unit);
void write_processes(MessageSink& sink, const std::vector<UnitProcess>& processes);
int answer_jobs(Request& request, const std::vector<const Job*>& jobs);

}  // namespace hearth::bus
