// SPDX-License-Identifier: MIT
//
// The datagrams of sd_notify(3) as values: lines NAME=VALUE. Pure. The first assignment of a name
// counts, unknown names are passed over, and a value that can't be read is as if it had not been
// written: a service's mistake in one line must not cost the others.
#pragma once

#include <cstddef>
#include <string_view>

#include "units/notification.hpp"

namespace hearth::notify {

/// Longer datagrams are not read at all.
inline constexpr std::size_t maximum_message_bytes = 4096;

/// An empty Notification for a text with a zero byte in it.
[[nodiscard]] Notification read_notification(std::string_view text);

}  // namespace hearth::notify
