// SPDX-License-Identifier: MIT
//
// IPAddressAllow=, SocketBindAllow=, RestrictNetworkInterfaces= and kin.
#include <arpa/inet.h>

#include <algorithm>

#include "parser/diagnostic.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth {

using codec_parts::inverted;
using codec_parts::note;
using codec_parts::shifted;

namespace {

constexpr std::int32_t ipv4_family = 2, ipv6_family = 10;  // AF_INET, AF_INET6
constexpr std::int32_t tcp_protocol = 6, udp_protocol = 17;
constexpr std::size_t most_bind_rules = 128;
constexpr std::size_t longest_interface_name = 15;

struct NamedPrefixes {
    std::string_view name, ipv4, ipv6;
};
constexpr auto named_prefixes = std::to_array<NamedPrefixes>({
    {"any", "0.0.0.0/0", "::/0"},
    {"localhost", "127.0.0.0/8", "::1/128"},
    {"link-local", "169.254.0.0/16", "fe80::/64"},
    {"multicast", "224.0.0.0/4", "ff00::/8"},
});

Result<AddressPrefix, ValueError> read_prefix(std::string_view text) {
    const auto bad = [&] {
        return bad_value(
            quoted(text) + " is no address", "write 10.0.0.0/8, ::1 or any, localhost, ...");
    };
    AddressPrefix prefix;
    const std::size_t slash = text.find('/');
    const std::string address(text.substr(0, slash));
    prefix.is_ipv6 = address.find(':') != std::string::npos;
    if (::inet_pton(
            prefix.is_ipv6 ? ipv6_family : ipv4_family, address.c_str(), prefix.address.data()) !=
        1) {
        return bad();
    }
    const std::uint32_t longest = prefix.is_ipv6 ? 128 : 32;
    prefix.length = longest;
    if (slash != std::string_view::npos) {
        auto length = read_unsigned(text.substr(slash + 1), 0, longest);
        if (!length) {
            return Unexpected(shifted(std::move(length).error(), slash + 1));
        }
        prefix.length = static_cast<std::uint32_t>(*length);
    }
    for (std::uint32_t bit = prefix.length; bit < longest; ++bit) {  // the host's part
        std::uint8_t& byte = prefix.address[bit / 8];
        byte = static_cast<std::uint8_t>(byte & ~(0x80U >> bit % 8));
    }
    return prefix;
}

SocketBindRule::Family family_of(std::string_view word) {
    return word == "ipv4"   ? SocketBindRule::Family::Ipv4
           : word == "ipv6" ? SocketBindRule::Family::Ipv6
                            : SocketBindRule::Family::Any;
}
SocketBindRule::Protocol protocol_of(std::string_view word) {
    return word == "tcp"   ? SocketBindRule::Protocol::Tcp
           : word == "udp" ? SocketBindRule::Protocol::Udp
                           : SocketBindRule::Protocol::Any;
}

Result<SocketBindRule, ValueError> read_bind_rule(std::string_view text) {
    const auto bad = [&](std::size_t offset) {
        return bad_value(
            quoted(text) + " is no rule for bind(2)",
            "write [ipv4:|ipv6:][tcp:|udp:]PORT[-PORT], or any",
            offset);
    };
    SocketBindRule rule;
    if (text == "any") {
        return rule;
    }
    int part = 0;  // family, protocol, ports: each at most once and in this order
    std::size_t at = 0;
    while (at <= text.size()) {
        const std::size_t end = std::min(text.find(':', at), text.size());
        const std::string_view word = text.substr(at, end - at);
        if (part < 1 && family_of(word) != SocketBindRule::Family::Any) {
            rule.family = family_of(word);
            part = 1;
        } else if (part < 2 && protocol_of(word) != SocketBindRule::Protocol::Any) {
            rule.protocol = protocol_of(word);
            part = 2;
        } else if (part < 3 && end == text.size()) {
            const std::size_t dash = word.find('-');
            const auto first = read_unsigned(word.substr(0, dash), 1, 65535);
            const auto last = dash == std::string_view::npos
                                  ? first
                                  : read_unsigned(word.substr(dash + 1), 1, 65535);
            if (!first || !last || *first > *last) {
                return bad(at);
            }
            rule.first_port = static_cast<std::uint16_t>(*first);
            rule.ports = static_cast<std::uint16_t>(*last - *first + 1);
            part = 3;
        } else {
            return bad(at);
        }
        at = end + 1;
    }
    return rule;
}

std::string format_bind_rule(const SocketBindRule& rule) {
    std::string text;
    const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ":") + word; };
    if (rule.family != SocketBindRule::Family::Any) {
        add(rule.family == SocketBindRule::Family::Ipv4 ? "ipv4" : "ipv6");
    }
    if (rule.protocol != SocketBindRule::Protocol::Any) {
        add(rule.protocol == SocketBindRule::Protocol::Tcp ? "tcp" : "udp");
    }
    if (rule.ports == 1) {
        add(std::to_string(rule.first_port));
    } else if (rule.ports != 0) {
        add(std::to_string(rule.first_port) + "-" +
            std::to_string(rule.first_port + rule.ports - 1));
    }
    return text.empty() ? "any" : text;
}

}  // namespace

std::string format_prefix(const AddressPrefix& prefix) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(
        prefix.is_ipv6 ? ipv6_family : ipv4_family,
        prefix.address.data(),
        text.data(),
        static_cast<socklen_t>(text.size()));
    return std::string(text.data()) + "/" + std::to_string(prefix.length);
}

Assigned Codec<AddressPrefixes>::assign(
    AddressPrefixes& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.prefixes.clear();
        return {};
    }
    std::set<AddressPrefix> made = field.prefixes;
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Relaxed, context.notes))) {
        const auto named = std::ranges::find(named_prefixes, word.text, &NamedPrefixes::name);
        if (named != named_prefixes.end()) {
            made.insert(HEARTH_TRY(read_prefix(named->ipv4)));
            made.insert(HEARTH_TRY(read_prefix(named->ipv6)));
            continue;
        }
        auto prefix = read_prefix(word.text);
        if (!prefix) {
            return Unexpected(shifted(std::move(prefix).error(), word.offset));
        }
        made.insert(*prefix);
    }
    field.prefixes = std::move(made);
    return {};
}

std::string Codec<AddressPrefixes>::format(const AddressPrefixes& value) {
    std::string text;
    for (const AddressPrefix& prefix : value.prefixes) {
        text += (text.empty() ? "" : " ") + format_prefix(prefix);
    }
    return text;
}

void Codec<AddressPrefixes>::write(const AddressPrefixes& value, ValueSink& sink) {
    sink.open_array("(iayu)");
    for (const AddressPrefix& prefix : value.prefixes) {
        sink.open_struct("iayu");
        sink.signed32(prefix.is_ipv6 ? ipv6_family : ipv4_family);
        sink.bytes(std::span(prefix.address).first(prefix.is_ipv6 ? 16 : 4));
        sink.unsigned32(prefix.length);
        sink.close_struct();
    }
    sink.close_array();
}

Assigned Codec<std::vector<SocketBindRule>>::assign(
    std::vector<SocketBindRule>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    if (field.size() == most_bind_rules) {
        return bad_value("more than 128 rules", "join ranges of ports");
    }
    const std::string expanded = HEARTH_TRY(expand(text, context));
    field.push_back(HEARTH_TRY(read_bind_rule(expanded)));
    return {};
}

std::string Codec<std::vector<SocketBindRule>>::format(const std::vector<SocketBindRule>& value) {
    std::string text;
    for (const SocketBindRule& rule : value) {
        text += (text.empty() ? "" : "\n") + format_bind_rule(rule);
    }
    return text;
}

void Codec<std::vector<SocketBindRule>>::write(
    const std::vector<SocketBindRule>& value, ValueSink& sink) {
    sink.open_array("(iiqq)");
    for (const SocketBindRule& rule : value) {
        sink.open_struct("iiqq");
        sink.signed32(
            rule.family == SocketBindRule::Family::Any    ? 0
            : rule.family == SocketBindRule::Family::Ipv4 ? ipv4_family
                                                          : ipv6_family);
        sink.signed32(
            rule.protocol == SocketBindRule::Protocol::Any   ? 0
            : rule.protocol == SocketBindRule::Protocol::Tcp ? tcp_protocol
                                                             : udp_protocol);
        sink.unsigned16(rule.ports);
        sink.unsigned16(rule.first_port);
        sink.close_struct();
    }
    sink.close_array();
}

Assigned Codec<InterfaceList>::assign(
    InterfaceList& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const codec_parts::Inverted list = inverted(text);
    InterfaceList made = field;
    if (!made.assigned) {
        made.assigned = true;
        made.allow = !list.invert;
    }
    for (const Word& word : HEARTH_TRY(split_words(list.rest, Escapes::Relaxed, context.notes))) {
        const std::string name = HEARTH_TRY(expand(word.text, context));
        if (name.empty() || name.size() > longest_interface_name ||
            name.find('/') != std::string::npos) {
            return bad_value(
                quoted(name) + " is no name of an interface",
                "at most 15 bytes without '/'",
                word.offset + list.offset);
        }
        if (made.allow != list.invert) {
            made.names.insert(name);
        } else {
            made.names.erase(name);
        }
    }
    field = std::move(made);
    return {};
}

std::string Codec<InterfaceList>::format(const InterfaceList& value) {
    if (!value.assigned) {
        return {};
    }
    return (value.allow ? "" : "~") + join_words({value.names.begin(), value.names.end()});
}

void Codec<InterfaceList>::write(const InterfaceList& value, ValueSink& sink) {
    sink.open_struct("bas");
    sink.boolean(value.assigned && value.allow);
    sink.strings(std::vector<std::string>(value.names.begin(), value.names.end()));
    sink.close_struct();
}

}  // namespace hearth
