// SPDX-License-Identifier: MIT
#include "supervisor/bus/property_reader.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "parser/command_line.hpp"
#include "parser/specifiers.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"
#include "units/codecs.hpp"
#include "units/directive.hpp"
#include "units/names.hpp"
#include "units/process_codecs.hpp"
#include "units/resource_rule_codecs.hpp"
#include "units/type_section.hpp"

namespace hearth::bus {

namespace {

using Values = std::optional<std::vector<std::string>>;

// ---- which directive ----------------------------------------------------------------------------

/// Names that setters have and nobody shows, and what stands before the value in the directive.
struct SetterName {
    std::string_view property, directive, prefix;
};
constexpr auto setter_names = std::to_array<SetterName>({
    {"DelegateControllers", "Delegate", {}},
    {"StandardErrorFile", "StandardError", "file:"},
    {"StandardErrorFileToAppend", "StandardError", "append:"},
    {"StandardErrorFileToTruncate", "StandardError", "truncate:"},
    {"StandardInputFile", "StandardInput", "file:"},
    {"StandardOutputFile", "StandardOutput", "file:"},
    {"StandardOutputFileToAppend", "StandardOutput", "append:"},
    {"StandardOutputFileToTruncate", "StandardOutput", "truncate:"},
    {"TimeoutUSec", "TimeoutSec", {}},
});

struct Target {
    const Row* row = nullptr;
    std::string directive;
    std::string_view prefix;
};

bool stands_for(const Row& row, std::string_view property) {
    return std::ranges::any_of(
               row.properties, [&](const Property& each) { return each.name == property; }) ||
           row.name == property;
}

Target target_of(std::string_view property) {
    std::string_view name = property;
    std::string_view prefix;
    if (name.ends_with("Scale")) {
        name.remove_suffix(5);
    } else if (name.starts_with("Exec") && name.ends_with("Ex")) {
        name.remove_suffix(2);
    }
    const auto* const setter = std::ranges::find(setter_names, name, &SetterName::property);
    if (setter != setter_names.end()) {
        name = setter->directive;
        prefix = setter->prefix;
    }
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            if (stands_for(row, name)) {
                return {&row, std::string(row.name), prefix};
            }
        }
    }
    for (const UnitType type :
         {UnitType::Timer,
          UnitType::Path,
          UnitType::Mount,
          UnitType::Automount,
          UnitType::Swap,
          UnitType::Socket}) {
        for (const Row& row : own_rows(type)) {
            if (stands_for(row, name)) {
                return {&row, std::string(row.name), prefix};
            }
        }
    }
    return {nullptr, std::string(name), prefix};
}

// ---- texts --------------------------------------------------------------------------------------

/// What a directive's text calls a number.
struct NumberName {
    std::string_view directive;
    std::int32_t number;
    std::string_view word;
};
constexpr auto number_names = std::to_array<NumberName>({
    {"CPUSchedulingPolicy", 0, "other"},
    {"CPUSchedulingPolicy", 1, "fifo"},
    {"CPUSchedulingPolicy", 2, "rr"},
    {"CPUSchedulingPolicy", 3, "batch"},
    {"CPUSchedulingPolicy", 5, "idle"},
    {"IOSchedulingClass", 0, "none"},
    {"IOSchedulingClass", 1, "realtime"},
    {"IOSchedulingClass", 2, "best-effort"},
    {"IOSchedulingClass", 3, "idle"},
    {"NUMAPolicy", 0, "default"},
    {"NUMAPolicy", 1, "preferred"},
    {"NUMAPolicy", 2, "bind"},
    {"NUMAPolicy", 3, "interleave"},
    {"NUMAPolicy", 4, "local"},
});

bool has_codec(const Target& target, std::string_view syntax) {
    return target.row != nullptr && target.row->syntax == syntax;
}

template <class T>
bool has_codec(const Target& target) {
    return has_codec(target, Codec<T>::syntax);
}

std::string signed_text(const Target& target, std::int32_t value) {
    for (const NumberName& each : number_names) {
        if (each.directive == target.directive && each.number == value) {
            return std::string(each.word);
        }
    }
    if (has_codec<SecureBits>(target)) {
        return Codec<SecureBits>::format({static_cast<std::uint32_t>(value)});
    }
    return std::to_string(value);
}

std::string unsigned_text(const Target& target, std::string_view property, std::uint64_t value) {
    if (has_codec<AmbientSet>(target)) {
        return Codec<AmbientSet>::format({value});
    }
    if (has_codec<NamespaceRestriction>(target)) {
        return Codec<NamespaceRestriction>::format({value});
    }
    if (value == UINT64_MAX) {
        const bool unset = property.ends_with("Weight") || property.starts_with("CPUQuota");
        return unset ? "" : "infinity";
    }
    if (property == "CPUQuotaPerSecUSec") {
        return fmt::format("{}%", static_cast<double>(value) / 10'000);
    }
    const bool span = property.ends_with("USec") || has_codec<Timespan>(target) ||
                      has_codec<MicrosecondsLimit>(target) || has_codec<SecondsLimit>(target);
    const bool seconds = has_codec<SecondsLimit>(target);
    return fmt::format("{}{}", value, seconds ? "s" : span ? "us" : "");
}

// ---- one value ----------------------------------------------------------------------------------

/// Reads one value; the first thing that isn't there makes it bad.
class Reader {
public:
    Reader(sd_bus_message* message, const Target& target, std::string_view property)
        : message_(message), target_(target), property_(property) {}

    Values value(const std::string& signature) {
        for (const auto& [its, read] : readers) {
            if (its == signature) {
                std::vector<std::string> values = (this->*read)();
                return good_ ? Values(std::move(values)) : std::nullopt;
            }
        }
        return std::nullopt;
    }

private:
    using Lines = std::vector<std::string>;
    struct OfSignature {
        std::string_view signature;
        Lines (Reader::*read)();
    };

    template <class T>
    T basic(char type) {
        T value{};
        good_ = sd_bus_message_read_basic(message_, type, &value) > 0 && good_;
        return value;
    }
    std::string text() {
        const char* const text = basic<const char*>('s');
        return text == nullptr ? std::string() : std::string(text);
    }
    bool boolean() { return basic<int>('b') != 0; }

    /// Calls `each` for every member of an array, or once for a struct.
    template <class Each>
    void within(char type, const char* contents, Each each) {
        if (sd_bus_message_enter_container(message_, type, contents) <= 0) {
            good_ = false;
            return;
        }
        if (type == 'r') {
            each();
        } else {
            while (good_ && sd_bus_message_at_end(message_, 0) == 0) {
                each();
            }
        }
        good_ = sd_bus_message_exit_container(message_) >= 0 && good_;
    }
    template <class Each>
    void structs(const char* array, const char* members, Each each) {
        within('a', array, [&] { within('r', members, each); });
    }
    std::vector<std::string> texts() {
        std::vector<std::string> list;
        within('a', "s", [&] { list.push_back(text()); });
        return list;
    }
    std::string bytes() {
        const void* data = nullptr;
        std::size_t size = 0;
        good_ = sd_bus_message_read_array(message_, 'y', &data, &size) >= 0 && good_;
        return good_ ? std::string(static_cast<const char*>(data), size) : std::string();
    }
    /// An empty list empties the directive.
    static Lines or_reset(Lines&& lines) { return lines.empty() ? Lines{""} : std::move(lines); }

    Lines of_boolean() { return {boolean() ? "yes" : "no"}; }
    Lines of_text() {
        const std::string value = text();
        return {value.empty() ? value : std::string(target_.prefix) + escape_specifiers(value)};
    }
    Lines of_signed() { return {signed_text(target_, basic<std::int32_t>('i'))}; }
    Lines of_unsigned() { return {unsigned_text(target_, property_, basic<std::uint64_t>('t'))}; }
    Lines of_unsigned32() {
        const auto value = basic<std::uint32_t>('u');
        if (property_.ends_with("Scale")) {  // parts of 2^32
            return {fmt::format("{:.2f}%", static_cast<double>(value) * 100 / 4'294'967'295.0)};
        }
        return {has_codec<Mode>(target_) ? fmt::format("{:04o}", value) : std::to_string(value)};
    }
    Lines of_texts() {
        std::vector<std::string> words = texts();
        for (std::string& word : words) {
            word = escape_specifiers(word);
        }
        // IPIngressFilterPath=: one path each.
        return target_.directive.ends_with("FilterPath") ? or_reset(std::move(words))
                                                         : Lines{join_words(words)};
    }
    /// IPAddressAllow=, IPAddressDeny=.
    Lines of_prefixes() {
        Lines lines;
        structs("(iayu)", "iayu", [&] {
            const auto family = basic<std::int32_t>('i');
            const std::string address = bytes();
            AddressPrefix prefix;
            prefix.is_ipv6 = family == AF_INET6;
            prefix.length = basic<std::uint32_t>('u');
            good_ = good_ && (family == AF_INET || family == AF_INET6) &&
                    address.size() == (prefix.is_ipv6 ? 16U : 4U);
            if (good_) {
                std::memcpy(prefix.address.data(), address.data(), address.size());
                lines.push_back(format_prefix(prefix));
            }
        });
        return or_reset(std::move(lines));
    }
    /// SocketBindAllow=, SocketBindDeny=.
    Lines of_bind_rules() {
        Lines lines;
        structs("(iiqq)", "iiqq", [&] {
            const auto family = basic<std::int32_t>('i');
            const auto protocol = basic<std::int32_t>('i');
            SocketBindRule rule;
            rule.ports = basic<std::uint16_t>('q');
            rule.first_port = basic<std::uint16_t>('q');
            rule.family = family == AF_INET    ? SocketBindRule::Family::Ipv4
                          : family == AF_INET6 ? SocketBindRule::Family::Ipv6
                                               : SocketBindRule::Family::Any;
            rule.protocol = protocol == IPPROTO_TCP   ? SocketBindRule::Protocol::Tcp
                            : protocol == IPPROTO_UDP ? SocketBindRule::Protocol::Udp
                                                      : SocketBindRule::Protocol::Any;
            lines.push_back(Codec<std::vector<SocketBindRule>>::format({rule}));
        });
        return or_reset(std::move(lines));
    }
    /// Lists with '~' before what is denied.
    Lines of_filter() {
        std::string line;
        within('r', "bas", [&] {
            line = boolean() ? "" : "~";
            line += join_words(texts());
        });
        return {line};
    }
    Lines of_label() {
        std::string line;
        within('r', "bs", [&] {
            line = boolean() ? "-" : "";
            line += escape_specifiers(text());
        });
        return {line};
    }
    /// "-PATH"
    Lines of_optional_paths() {
        Lines lines;
        structs("(sb)", "sb", [&] {
            const std::string path = escape_specifiers(text());
            lines.push_back((boolean() ? "-" : "") + path);
        });
        return or_reset(std::move(lines));
    }
    /// TemporaryFileSystem=, LoadCredential=: with a colon; DeviceAllow= and kin with a space.
    Lines of_pairs() {
        const bool colon = has_codec<std::vector<TmpfsEntry>>(target_) ||
                           has_codec<std::vector<LoadedCredential>>(target_) ||
                           target_.directive == "BPFProgram";
        Lines lines;
        structs("(ss)", "ss", [&] {
            const std::string first = escape_specifiers(text());
            const std::string second = escape_specifiers(text());
            lines.push_back(first + (second.empty() ? "" : colon ? ":" : " ") + second);
        });
        return or_reset(std::move(lines));
    }
    Lines of_amounts() {
        Lines lines;
        structs("(st)", "st", [&] {
            const std::string path = escape_specifiers(text());
            lines.push_back(
                path + " " + unsigned_text(target_, property_, basic<std::uint64_t>('t')));
        });
        return or_reset(std::move(lines));
    }
    Lines of_binds() {
        Lines lines;
        structs("(ssbt)", "ssbt", [&] {
            BindEntry entry;
            entry.source = text();
            entry.destination = text();
            entry.optional = boolean();
            entry.recursive = basic<std::uint64_t>('t') != 0;
            lines.push_back(escape_specifiers(Codec<std::vector<BindEntry>>::format({entry})));
        });
        return or_reset(std::move(lines));
    }
    Lines of_credentials() {
        Lines lines;
        structs("(say)", "say", [&] {
            InlineCredential credential;
            credential.id = text();
            credential.data = bytes();
            lines.push_back(
                escape_specifiers(Codec<std::vector<InlineCredential>>::format({credential})));
        });
        return or_reset(std::move(lines));
    }
    Lines of_exit_statuses() {
        ExitStatusSet set;
        within('r', "aiai", [&] {
            for (std::set<int>* const numbers : {&set.codes, &set.signals}) {
                within('a', "i", [&] { numbers->insert(basic<std::int32_t>('i')); });
            }
        });
        return {Codec<ExitStatusSet>::format(set)};
    }
    /// LogExtraFields=: FIELD=VALUE each, in bytes.
    Lines of_fields() {
        Lines lines;
        within('a', "ay", [&] {
            while (good_ && sd_bus_message_at_end(message_, 0) == 0) {
                lines.push_back(escape_specifiers(quote_word(bytes())));
            }
        });
        return or_reset(std::move(lines));
    }
    /// CPUs and memory nodes by bits, or what standard input is fed with.
    Lines of_bytes() {
        const std::string data = bytes();
        if (has_codec<InputData>(target_)) {
            return {Codec<InputData>::format({data})};
        }
        IndexSet set;
        for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
            if (((static_cast<unsigned char>(data[bit / 8]) >> (bit % 8)) & 1U) != 0) {
                set.indices.insert(static_cast<std::uint32_t>(bit));
            }
        }
        return {Codec<IndexSet>::format(set)};
    }
    std::string line_of(CommandLine command) {
        command.argv0_given = command.argv.empty() || command.argv.front() != command.path;
        return escape_specifiers(format_command_line(command));
    }
    Lines of_commands() {
        Lines lines;
        structs("(sasb)", "sasb", [&] {
            CommandLine command;
            command.path = text();
            command.argv = texts();
            command.ignore_failure = boolean();
            lines.push_back(line_of(std::move(command)));
        });
        return or_reset(std::move(lines));
    }
    void flag(CommandLine& command, std::string_view name) {
        if (name == "ignore-failure") {
            command.ignore_failure = true;
        } else if (name == "privileged") {
            command.full_privileges = true;
        } else if (name == "no-setuid") {
            command.no_setuid = true;
        } else if (name == "ambient") {
            command.ambient = true;
        } else if (name == "no-env-expand") {
            command.no_environment_expansion = true;
        } else {
            good_ = false;
        }
    }
    Lines of_commands_with_flags() {
        Lines lines;
        structs("(sasas)", "sasas", [&] {
            CommandLine command;
            command.path = text();
            command.argv = texts();
            for (const std::string& name : texts()) {
                flag(command, name);
            }
            lines.push_back(line_of(std::move(command)));
        });
        return or_reset(std::move(lines));
    }

    static constexpr std::array<OfSignature, 20> readers = {{
        {"b", &Reader::of_boolean},
        {"s", &Reader::of_text},
        {"i", &Reader::of_signed},
        {"t", &Reader::of_unsigned},
        {"u", &Reader::of_unsigned32},
        {"as", &Reader::of_texts},
        {"ay", &Reader::of_bytes},
        {"aay", &Reader::of_fields},
        {"(bas)", &Reader::of_filter},
        {"(bs)", &Reader::of_label},
        {"(aiai)", &Reader::of_exit_statuses},
        {"a(iayu)", &Reader::of_prefixes},
        {"a(iiqq)", &Reader::of_bind_rules},
        {"a(sb)", &Reader::of_optional_paths},
        {"a(ss)", &Reader::of_pairs},
        {"a(st)", &Reader::of_amounts},
        {"a(ssbt)", &Reader::of_binds},
        {"a(say)", &Reader::of_credentials},
        {"a(sasb)", &Reader::of_commands},
        {"a(sasas)", &Reader::of_commands_with_flags},
    }};

    sd_bus_message* message_;
    const Target& target_;
    std::string_view property_;
    bool good_ = true;
};

/// LimitNOFILE, then LimitNOFILESoft: one directive.
bool joins_limit(PropertyList& list, std::string_view property, const std::string& value) {
    if (!property.starts_with("Limit") || !property.ends_with("Soft")) {
        return false;
    }
    const std::string directive(property.substr(0, property.size() - 4));
    const auto hard = std::ranges::find(list.read, directive, &ReadProperty::directive);
    if (hard == list.read.end() || hard->values.size() != 1) {
        return false;
    }
    if (hard->values.front() != value) {
        hard->values.front() = value + ":" + hard->values.front();
    }
    return true;
}

/// TimersMonotonic, TimersCalendar, Paths: each entry names its directive itself.
bool read_named(sd_bus_message* message, const std::string& signature, PropertyList& list) {
    const bool spans = signature == "a(st)";
    int result = sd_bus_message_enter_container(message, 'a', spans ? "(st)" : "(ss)");
    while (result >= 0 &&
           (result = sd_bus_message_enter_container(message, 'r', spans ? "st" : "ss")) > 0) {
        const char* directive = nullptr;
        const char* text = nullptr;
        std::uint64_t span = 0;
        result = spans ? sd_bus_message_read(message, "st", &directive, &span)
                       : sd_bus_message_read(message, "ss", &directive, &text);
        if (result >= 0) {
            std::string name(directive);
            if (name.ends_with("USec")) {
                name.replace(name.size() - 4, 4, "Sec");
            }
            list.read.push_back({std::move(name), {spans ? std::to_string(span) + "us" : text}});
            result = sd_bus_message_exit_container(message);
        }
    }
    return result >= 0 && sd_bus_message_exit_container(message) >= 0;
}

/// Reads one variant. false: it has no type that a property of that name takes.
bool read_variant(sd_bus_message* message, const std::string& property, PropertyList& list) {
    char type = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(message, &type, &contents) <= 0 || type != 'v') {
        return false;
    }
    const std::string signature(contents == nullptr ? "" : contents);
    if (sd_bus_message_enter_container(message, 'v', signature.c_str()) < 0) {
        return false;
    }
    if (property == "TimersMonotonic" || property == "TimersCalendar" || property == "Paths") {
        return (signature == "a(st)" || signature == "a(ss)") &&
               read_named(message, signature, list) && sd_bus_message_exit_container(message) >= 0;
    }
    const Target target = target_of(property);
    Values values = Reader(message, target, property).value(signature);
    if (!values || sd_bus_message_exit_container(message) < 0) {
        return false;
    }
    if (values->size() != 1 || !joins_limit(list, property, values->front())) {
        list.read.push_back({target.directive, std::move(*values)});
    }
    return true;
}

}  // namespace

PropertyList read_properties(
    sd_bus_message* message, const std::function<bool(const std::string&)>& special) {
    PropertyList list;
    list.result = sd_bus_message_enter_container(message, 'a', "(sv)");
    while (list.result >= 0 &&
           (list.result = sd_bus_message_enter_container(message, 'r', "sv")) > 0) {
        const char* name = nullptr;
        list.result = sd_bus_message_read_basic(message, 's', &name);
        if (list.result < 0) {
            return list;
        }
        const std::string property(name);
        if (!(special && special(property)) && !read_variant(message, property, list)) {
            list.refused = property;
            return list;
        }
        list.result = sd_bus_message_exit_container(message);
    }
    if (list.result >= 0) {
        list.result = sd_bus_message_exit_container(message);
    }
    return list;
}

}  // namespace hearth::bus
