// SPDX-License-Identifier: MIT
//
// Value: a value as it came over the bus, kept with its D-Bus type, so that `show`, `status` and
// --json can each print it their way. A tree: arrays, structs and dictionary entries have members;
// a variant is replaced by what is in it. Read from a message once, then independent of it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"

struct sd_bus_message;

namespace hearth::ctl {

struct Value {
    char type = 0;  ///< D-Bus: 's', 'o', 'b', 'y', 'i', 'u', 'x', 't', 'd', 'h', 'a', '(', '{'
    std::string signature;     ///< of the whole value
    std::string text;          ///< s, o, g
    std::uint64_t number = 0;  ///< b, y, u, t; two's complement of i and x
    double real = 0;           ///< d
    std::vector<Value> members;

    [[nodiscard]] std::int64_t integer() const { return static_cast<std::int64_t>(number); }
    [[nodiscard]] bool truth() const { return number != 0; }
};

/// A property and its value, in the order of the message: `show` keeps it.
struct NamedValue {
    std::string name;
    Value value;
};
using Properties = std::vector<NamedValue>;

/// The next complete value of the message.
Result<Value> read_value(sd_bus_message* message);
/// An a{sv}.
Result<Properties> read_properties(sd_bus_message* message);

/// Lookup for those who print single properties; missing ones are empty, 0 or false.
class PropertyMap {
public:
    explicit PropertyMap(const Properties& properties);
    [[nodiscard]] const Value* find(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] std::uint64_t number(std::string_view name) const;
    [[nodiscard]] std::uint64_t counter(
        std::string_view name) const;  ///< missing: UINT64_MAX, "not known"
    [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;

private:
    std::map<std::string_view, const Value*> values_;
};

/// As JSON; strings that are not UTF-8 were refused by the bus already.
[[nodiscard]] std::string to_json(const Value& value);
[[nodiscard]] std::string json_string(std::string_view text);
[[nodiscard]] std::string to_json(const Properties& properties);

}  // namespace hearth::ctl
