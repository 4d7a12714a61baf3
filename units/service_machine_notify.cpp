// SPDX-License-Identifier: MIT
//
// What the service says of itself by sd_notify(3): whose word counts (NotifyAccess=), and what
// each assignment changes. Assignments that don't concern the state are kept for whoever looks;
// those that do are told to the state.
#include <fmt/format.h>

#include <algorithm>

#include "units/restart_policy.hpp"
#include "units/service_machine.hpp"

namespace hearth {

namespace {

/// States in which the service may name another main process.
bool has_main(ServiceState state) {
    switch (state) {
        using enum ServiceState;
        case Start:
        case StartPost:
        case Running:
        case Reload:
        case ReloadSignal:
        case ReloadNotify:
        case StopSigterm:
            return true;
        default:
            return false;
    }
}

}  // namespace

bool ServiceMachine::may_notify(int pid) const {
    switch (notify_access(record_.unit)) {
        case NotifyAccess::None:
            return false;
        case NotifyAccess::Main:
            return pid == status_.main_pid;
        case NotifyAccess::Exec:
            return pid == status_.main_pid || pid == status_.control_pid;
        case NotifyAccess::All:
            return true;
    }
    return false;
}

void ServiceMachine::notified(const Notified& event) {
    const bool idle = status_.state == ServiceState::Dead ||
                      status_.state == ServiceState::Failed ||
                      status_.state == ServiceState::AutoRestart;
    if (event.pid == 0 || idle || !may_notify(event.pid)) {
        return;
    }
    const Notification& message = event.message;
    if (message.main_pid && event.main_is_ours && *message.main_pid != status_.main_pid &&
        *message.main_pid != status_.control_pid && has_main(status_.state)) {
        cause_ = fmt::format("main process is {}, by MAINPID=", *message.main_pid);
        set_main(*message.main_pid);
    }
    told_status(event);
    told_descriptors(event);
    told_state(message);
}

void ServiceMachine::told_status(const Notified& event) {
    const Notification& message = event.message;
    if (message.status) {
        status_.status_text = *message.status;
    }
    if (message.error_number) {
        status_.status_errno = *message.error_number;
    }
    if (message.bus_error) {
        status_.bus_error = *message.bus_error;
    }
    if (message.watchdog_interval) {
        status_.watchdog_override = Timespan{*message.watchdog_interval};
        arm_watchdog();
    }
    if (message.watchdog) {
        status_.watchdog_at = now_;
        arm_watchdog();
    }
    if (message.extend_timeout) {
        extend_timeout(*message.extend_timeout);
    }
}

void ServiceMachine::extend_timeout(std::uint64_t microseconds) {
    if (microseconds >= UINT64_MAX - now_.monotonic) {
        return;
    }
    const std::uint64_t extended = now_.monotonic + microseconds;
    for (std::optional<std::uint64_t>* const deadline :
         {&status_.deadline, &status_.watchdog_deadline}) {
        if (*deadline) {
            *deadline = std::max(**deadline, extended);
        }
    }
}

void ServiceMachine::told_descriptors(const Notified& event) {
    const Notification& message = event.message;
    const std::string name = message.descriptor_name.value_or("stored");
    if (message.remove && message.descriptor_name) {
        std::erase_if(status_.stored, [&](const StoredDescriptor& stored) {
            if (stored.name != name) {
                return false;
            }
            outcome_.actions.emplace_back(CloseDescriptor{record_.unit.name, stored.id});
            return true;
        });
    }
    if (!message.store) {
        return;  // what came along unasked is closed by the supervisor
    }
    for (const std::uint64_t id : event.descriptors) {
        if (status_.stored.size() >= service().file_descriptor_store_max) {
            return tell(
                Severity::Warning,
                fmt::format(
                    "a descriptor was not stored: there are {} already "
                    "(FileDescriptorStoreMax=)",
                    status_.stored.size()));
        }
        status_.stored.push_back({id, name});
        outcome_.actions.emplace_back(StoreDescriptor{record_.unit.name, id, message.poll});
    }
}

void ServiceMachine::told_state(const Notification& message) {
    if (message.watchdog_trigger) {
        cause_ = "the service triggered its watchdog";
        return dispatch(WatchdogPassed{});
    }
    if (message.stopping) {
        status_.notify_state = NotifyState::Stopping;
        return dispatch(Stopping{});
    }
    if (message.reloading) {
        // Type=notify-reload: without its time a message may be older than our signal.
        const bool timed = message.monotonic && *message.monotonic >= status_.reload_began;
        status_.notify_state = NotifyState::Reloading;
        cause_ = "the service says that it reloads";
        return dispatch(Reloading{timed});
    }
    if (message.ready) {
        status_.notify_state = NotifyState::Ready;
        cause_ = "the service says that it is ready";
        dispatch(Ready{});
    }
}

// ---- what it stored -----------------------------------------------------------------------------

void ServiceMachine::drop_descriptors() {
    for (const StoredDescriptor& stored : status_.stored) {
        outcome_.actions.emplace_back(CloseDescriptor{record_.unit.name, stored.id});
    }
    status_.stored.clear();
}

/// The other end hung up, and FDPOLL=0 was not asked for.
void ServiceMachine::stored_descriptor_ended(const StoredDescriptorEnded& event) {
    const auto count = std::erase_if(
        status_.stored, [&](const StoredDescriptor& stored) { return stored.id == event.id; });
    if (count != 0) {
        outcome_.actions.emplace_back(CloseDescriptor{record_.unit.name, event.id});
    }
}

// ---- Type=dbus ----------------------------------------------------------------------------------

void ServiceMachine::bus_name_changed(const BusNameChanged& event) {
    status_.bus_name_owned = event.owned;
    if (status_.type != ServiceType::Dbus) {
        return;
    }
    if (event.owned) {
        cause_ = fmt::format("{} is on the bus", service().bus_name);
        dispatch(Ready{});
    } else {
        cause_ = fmt::format("{} left the bus", service().bus_name);
        dispatch(BusNameLost{});
    }
}

}  // namespace hearth
