// SPDX-License-Identifier: MIT
//
// Names of bus objects: "/org/freedesktop/systemd1/unit/heat_2eservice" and ".../job/7". The
// escaping is sd_bus_path_encode(3)'s, so stock clients and hearth name the same unit the same way.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "units/world.hpp"

namespace hearth::bus {

inline constexpr const char* manager_path = "/org/freedesktop/systemd1";
inline constexpr const char* unit_prefix = "/org/freedesktop/systemd1/unit";
inline constexpr const char* job_prefix = "/org/freedesktop/systemd1/job";
inline constexpr const char* log_control_path = "/org/freedesktop/LogControl1";
inline constexpr const char* broker_path = "/org/freedesktop/DBus";

inline constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";
inline constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
inline constexpr const char* service_interface = "org.freedesktop.systemd1.Service";
inline constexpr const char* slice_interface = "org.freedesktop.systemd1.Slice";
inline constexpr const char* scope_interface = "org.freedesktop.systemd1.Scope";
inline constexpr const char* mount_interface = "org.freedesktop.systemd1.Mount";
inline constexpr const char* swap_interface = "org.freedesktop.systemd1.Swap";
inline constexpr const char* socket_interface = "org.freedesktop.systemd1.Socket";
inline constexpr const char* timer_interface = "org.freedesktop.systemd1.Timer";
inline constexpr const char* path_interface = "org.freedesktop.systemd1.Path";
inline constexpr const char* automount_interface = "org.freedesktop.systemd1.Automount";
inline constexpr const char* job_interface = "org.freedesktop.systemd1.Job";
inline constexpr const char* log_control_interface = "org.freedesktop.LogControl1";
inline constexpr const char* broker_interface = "org.freedesktop.DBus";
inline constexpr const char* hearth_manager_interface = "org.hearth1.Manager";
inline constexpr const char* hearth_unit_interface = "org.hearth1.Unit";

[[nodiscard]] std::string unit_path(std::string_view unit);
[[nodiscard]] std::string job_path(JobId job);
/// The unit behind a path, unescaped but not judged as a name; nothing for other paths.
[[nodiscard]] std::optional<std::string> unit_of_path(std::string_view path);
[[nodiscard]] std::optional<JobId> job_of_path(std::string_view path);

}  // namespace hearth::bus
