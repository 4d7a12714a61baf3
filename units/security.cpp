// SPDX-License-Identifier: MIT
#include "units/security.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "units/directive.hpp"
#include "units/system_call_groups.hpp"

namespace hearth {

namespace {

/// How open a directive leaves the service where it is not simply on or off.
struct Grade {
    std::string_view directive;
    double (*open)(const Unit&);
};
const auto grades = std::to_array<Grade>({
    {"ProtectHome",
     [](const Unit& unit) {
         switch (unit.settings.sandbox.protect_home) {
             case ProtectHome::No:
                 return 1.0;
             case ProtectHome::ReadOnly:
                 return 0.5;
             case ProtectHome::Tmpfs:
                 return 0.1;
             case ProtectHome::Yes:
                 return 0.0;
         }
         return 1.0;
     }},
    {"ProtectSystem",
     [](const Unit& unit) {
         switch (unit.settings.sandbox.protect_system) {
             case ProtectSystem::No:
                 return 1.0;
             case ProtectSystem::Yes:
                 return 0.5;
             case ProtectSystem::Full:
                 return 0.3;
             case ProtectSystem::Strict:
                 return 0.0;
         }
         return 1.0;
     }},
    {"UMask",
     [](const Unit& unit) {
         const auto mask = unit.settings.exec.umask.bits;
         return (mask & 0002U) == 0   ? 1.0
                : (mask & 0004U) == 0 ? 0.2
                : (mask & 0020U) == 0 ? 0.1
                                      : 0.0;
     }},
    {"User",
     [](const Unit& unit) {
         const std::string& user = unit.settings.exec.user;
         return user.empty() || user == "root" || user == "0" ? 1.0 : user == "nobody" ? 0.9 : 0.0;
     }},
});

template <class... Number>
constexpr std::uint64_t mask_of(Number... numbers) {
    return ((std::uint64_t{1} << static_cast<unsigned>(numbers)) | ...);
}

struct Capabilities {
    std::string_view name;
    std::uint32_t weight;
    std::uint64_t any;  ///< a mask
};
constexpr auto capabilities = std::to_array<Capabilities>({
    {"CAP_SYS_ADMIN", 1500, mask_of(CAP_SYS_ADMIN)},
    {"CAP_SET(UID|GID|PCAP)", 1500, mask_of(CAP_SETUID, CAP_SETGID, CAP_SETPCAP)},
    {"CAP_SYS_PTRACE", 1500, mask_of(CAP_SYS_PTRACE)},
    {"CAP_SYS_TIME", 1000, mask_of(CAP_SYS_TIME)},
    {"CAP_NET_ADMIN", 1000, mask_of(CAP_NET_ADMIN)},
    {"CAP_SYS_RAWIO", 1000, mask_of(CAP_SYS_RAWIO)},
    {"CAP_SYS_MODULE", 1000, mask_of(CAP_SYS_MODULE)},
    {"CAP_(CHOWN|FSETID|SETFCAP)", 1000, mask_of(CAP_CHOWN, CAP_FSETID, CAP_SETFCAP)},
    {"CAP_(DAC_*|FOWNER|IPC_OWNER)",
     1000,
     mask_of(CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_IPC_OWNER)},
    {"CAP_AUDIT_*", 500, mask_of(CAP_AUDIT_CONTROL, CAP_AUDIT_READ, CAP_AUDIT_WRITE)},
    {"CAP_SYSLOG", 500, mask_of(CAP_SYSLOG)},
    {"CAP_SYS_(NICE|RESOURCE)", 500, mask_of(CAP_SYS_NICE, CAP_SYS_RESOURCE)},
    {"CAP_MKNOD", 500, mask_of(CAP_MKNOD)},
    {"CAP_KILL", 500, mask_of(CAP_KILL)},
    {"CAP_NET_(BIND_SERVICE|BROADCAST|RAW)",
     500,
     mask_of(CAP_NET_BIND_SERVICE, CAP_NET_BROADCAST, CAP_NET_RAW)},
    {"CAP_SYS_BOOT", 100, mask_of(CAP_SYS_BOOT)},
    {"CAP_MAC_*", 100, mask_of(CAP_MAC_ADMIN, CAP_MAC_OVERRIDE)},
    {"CAP_LINUX_IMMUTABLE", 75, mask_of(CAP_LINUX_IMMUTABLE)},
    {"CAP_IPC_LOCK", 50, mask_of(CAP_IPC_LOCK)},
    {"CAP_SYS_CHROOT", 50, mask_of(CAP_SYS_CHROOT)},
    {"CAP_BLOCK_SUSPEND", 25, mask_of(CAP_BLOCK_SUSPEND)},
    {"CAP_WAKE_ALARM", 25, mask_of(CAP_WAKE_ALARM)},
    {"CAP_LEASE", 25, mask_of(CAP_LEASE)},
    {"CAP_SYS_TTY_CONFIG", 25, mask_of(CAP_SYS_TTY_CONFIG)},
    {"CAP_SYS_PACCT", 25, mask_of(CAP_SYS_PACCT)},
});

struct Named {
    std::string_view name;
    std::uint32_t weight;
};
constexpr auto groups = std::to_array<Named>({
    {"@clock", 1000},
    {"@cpu-emulation", 250},
    {"@debug", 1000},
    {"@module", 1000},
    {"@mount", 1000},
    {"@obsolete", 250},
    {"@privileged", 700},
    {"@raw-io", 1000},
    {"@reboot", 1000},
    {"@resources", 700},
    {"@swap", 1000},
});
constexpr auto families = std::to_array<Named>({
    {"AF_(INET|INET6)", 1500},
    {"AF_NETLINK", 200},
    {"AF_PACKET", 1000},
    {"AF_UNIX", 25},
    {"...", 1250},
});

/// Some call of the group goes through.
bool passes(const SystemCallFilter& filter, std::string_view group) {
    const SystemCallGroup* const found = find_system_call_group(group);
    bool open = found == nullptr;
    if (found != nullptr) {
        for_each_call(*found, [&](std::string_view call) {
            const auto entry = filter.calls.find(std::string(call));
            const bool named = entry != filter.calls.end();
            const bool denied = filter.allow_list ? !named || entry->second.has_value() : named;
            open = open || !denied;
        });
    }
    return open;
}

bool passes(const AddressFamilies& asked, std::string_view part) {
    const auto permitted = [&](std::string_view family) {
        return asked.families.contains(std::string(family)) == asked.allow_list;
    };
    if (part == "AF_(INET|INET6)") {
        return permitted("AF_INET") || permitted("AF_INET6");
    }
    return part == "..." ? !asked.allow_list : permitted(part);
}

class Scoring {
public:
    Scoring(const Unit& unit, const std::set<std::string>& unverified)
        : unit_(unit), unverified_(unverified) {}

    Exposure run() {
        for (const std::span<const Row> table : service_tables()) {
            for (const Row& row : table) {
                if (row.exposure != 0) {
                    add(row, std::string(row.name), row.exposure, openness(row));
                }
            }
        }
        add_parts();
        std::uint64_t whole = 0;
        double open = 0;
        for (const ExposureRow& row : result_.rows) {
            whole += row.weight;
            open += row.weight * row.open;
        }
        for (ExposureRow& row : result_.rows) {
            row.exposure =
                whole == 0 ? 0 : 10.0 * row.weight * row.open / static_cast<double>(whole);
        }
        result_.score =
            whole == 0 ? 0 : std::round(100.0 * open / static_cast<double>(whole)) / 10.0;
        return std::move(result_);
    }

private:
    [[nodiscard]] double openness(const Row& row) const {
        const auto grade = std::ranges::find(grades, row.name, &Grade::directive);
        if (grade != grades.end()) {
            return grade->open(unit_);
        }
        return row.is_default(unit_.settings) ? 1.0 : 0.0;
    }
    void add(const Row& row, std::string name, std::uint32_t weight, double open) {
        const bool lost = open < 1.0 && unverified_.contains(std::string(row.name));
        result_.rows.push_back({std::move(name), row.summary, weight, lost ? 1.0 : open, 0, lost});
    }
    void add_parts() {
        const SandboxSettings& sandbox = unit_.settings.sandbox;
        if (const Row* row = find_row("CapabilityBoundingSet")) {
            for (const Capabilities& part : capabilities) {
                const bool open = (sandbox.capability_bounding_set.mask & part.any) != 0;
                add(*row,
                    "CapabilityBoundingSet=~" + std::string(part.name),
                    part.weight,
                    open ? 1 : 0);
            }
        }
        if (const Row* row = find_row("SystemCallFilter")) {
            const bool asked =
                unit_.origins.contains("SystemCallFilter") && !row->is_default(unit_.settings);
            for (const Named& part : groups) {
                const bool open = !asked || passes(sandbox.system_call_filter, part.name);
                add(*row, "SystemCallFilter=~" + std::string(part.name), part.weight, open ? 1 : 0);
            }
        }
        if (const Row* row = find_row("RestrictAddressFamilies")) {
            const AddressFamilies& asked = sandbox.restrict_address_families;
            for (const Named& part : families) {
                const bool open = !asked.asked() || passes(asked, part.name);
                add(*row,
                    "RestrictAddressFamilies=~" + std::string(part.name),
                    part.weight,
                    open ? 1 : 0);
            }
        }
    }

    const Unit& unit_;
    const std::set<std::string>& unverified_;
    Exposure result_;
};

struct Level {
    double from;
    std::string_view name;
};
constexpr auto levels = std::to_array<Level>(
    {{10.0, "DANGEROUS"},
     {9.0, "UNSAFE"},
     {7.5, "EXPOSED"},
     {5.0, "MEDIUM"},
     {1.0, "OK"},
     {0.1, "SAFE"},
     {0.0, "PERFECT"}});

}  // namespace

std::string_view Exposure::level() const {
    for (const Level& level : levels) {
        if (score >= level.from - 1e-9) {
            return level.name;
        }
    }
    return "PERFECT";
}

Exposure exposure(const Unit& unit, const std::set<std::string>& unverified) {
    return Scoring(unit, unverified).run();
}

}  // namespace hearth
