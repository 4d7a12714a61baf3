// SPDX-License-Identifier: MIT
#include "supervisor/compatibility.hpp"

#include <climits>

#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr const char* marker = "/.hearth";
constexpr mode_t mode = 0644;
constexpr const char* own_directory = "/run/systemd/system";
constexpr const char* bus_path = "/run/dbus/system_bus_socket";
constexpr const char* bus_target = "/run/systemd/private";

/// `freeze`, `--wait`, busctl and others ask the system bus, even as root. Where there is none, our
/// listener answers (it plays as much of a bus as they need); dbus-daemon(1), where it comes later,
/// takes the place of the link.
void stand_in_for_the_bus() {
    if (sys::lstat(bus_path)) {
        return;
    }
    (void)sys::make_directories("/run/dbus", 0755);
    (void)sys::symlink(bus_target, bus_path);
}

void stand_back() {
    if (const auto leads_to = sys::readlink(bus_path); leads_to && *leads_to == bus_target) {
        (void)sys::unlink(bus_path);
    }
}

/// The runtime directory that it belongs to; empty: to no hearthd.
std::string owner_of(const std::string& directory) {
    std::string owner = sys::read_file(directory + marker, PATH_MAX).value_or("");
    while (owner.ends_with('\n')) {
        owner.pop_back();
    }
    return owner;
}

}  // namespace

Result<SystemdCompatibility> SystemdCompatibility::create(
    const std::string& runtime_directory, bool successor, const std::string& directory) {
    if (sys::stat(directory)) {
        const std::string owner = owner_of(directory);
        if (owner != runtime_directory && !owner.empty()) {
            return failure(
                directory + " belongs to the hearthd of --runtime-dir " + owner +
                ": stop that one with SIGTERM, or remove the directory where none runs");
        }
        if (owner.empty() && !successor) {
            return failure(
                directory +
                " exists, and no hearthd made it: a systemd runs here; use --systemd-compat=no");
        }
    } else {
        HEARTH_TRY(sys::make_directories(directory, 0755));
    }
    HEARTH_TRY(sys::replace_file(directory + marker, runtime_directory + "\n", mode));
    if (directory == own_directory) {
        stand_in_for_the_bus();
    }
    return SystemdCompatibility(directory, runtime_directory);
}

SystemdCompatibility::~SystemdCompatibility() {
    if (directory_.empty()) {
        return;
    }
    if (directory_ == own_directory) {
        stand_back();
    }
    (void)sys::unlink(directory_ + marker);
    if (!sys::rmdir(directory_)) {
        (void)sys::replace_file(directory_ + marker, owner_ + "\n", mode);
    }
}

}  // namespace hearth
