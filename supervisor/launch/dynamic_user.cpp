// SPDX-License-Identifier: MIT
#include "supervisor/launch/dynamic_user.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hearth::launch {
namespace {

/// FNV-1a: the same on every machine and in every version, so that state keeps its owner.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : text) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    return hash;
}

bool is_user_name(std::string_view text) {
    constexpr std::size_t longest = 31;
    const auto letter = [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
    };
    return !text.empty() && text.size() <= longest && letter(text.front()) &&
           std::ranges::all_of(text, [&](char byte) {
               return letter(byte) || (byte >= '0' && byte <= '9') || byte == '-';
           });
}

}  // namespace

std::string dynamic_user_name(const Unit& unit) {
    const ExecSettings& exec = unit.settings.exec;
    if (!exec.user.empty()) {
        return exec.user;
    }
    if (!exec.group.empty()) {
        return exec.group;
    }
    const std::string_view name = std::string_view(unit.name).substr(0, unit.name.rfind('.'));
    return is_user_name(name) ? std::string(name) : fmt::format("_du{:016x}", hash_of(unit.name));
}

std::uint32_t dynamic_uid_candidate(std::string_view name, std::uint32_t attempt) {
    constexpr std::uint64_t count = last_dynamic_uid - first_dynamic_uid + 1;
    return first_dynamic_uid + static_cast<std::uint32_t>((hash_of(name) + attempt) % count);
}

}  // namespace hearth::launch
