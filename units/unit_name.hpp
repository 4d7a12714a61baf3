// SPDX-License-Identifier: MIT
//
// The names of units: PREFIX.TYPE, PREFIX@.TYPE (a template), PREFIX@INSTANCE.TYPE. What is valid,
// what the parts are, and the escaping by which any text or path becomes a part of a name, as
// systemd-escape(1) does it. Follows systemd.unit(5). Nothing here knows which units exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "parser/result.hpp"

namespace hearth {

/// The longest name, type suffix included.
inline constexpr std::size_t max_unit_name_length = 255;

enum class UnitType : std::uint8_t {
    Service,
    Mount,
    Swap,
    Socket,
    Target,
    Device,
    Automount,
    Timer,
    Path,
    Slice,
    Scope
};
[[nodiscard]] std::string_view name(UnitType type);  // "service" ...

/// The type by the name's end, without judging the name; a service where there is no known one.
[[nodiscard]] UnitType unit_type(std::string_view unit_name);

/// A valid name, taken apart.
struct UnitName {
    std::string prefix;                   ///< %p: what stands before the '@', or before the type
    std::optional<std::string> instance;  ///< %i; empty for a template
    UnitType type{};

    /// A template can't be started, its instances can.
    [[nodiscard]] bool is_template() const { return instance && instance->empty(); }
    [[nodiscard]] bool is_instance() const { return instance && !instance->empty(); }

    /// %N: the name without its type.
    [[nodiscard]] std::string without_type() const;
    /// "getty@.service" of "getty@tty1.service".
    [[nodiscard]] std::string template_name() const;
    [[nodiscard]] std::string full() const;

    bool operator==(const UnitName&) const = default;
};

/// The parts of `name`, or why it is no unit name.
[[nodiscard]] Result<UnitName> parse_unit_name(std::string_view name);
/// "getty@.service" of "getty@tty1.service"; empty where the name is no instance.
[[nodiscard]] std::string template_of(std::string_view name);

[[nodiscard]] bool is_valid_unit_name(std::string_view name);

/// What a person types: a name without a type becomes a service, a path a mount (as systemctl
/// does). Fails on what can't be made a name.
[[nodiscard]] Result<std::string> complete_unit_name(std::string_view text);

/// `a/b c` -> `a-b\x20c`.
[[nodiscard]] std::string escape_unit_name(std::string_view text);
[[nodiscard]] Result<std::string> unescape_unit_name(std::string_view text);

/// `/dev//sda/` -> `dev-sda`, `/` -> `-`. Fails on a path with "..".
[[nodiscard]] Result<std::string> escape_path(std::string_view path);
/// The inverse; always absolute.
[[nodiscard]] Result<std::string> unescape_path(std::string_view text);

}  // namespace hearth
