// SPDX-License-Identifier: MIT
//
// PrivateUsers=, ProtectHostname= and UserNamespaceRange=. Each began as a boolean, or stands
// beside one: every spelling of a boolean is read.
#include <algorithm>
#include <limits>

#include "parser/diagnostic.hpp"
#include "parser/specifiers.hpp"
#include "units/codec_parts.hpp"
#include "units/codecs.hpp"

namespace hearth {
namespace {

constexpr auto private_users_names = std::to_array<EnumName<PrivateUsers>>({
    {PrivateUsers::No, "no"},
    {PrivateUsers::Self, "self"},
    {PrivateUsers::Identity, "identity"},
    {PrivateUsers::Full, "full"},
});

constexpr std::size_t longest_host_name = 64;  // __NEW_UTS_LEN

bool is_host_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_host_name && name.front() != '-' &&
           name.front() != '.' && std::ranges::all_of(name, [](char byte) {
               return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                      (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
           });
}

}  // namespace

// ---- PrivateUsers=

/// `yes` is `self`, as since systemd 257.
Assigned Codec<PrivateUsers>::assign(
    PrivateUsers& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = PrivateUsers::No;
        return {};
    }
    if (const Result<bool, ValueError> boolean = read_boolean(text)) {
        field = *boolean ? PrivateUsers::Self : PrivateUsers::No;
        return {};
    }
    const auto found = value_of(text, private_users_names);
    if (!found) {
        return unknown_name(text, names_of(private_users_names));
    }
    field = *found;
    return {};
}

std::string Codec<PrivateUsers>::format(const PrivateUsers& value) {
    return value == PrivateUsers::Self ? "yes" : std::string(name_of(value, private_users_names));
}

void Codec<PrivateUsers>::write(const PrivateUsers& value, ValueSink& sink) {
    sink.string(name_of(value, private_users_names));
}

// ---- ProtectHostname=

Assigned Codec<ProtectHostname>::assign(
    ProtectHostname& field, std::string_view text, const ValueContext& context) {
    constexpr std::string_view own = "private";
    if (text.empty()) {
        field = {};
        return {};
    }
    if (const Result<bool, ValueError> boolean = read_boolean(text)) {
        field = {*boolean ? ProtectHostname::Mode::Yes : ProtectHostname::Mode::No, {}};
        return {};
    }
    const std::string_view mode = text.substr(0, text.find(':'));
    if (mode != own) {
        return bad_value(quoted(text) + " is not a mode", "write yes, no, private or private:NAME");
    }
    ProtectHostname made{ProtectHostname::Mode::Private, {}};
    if (mode.size() != text.size()) {
        made.name = HEARTH_TRY(expand(text.substr(mode.size() + 1), context));
        if (!is_host_name(made.name)) {
            return bad_value(
                quoted(made.name) + " is not a host name",
                "write up to 64 letters, digits, '-', '_' and '.'",
                mode.size() + 1);
        }
    }
    field = std::move(made);
    return {};
}

std::string Codec<ProtectHostname>::format(const ProtectHostname& value) {
    switch (value.mode) {
        case ProtectHostname::Mode::No:
            return "no";
        case ProtectHostname::Mode::Yes:
            return "yes";
        case ProtectHostname::Mode::Private:
            break;
    }
    return value.name.empty() ? "private" : "private:" + value.name;
}

void Codec<ProtectHostname>::write(const ProtectHostname& value, ValueSink& sink) {
    sink.open_struct("ss");
    sink.string(Codec<ProtectHostname>::format({value.mode, {}}));
    sink.string(value.name);
    sink.close_struct();
}

// ---- UserNamespaceRange=

Assigned Codec<UserNamespaceRange>::assign(
    UserNamespaceRange& field, std::string_view text, const ValueContext&) {
    constexpr const char* hint = "write auto, or BASE:COUNT as in 100000:65536";
    if (text.empty()) {
        field = {};
        return {};
    }
    if (text == "auto") {
        field = {true, 0, 0};
        return {};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
        return bad_value(quoted(text) + " is no range of ids", hint);
    }
    // Nothing of the host's root may be in it, and the last id is the kernel's "no id".
    constexpr std::uint64_t ids = std::numeric_limits<std::uint32_t>::max();
    const auto base = read_unsigned(text.substr(0, colon), 1, ids - 1);
    const auto count = read_unsigned(text.substr(colon + 1), 1, ids - 1);
    if (!base || !count || *base + *count > ids) {
        return bad_value(
            quoted(text) + " is no range of ids between 1 and 4294967294",
            hint,
            base ? colon + 1 : 0);
    }
    field = {false, static_cast<std::uint32_t>(*base), static_cast<std::uint32_t>(*count)};
    return {};
}

std::string Codec<UserNamespaceRange>::format(const UserNamespaceRange& value) {
    if (value.automatic) {
        return "auto";
    }
    return value.count == 0 ? std::string()
                            : std::to_string(value.base) + ":" + std::to_string(value.count);
}

void Codec<UserNamespaceRange>::write(const UserNamespaceRange& value, ValueSink& sink) {
    sink.string(Codec<UserNamespaceRange>::format(value));
}

}  // namespace hearth
