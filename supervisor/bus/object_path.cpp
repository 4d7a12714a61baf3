// SPDX-License-Identifier: MIT
#include "supervisor/bus/object_path.hpp"

#include <charconv>

namespace hearth::bus {

namespace {

bool plain(char byte, bool first) {
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool digit = byte >= '0' && byte <= '9';
    return letter || (digit && !first);  // a leading digit is escaped too
}

int hex_value(char byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    if (byte >= 'a' && byte <= 'f') {
        return byte - 'a' + 10;
    }
    return -1;
}

std::string escape(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (text.empty()) {
        return "_";
    }
    std::string escaped;
    for (const char byte : text) {
        if (plain(byte, escaped.empty())) {
            escaped += byte;
            continue;
        }
        const auto value = static_cast<unsigned char>(byte);
        escaped += '_';
        escaped += digits[value >> 4U];
        escaped += digits[value & 15U];
    }
    return escaped;
}

std::optional<std::string_view> below(std::string_view path, std::string_view prefix) {
    if (!path.starts_with(prefix) || path.size() < prefix.size() + 2 ||
        path[prefix.size()] != '/') {
        return std::nullopt;
    }
    return path.substr(prefix.size() + 1);
}

}  // namespace

std::string unit_path(std::string_view unit) {
    return std::string(unit_prefix) + "/" + escape(unit);
}

std::string job_path(JobId job) {
    return std::string(job_prefix) + "/" + std::to_string(job);
}

std::optional<std::string> unit_of_path(std::string_view path) {
    const auto label = below(path, unit_prefix);
    if (!label) {
        return std::nullopt;
    }
    if (*label == "_") {
        return std::string();
    }
    std::string name;
    for (std::size_t index = 0; index < label->size(); ++index) {
        const char byte = (*label)[index];
        if (byte != '_') {
            name += byte;
            continue;
        }
        if (index + 2 >= label->size()) {
            return std::nullopt;
        }
        const int high = hex_value((*label)[index + 1]);
        const int low = hex_value((*label)[index + 2]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        name += static_cast<char>(high * 16 + low);
        index += 2;
    }
    return name;
}

std::optional<JobId> job_of_path(std::string_view path) {
    const auto label = below(path, job_prefix);
    if (!label) {
        return std::nullopt;
    }
    JobId job = 0;
    const auto [end, error] = std::from_chars(label->data(), label->data() + label->size(), job);
    if (error != std::errc() || end != label->data() + label->size() || label->starts_with('0')) {
        return std::nullopt;
    }
    return job;
}

}  // namespace hearth::bus
