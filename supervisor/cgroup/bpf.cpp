// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/bpf.hpp"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "supervisor/cgroup/bpf_call.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::cgroup {

using namespace bpf;

namespace {

constexpr std::string_view our_prefix = "hearth_";
constexpr char license[] = "MIT";

bpf_prog_type type_of(Hook hook) {
    switch (hook) {
        case Hook::Device:
            return BPF_PROG_TYPE_CGROUP_DEVICE;
        case Hook::Ingress:
        case Hook::Egress:
            return BPF_PROG_TYPE_CGROUP_SKB;
        case Hook::Bind4:
        case Hook::Bind6:
            break;
    }
    return BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
}

bpf_attach_type attach_type_of(Hook hook) {
    switch (hook) {
        case Hook::Device:
            return BPF_CGROUP_DEVICE;
        case Hook::Ingress:
            return BPF_CGROUP_INET_INGRESS;
        case Hook::Egress:
            return BPF_CGROUP_INET_EGRESS;
        case Hook::Bind4:
            return BPF_CGROUP_INET4_BIND;
        case Hook::Bind6:
            break;
    }
    return BPF_CGROUP_INET6_BIND;
}

/// A name that tells programs of different code apart (FNV-1a); 15 bytes are all that it may have.
std::string name_of(const BpfProgram& program) {
    std::uint32_t hash = 2'166'136'261U;
    for (const std::uint64_t instruction : program.instructions) {
        for (int byte = 0; byte < 8; ++byte) {
            hash = (hash ^ static_cast<std::uint8_t>(instruction >> byte * 8)) * 16'777'619U;
        }
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text(our_prefix);
    for (int shift = 28; shift >= 0; shift -= 4) {
        text += digits[hash >> shift & 0xF];
    }
    return text;
}

Result<sys::Descriptor> make_counters() {
    bpf_attr attributes{};
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = sizeof(std::uint32_t);
    attributes.value_size = sizeof(std::uint64_t);
    attributes.max_entries = counters;
    std::memcpy(attributes.map_name, "hearth_ip", 10);
    return sys::Descriptor(HEARTH_TRY(call(BPF_MAP_CREATE, attributes, "MAP_CREATE")));
}

/// `map`: the counters; ignored by programs that don't count.
Result<sys::Descriptor> load(const BpfProgram& program, int map) {
    std::vector<std::uint64_t> code = program.instructions;
    for (const std::size_t at : program.map_references) {
        auto instruction = std::bit_cast<bpf_insn>(code[at]);
        instruction.imm = map;
        code[at] = std::bit_cast<std::uint64_t>(instruction);
    }
    bpf_attr attributes{};
    attributes.prog_type = type_of(program.hook);
    attributes.expected_attach_type = attach_type_of(program.hook);
    attributes.insns = pointer(code.data());
    attributes.insn_cnt = static_cast<std::uint32_t>(code.size());
    attributes.license = pointer(license);
    const std::string name = name_of(program);
    std::memcpy(attributes.prog_name, name.c_str(), name.size() + 1);
    return sys::Descriptor(HEARTH_TRY(call(BPF_PROG_LOAD, attributes, "PROG_LOAD")));
}

struct Attached {
    sys::Descriptor program;
    std::string name, tag;
    [[nodiscard]] bool is_ours() const { return name.starts_with(our_prefix); }
};

Result<std::vector<Attached>> attached(int directory, Hook hook) {
    std::vector<Attached> found;
    for (const std::uint32_t id : HEARTH_TRY(attached_ids(directory, attach_type_of(hook)))) {
        bpf_attr by_id{};
        by_id.prog_id = id;
        auto program = call(BPF_PROG_GET_FD_BY_ID, by_id, "PROG_GET_FD_BY_ID");
        if (!program) {
            continue;  // detached and gone meanwhile
        }
        Attached each;
        each.program = sys::Descriptor(*program);
        const bpf_prog_info info = HEARTH_TRY(information(*program));
        each.name = info.name;
        each.tag = tag_text(info);
        found.push_back(std::move(each));
    }
    return found;
}

}  // namespace

Result<void> attach(
    const std::string& directory,
    const std::vector<BpfProgram>& programs,
    const std::vector<Hook>& hooks) {
    const sys::Descriptor cgroup = HEARTH_TRY(open_directory(directory));
    sys::Descriptor map;
    for (const Hook hook : hooks) {
        std::vector<Attached> present = HEARTH_TRY(attached(cgroup.number(), hook));
        std::vector<std::string> wanted;
        for (const BpfProgram& program : programs) {
            if (program.hook != hook) {
                continue;
            }
            wanted.push_back(name_of(program));
            if (std::ranges::any_of(
                    present, [&](const Attached& each) { return each.name == wanted.back(); })) {
                continue;
            }
            if (!program.map_references.empty() && !map) {
                map = HEARTH_TRY(make_counters());
            }
            const sys::Descriptor loaded = HEARTH_TRY(load(program, map.number()));
            HEARTH_TRY(change(
                BPF_PROG_ATTACH,
                cgroup.number(),
                loaded.number(),
                attach_type_of(hook),
                "PROG_ATTACH"));
        }
        for (const Attached& each : present) {
            if (each.is_ours() && std::ranges::count(wanted, each.name) == 0) {
                HEARTH_TRY(change(
                    BPF_PROG_DETACH,
                    cgroup.number(),
                    each.program.number(),
                    attach_type_of(hook),
                    "PROG_DETACH"));
            }
        }
    }
    return {};
}

Result<std::vector<std::string>> attached_tags(const std::string& directory, Hook hook) {
    const sys::Descriptor cgroup = HEARTH_TRY(open_directory(directory));
    std::vector<std::string> tags;
    for (const Attached& each : HEARTH_TRY(attached(cgroup.number(), hook))) {
        tags.push_back(each.tag);
    }
    return tags;
}

Result<std::string> tag_of(const BpfProgram& program) {
    sys::Descriptor map;
    if (!program.map_references.empty()) {
        map = HEARTH_TRY(make_counters());
    }
    const sys::Descriptor loaded = HEARTH_TRY(load(program, map.number()));
    return tag_text(HEARTH_TRY(information(loaded.number())));
}

std::optional<std::string> why_not(Hook hook) {
    const auto loaded = load(empty_program(hook), -1);
    if (loaded) {
        return std::nullopt;
    }
    switch (loaded.error().code) {
        case EPERM:
        case EACCES:
            return "hearthd may not load BPF programs: it needs CAP_BPF and CAP_NET_ADMIN, or "
                   "CAP_SYS_ADMIN";
        case ENOSYS:
        case EINVAL:
            return "this kernel has no BPF programs for cgroups (CONFIG_CGROUP_BPF)";
        default:
            return "BPF programs can't be loaded: " +
                   std::string(std::strerror(loaded.error().code));
    }
}

std::optional<AddressCounters> address_counters(const std::string& directory) {
    const auto cgroup = open_directory(directory);
    if (!cgroup) {
        return std::nullopt;
    }
    const auto programs = attached(cgroup->number(), Hook::Ingress);
    if (!programs) {
        return std::nullopt;
    }
    for (const Attached& each : *programs) {
        std::array<std::uint32_t, 1> maps{};
        bpf_prog_info info{};
        info.nr_map_ids = maps.size();
        info.map_ids = pointer(maps.data());
        bpf_attr attributes{};
        attributes.info.bpf_fd = static_cast<std::uint32_t>(each.program.number());
        attributes.info.info_len = sizeof info;
        attributes.info.info = pointer(&info);
        if (!each.is_ours() || !call(BPF_OBJ_GET_INFO_BY_FD, attributes, "info") ||
            info.nr_map_ids == 0) {
            continue;
        }
        bpf_attr by_id{};
        by_id.map_id = maps[0];
        const auto number = call(BPF_MAP_GET_FD_BY_ID, by_id, "MAP_GET_FD_BY_ID");
        if (!number) {
            continue;
        }
        const sys::Descriptor map(*number);
        std::array<std::uint64_t, counters> values{};
        for (std::uint32_t key = 0; key < counters; ++key) {
            bpf_attr element{};
            element.map_fd = static_cast<std::uint32_t>(map.number());
            element.key = pointer(&key);
            element.value = pointer(&values[key]);
            static_cast<void>(call(BPF_MAP_LOOKUP_ELEM, element, "MAP_LOOKUP_ELEM"));
        }
        return AddressCounters{values[0], values[1], values[2], values[3]};
    }
    return std::nullopt;
}

}  // namespace hearth::cgroup
