// SPDX-License-Identifier: MIT
#include "supervisor/launch/planner.hpp"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "parser/values.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "units/directive.hpp"
#include "units/names.hpp"
#include "units/rules.hpp"

namespace hearth::launch {
namespace {

constexpr std::string_view relaxation = "RelaxConfinement=";

/// "PrivateNetwork" of "PrivateNetwork=yes can't be given here".
std::string_view directive_of(const Diagnostic& refusal) {
    const std::string_view message = refusal.message;
    const std::size_t equals = message.find('=');
    return equals == std::string_view::npos ? std::string_view() : message.substr(0, equals);
}

/// A value in a message: one line, of sane length.
std::string shown(std::string_view value) {
    constexpr std::size_t longest = 60;
    const bool plain = value.size() <= longest && std::ranges::all_of(value, [](char byte) {
                           return byte >= 0x20 && byte < 0x7f;
                       });
    return plain ? std::string(value) : quoted(value);
}

struct NearestStatus {
    std::string_view directive;
    int status;
};
// systemd.exec(5), Process Exit Codes.
constexpr auto nearest_statuses = std::to_array<NearestStatus>({
    {"AmbientCapabilities", 218},
    {"AppArmorProfile", 231},
    {"CPUAffinity", 215},
    {"CPUQuota", 219},
    {"CPUQuotaPeriodSec", 219},
    {"CPUSchedulingResetOnFork", 214},
    {"CPUWeight", 219},
    {"CacheDirectory", 239},
    {"CapabilityBoundingSet", 218},
    {"ConfigurationDirectory", 241},
    {"DynamicUser", 217},
    {"EnvironmentFile", 1},
    {"ExecCondition", 203},
    {"ExecReload", 203},
    {"ExecStart", 203},
    {"ExecStartPost", 203},
    {"ExecStartPre", 203},
    {"ExecStop", 203},
    {"ExecStopPost", 203},
    {"Group", 216},
    {"KeyringMode", 237},
    {"LoadCredential", 243},
    {"LockPersonality", 228},
    {"LogsDirectory", 240},
    {"MemoryDenyWriteExecute", 228},
    {"MemoryHigh", 219},
    {"MemoryMax", 219},
    {"NUMAMask", 242},
    {"NUMAPolicy", 242},
    {"NoNewPrivileges", 227},
    {"Personality", 230},
    {"PrivateNetwork", 225},
    {"PrivateUsers", 217},
    {"RestrictAddressFamilies", 232},
    {"RestrictFileSystems", 245},
    {"RestrictNamespaces", 228},
    {"RestrictRealtime", 228},
    {"RestrictSUIDSGID", 228},
    {"RuntimeDirectory", 233},
    {"SELinuxContext", 229},
    {"SeccompProfile", 228},
    {"SecureBits", 213},
    {"SmackProcessLabel", 236},
    {"SetCredential", 243},
    {"StandardError", 222},
    {"StandardInput", 208},
    {"StandardOutput", 209},
    {"StateDirectory", 238},
    {"SupplementaryGroups", 216},
    {"SystemCallArchitectures", 228},
    {"SystemCallFilter", 228},
    {"TasksMax", 219},
    {"User", 217},
    {"WorkingDirectory", 200},
});

}  // namespace

// ---- the workbench
// --------------------------------------------------------------------------------

Planning::Planning(const Unit& its_unit, const Invocation& its_invocation, const Host& its_host)
    : unit(its_unit),
      settings(its_unit.settings),
      invocation(its_invocation),
      host(its_host),
      sandboxed(
          (its_invocation.command == nullptr || !its_invocation.command->full_privileges) &&
          !(its_invocation.control && its_unit.settings.service.permissions_start_only)),
      identified(
          sandboxed && (its_invocation.command == nullptr || !its_invocation.command->no_setuid)) {}

Asked Planning::asked(std::string_view directive, std::string value) const {
    return {std::string(directive), std::move(value), unit.origin_of(directive)};
}

void Planning::add(Stage stage, Action action, Asked who, int exit_status) {
    plan.steps.push_back({stage, std::move(action), std::move(who), exit_status});
}

void Planning::prepare(Preparation preparation, Asked who, int exit_status) {
    plan.preparations.push_back({std::move(preparation), std::move(who), exit_status});
}

void Planning::falls_short(
    std::string_view directive, std::string_view value, std::string_view reason) {
    const Row* const row = find_row(directive);
    const bool confines = row == nullptr || row->nature == Nature::Confines;
    std::string message =
        fmt::format("{}={} can't be given here: {}", directive, shown(value), reason);
    const auto same = [&](const Diagnostic& told) { return told.message == message; };
    if (std::ranges::any_of(refusals, same) || std::ranges::any_of(plan.shortfalls, same)) {
        return;  // one directive, two passes that need the same
    }
    if (!confines || is_relaxed(unit, directive)) {
        plan.shortfalls.push_back(
            {Severity::Warning, unit.origin_of(directive), std::move(message), {}, {}});
        return;
    }
    refusals.push_back(
        {Severity::Error,
         unit.origin_of(directive),
         std::move(message),
         fmt::format("to let the service run without it: [X-Hearth] {}{}", relaxation, directive),
         {}});
}

void Planning::refuse(std::string_view directive, std::string message, std::string hint) {
    refusals.push_back(
        {Severity::Error, unit.origin_of(directive), std::move(message), std::move(hint), {}});
}

std::uint64_t Planning::capabilities() const {
    return user_namespace == UserNamespaceUse::None ? host.capabilities : known_capabilities(host);
}

std::uint64_t Planning::bounding_set() const {
    return user_namespace == UserNamespaceUse::None ? host.bounding_set : known_capabilities(host);
}

bool Planning::gives(unsigned capability) const {
    switch (user_namespace) {
        case UserNamespaceUse::None:
            return false;
        case UserNamespaceUse::First:
            return capability == CAP_SYS_ADMIN || capability == CAP_SETPCAP ||
                   capability == CAP_SYS_CHROOT;
        case UserNamespaceUse::Last:
            return capability == CAP_SETPCAP;
    }
    return false;
}

bool Planning::requires_capability(
    unsigned capability, std::string_view directive, std::string_view value) {
    if (has_capability(capability)) {
        return true;
    }
    std::string reason = "hearthd lacks " + capability_name(capability);
    if (host.user_manager && !host.user_namespaces_missing.empty()) {
        reason += ", and can't have it in a user namespace: " + host.user_namespaces_missing;
    }
    falls_short(directive, value, reason);
    return false;
}

// ---- what was refused before the planner
// ------------------------------------------------------------

/// The loader names what isn't built; what the host lacks besides is better known here.
void refuse_what_is_not_built(Planning& planning) {
    const auto told_by_loader = [&](std::string_view directive) {
        return std::ranges::any_of(planning.unit.refusals, [&](const Diagnostic& refusal) {
            return directive_of(refusal) == directive;
        });
    };
    for (const Diagnostic& refusal : planning.unit.refusals) {
        if (directive_of(refusal) != "RestrictFileSystems") {
            planning.refusals.push_back(refusal);
        }
    }
    for (const RefusedDirective& directive : planning.settings.refused) {
        const auto boolean =
            directive.value.empty() ? false : read_boolean(directive.value).value_or(true);
        const bool file_systems = directive.name == "RestrictFileSystems";
        if (boolean && (file_systems || !told_by_loader(directive.name))) {
            const bool lacks_bpf =
                file_systems && !planning.host.linux_security_modules.contains("bpf");
            planning.falls_short(
                directive.name,
                directive.value,
                lacks_bpf ? "this kernel has no BPF security module (lsm=...,bpf)"
                          : "hearth doesn't build it yet");
        }
    }
}

// ---- the plan
// -----------------------------------------------------------------------------------------

Result<Plan, Diagnostics> plan(const Unit& unit, const Invocation& invocation, const Host& host) {
    Planning planning(unit, invocation, host);
    planning.plan.unit = unit.name;

    // Nothing is planned for what isn't built: it is named and refused.
    refuse_what_is_not_built(planning);
    // Who it will be decides what it may keep, so that comes first.
    find_identity(planning);
    // The limits stand before anything runs under them.
    make_cgroup(planning);
    // What it owns, while nothing hides where that is; mounts refer to it.
    make_directories(planning);
    make_credentials(planning);
    remove_ipc_at_the_end(planning);
    // Streams are opened in the host's view, as root.
    open_streams(planning);
    // What the service stored and OpenFile=.
    pass_descriptors(planning);
    // Session, priorities, working directory: what has nothing to do with confinement.
    set_process_properties(planning);
    set_scheduling(planning);
    set_limits(planning);
    // Network, IPC and UTS namespaces before mounts: a new sysfs shows its mounter's network.
    make_namespaces(planning);
    arrange_mounts(planning);
    // Bounding set, user and capabilities, when nothing needs them any more.
    drop_privileges(planning);
    // The filter last, so that it need not allow any of the above.
    filter_system_calls(planning);
    // The environment and, through it, the arguments.
    make_environment(planning);

    if (!planning.refusals.empty()) {
        return Unexpected(std::move(planning.refusals));
    }
    std::ranges::stable_sort(planning.plan.steps, {}, &Step::stage);
    return std::move(planning.plan);
}

Result<Plan, Diagnostics> plan_limits(
    const Unit& unit, const Invocation& invocation, const Host& host) {
    Planning planning(unit, invocation, host);
    planning.plan.unit = unit.name;
    refuse_what_is_not_built(planning);
    make_cgroup(planning);
    if (!planning.refusals.empty()) {
        return Unexpected(std::move(planning.refusals));
    }
    return std::move(planning.plan);
}

std::string relaxing_drop_in(const Diagnostics& refusals) {
    std::set<std::string, std::less<>> names;
    for (const Diagnostic& refusal : refusals) {
        const std::string_view hint = refusal.hint;
        const std::size_t begin = hint.find(relaxation);
        if (begin == std::string_view::npos) {
            return {};
        }
        const std::string_view name = hint.substr(begin + relaxation.size());
        names.emplace(name.substr(0, name.find_first_of(" \t,;")));
    }
    if (names.empty()) {
        return {};
    }
    return fmt::format("[X-Hearth]\n{}{}\n", relaxation, fmt::join(names, " "));
}

int exit_status(const Diagnostics& refusals) {
    constexpr int not_implemented = 3, limits = 205, name_space = 226;
    if (refusals.empty()) {
        return 0;
    }
    const std::string_view directive = directive_of(refusals.front());
    const auto* const found =
        std::ranges::find(nearest_statuses, directive, &NearestStatus::directive);
    if (found != nearest_statuses.end()) {
        return found->status;
    }
    if (directive.starts_with("Limit")) {
        return limits;
    }
    const Row* const row = find_row(directive);
    const bool built = row != nullptr && !std::holds_alternative<applied::Refused>(row->applied);
    return built && row->nature == Nature::Confines ? name_space : not_implemented;
}

}  // namespace hearth::launch
