// SPDX-License-Identifier: MIT
//
// JSON as the client needs it: hearthd's answers read into plain values, and back. json_text.cpp
// alone sees the library behind it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::ctl {

class Json {
public:
    enum class Kind : unsigned char { Null, Boolean, Number, Text, List, Object };

    Json() = default;
    Json(bool value) : kind(Kind::Boolean), boolean(value) {}
    Json(double value) : kind(Kind::Number), number(value) {}
    Json(std::string value) : kind(Kind::Text), text(std::move(value)) {}
    Json(std::string_view value) : Json(std::string(value)) {}
    Json(const char* value) : Json(std::string(value)) {}
    /// An object.
    Json(std::initializer_list<std::pair<std::string, Json>> made)
        : kind(Kind::Object), members(made) {}
    static Json list() {
        Json made;
        made.kind = Kind::List;
        return made;
    }

    /// Nothing where it is no JSON.
    static std::optional<Json> parse(const std::string& text);
    [[nodiscard]] std::string dump() const;

    /// A member; null where there is none.
    [[nodiscard]] const Json& at(std::string_view key) const;

    Kind kind = Kind::Null;
    bool boolean = false;
    double number = 0;
    std::string text;
    std::vector<Json> items;
    std::vector<std::pair<std::string, Json>> members;
};

}  // namespace hearth::ctl
