// SPDX-License-Identifier: MIT
#include "supervisor/notify/bus_names.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "supervisor/sys/file.hpp"

namespace hearth::notify {

namespace {

constexpr std::uint64_t first_pause = 100'000, longest_pause = 2'000'000;
constexpr const char* bus_service = "org.freedesktop.DBus";
constexpr const char* bus_path = "/org/freedesktop/DBus";

bool is_socket(std::string_view address, const std::string& path) {
    constexpr std::string_view start = "unix:path=";
    if (!address.starts_with(start)) {
        return false;
    }
    const std::string_view named = address.substr(start.size());
    const auto there = sys::stat(std::string(named.substr(0, named.find_first_of(",;"))));
    const auto own = sys::stat(path);
    return there && own && there->st_dev == own->st_dev && there->st_ino == own->st_ino;
}

}  // namespace

struct BusNames::Name {
    BusNames& all;
    std::string unit, name;
    bool awaited = true;
    Slot match, owner;

    static int on_change(sd_bus_message* message, void* data, sd_bus_error*) {
        const auto& self = *static_cast<const Name*>(data);
        const char *name = nullptr, *before = nullptr, *after = nullptr;
        if (sd_bus_message_read(message, "sss", &name, &before, &after) > 0 && self.name == name) {
            self.all.changed_(self.unit, *after != '\0');
        }
        return 0;
    }
    static int on_disconnect(sd_bus_message*, void* data, sd_bus_error*) {
        static_cast<BusNames*>(data)->lost("the connection ended");
        return 0;
    }
    static int on_owner(sd_bus_message* message, void* data, sd_bus_error*) {
        auto& self = *static_cast<Name*>(data);
        const sd_bus_error* const error = sd_bus_message_get_error(message);
        if (error != nullptr && sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) == 0) {
            // One that hangs is waited for; of one that is gone on_disconnect hears.
            self.all.silence(error->message != nullptr ? error->message : error->name);
            return 0;
        }
        self.all.silence_told_ = false;
        self.all.pause_ = first_pause;
        self.all.changed_(self.unit, error == nullptr);
        return 0;
    }
};

std::string message_bus_address(bool of_user) {
    const char* const said =
        std::getenv(of_user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS");
    if (said != nullptr && *said != '\0') {
        return said;
    }
    const char* const directory = of_user ? std::getenv("XDG_RUNTIME_DIR") : nullptr;
    return directory != nullptr ? "unix:path=" + std::string(directory) + "/bus"
                                : "unix:path=/run/dbus/system_bus_socket";
}

void BusNames::BusCloser::operator()(sd_bus* bus) const noexcept {
    sd_bus_close_unref(bus);
}

void BusNames::SlotCloser::operator()(sd_bus_slot* slot) const noexcept {
    sd_bus_slot_unref(slot);
}

BusNames::BusNames(
    EventLoop& loop, std::string address, std::string own_socket, Changed changed, Told told)
    : loop_(loop),
      address_(std::move(address)),
      own_socket_(std::move(own_socket)),
      changed_(std::move(changed)),
      told_(std::move(told)),
      pause_(first_pause) {}

BusNames::~BusNames() = default;

void BusNames::watch(const std::string& unit, const std::string& name) {
    auto& watched = names_[unit];
    const bool known = watched && watched->name == name;
    if (!known) {
        watched = std::make_unique<Name>(Name{*this, unit, name, true, {}, {}});
    }
    watched->awaited = true;
    if (!bus_) {
        connect();
    } else if (!known) {
        if (const int result = ask(*watched); result < 0) {
            lost(std::strerror(-result));
        }
    }
}

void BusNames::rest(const std::string& unit) {
    if (const auto found = names_.find(unit); found != names_.end()) {
        found->second->awaited = false;
    }
}

void BusNames::forget(const std::string& unit) {
    names_.erase(unit);
}

/// The first of those that are waited for.
const BusNames::Name* BusNames::awaited() const {
    const auto found =
        std::ranges::find_if(names_, [](const auto& each) { return each.second->awaited; });
    return found == names_.end() ? nullptr : found->second.get();
}

void BusNames::connect() {
    if (is_socket(address_, own_socket_)) {
        return lost("hearthd itself stands in for it");
    }
    sd_bus* bus = nullptr;
    int result = sd_bus_new(&bus);
    std::unique_ptr<sd_bus, BusCloser> made(bus);
    const auto step = [&result](auto&& next) { result = result < 0 ? result : next(); };
    step([&] { return sd_bus_set_address(bus, address_.c_str()); });
    step([&] { return sd_bus_set_bus_client(bus, 1); });
    step([&] { return sd_bus_negotiate_fds(bus, 0); });
    step([&] { return sd_bus_start(bus); });
    step([&] { return sd_bus_attach_event(bus, loop_.handle(), static_cast<int>(Priority::Bus)); });
    sd_bus_slot* slot = nullptr;
    step([&] {
        return sd_bus_match_signal_async(
            bus,
            &slot,
            "org.freedesktop.DBus.Local",
            nullptr,
            "org.freedesktop.DBus.Local",
            "Disconnected",
            Name::on_disconnect,
            nullptr,
            this);
    });
    if (result < 0) {
        return lost(std::strerror(-result));
    }
    bus_ = std::move(made);
    disconnected_.reset(slot);
    for (const auto& [unit, name] : names_) {
        step([&] { return ask(*name); });
    }
    if (result < 0) {
        lost(std::strerror(-result));
    }
}

/// Each change from now on, and how it is now.
int BusNames::ask(Name& name) {
    const std::string rule = std::string("type='signal',sender='") + bus_service + "',path='" +
                             bus_path + "',interface='" + bus_service +
                             "',member='NameOwnerChanged',arg0='" + name.name + "'";
    sd_bus_slot *match = nullptr, *owner = nullptr;
    int result =
        sd_bus_add_match_async(bus_.get(), &match, rule.c_str(), Name::on_change, nullptr, &name);
    if (result < 0) {
        return result;
    }
    name.match.reset(match);
    result = sd_bus_call_method_async(
        bus_.get(),
        &owner,
        bus_service,
        bus_path,
        bus_service,
        "GetNameOwner",
        Name::on_owner,
        &name,
        "s",
        name.name.c_str());
    name.owner.reset(owner);
    return result;
}

void BusNames::lost(const std::string& why) {
    for (const auto& [unit, name] : names_) {
        name->match.reset();
        name->owner.reset();
    }
    disconnected_.reset();
    bus_.reset();
    if (awaited() == nullptr) {
        return;
    }
    silence(why);
    if (!again_) {
        auto again = loop_.timer(Priority::Bus, [this] { try_again(); });
        if (!again) {
            return told_("the message bus is not asked again: " + again.error().what);
        }
        again_ = std::move(*again);
    }
    again_.arm_in(pause_);
    pause_ = std::min(pause_ * 2, longest_pause);
}

void BusNames::try_again() {
    if (!bus_ && awaited() != nullptr) {
        connect();
    }
}

void BusNames::silence(const std::string& why) {
    const Name* const first = awaited();
    if (first != nullptr && !silence_told_) {
        silence_told_ = true;
        told_(
            "no message bus answers at " + address_ + " (" + why + "): " + first->unit +
            " waits there for BusName=" + first->name);
    }
}

}  // namespace hearth::notify
