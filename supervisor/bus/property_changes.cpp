// SPDX-License-Identifier: MIT
//
// Properties that a client sets become a unit file's text: what `systemctl set-property` sends is a
// value of the property's D-Bus type, what hearth takes is the directive's own text, so that there
// is one parser. Follows org.freedesktop.systemd1(5), SetUnitProperties().
#include <fmt/format.h>
#include <netinet/in.h>

#include <cstring>

#include "supervisor/bus/core.hpp"
#include "units/directive.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth::bus {

namespace {

std::string number_text(std::string_view name, std::uint64_t value) {
    if (value == UINT64_MAX) {
        const bool unset = name.ends_with("Weight") || name.starts_with("CPUQuota");
        return unset ? "" : "infinity";
    }
    if (name == "CPUQuotaPerSecUSec") {
        return fmt::format("{}%", static_cast<double>(value) / 10'000);
    }
    return fmt::format("{}{}", value, name.ends_with("USec") ? "us" : "");
}

/// The directive that a property stands for: by the tables, and the shares of a whole.
std::string directive_of(std::string_view property) {
    if (property.ends_with("Scale")) {
        return std::string(property.substr(0, property.size() - 5));
    }
    for (const Row& row : resource_rows()) {
        for (const Property& each : row.properties) {
            if (each.name == property) {
                return std::string(row.name);
            }
        }
    }
    return std::string(property);
}

class Reader {
public:
    explicit Reader(sd_bus_message* message) : message_(message) {}

    /// The values of one variant, each the text of one assignment; nothing where its type has none.
    std::optional<std::vector<std::string>> values(std::string_view property) {
        char type = 0;
        const char* contents = nullptr;
        if (sd_bus_message_peek_type(message_, &type, &contents) <= 0) {
            return std::nullopt;
        }
        const std::string signature(contents == nullptr ? "" : contents);
        if (sd_bus_message_enter_container(message_, SD_BUS_TYPE_VARIANT, signature.c_str()) < 0) {
            return std::nullopt;
        }
        auto found = of_signature(property, signature);
        return found && sd_bus_message_exit_container(message_) >= 0 ? found : std::nullopt;
    }

private:
    using Values = std::optional<std::vector<std::string>>;

    Values of_signature(std::string_view property, const std::string& signature) {
        if (signature == "t") {
            std::uint64_t value = 0;
            return read('t', value) ? Values({number_text(property, value)}) : std::nullopt;
        }
        if (signature == "u") {  // MemoryMaxScale: parts of 2^32
            std::uint32_t value = 0;
            const bool share = read('u', value) && property.ends_with("Scale");
            const double percent = static_cast<double>(value) * 100 / 4'294'967'295.0;
            return share ? Values({fmt::format("{:.2f}%", percent)}) : std::nullopt;
        }
        if (signature == "b") {
            int value = 0;
            return read('b', value) ? Values({value != 0 ? "yes" : "no"}) : std::nullopt;
        }
        if (signature == "s") {
            const char* text = nullptr;
            return read('s', text) ? Values({text}) : std::nullopt;
        }
        if (signature == "a(st)" || signature == "a(ss)") {
            return pairs(property, signature[3]);
        }
        if (signature == "ay") {
            return indices();
        }
        if (signature == "as") {
            return names();
        }
        if (signature == "a(iayu)") {
            return list("(iayu)", [this](Values& values) { return add_prefix(values); });
        }
        if (signature == "a(iiqq)") {
            return list("(iiqq)", [this](Values& values) { return add_bind_rule(values); });
        }
        return signature == "(bas)" ? interfaces() : std::nullopt;
    }

    /// AllowedCPUs=: bit N of the bytes stands for N.
    Values indices() {
        const void* bytes = nullptr;
        std::size_t size = 0;
        if (sd_bus_message_read_array(message_, 'y', &bytes, &size) < 0) {
            return std::nullopt;
        }
        IndexSet set;
        for (std::uint32_t bit = 0; bit < size * 8; ++bit) {
            if ((static_cast<const std::uint8_t*>(bytes)[bit / 8] >> bit % 8 & 1U) != 0) {
                set.indices.insert(bit);
            }
        }
        return Values({Codec<IndexSet>::format(set)});
    }

    std::optional<std::vector<std::string>> strings() {
        std::vector<std::string> found;
        if (sd_bus_message_enter_container(message_, 'a', "s") < 0) {
            return std::nullopt;
        }
        for (const char* text = nullptr; read('s', text);) {
            found.emplace_back(text);
        }
        return sd_bus_message_exit_container(message_) >= 0 ? std::optional(found) : std::nullopt;
    }

    /// DisableControllers=, IPIngressFilterPath=: one assignment each; an empty list empties.
    Values names() {
        Values values = strings();
        if (values && values->empty()) {
            values->emplace_back();
        }
        return values;
    }

    template <class Add>
    Values list(const char* element, Add add) {
        Values values{std::in_place};
        if (sd_bus_message_enter_container(message_, 'a', element) < 0) {
            return std::nullopt;
        }
        const std::string members = std::string(element).substr(1, std::strlen(element) - 2);
        while (sd_bus_message_enter_container(message_, 'r', members.c_str()) > 0) {
            if (!add(values) || sd_bus_message_exit_container(message_) < 0) {
                return std::nullopt;
            }
        }
        if (values->empty()) {
            values->emplace_back();
        }
        return sd_bus_message_exit_container(message_) >= 0 ? values : std::nullopt;
    }

    bool add_prefix(Values& values) {
        std::int32_t family = 0;
        const void* bytes = nullptr;
        std::size_t size = 0;
        AddressPrefix prefix;
        if (!read('i', family) || sd_bus_message_read_array(message_, 'y', &bytes, &size) < 0 ||
            !read('u', prefix.length)) {
            return false;
        }
        prefix.is_ipv6 = family == AF_INET6;
        if ((family != AF_INET && family != AF_INET6) || size != (prefix.is_ipv6 ? 16U : 4U)) {
            return false;
        }
        std::memcpy(prefix.address.data(), bytes, size);
        values->push_back(format_prefix(prefix));
        return true;
    }

    bool add_bind_rule(Values& values) {
        std::int32_t family = 0;
        std::int32_t protocol = 0;
        SocketBindRule rule;
        if (!read('i', family) || !read('i', protocol) || !read('q', rule.ports) ||
            !read('q', rule.first_port)) {
            return false;
        }
        rule.family = family == AF_INET    ? SocketBindRule::Family::Ipv4
                      : family == AF_INET6 ? SocketBindRule::Family::Ipv6
                                           : SocketBindRule::Family::Any;
        rule.protocol = protocol == IPPROTO_TCP   ? SocketBindRule::Protocol::Tcp
                        : protocol == IPPROTO_UDP ? SocketBindRule::Protocol::Udp
                                                  : SocketBindRule::Protocol::Any;
        values->push_back(Codec<std::vector<SocketBindRule>>::format({rule}));
        return true;
    }

    /// RestrictNetworkInterfaces=: whether the list is of what is allowed, and the list.
    Values interfaces() {
        int allow = 0;
        InterfaceList made;
        if (sd_bus_message_enter_container(message_, 'r', "bas") < 0 || !read('b', allow)) {
            return std::nullopt;
        }
        const auto names = strings();
        if (!names || sd_bus_message_exit_container(message_) < 0) {
            return std::nullopt;
        }
        made.assigned = !names->empty();
        made.allow = allow != 0;
        made.names.insert(names->begin(), names->end());
        return Values({Codec<InterfaceList>::format(made)});
    }

    /// IODeviceWeight= and kin, DeviceAllow=. An empty list empties.
    Values pairs(std::string_view property, char second) {
        const char* const member = second == 't' ? "st" : "ss";
        std::vector<std::string> lines;
        if (sd_bus_message_enter_container(message_, 'a', second == 't' ? "(st)" : "(ss)") < 0) {
            return std::nullopt;
        }
        while (sd_bus_message_enter_container(message_, 'r', member) > 0) {
            const char* name = nullptr;
            const char* text = nullptr;
            std::uint64_t number = 0;
            if (!read('s', name) || !(second == 't' ? read('t', number) : read('s', text))) {
                return std::nullopt;
            }
            const std::string value = second == 't' ? number_text(property, number) : text;
            const char between = property == "BPFProgram" ? ':' : ' ';
            lines.push_back(fmt::format("{}{}{}", name, between, value));
            sd_bus_message_exit_container(message_);
        }
        if (lines.empty()) {
            lines.emplace_back();
        }
        return sd_bus_message_exit_container(message_) >= 0 ? Values(lines) : std::nullopt;
    }

    template <class Value>
    bool read(char type, Value& value) {
        return sd_bus_message_read_basic(message_, type, &value) > 0;
    }

    sd_bus_message* message_;
};

}  // namespace

int set_properties(Request& request, const std::string& unit) {
    bool runtime = false;
    if (const int result = request.read(runtime); result < 0) {
        return result;
    }
    std::vector<std::string> assignments;
    int result = sd_bus_message_enter_container(request.message, 'a', "(sv)");
    while (result >= 0 &&
           (result = sd_bus_message_enter_container(request.message, 'r', "sv")) > 0) {
        std::string property;
        if (result = request.read(property); result < 0) {
            return result;
        }
        const auto values = Reader(request.message).values(property);
        if (!values) {
            return request.refuse(
                "org.freedesktop.DBus.Error.PropertyReadOnly",
                "Cannot set property " + property + ", or unknown property.");
        }
        for (const std::string& value : *values) {
            assignments.push_back(directive_of(property) + "=" + value);
        }
        result = sd_bus_message_exit_container(request.message);
    }
    if (result < 0) {
        return result;
    }
    const auto set = request.connection.core.control.set_properties(unit, runtime, assignments);
    return set ? request.done() : request.refuse(set.error());
}

}  // namespace hearth::bus
