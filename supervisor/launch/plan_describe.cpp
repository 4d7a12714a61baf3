// SPDX-License-Identifier: MIT
//
// describe(): a step with its arguments in one line, in the words of the kernel's own interfaces.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <span>
#include <string_view>

#include "supervisor/launch/plan.hpp"
#include "units/names.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth::launch {
namespace {

struct Bit {
    std::uint64_t value;
    std::string_view name;
};

/// "ro,nosuid"; what has no name is told in hexadecimal.
std::string bits(std::uint64_t value, std::span<const Bit> names) {
    std::string text;
    const auto add = [&](std::string_view name) { (text += text.empty() ? "" : ",") += name; };
    for (const Bit& bit : names) {
        if (bit.value != 0 && (value & bit.value) == bit.value) {
            add(bit.name);
            value &= ~bit.value;
        }
    }
    if (value != 0) {
        add(fmt::format("{:#x}", value));
    }
    return text;
}

constexpr auto attribute_names = std::to_array<Bit>({
    {MOUNT_ATTR_RDONLY, "ro"},
    {MOUNT_ATTR_NOSUID, "nosuid"},
    {MOUNT_ATTR_NODEV, "nodev"},
    {MOUNT_ATTR_NOEXEC, "noexec"},
    {MOUNT_ATTR_STRICTATIME, "strictatime"},
    {MOUNT_ATTR_NOATIME, "noatime"},
    {MOUNT_ATTR_NODIRATIME, "nodiratime"},
});
constexpr auto mount_flag_names = std::to_array<Bit>({
    {MS_RDONLY, "ro"},
    {MS_NOSUID, "nosuid"},
    {MS_NODEV, "nodev"},
    {MS_NOEXEC, "noexec"},
    {MS_STRICTATIME, "strictatime"},
    {MS_NOATIME, "noatime"},
    {MS_RELATIME, "relatime"},
    {MS_NODIRATIME, "nodiratime"},
    {MS_SYNCHRONOUS, "sync"},
    {MS_DIRSYNC, "dirsync"},
    {MS_LAZYTIME, "lazytime"},
    {MS_SILENT, "silent"},
});
constexpr auto open_flag_names = std::to_array<Bit>({
    {O_RDWR, "read-write"},
    {O_WRONLY, "write"},
    {O_CREAT, "create"},
    {O_TRUNC, "truncate"},
    {O_APPEND, "append"},
    {O_NOCTTY, "noctty"},
    {O_NONBLOCK, "nonblock"},
});
constexpr auto namespace_names = std::to_array<Bit>({
    {CLONE_NEWNS, "mount"},
    {CLONE_NEWUTS, "uts"},
    {CLONE_NEWIPC, "ipc"},
    {CLONE_NEWNET, "network"},
    {CLONE_NEWCGROUP, "cgroup"},
    {CLONE_NEWUSER, "user"},
});

struct LimitName {
    int resource;
    std::string_view name;
};
constexpr auto limit_names = std::to_array<LimitName>({
    {RLIMIT_CPU, "CPU"},
    {RLIMIT_FSIZE, "FSIZE"},
    {RLIMIT_DATA, "DATA"},
    {RLIMIT_STACK, "STACK"},
    {RLIMIT_CORE, "CORE"},
    {RLIMIT_RSS, "RSS"},
    {RLIMIT_NPROC, "NPROC"},
    {RLIMIT_NOFILE, "NOFILE"},
    {RLIMIT_MEMLOCK, "MEMLOCK"},
    {RLIMIT_AS, "AS"},
    {RLIMIT_LOCKS, "LOCKS"},
    {RLIMIT_SIGPENDING, "SIGPENDING"},
    {RLIMIT_MSGQUEUE, "MSGQUEUE"},
    {RLIMIT_NICE, "NICE"},
    {RLIMIT_RTPRIO, "RTPRIO"},
    {RLIMIT_RTTIME, "RTTIME"},
});

std::string limit_name(int resource) {
    for (const LimitName& limit : limit_names) {
        if (limit.resource == resource) {
            return std::string(limit.name);
        }
    }
    return std::to_string(resource);
}
std::string limit_value(std::uint64_t value) {
    return value == UINT64_MAX ? "infinity" : std::to_string(value);
}

/// "none", or the names; a nearly full set by what it lacks.
std::string capabilities(std::uint64_t mask) {
    const std::size_t known = capability_names().size();
    const std::uint64_t full = (std::uint64_t{1} << known) - 1;
    const std::uint64_t here = mask & full;
    if (here == 0) {
        return "none";
    }
    const bool inverted = static_cast<std::size_t>(std::popcount(here)) > known / 2;
    std::string text = inverted ? "all" : "";
    for (unsigned number = 0; number < known; ++number) {
        if ((((inverted ? ~here : here) >> number) & 1U) != 0) {
            text += (inverted ? " -" : (text.empty() ? "" : " ")) + capability_name(number);
        }
    }
    return text;
}

std::string optionally(bool optional) {
    return optional ? ", if it exists" : "";
}

std::string changes(std::uint64_t set, std::uint64_t clear) {
    std::string text;
    if (set != 0) {
        text += " " + bits(set, attribute_names);
    }
    if (clear != 0) {
        text += " not:" + bits(clear, attribute_names);
    }
    return text;
}

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, " "));
}

// ---- the arguments of each kind; those without any have none
// ----------------------------------------

template <class Any>
std::string arguments(const Any&) {
    return {};
}
std::string arguments(const MakeCgroup& step) {
    return step.path +
           (step.v1_controllers.empty() ? "" : ", joining " + joined(step.v1_controllers)) +
           (step.delegated_to
                ? fmt::format(
                      ", delegated to {}:{}", step.delegated_to->first, step.delegated_to->second)
                : "");
}
std::string arguments(const FilterCgroup& step) {
    std::string text = step.path;
    const auto add = [&](std::string_view what, const std::string& value) {
        if (!value.empty()) {
            std::string line = value;
            std::ranges::replace(line, '\n', ' ');
            text += fmt::format(", {} {}", what, line);
        }
    };
    if (step.devices) {
        add(step.device_policy == DevicePolicy::Strict ? "devices" : "standard devices and",
            step.device_rules.empty() ? "no others"
                                      : Codec<std::vector<DeviceRule>>::format(step.device_rules));
    }
    add("addresses allowed", Codec<AddressPrefixes>::format(step.addresses_allowed));
    add("denied", Codec<AddressPrefixes>::format(step.addresses_denied));
    add("counted", step.count_addresses ? "all" : "");
    add("bind allowed", Codec<std::vector<SocketBindRule>>::format(step.bind_allowed));
    add("denied", Codec<std::vector<SocketBindRule>>::format(step.bind_denied));
    add("interfaces", Codec<InterfaceList>::format(step.interfaces));
    return text;
}
std::string arguments(const AttachProgram& step) {
    return fmt::format("{}, {} {}", step.path, step.program.hook, step.program.path);
}
std::string arguments(const LimitSlice& step) {
    return step.filter ? arguments(*step.filter)
                       : (step.cgroup.path.empty() ? "-.slice" : step.cgroup.path);
}
std::string arguments(const OpenFile& step) {
    const auto flags = static_cast<std::uint64_t>(step.flags);
    const std::string access = (flags & O_ACCMODE) == O_RDONLY ? "read" : "";
    const std::string rest = bits(flags, open_flag_names);
    return fmt::format(
        "{} {} {}{}{}",
        step.slot,
        step.path,
        access,
        access.empty() || rest.empty() ? "" : ",",
        rest);
}
std::string arguments(const MakePrivateTmp& step) {
    return step.slot + " below " + step.parent;
}
std::string arguments(const MakeNamespace& step) {
    return step.slot +
           (step.kind == MakeNamespace::Kind::Network ? ", network with loopback" : ", ipc");
}
std::string arguments(const OpenNamespace& step) {
    return fmt::format(
        "{}, {} at {}",
        step.slot,
        step.kind == MakeNamespace::Kind::Network ? "network" : "ipc",
        step.path);
}
std::string ranges(const std::vector<IdRange>& map) {
    std::string text;
    for (const IdRange& range : map) {
        text += fmt::format(" {}:{}:{}", range.inside, range.outside, range.count);
    }
    return text;
}
std::string arguments(const MakeUserNamespace& step) {
    std::string text = fmt::format(
        "{}, uids{}, gids{}{}",
        step.slot,
        ranges(step.uids),
        ranges(step.gids),
        step.deny_setgroups ? ", no setgroups" : "");
    for (const MakeNamespace& owned : step.owned) {
        text += ", with " + arguments(owned);
    }
    return text;
}
std::string arguments(const JoinActivation& step) {
    return joined(step.slots) + " of " + joined(step.units);
}
std::string arguments(const KeepTree& step) {
    return fmt::format(
        "{} of {}{}{}{}",
        step.slot,
        step.source,
        step.root.empty() ? "" : " within " + step.root,
        step.recursive ? "" : ", not recursive",
        optionally(step.optional));
}
std::string arguments(const CloneTree& step) {
    return fmt::format(
        "{} of {}{}{}{}{}",
        step.slot,
        step.source,
        step.root.empty() ? "" : " within " + step.root,
        step.recursive ? "" : ", not recursive",
        step.id_map.empty() ? "" : ", ids as in " + step.id_map,
        optionally(step.optional));
}
std::string arguments(const MakeDevices& step) {
    return fmt::format(
        "{}{}{}",
        step.slot,
        step.message_queues ? "" : " without message queues",
        step.shared ? "" : " for this launch alone");
}
std::string arguments(const MountImage& step) {
    return fmt::format(
        "{} of {}{}{}{}{}{}",
        step.slot,
        step.source,
        changes(step.attributes, 0),
        step.read_only ? ", read-only" : "",
        step.options.empty() ? "" : " ",
        step.options,
        optionally(step.optional));
}
std::string arguments(const MountLayers& step) {
    std::string text = fmt::format("{} of {} in {}", step.slot, step.hierarchy, step.base);
    for (const Layer& layer : step.layers) {
        text += " under " + layer.source;
    }
    return text;
}
std::string arguments(const MountEphemeral& step) {
    return fmt::format("{} over {} in slot:{}", step.slot, step.base, step.directory);
}
std::string arguments(const MakeServiceDirectory& step) {
    std::string text = fmt::format(
        "{}{}/{} {:04o} {}:{}",
        step.base,
        step.is_private ? "/private" : "",
        step.path,
        step.mode,
        step.owner,
        step.group);
    for (const std::string& link : step.links) {
        text += ", " + link + " leads to it";
    }
    switch (step.lifetime) {
        case MakeServiceDirectory::Lifetime::Unlimited:
            break;
        case MakeServiceDirectory::Lifetime::UntilStop:
            text += ", until it stops for good";
            break;
        case MakeServiceDirectory::Lifetime::Activation:
            text += ", until it stops";
            break;
    }
    return text;
}
/// Names and places, never a value.
std::string arguments(const MakeCredentials& step) {
    std::string text = fmt::format("{} {}:{}", step.place, step.owner, step.group);
    for (const MakeCredentials::Source& source : step.sources) {
        text += ", " + source.id + " from " + source.paths.front();
    }
    for (const MakeCredentials::Literal& literal : step.literals) {
        text += ", " + literal.id;
    }
    return text + (step.mounted ? "" : ", not mounted");
}
std::string arguments(const RemoveIpc& step) {
    return fmt::format("{}:{}", step.owner, step.group);
}
std::string arguments(const DefaultSignals& step) {
    std::string text;
    for (const int number : step.ignored) {
        text += (text.empty() ? "but ignore " : " ") + signal_name(number);
    }
    return text;
}
std::string arguments(const ControllingTerminal& step) {
    return std::to_string(step.number);
}
std::string arguments(const AcquireTerminal& step) {
    const char* const how = step.mode == AcquireTerminal::Mode::Wait    ? "waiting for it"
                            : step.mode == AcquireTerminal::Mode::Force ? "by force"
                                                                        : "if it is free";
    return fmt::format("{}, {}", step.path, how);
}
std::string arguments(const CopyDescriptor& step) {
    return fmt::format("{} of {}", step.number, step.from);
}
std::string arguments(const MakeInput& step) {
    return fmt::format("{} of {} bytes", step.slot, step.bytes.size());
}
std::string arguments(const PrepareTerminal& step) {
    return fmt::format(
        "{}{}{}{}{}{}",
        step.path,
        step.reset ? ", reset" : "",
        step.vhangup ? ", hang up" : "",
        step.rows != 0 ? fmt::format(", {} rows", step.rows) : "",
        step.columns != 0 ? fmt::format(", {} columns", step.columns) : "",
        step.disallocate ? ", clear" : "");
}
std::string arguments(const UseDescriptor& step) {
    return fmt::format("{} {}", step.number, step.slot);
}
std::string arguments(const SetUmask& step) {
    return fmt::format("{:04o}", step.mask);
}
std::string arguments(const SetNice& step) {
    return std::to_string(step.nice);
}
template <class Number>
std::string listed(const std::vector<Number>& numbers) {
    return fmt::format("{}", fmt::join(numbers, " "));
}
std::string arguments(const SetCpuAffinity& step) {
    return listed(step.cpus);
}
std::string arguments(const SetScheduler& step) {
    return fmt::format(
        "policy {} priority {}{}",
        step.policy,
        step.priority,
        step.reset_on_fork ? ", reset on fork" : "");
}
std::string arguments(const SetMemoryPolicy& step) {
    return fmt::format("mode {} nodes {}", step.mode, listed(step.nodes));
}
std::string arguments(const SetIoPriority& step) {
    return fmt::format("class {} priority {}", step.io_class, step.priority);
}
std::string arguments(const SetTimerSlack& step) {
    return fmt::format("{} ns", step.nanoseconds);
}
std::string arguments(const SetCoredumpFilter& step) {
    return fmt::format("0x{:x}, in memory of its own", step.mask);
}
std::string arguments(const SetPersonality& step) {
    return fmt::format("0x{:x}", step.persona);
}
std::string arguments(const SetSecurityLabel& step) {
    return fmt::format("{} {}{}", step.file, step.text, step.optional ? ", failures ignored" : "");
}
std::string arguments(const SetSecureBits& step) {
    return fmt::format("0x{:x}", step.bits);
}
std::string arguments(const SetOomScoreAdjust& step) {
    return std::to_string(step.value);
}
std::string arguments(const EnterNamespace& step) {
    return step.slot;
}
std::string arguments(const NewNamespaces& step) {
    return bits(step.flags, namespace_names);
}
std::string arguments(const MountPropagation& step) {
    using Final = MountPropagation::Final;
    return fmt::format(
        "/ slave{}{}{}",
        step.read_only ? ", read-only" : "",
        step.no_execution ? ", noexec" : "",
        step.finally == Final::Shared    ? ", then shared"
        : step.finally == Final::Private ? ", then private"
                                         : "");
}
std::string arguments(const BindMount& step) {
    const std::string source = step.source == step.destination ? "" : step.source + " on ";
    return fmt::format(
        "{}{}{}{}{}{}",
        source,
        step.destination,
        changes(step.set, step.clear),
        step.recursive ? "" : ", not recursive",
        optionally(step.optional),
        step.unless_mounted ? ", unless mounted" : "");
}
std::string arguments(const MountAttributes& step) {
    return fmt::format(
        "{}{}{}{}",
        step.path,
        changes(step.set, step.clear),
        step.recursive ? "" : ", not recursive",
        optionally(step.optional));
}
std::string arguments(const MountFileSystem& step) {
    const std::string flags = bits(step.flags, mount_flag_names);
    return fmt::format(
        "{} on {}{}{}{}{}{}{}",
        step.type,
        step.destination,
        flags.empty() ? "" : " ",
        flags,
        step.options.empty() ? "" : " ",
        step.options,
        optionally(step.optional),
        step.unless_mounted ? ", unless mounted" : "");
}
std::string arguments(const HidePath& step) {
    return step.path + optionally(step.optional);
}
std::string arguments(const MakeDirectory& step) {
    return fmt::format("{} {:04o}", step.path, step.mode);
}
std::string arguments(const MakeMountPoint& step) {
    return step.path + (step.like.empty() ? "" : " like " + step.like);
}
std::string arguments(const MakeSymlink& step) {
    return fmt::format("{} to {}", step.path, step.target);
}
std::string arguments(const MakeDevice& step) {
    return fmt::format("{} c {}:{} {:04o}", step.path, step.major, step.minor, step.mode);
}
std::string arguments(const BindDevices& step) {
    return fmt::format("{} on {}{}", step.slot, step.destination, changes(step.set, 0));
}
std::string arguments(const PivotRoot& step) {
    return step.root;
}
std::string arguments(const SetHostname& step) {
    return step.name;
}
std::string arguments(const SetResourceLimit& step) {
    return fmt::format(
        "{} {}:{}", limit_name(step.resource), limit_value(step.soft), limit_value(step.hard));
}
std::string arguments(const DropBoundingSet& step) {
    return "keep " + capabilities(step.keep);
}
std::string arguments(const SetGroups& step) {
    return fmt::format(
        "{} and {}",
        step.gid,
        step.supplementary.empty() ? "no others"
                                   : fmt::format("{}", fmt::join(step.supplementary, " ")));
}
std::string arguments(const SetUser& step) {
    return std::to_string(step.uid);
}
std::string arguments(const SetCapabilities& step) {
    if (step.effective == step.permitted && step.permitted == step.inheritable) {
        return capabilities(step.effective);
    }
    return fmt::format(
        "effective {}; permitted {}; inheritable {}",
        capabilities(step.effective),
        capabilities(step.permitted),
        capabilities(step.inheritable));
}
std::string arguments(const RaiseAmbient& step) {
    return capabilities(step.mask);
}
std::string arguments(const ChangeDirectory& step) {
    return step.path + optionally(step.optional);
}
std::string arguments(const LoadSeccomp& step) {
    return fmt::format("{} instructions", step.program.size());
}

std::string with_arguments(std::string_view name, const std::string& arguments) {
    return arguments.empty() ? std::string(name) : fmt::format("{} {}", name, arguments);
}

}  // namespace

std::string describe(const Action& action) {
    return with_arguments(
        name(action), std::visit([](const auto& step) { return arguments(step); }, action));
}

std::string describe(const Preparation& preparation) {
    return with_arguments(
        name(preparation),
        std::visit([](const auto& step) { return arguments(step); }, preparation));
}

}  // namespace hearth::launch
