// SPDX-License-Identifier: MIT
//
// What BPF programs on the unit's cgroup hold it to: devices, addresses, ports, interfaces. The
// pseudo controllers that say whether this host takes them have systemd's names.
#include <algorithm>

#include "supervisor/launch/planner_cgroup.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth::launch {
namespace {

// More than these make a program of more jumps than an instruction can cross.
constexpr std::size_t most_prefixes = 2000;

/// PrivateDevices= implies DevicePolicy=closed (systemd.exec(5)). Its own /dev and what it takes
/// away of capabilities hold without; so what is only implied falls short where there is no BPF,
/// and that is told.
bool lacks_implied_policy(CgroupLimits& limits) {
    Planning& planning = limits.planning;
    const Unit& unit = planning.unit;
    const bool implied = planning.settings.sandbox.private_devices &&
                         unit.origin_of("DevicePolicy") == unit.origin_of("PrivateDevices");
    if (!implied || planning.host.controllers.contains("bpf-devices")) {
        return false;
    }
    const auto reason = planning.host.controllers_missing.find("bpf-devices");
    planning.plan.shortfalls.push_back(
        {Severity::Warning,
         unit.origin_of("DevicePolicy"),
         "DevicePolicy=closed, which PrivateDevices= implies, can't be given here: " +
             (reason == planning.host.controllers_missing.end()
                  ? "there is no cgroup that hearthd may write to"
                  : reason->second),
         {},
         {}});
    return true;
}

void filter_devices(CgroupLimits& limits, FilterCgroup& filter) {
    const ResourceSettings& resources = limits.resources;
    const bool limited = resources.device_policy != DevicePolicy::Auto;
    if ((!limited && resources.device_allow.empty()) || lacks_implied_policy(limits)) {
        return;
    }
    const std::string_view directive = limited ? "DevicePolicy" : "DeviceAllow";
    const std::string text =
        limited ? Codec<DevicePolicy>::format(resources.device_policy)
                : Codec<std::vector<DeviceRule>>::format({resources.device_allow.front()});
    if (limits.has_controller("bpf-devices", directive, text)) {
        filter.devices = true;
        filter.device_policy = resources.device_policy;
        filter.device_rules = resources.device_allow;
    }
}

void filter_addresses(CgroupLimits& limits, FilterCgroup& filter) {
    const ResourceSettings& resources = limits.resources;
    for (const auto& [directive, list] :
         {std::pair{"IPAddressAllow", &resources.ip_address_allow},
          std::pair{"IPAddressDeny", &resources.ip_address_deny}}) {
        if (list->prefixes.size() > most_prefixes) {
            limits.planning.refuse(
                directive,
                std::string(directive) + "= has " + std::to_string(list->prefixes.size()) +
                    " prefixes, more than 2000",
                "join neighbouring prefixes");
            return;
        }
    }
    const AddressPrefixes& denied = resources.ip_address_deny;
    if (!denied.prefixes.empty()) {  // what is allowed only narrows what is denied
        const std::string text = Codec<AddressPrefixes>::format(denied);
        if (limits.has_controller("bpf-firewall", "IPAddressDeny", text)) {
            filter.addresses_allowed = resources.ip_address_allow;
            filter.addresses_denied = denied;
        }
    }
    if (resources.ip_accounting && limits.has_controller("bpf-firewall", "IPAccounting", "yes")) {
        filter.count_addresses = true;
    }
}

void filter_binds(CgroupLimits& limits, FilterCgroup& filter) {
    const ResourceSettings& resources = limits.resources;
    if (resources.socket_bind_deny.empty()) {
        return;
    }
    const std::string text =
        Codec<std::vector<SocketBindRule>>::format({resources.socket_bind_deny.front()});
    if (limits.has_controller("bpf-socket-bind", "SocketBindDeny", text)) {
        filter.bind_allowed = resources.socket_bind_allow;
        filter.bind_denied = resources.socket_bind_deny;
    }
}

void filter_interfaces(CgroupLimits& limits, FilterCgroup& filter) {
    const InterfaceList& list = limits.resources.restrict_network_interfaces;
    if (list.assigned && limits.has_controller(
                             "bpf-restrict-network-interfaces",
                             "RestrictNetworkInterfaces",
                             Codec<InterfaceList>::format(list))) {
        filter.interfaces = list;
    }
}

}  // namespace

std::vector<NamedProgram> pinned_programs(CgroupLimits& limits) {
    const ResourceSettings& resources = limits.resources;
    std::vector<NamedProgram> programs;
    const auto add = [&](std::string_view directive, PinnedProgram program) {
        const bool known =
            std::ranges::find(programs, program, &NamedProgram::program) != programs.end();
        if (!known && limits.has_controller("bpf-foreign", directive, program.path)) {
            programs.push_back({directive, std::move(program)});
        }
    };
    for (const std::string& path : resources.ip_ingress_filter_path.paths) {
        add("IPIngressFilterPath", {"ingress", path});
    }
    for (const std::string& path : resources.ip_egress_filter_path.paths) {
        add("IPEgressFilterPath", {"egress", path});
    }
    for (const PinnedProgram& program : resources.bpf_program) {
        add("BPFProgram", program);
    }
    return programs;
}

std::optional<FilterCgroup> filter_cgroup(CgroupLimits& limits) {
    FilterCgroup filter;
    filter_devices(limits, filter);
    filter_addresses(limits, filter);
    filter_binds(limits, filter);
    filter_interfaces(limits, filter);
    if (filter == FilterCgroup{}) {
        return std::nullopt;
    }
    return filter;
}

}  // namespace hearth::launch
