// SPDX-License-Identifier: MIT
#include "supervisor/launch/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <type_traits>

#include "parser/words.hpp"

namespace hearth::launch {

HEARTH_COMPILED_HERE(Action);
HEARTH_COMPILED_HERE(Preparation);
namespace {

template <class... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// `CPUQuota= heat.service:9`
std::string shown(const Asked& asked) {
    if (asked.directive.empty()) {
        return {};
    }
    std::string text = asked.directive + "=" + asked.value;
    if (!asked.origin.file.empty()) {
        text += fmt::format(" {}", base_name(asked.origin.file));
        if (asked.origin.line != 0) {
            text += fmt::format(":{}", asked.origin.line);
        }
    }
    return text;
}

constexpr std::size_t right_column = 64;

void print_line(std::string& out, std::string left, const Asked& asked) {
    const std::string right = shown(asked);
    if (!right.empty()) {
        left.resize(std::max(left.size() + 2, right_column), ' ');
        left += right;
    }
    out += left + '\n';
}

void print_preparations(std::string& out, const Plan& plan) {
    if (plan.preparations.empty()) {
        return;
    }
    out += "\nbefore the clone\n";
    for (const Prepared& prepared : plan.preparations) {
        print_line(out, "    " + describe(prepared.preparation), prepared.asked);
        const auto* slice = std::get_if<LimitSlice>(&prepared.preparation);
        const auto* cgroup =
            slice != nullptr ? &slice->cgroup : std::get_if<MakeCgroup>(&prepared.preparation);
        if (cgroup != nullptr) {
            for (const MakeCgroup::Knob& knob : cgroup->knobs) {
                const std::string device = knob.device.empty() ? "" : knob.device + " ";
                print_line(
                    out,
                    fmt::format("        {} = {}{}", knob.file, device, knob.value),
                    knob.asked);
            }
        }
    }
}

void print_steps(std::string& out, const Plan& plan) {
    out += "\nin the child\n";
    const Step* previous = nullptr;
    for (const Step& step : plan.steps) {
        if (previous == nullptr || previous->stage != step.stage) {
            out += fmt::format("  {}\n", hearth::name(step.stage));
        }
        print_line(out, "    " + describe(step.action), step.asked);
        previous = &step;
    }
}

}  // namespace

bool needs_own_memory(const Plan& plan) {
    return std::ranges::any_of(plan.steps, [](const Step& step) {
        return std::holds_alternative<SetCoredumpFilter>(step.action);
    });
}

std::string_view name(const Action& action) {
    return std::visit(
        Overloaded{
            [](const JoinCgroups&) { return "join-cgroups"; },
            [](const DefaultSignals&) { return "default-signals"; },
            [](const NewSession&) { return "new-session"; },
            [](const ControllingTerminal&) { return "controlling-terminal"; },
            [](const AcquireTerminal&) { return "acquire-terminal"; },
            [](const CopyDescriptor&) { return "copy-descriptor"; },
            [](const UseDescriptor&) { return "use-descriptor"; },
            [](const SetUmask&) { return "set-umask"; },
            [](const SetNice&) { return "set-nice"; },
            [](const SetCpuAffinity&) { return "set-cpu-affinity"; },
            [](const SetScheduler&) { return "set-scheduler"; },
            [](const SetMemoryPolicy&) { return "set-memory-policy"; },
            [](const SetIoPriority&) { return "set-io-priority"; },
            [](const SetTimerSlack&) { return "set-timer-slack"; },
            [](const SetCoredumpFilter&) { return "set-coredump-filter"; },
            [](const SetPersonality&) { return "set-personality"; },
            [](const SetSecurityLabel&) { return "set-security-label"; },
            [](const SetOomScoreAdjust&) { return "set-oom-score-adjust"; },
            [](const NewSessionKeyring&) { return "new-session-keyring"; },
            [](const LinkUserKeyring&) { return "link-user-keyring"; },
            [](const EnterNamespace&) { return "enter-namespace"; },
            [](const NewNamespaces&) { return "new-namespaces"; },
            [](const MountPropagation&) { return "mount-propagation"; },
            [](const KeepTree&) { return "keep-tree"; },
            [](const BindMount&) { return "bind-mount"; },
            [](const MountAttributes&) { return "mount-attributes"; },
            [](const MountFileSystem&) { return "mount-file-system"; },
            [](const HidePath&) { return "hide-path"; },
            [](const MakeDirectory&) { return "make-directory"; },
            [](const MakeMountPoint&) { return "make-mount-point"; },
            [](const MakeSymlink&) { return "make-symlink"; },
            [](const BindDevices&) { return "bind-devices"; },
            [](const MakeDevice&) { return "make-device"; },
            [](const PivotRoot&) { return "pivot-root"; },
            [](const SetHostname&) { return "set-hostname"; },
            [](const SetResourceLimit&) { return "set-resource-limit"; },
            [](const DropBoundingSet&) { return "drop-bounding-set"; },
            [](const KeepCapabilities&) { return "keep-capabilities"; },
            [](const SetGroups&) { return "set-groups"; },
            [](const SetUser&) { return "set-user"; },
            [](const SetCapabilities&) { return "set-capabilities"; },
            [](const SetSecureBits&) { return "set-secure-bits"; },
            [](const RaiseAmbient&) { return "raise-ambient"; },
            [](const ChangeDirectory&) { return "change-directory"; },
            [](const NoNewPrivileges&) { return "no-new-privileges"; },
            [](const CloseDescriptors&) { return "close-descriptors"; },
            [](const ResetSignalMask&) { return "reset-signal-mask"; },
            [](const LoadSeccomp&) { return "load-seccomp"; },
        },
        action);
}

std::string_view name(const Preparation& preparation) {
    return std::visit(
        Overloaded{
            [](const MakeCgroup&) { return "make-cgroup"; },
            [](const LimitSlice&) { return "limit-slice"; },
            [](const FilterCgroup&) { return "filter-cgroup"; },
            [](const AttachProgram&) { return "attach-program"; },
            [](const MakeInput&) { return "make-input"; },
            [](const PrepareTerminal&) { return "prepare-terminal"; },
            [](const OpenFile&) { return "open-file"; },
            [](const MakePrivateTmp&) { return "make-private-tmp"; },
            [](const MakeNamespace&) { return "make-namespace"; },
            [](const OpenNamespace&) { return "open-namespace"; },
            [](const MakeUserNamespace&) { return "make-user-namespace"; },
            [](const JoinActivation&) { return "join-activation"; },
            [](const CloneTree&) { return "clone-tree"; },
            [](const MakeDevices&) { return "make-devices"; },
            [](const MountImage&) { return "mount-image"; },
            [](const MountLayers&) { return "mount-layers"; },
            [](const MountEphemeral&) { return "mount-ephemeral"; },
            [](const MakeServiceDirectory&) { return "make-service-directory"; },
            [](const MakeCredentials&) { return "make-credentials"; },
            [](const RemoveIpc&) { return "remove-ipc-at-the-end"; },
        },
        preparation);
}

std::string print(const Plan& plan) {
    std::string out = plan.unit + '\n';
    print_preparations(out, plan);
    out += "\nclone\n";
    out +=
        plan.cgroup.empty() ? "    no cgroup\n" : fmt::format("    into cgroup {}\n", plan.cgroup);
    if (plan.new_pid_namespace) {
        out += "    into a new pid namespace\n";
    }
    print_steps(out, plan);
    out += '\n';
    print_line(out, "execute " + quote_word(plan.executable), plan.executable_asked);
    out += "  arguments\n";
    for (const std::string& argument : plan.argv) {
        out += fmt::format("    {}\n", quote_word(argument));
    }
    out += "  environment\n";
    for (const Passed& passed : plan.passed) {
        out += fmt::format("    passed as {}: {}\n", quote_word(passed.name), passed.slot);
    }
    for (const std::string& variable : plan.own_pid_variables) {
        out += fmt::format("    {}= the process's own number\n", variable);
    }
    for (const std::string& variable : plan.environment) {
        out += fmt::format("    {}\n", quote_word(variable));
    }
    if (!plan.shortfalls.empty()) {
        out += "\nfalls short\n";
        for (const Diagnostic& shortfall : plan.shortfalls) {
            out += fmt::format("    {}\n", one_line(shortfall));
        }
    }
    return out;
}

}  // namespace hearth::launch
