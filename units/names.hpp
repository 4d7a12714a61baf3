// SPDX-License-Identifier: MIT
//
// The words that Linux and systemd have for numbers: capabilities, signals, errnos, exit statuses,
// address families, architectures. One table each, and nothing else in hearth spells these names.
// Numbers are those of Linux; where they depend on the architecture, those of the one compiled for.
// Names are matched exactly, save that `SIG` may be left out, and case doesn't count for
// capabilities.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

/// "CAP_SYS_ADMIN" or "21" -> 21. Numbers up to 62 are read, named or not.
[[nodiscard]] std::optional<unsigned> capability_number(std::string_view name);
/// "CAP_SYS_ADMIN"; a number where there is no name.
[[nodiscard]] std::string capability_name(unsigned number);
/// By number: [0] is "CAP_CHOWN".
[[nodiscard]] std::span<const std::string_view> capability_names();

/// "SIGTERM", "TERM", "15", "RTMIN+3", "SIGRTMAX-1".
[[nodiscard]] std::optional<int> signal_number(std::string_view name);
/// "SIGTERM", "SIGRTMIN+3"; a number where there is no name.
[[nodiscard]] std::string signal_name(int number);

/// "EPERM" or "1"; 1 to 4095.
[[nodiscard]] std::optional<int> errno_number(std::string_view name);
[[nodiscard]] std::string errno_name(int number);

/// "TEMPFAIL" -> 75, "NAMESPACE" -> 226: the names of systemd.exec(5), "Process Exit Codes"; not
/// numbers.
[[nodiscard]] std::optional<int> exit_status_number(std::string_view name);
/// The name, or nothing for statuses without one.
[[nodiscard]] std::optional<std::string_view> exit_status_name(int status);

/// "AF_UNIX" -> 1.
[[nodiscard]] std::optional<int> address_family_number(std::string_view name);
[[nodiscard]] std::span<const std::string_view> address_family_names();

/// "native", "x86-64" ...: what SystemCallArchitectures= knows.
[[nodiscard]] std::span<const std::string_view> architecture_names();

}  // namespace hearth
