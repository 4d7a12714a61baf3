// SPDX-License-Identifier: MIT
#include "supervisor/launch/cgroup_filters.hpp"

#include <fnmatch.h>
#include <net/if.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <charconv>
#include <sstream>

#include "supervisor/sys/file.hpp"

namespace hearth::launch {

using cgroup::BpfProgram;
using cgroup::DeviceNumbers;
using cgroup::Hook;

namespace {

DeviceNumbers with_access(const DeviceRule& rule) {
    DeviceNumbers numbers;
    numbers.read = rule.read;
    numbers.write = rule.write;
    numbers.mknod = rule.mknod;
    return numbers;
}

Result<std::vector<DeviceNumbers>> devices_of(const DeviceRule& rule) {
    if (!rule.device.starts_with('/')) {
        const std::string known = HEARTH_TRY(sys::read_file("/proc/devices", std::size_t{1} << 20));
        return class_devices(rule, known);
    }
    const auto status = sys::stat(rule.device);
    if (!status) {
        return std::vector<DeviceNumbers>();
    }
    if (!S_ISCHR(status->st_mode) && !S_ISBLK(status->st_mode)) {
        return failure(rule.device + " is no device node", ENODEV);
    }
    DeviceNumbers numbers = with_access(rule);
    numbers.is_block = S_ISBLK(status->st_mode);
    numbers.major = major(status->st_rdev);
    numbers.minor = minor(status->st_rdev);
    return std::vector{numbers};
}

}  // namespace

std::vector<BpfProgram> CgroupFilters::all() const {
    std::vector<BpfProgram> together;
    for (const auto* part : {&devices, &addresses, &binds, &interfaces}) {
        together.insert(together.end(), part->begin(), part->end());
    }
    return together;
}

std::vector<DeviceNumbers> class_devices(const DeviceRule& rule, std::string_view proc_devices) {
    const bool is_block = rule.device.starts_with("block-");
    const std::string pattern = rule.device.substr(rule.device.find('-') + 1);
    std::vector<DeviceNumbers> found;
    if (pattern == "*") {  // every device of that kind, whether its driver is loaded or not
        found.push_back(with_access(rule));
        found.back().is_block = is_block;
        return found;
    }
    std::istringstream lines{std::string(proc_devices)};
    bool in_section = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.ends_with("devices:")) {
            in_section = line.starts_with(is_block ? "Block" : "Character");
            continue;
        }
        std::istringstream words(line);
        std::uint32_t number = 0;
        std::string name;
        if (!in_section || !(words >> number >> name) ||
            ::fnmatch(pattern.c_str(), name.c_str(), 0) != 0) {
            continue;
        }
        found.push_back(with_access(rule));
        found.back().is_block = is_block;
        found.back().major = number;
    }
    return found;
}

Result<CgroupFilters> cgroup_filters(const FilterCgroup& filter) {
    CgroupFilters filters;
    if (filter.devices) {
        std::vector<DeviceNumbers> rules;
        if (filter.device_policy != DevicePolicy::Strict) {
            rules = cgroup::standard_devices();
        }
        for (const DeviceRule& rule : filter.device_rules) {
            const std::vector<DeviceNumbers> found = HEARTH_TRY(devices_of(rule));
            rules.insert(rules.end(), found.begin(), found.end());
        }
        filters.devices.push_back(cgroup::device_program(rules));
    }
    const bool addresses = !filter.addresses_denied.prefixes.empty();
    if (addresses || filter.count_addresses) {
        for (const Hook hook : {Hook::Ingress, Hook::Egress}) {
            filters.addresses.push_back(cgroup::address_program(
                hook, filter.addresses_allowed, filter.addresses_denied, filter.count_addresses));
        }
    }
    if (!filter.bind_denied.empty()) {
        for (const Hook hook : {Hook::Bind4, Hook::Bind6}) {
            filters.binds.push_back(
                cgroup::bind_program(hook, filter.bind_allowed, filter.bind_denied));
        }
    }
    if (filter.interfaces.assigned) {
        std::vector<std::uint32_t> indices;
        for (const std::string& name : filter.interfaces.names) {
            // Loopback is the first in every network namespace; others are the host's.
            if (const unsigned index = name == "lo" ? 1 : ::if_nametoindex(name.c_str())) {
                indices.push_back(index);
            }
        }
        for (const Hook hook : {Hook::Ingress, Hook::Egress}) {
            filters.interfaces.push_back(
                cgroup::interface_program(hook, filter.interfaces.allow, indices));
        }
    }
    return filters;
}

}  // namespace hearth::launch
