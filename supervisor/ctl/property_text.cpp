// SPDX-License-Identifier: MIT
#include "supervisor/ctl/property_text.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <initializer_list>
#include <set>

#include "supervisor/ctl/property_text_triggers.hpp"
#include "supervisor/ctl/time_format.hpp"
#include "units/amount_text.hpp"
#include "units/names.hpp"
#include "units/number_lists.hpp"
#include "units/process_codecs.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth::ctl {

namespace {

using std::string_view;

bool one_of(string_view name, std::initializer_list<string_view> names) {
    return std::ranges::count(names, name) > 0;
}

bool contains(string_view text, string_view part) {
    return text.find(part) != string_view::npos;
}

PropertyText one(std::string line, bool empty = false) {
    return {{std::move(line)}, empty};
}

PropertyText nothing() {
    return one("", true);
}

PropertyText unprintable() {
    return one("[unprintable]", true);
}

/// A member of a list, quoted where a shell would need it.
std::string shell_quoted(string_view text) {
    constexpr string_view special = " \"\\`$*?['()<>|&;!";
    constexpr string_view letters = "abtnvfr";  // of the bytes 7 to 13
    const auto control = [](char byte) {
        return (static_cast<unsigned char>(byte) < 0x20) || byte == 0x7f;
    };
    const bool plain = std::ranges::none_of(
        text, [&](char byte) { return control(byte) || special.find(byte) != string_view::npos; });
    if (plain) {
        return std::string(text);
    }
    std::string quoted = "\"";
    for (const char byte : text) {
        if (byte >= 7 && byte <= 13) {
            quoted += '\\';
            quoted += letters[static_cast<std::size_t>(byte - 7)];
        } else if (control(byte)) {
            quoted += fmt::format("\\{:03o}", static_cast<unsigned>(byte));
        } else {
            quoted += contains("\"\\`$", string_view(&byte, 1)) ? "\\" : "";
            quoted += byte;
        }
    }
    return quoted + '"';
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (std::size_t index = 0; index < parts.size(); ++index) {
        text += (index == 0 ? "" : " ") + parts[index];
    }
    return text;
}

std::string signal_text(std::uint64_t number) {
    const auto signal = static_cast<int>(number);
    if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
        return signal == SIGRTMIN ? "RTMIN" : fmt::format("RTMIN+{}", signal - SIGRTMIN);
    }
    const std::string name(signal_name(signal));
    return name.starts_with("SIG") ? name.substr(3) : std::to_string(signal);
}

// ---- numbers ------------------------------------------------------------------------------------

std::string capabilities(std::uint64_t mask) {
    std::vector<std::string> names;
    for (unsigned capability = 0; capability < 64; ++capability) {
        if (((mask >> capability) & 1U) != 0) {
            std::string name(capability_name(capability));
            std::ranges::transform(name, name.begin(), [](char byte) {
                return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
            });
            if (!name.empty() && name.starts_with("cap_")) {
                names.push_back(std::move(name));
            }
        }
    }
    return joined(names);
}

/// The bits are those that stay allowed.
std::string namespaces(std::uint64_t allowed) {
    std::vector<std::string> names;
    for (const NamespaceKind& kind : namespace_kinds()) {
        if ((allowed & kind.flag) != 0) {
            names.emplace_back(kind.name);
        }
    }
    return names.empty() ? "yes" : names.size() == namespace_kinds().size() ? "no" : joined(names);
}

bool prints_not_set(string_view name) {
    return one_of(
               name,
               {"CPUWeight",
                "StartupCPUWeight",
                "IOWeight",
                "StartupIOWeight",
                "CPUShares",
                "StartupCPUShares",
                "BlockIOWeight",
                "StartupBlockIOWeight",
                "MemoryCurrent",
                "TasksCurrent"}) ||
           name.ends_with("NSec");
}

bool prints_infinity(string_view name) {
    return one_of(
               name,
               {"MemoryLow",
                "DefaultMemoryLow",
                "MemoryMin",
                "DefaultMemoryMin",
                "MemoryHigh",
                "MemoryMax",
                "MemorySwapMax",
                "MemoryLimit",
                "MemoryAvailable",
                "TasksMax",
                "DefaultTasksMax"}) ||
           name.starts_with("Limit") || name.starts_with("DefaultLimit");
}

PropertyText unsigned64(string_view name, std::uint64_t number) {
    if (name.ends_with("Timestamp") ||
        one_of(name, {"NextElapseUSecRealtime", "LastTriggerUSec", "TimeUSec", "RTCTimeUSec"})) {
        const std::string text = timestamp(number);
        return one(text, text.empty());
    }
    if (contains(name, "USec")) {
        return one(timespan_text(number, 1));
    }
    if (one_of(name, {"CapabilityBoundingSet", "AmbientCapabilities"})) {
        const std::string text = capabilities(number);
        return one(text, text.empty());
    }
    if (name == "RestrictNamespaces") {
        return one(namespaces(number));
    }
    if (name == "MountFlags") {  // MS_PRIVATE, MS_SLAVE, MS_SHARED of mount(2)
        const string_view text = number == 1U << 18   ? "private"
                                 : number == 1U << 19 ? "slave"
                                 : number == 1U << 20 ? "shared"
                                                      : "";
        return one(std::string(text), text.empty());
    }
    if (name == "CoredumpFilter") {
        return one(fmt::format("0x{:x}", number));
    }
    if (number == 0 && one_of(name, {"CPUWeight", "StartupCPUWeight"})) {
        return one("idle");
    }
    if (number == UINT64_MAX && prints_not_set(name)) {
        return one("[not set]");
    }
    if (number == UINT64_MAX && prints_infinity(name)) {
        return one("infinity");
    }
    if (number == UINT64_MAX &&
        one_of(name, {"IPIngressBytes", "IPIngressPackets", "IPEgressBytes", "IPEgressPackets"})) {
        return one("[no data]");
    }
    return one(std::to_string(number));
}

PropertyText unsigned32(string_view name, std::uint64_t number) {
    if (contains(name, "UMask") || contains(name, "Mode")) {
        return one(fmt::format("{:04o}", number));
    }
    if (number == UINT32_MAX && one_of(name, {"UID", "GID"})) {
        return one("[not set]");
    }
    return one(std::to_string(number));
}

// ---- compound types -----------------------------------------------------------------------------

/// (path, argv, ignore, start, start mono, exit, exit mono, pid, code, status); the Ex form has
/// flags.
std::string command_text(const Value& command) {
    const auto& member = command.members;
    std::vector<std::string> arguments, flags;
    for (const Value& each : member[1].members) {
        arguments.push_back(each.text);
    }
    for (const Value& each : member[2].members) {
        flags.push_back(each.text);
    }
    const bool extended = member[2].type == 'a';
    const std::string start = timestamp(member[3].number), stop = timestamp(member[5].number);
    constexpr auto codes = std::to_array<const char*>({"(null)", "exited", "killed", "dumped"});
    const std::uint64_t code = member[8].number;
    const std::uint64_t status = member[9].number;
    const std::string how = code == CLD_EXITED ? "" : "/" + signal_text(status);
    return fmt::format(
        "{{ path={} ; argv[]={} ; {}={} ; start_time=[{}] ; stop_time=[{}] ; pid={} ; code={} ; "
        "status={}{} }}",
        member[0].text,
        joined(arguments),
        extended ? "flags" : "ignore_errors",
        extended ? joined(flags) : (member[2].truth() ? "yes" : "no"),
        start.empty() ? "n/a" : start,
        stop.empty() ? "n/a" : stop,
        member[7].number,
        code < codes.size() ? codes[code] : "(null)",
        status,
        how);
}

PropertyText commands(const Value& value) {
    PropertyText text;
    for (const Value& command : value.members) {
        text.lines.push_back(command_text(command));
    }
    return text;
}

PropertyText environment_files(const Value& value) {
    PropertyText text;
    for (const Value& file : value.members) {
        text.lines.push_back(fmt::format(
            "{} (ignore_errors={})", file.members[0].text, file.members[1].truth() ? "yes" : "no"));
    }
    return text;
}

PropertyText exit_statuses(const Value& value) {
    std::vector<std::string> parts;
    for (const Value& code : value.members[0].members) {
        parts.push_back(std::to_string(code.integer()));
    }
    for (const Value& signal : value.members[1].members) {
        parts.push_back(signal_text(signal.number));
    }
    return one(joined(parts), parts.empty());
}

/// An allow-list, or with '~' a deny-list. An empty deny-list is the default and left out.
PropertyText filter_list(const Value& value) {
    const bool allow = value.members[0].truth();
    std::vector<std::string> parts;
    for (const Value& entry : value.members[1].members) {
        parts.push_back(entry.text);
    }
    return one((allow ? "" : "~") + joined(parts), !allow && parts.empty());
}

PropertyText binds(const Value& value) {
    constexpr std::uint64_t recursive = 0x4000;  // MS_REC
    std::vector<std::string> parts;
    for (const Value& bind : value.members) {
        parts.push_back(fmt::format(
            "{}{}:{}{}",
            bind.members[2].truth() ? "-" : "",
            bind.members[0].text,
            bind.members[1].text,
            bind.members[3].number == recursive ? ":rbind" : ""));
    }
    return one(joined(parts), parts.empty());
}

/// PARTITION:OPTIONS for each partition of an image.
std::string partitions(const Value& value, std::string_view separator) {
    std::string text;
    for (const Value& entry : value.members) {
        text += text.empty() ? "" : separator;
        text += entry.members[0].text + ":" + entry.members[1].text;
    }
    return text;
}

/// MountImages= and ExtensionImages=: paths, whether they may be missing, partitions' options.
PropertyText images(const Value& value) {
    std::vector<std::string> parts;
    for (const Value& entry : value.members) {
        const std::size_t flag = entry.members.size() - 2;
        std::string text = entry.members[flag].truth() ? "-" : "";
        for (std::size_t i = 0; i < flag; ++i) {
            text += (i == 0 ? "" : ":") + entry.members[i].text;
        }
        const std::string options = partitions(entry.members[flag + 1], ":");
        parts.push_back(text + (options.empty() ? "" : ":") + options);
    }
    return one(joined(parts), parts.empty());
}

PropertyText pairs_of_text(string_view name, const Value& value) {
    if (name == "Listen" || name == "Paths") {
        return kinds_and_paths(value);
    }
    if (name == "TemporaryFileSystem") {
        std::vector<std::string> parts;
        for (const Value& entry : value.members) {
            const std::string& options = entry.members[1].text;
            parts.push_back(entry.members[0].text + (options.empty() ? "" : ":") + options);
        }
        return one(joined(parts), parts.empty());
    }
    if (name == "RootImageOptions") {
        return value.members.empty() ? PropertyText{} : one(partitions(value, " "));
    }
    if (name != "DeviceAllow" && name != "BPFProgram") {
        return unprintable();
    }
    const char* const between = name == "BPFProgram" ? ":" : " ";
    PropertyText text;
    for (const Value& entry : value.members) {
        text.lines.push_back(entry.members[0].text + between + entry.members[1].text);
    }
    return text;
}

/// The bytes of an `ay`.
std::string bytes_of(const Value& value) {
    std::string bytes;
    for (const Value& byte : value.members) {
        bytes += static_cast<char>(byte.number);
    }
    return bytes;
}

std::string numa_policy(std::int64_t mode) {
    const auto known = std::ranges::find_if(numa_policy_names, [&](const auto& entry) {
        return static_cast<std::int64_t>(entry.value) == mode;
    });
    return std::string(known == numa_policy_names.end() ? "n/a" : known->name);
}

PropertyText base64(const Value& value) {
    const std::string text = Codec<InputData>::format(InputData{bytes_of(value)});
    return one(text, text.empty());
}

PropertyText device_amounts(string_view name, const Value& value) {
    PropertyText text;
    for (const Value& entry : value.members) {
        const std::uint64_t amount = entry.members[1].number;
        text.lines.push_back(
            entry.members[0].text + " " +
            (name == "IODeviceLatencyTargetUSec" ? timespan_text(amount, 1)
                                                 : std::to_string(amount)));
    }
    return text;
}

/// Directories with the links that lead to them.
PropertyText links(const Value& value) {
    std::vector<std::string> parts;
    for (const Value& entry : value.members) {
        parts.push_back(entry.members[0].text + ":" + entry.members[1].text);
    }
    return parts.empty() ? PropertyText{} : one(joined(parts));
}

PropertyText prefixes(const Value& value) {
    std::vector<std::string> parts;
    for (const Value& entry : value.members) {
        AddressPrefix prefix;
        prefix.is_ipv6 = entry.members[0].integer() == AF_INET6;
        prefix.length = static_cast<std::uint32_t>(entry.members[2].number);
        const std::string address = bytes_of(entry.members[1]);
        std::copy_n(
            address.begin(),
            std::min(address.size(), prefix.address.size()),
            prefix.address.begin());
        parts.push_back(format_prefix(prefix));
    }
    return one(joined(parts), parts.empty());
}

/// As systemctl 252 prints them: a colon behind the protocol only where there is a family.
PropertyText bind_rules(const Value& value) {
    PropertyText text;
    for (const Value& entry : value.members) {
        const std::int64_t family = entry.members[0].integer();
        const std::int64_t protocol = entry.members[1].integer();
        const std::uint64_t count = entry.members[2].number;
        const std::uint64_t first = entry.members[3].number;
        std::string line = family == AF_INET ? "ipv4" : family == AF_INET6 ? "ipv6" : "";
        const string_view colon = line.empty() ? "" : ":";
        if (protocol != 0) {
            line += fmt::format("{}{}", colon, protocol == IPPROTO_TCP ? "tcp" : "udp");
        }
        if (count == 1) {
            line += fmt::format("{}{}", colon, first);
        } else if (count > 1) {
            line += fmt::format("{}{}-{}", colon, first, first + count - 1);
        }
        text.lines.push_back(line.empty() ? "any" : line);
    }
    return text;
}

/// A bit per CPU or memory node: "0-2 5".
PropertyText number_list(const Value& value) {
    std::set<std::uint32_t> numbers;
    for (std::uint32_t number = 0; number < value.members.size() * 8; ++number) {
        if ((value.members[number / 8].number >> (number % 8) & 1U) != 0) {
            numbers.insert(number);
        }
    }
    return one(format_numbers(numbers, " "), numbers.empty());
}

PropertyText bytes(const Value& value) {
    std::string text;
    for (const Value& byte : value.members) {
        text += fmt::format("{:02x}", byte.number);
    }
    return one(text, text.empty());
}

PropertyText texts(const Value& value) {
    std::vector<std::string> parts;
    for (const Value& member : value.members) {
        parts.push_back(shell_quoted(member.text));
    }
    return one(joined(parts), parts.empty());
}

PropertyText structure(const NamedValue& property) {
    const Value& value = property.value;
    if (value.signature == "(uo)") {
        const std::uint64_t job = value.members[0].number;
        return job == 0 ? nothing() : one(std::to_string(job));
    }
    if (value.signature == "(so)") {
        return one(value.members[0].text);
    }
    if (value.signature == "(ss)") {
        const std::string& first = value.members[0].text;
        const std::string& second = value.members[1].text;
        return first.empty() && second.empty() ? nothing()
                                               : one(fmt::format("{} \"{}\"", first, second));
    }
    if (value.signature == "(aiai)") {
        return exit_statuses(value);
    }
    if (value.signature == "(bas)") {
        return filter_list(value);
    }
    if (value.signature == "(bs)") {
        const std::string& text = value.members[1].text;
        return one((value.members[0].truth() ? "-" : "") + text, text.empty());
    }
    return unprintable();
}

PropertyText array(const NamedValue& property) {
    const Value& value = property.value;
    if (value.signature == "as") {
        return texts(value);
    }
    if (value.signature == "ay") {
        if (one_of(
                property.name,
                {"AllowedCPUs",
                 "AllowedMemoryNodes",
                 "CPUAffinity",
                 "EffectiveCPUs",
                 "EffectiveMemoryNodes",
                 "NUMAMask"})) {
            return number_list(value);
        }
        if (property.name == "StandardInputData") {
            return base64(value);
        }
        return bytes(value);
    }
    if (value.signature == "a(sasbttttuii)" || value.signature == "a(sasasttttuii)") {
        return commands(value);
    }
    if (value.signature == "a(sb)") {
        return environment_files(value);
    }
    if (value.signature == "a(ssbt)") {
        return binds(value);
    }
    if (value.signature == "a(ssba(ss))" || value.signature == "a(sba(ss))") {
        return images(value);
    }
    if (value.signature == "a(ss)") {
        return pairs_of_text(property.name, value);
    }
    if (value.signature == "a(st)") {
        return device_amounts(property.name, value);
    }
    if (value.signature == "a(stt)" || property.name == "TimersCalendar") {
        return timers(value);
    }
    if (value.signature == "a(sst)") {
        return links(value);
    }
    if (value.signature == "a(iayu)") {
        return prefixes(value);
    }
    if (value.signature == "a(iiqq)") {
        return bind_rules(value);
    }
    return unprintable();
}

}  // namespace

PropertyText property_text(const NamedValue& property) {
    const Value& value = property.value;
    switch (value.type) {
        case 's': {
            const bool one_line = value.text.find('\n') == std::string::npos;
            return one(one_line ? value.text : "[unprintable]", value.text.empty());
        }
        case 'b':
            return one(value.truth() ? "yes" : "no");
        case 't':
            return unsigned64(property.name, value.number);
        case 'u':
            return unsigned32(property.name, value.number);
        case 'q':  // systemctl has no text for it
            return unprintable();
        case 'i':
            if (property.name == "NUMAPolicy") {
                return one(numa_policy(value.integer()));
            }
            if (value.integer() < 0 && property.name.ends_with("ActionExitStatus")) {
                return one("[not set]", true);
            }
            return one(std::to_string(value.integer()));
        case 'x':
            return one(std::to_string(value.integer()));
        case 'd':
            return one(fmt::format("{:g}", value.real));
        case '(':
            return structure(property);
        case 'a':
            return array(property);
        default:
            return unprintable();
    }
}

}  // namespace hearth::ctl
