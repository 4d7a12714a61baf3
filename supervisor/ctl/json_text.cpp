// SPDX-License-Identifier: MIT
#include "supervisor/ctl/json_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace hearth::ctl {

namespace {

Json read(const nlohmann::json& value) {
    Json made;
    if (value.is_boolean()) {
        made = Json(value.get<bool>());
    } else if (value.is_number()) {
        made = Json(value.get<double>());
    } else if (value.is_string()) {
        made = Json(value.get<std::string>());
    } else if (value.is_array()) {
        made = Json::list();
        for (const auto& item : value) {
            made.items.push_back(read(item));
        }
    } else if (value.is_object()) {
        made.kind = Json::Kind::Object;
        for (const auto& [key, item] : value.items()) {
            made.members.emplace_back(key, read(item));
        }
    }
    return made;
}

constexpr double exact = 9e15;  // below 2^53: a double holds every whole number

nlohmann::json written(const Json& value) {
    switch (value.kind) {
        case Json::Kind::Null:
            return nullptr;
        case Json::Kind::Boolean:
            return value.boolean;
        case Json::Kind::Number:
            if (value.number == std::trunc(value.number) && std::abs(value.number) < exact) {
                return static_cast<std::int64_t>(value.number);
            }
            return value.number;
        case Json::Kind::Text:
            return value.text;
        case Json::Kind::List: {
            nlohmann::json made = nlohmann::json::array();
            for (const Json& item : value.items) {
                made.push_back(written(item));
            }
            return made;
        }
        case Json::Kind::Object: {
            nlohmann::json made = nlohmann::json::object();
            for (const auto& [key, item] : value.members) {
                made[key] = written(item);
            }
            return made;
        }
    }
    return nullptr;
}

}  // namespace

std::optional<Json> Json::parse(const std::string& text) {
    const auto value = nlohmann::json::parse(text, nullptr, false);
    return value.is_discarded() ? std::nullopt : std::optional(read(value));
}

std::string Json::dump() const {
    return written(*this).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const Json& Json::at(std::string_view key) const {
    static const Json null;
    const auto found = std::ranges::find(members, key, &std::pair<std::string, Json>::first);
    return found == members.end() ? null : found->second;
}

}  // namespace hearth::ctl
