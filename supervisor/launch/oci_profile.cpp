// SPDX-License-Identifier: MIT
#include "supervisor/launch/oci_profile.hpp"

#include <fmt/format.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "parser/diagnostic.hpp"
#include "supervisor/launch/seccomp_abis.hpp"
#include "units/names.hpp"

namespace hearth::launch {
namespace {

using nlohmann::json;

template <class Number>
struct Named {
    std::string_view name;
    Number number;
};

constexpr auto actions = std::to_array<Named<std::uint32_t>>({
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(EPERM)},
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
});
constexpr auto comparisons = std::to_array<Named<int>>({
    {"SCMP_CMP_EQ", SCMP_CMP_EQ},
    {"SCMP_CMP_GE", SCMP_CMP_GE},
    {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_LT", SCMP_CMP_LT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
    {"SCMP_CMP_NE", SCMP_CMP_NE},
});

/// The machine as Docker calls it (Go's names) and as the profile does.
struct Machine {
    std::uint32_t architecture;
    std::string_view go_name, profile_name;
};
constexpr auto machines = std::to_array<Machine>({
    {SCMP_ARCH_X86_64, "amd64", "SCMP_ARCH_X86_64"},
    {SCMP_ARCH_AARCH64, "arm64", "SCMP_ARCH_AARCH64"},
});

const Machine& machine() {
    const auto found =
        std::ranges::find(machines, local_abis().front().scmp_architecture, &Machine::architecture);
    return found == machines.end() ? machines.front() : *found;
}

/// What libseccomp would call it: SCMP_ARCH_X86 is its "x86".
std::uint32_t architecture_number(std::string_view name) {
    constexpr std::string_view prefix = "SCMP_ARCH_";
    if (!name.starts_with(prefix)) {
        return 0;
    }
    std::string lower(name.substr(prefix.size()));
    std::ranges::transform(lower, lower.begin(), [](char byte) {
        return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
    });
    return seccomp_arch_resolve_name(lower.c_str());
}

/// Reads one profile; the first thing that is wrong is kept in `error_` and ends it.
class Reader {
public:
    explicit Reader(const OciCircumstances& circumstances) : circumstances_(circumstances) {}

    Result<OciProfile> read(std::string_view text) {
        const json document = json::parse(text, nullptr, false);
        if (!document.is_object()) {
            return failure("is no JSON object");
        }
        OciProfile profile;
        profile.default_action = action(document, "defaultAction", "defaultErrnoRet");
        refuse_loading_options(document);
        read_architectures(document, profile);
        for (const json& entry : list(document, "syscalls")) {
            if (auto rule = read_rule(entry)) {
                profile.rules.push_back(std::move(*rule));
            }
        }
        if (!error_.empty()) {
            return failure(error_);
        }
        return profile;
    }

private:
    void fail(std::string what) {
        if (error_.empty()) {
            error_ = std::move(what);
        }
    }

    /// The member, or null where it is missing or null itself.
    static const json* member(const json& object, const char* key) {
        const auto found = object.find(key);
        return found == object.end() || found->is_null() ? nullptr : &*found;
    }

    const json& list(const json& object, const char* key) {
        static const json empty = json::array();
        const json* const found = member(object, key);
        if (found != nullptr && !found->is_array()) {
            fail(fmt::format("{} is no list", key));
        }
        return found != nullptr && found->is_array() ? *found : empty;
    }

    std::string text(const json& value, const char* what) {
        if (!value.is_string()) {
            fail(fmt::format("{} is no text", what));
            return {};
        }
        return value.get<std::string>();
    }

    std::uint64_t number(const json& object, const char* key) {
        const json* const found = member(object, key);
        if (found == nullptr) {
            return 0;
        }
        if (!found->is_number_unsigned()) {
            fail(fmt::format("{} is no whole number", key));
            return 0;
        }
        return found->get<std::uint64_t>();
    }

    template <class Number, std::size_t count>
    Number named(
        const std::array<Named<Number>, count>& table, const std::string& name, const char* what) {
        const auto found = std::ranges::find(table, name, &Named<Number>::name);
        if (found == table.end()) {
            fail(fmt::format("{} {} is not supported", what, quoted(name)));
            return Number();
        }
        return found->number;
    }

    std::uint32_t action(const json& object, const char* key, const char* errno_key) {
        const json* const found = member(object, key);
        if (found == nullptr) {
            fail(fmt::format("{} is missing", key));
            return 0;
        }
        const std::string name = text(*found, key);
        std::uint32_t made = named(actions, name, key);
        if (name == "SCMP_ACT_ERRNO" && member(object, errno_key) != nullptr) {
            const std::uint64_t code = number(object, errno_key);
            if (code > 4095) {
                fail(fmt::format("{} {} is no error", errno_key, code));
            }
            made = SCMP_ACT_ERRNO(code & 0xfff);
        }
        return made;
    }

    /// What changes how a filter is loaded; TSYNC is moot for a process of one thread.
    void refuse_loading_options(const json& document) {
        for (const json& flag : list(document, "flags")) {
            if (const std::string name = text(flag, "flags"); name != "SECCOMP_FILTER_FLAG_TSYNC") {
                fail(fmt::format("the flag {} is not supported", quoted(name)));
            }
        }
        if (member(document, "listenerPath") != nullptr) {
            fail("listenerPath is not supported");
        }
    }

    void add_architecture(const json& name, OciProfile& profile) {
        const std::string written = text(name, "an architecture");
        const std::uint32_t found = architecture_number(written);
        if (found == 0) {
            fail(fmt::format("{} is no architecture", quoted(written)));
        } else if (found != machine().architecture) {
            profile.architectures.push_back(found);
        }
    }

    void read_architectures(const json& document, OciProfile& profile) {
        for (const json& name : list(document, "architectures")) {
            add_architecture(name, profile);
        }
        for (const json& entry : list(document, "archMap")) {
            const json* const own = entry.is_object() ? member(entry, "architecture") : nullptr;
            if (own == nullptr) {
                fail("an entry of archMap has no architecture");
            } else if (text(*own, "architecture") == machine().profile_name) {
                for (const json& name : list(entry, "subArchitectures")) {
                    add_architecture(name, profile);
                }
            }
        }
    }

    bool has_capability(const json& value) {
        const std::string name = text(value, "caps");
        const auto found = capability_number(name);
        if (!found) {
            fail(fmt::format("{} is no capability", quoted(name)));
        }
        return found && (circumstances_.capabilities >> *found & 1U) != 0;
    }

    bool is_own_architecture(const json& value) {
        return text(value, "arches") == machine().go_name;
    }

    /// "4.8": this kernel is that one or a later one.
    bool has_kernel(const json& filter) {
        const json* const wanted = member(filter, "minKernel");
        if (wanted == nullptr) {
            return true;
        }
        const std::string version = text(*wanted, "minKernel");
        unsigned major = 0, minor = 0;
        const char* const end = version.data() + version.size();
        const auto first = std::from_chars(version.data(), end, major);
        if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.' ||
            std::from_chars(first.ptr + 1, end, minor).ptr != end) {
            fail(fmt::format("minKernel {} is no version", quoted(version)));
        }
        return std::pair(circumstances_.kernel_major, circumstances_.kernel_minor) >=
               std::pair(major, minor);
    }

    /// As Docker: all of includes' capabilities, its architecture, its kernel; none of excludes'.
    bool holds(const json& rule) {
        if (const json* const includes = member(rule, "includes")) {
            for (const json& capability : list(*includes, "caps")) {
                if (!has_capability(capability)) {
                    return false;
                }
            }
            const json& arches = list(*includes, "arches");
            if (!arches.empty() && std::ranges::none_of(arches, [&](const json& each) {
                    return is_own_architecture(each);
                })) {
                return false;
            }
            if (!has_kernel(*includes)) {
                return false;
            }
        }
        if (const json* const excludes = member(rule, "excludes")) {
            for (const json& capability : list(*excludes, "caps")) {
                if (has_capability(capability)) {
                    return false;
                }
            }
            for (const json& each : list(*excludes, "arches")) {
                if (is_own_architecture(each)) {
                    return false;
                }
            }
            if (member(*excludes, "minKernel") != nullptr && has_kernel(*excludes)) {
                return false;
            }
        }
        return true;
    }

    OciArgument read_argument(const json& entry) {
        OciArgument made;
        if (!entry.is_object()) {
            fail("an argument is no object");
            return made;
        }
        const std::uint64_t index = number(entry, "index");
        if (index > 5) {
            fail("a system call has no argument " + std::to_string(index));
        }
        made.index = static_cast<unsigned>(index);
        made.value = number(entry, "value");
        made.second_value = number(entry, "valueTwo");
        const json* const comparison = member(entry, "op");
        made.comparison = comparison == nullptr ? (fail("an argument has no op"), 0)
                                                : named(comparisons, text(*comparison, "op"), "op");
        return made;
    }

    std::optional<OciRule> read_rule(const json& entry) {
        if (!entry.is_object()) {
            fail("an entry of syscalls is no object");
            return std::nullopt;
        }
        OciRule rule;
        if (const json* const name = member(entry, "name")) {  // before Docker 1.12
            rule.calls.push_back(text(*name, "name"));
        }
        for (const json& name : list(entry, "names")) {
            rule.calls.push_back(text(name, "names"));
        }
        if (rule.calls.empty()) {
            fail("an entry of syscalls names no call");
        }
        rule.action = action(entry, "action", "errnoRet");
        for (const json& argument : list(entry, "args")) {
            rule.arguments.push_back(read_argument(argument));
        }
        return holds(entry) ? std::optional(std::move(rule)) : std::nullopt;
    }

    const OciCircumstances& circumstances_;
    std::string error_;
};

}  // namespace

Result<OciProfile> parse_oci_profile(std::string_view text, const OciCircumstances& circumstances) {
    return Reader(circumstances).read(text);
}

}  // namespace hearth::launch
