// SPDX-License-Identifier: MIT
//
// Properties that a client sends, as assignments of directives: a value of the property's D-Bus
// type becomes the directive's own text, so that hearth has one parser. Which directive a property
// stands for is the tables' word (units/directive.hpp); the types are those of
// org.freedesktop.systemd1(5) and, where a setter takes another one than is shown, of what
// systemd 252's clients send. Internal to this folder.
#pragma once

#include <systemd/sd-bus.h>

#include <functional>
#include <string>
#include <vector>

namespace hearth::bus {

/// What became of one property of a list.
struct ReadProperty {
    std::string directive;
    std::vector<std::string> values;  ///< one per line of a unit file
};

/// Reads a(sv), or what is left of it. `special` sees each name first, with the message before its
/// variant: true, if it has read that one. Unreadable properties are returned by name.
/// Negative errno for a malformed message.
struct PropertyList {
    std::vector<ReadProperty> read;
    std::string refused;  ///< the first that has no such type, or that no directive stands for
    int result = 0;
};
[[nodiscard]] PropertyList read_properties(
    sd_bus_message* message, const std::function<bool(const std::string& name)>& special = {});

}  // namespace hearth::bus
