// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/bpf_program.hpp"

#include <linux/bpf.h>
#include <netinet/in.h>

#include <bit>
#include <cstddef>
#include <cstring>

#include "supervisor/launch/pseudo_devices.hpp"

namespace hearth::cgroup {
namespace {

constexpr std::uint8_t result = BPF_REG_0, context = BPF_REG_1, kept_context = BPF_REG_6,
                       frame = BPF_REG_10;

/// Instructions, and jumps to places that are not yet known.
class Assembler {
public:
    void add(
        std::uint8_t code,
        std::uint8_t to,
        std::uint8_t from,
        std::int16_t offset,
        std::int32_t immediate) {
        if (!reachable_) {  // the kernel refuses a program with code that nothing gets to
            return;
        }
        bpf_insn instruction{};
        instruction.code = code;
        instruction.dst_reg = to & 0xF;
        instruction.src_reg = from & 0xF;
        instruction.off = offset;
        instruction.imm = immediate;
        code_.push_back(std::bit_cast<std::uint64_t>(instruction));
    }
    void load_word(std::uint8_t to, std::uint8_t from, std::size_t offset) {
        add(BPF_LDX | BPF_MEM | BPF_W, to, from, static_cast<std::int16_t>(offset), 0);
    }
    void set(std::uint8_t to, std::int32_t value) {
        add(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
    }
    void copy(std::uint8_t to, std::uint8_t from) {
        add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
    }
    void mask(std::uint8_t to, std::uint32_t bits) {
        add(BPF_ALU | BPF_AND | BPF_K, to, 0, 0, static_cast<std::int32_t>(bits));
    }
    void call(std::int32_t helper) { add(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
    void give(std::int32_t verdict) {
        set(result, verdict);
        add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
        reachable_ = false;
    }

    /// Where the jumps of one rule go when it doesn't match: right behind it.
    using Jumps = std::vector<std::size_t>;
    /// Leaves the rule unless (32 bits) `reg` OP `value` holds.
    void unless(std::uint8_t inverse, std::uint8_t reg, std::uint32_t value, Jumps& jumps) {
        leave(jumps);
        add(BPF_JMP32 | inverse | BPF_K, reg, 0, 0, static_cast<std::int32_t>(value));
    }
    void unless_equal(std::uint8_t reg, std::uint32_t value, Jumps& jumps) {
        unless(BPF_JNE, reg, value, jumps);
    }
    /// The next instruction is one of these jumps.
    void leave(Jumps& jumps) const {
        if (reachable_) {
            jumps.push_back(code_.size());
        }
    }
    /// Without a condition.
    void jump(Jumps& jumps) {
        leave(jumps);
        add(BPF_JMP | BPF_JA, 0, 0, 0, 0);
        reachable_ = false;
    }
    void land(const Jumps& jumps) {
        reachable_ = reachable_ || !jumps.empty();
        for (const std::size_t at : jumps) {
            auto instruction = std::bit_cast<bpf_insn>(code_[at]);
            instruction.off = static_cast<std::int16_t>(code_.size() - at - 1);
            code_[at] = std::bit_cast<std::uint64_t>(instruction);
        }
    }

    [[nodiscard]] BpfProgram program(Hook hook) && {
        return {hook, std::move(code_), std::move(maps_)};
    }

    /// The map's address, as two instructions; the launcher writes its descriptor into the first.
    void load_map(std::uint8_t to) {
        if (reachable_) {
            maps_.push_back(code_.size());
        }
        add(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, 0);
        add(0, 0, 0, 0, 0);
    }

private:
    std::vector<std::uint64_t> code_;
    std::vector<std::size_t> maps_;
    bool reachable_ = true;
};

/// Four bytes of an address as a little- or big-endian machine loads them.
std::uint32_t word_of(const std::array<std::uint8_t, 16>& bytes, std::size_t index) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + index * 4, 4);
    return word;
}

std::uint32_t mask_of(std::uint32_t length, std::size_t index) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::uint32_t bit = 0; bit < length; ++bit) {
        bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 0x80U >> bit % 8);
    }
    return word_of(bytes, index);
}

constexpr std::int16_t address_at = -16;  // on the stack: the address of the packet
constexpr std::int16_t key_at = -20;      // and the counter's number

/// `verdict` for every packet whose address lies in one of the prefixes of that family.
void judge_prefixes(
    Assembler& code,
    const AddressPrefixes& list,
    bool is_ipv6,
    std::int32_t verdict,
    bool count,
    std::vector<std::size_t>& passing) {
    for (const AddressPrefix& prefix : list.prefixes) {
        if (prefix.is_ipv6 != is_ipv6) {
            continue;
        }
        Assembler::Jumps next;
        for (std::size_t word = 0; word * 32 < prefix.length; ++word) {
            code.load_word(BPF_REG_2, frame, static_cast<std::size_t>(address_at) + word * 4);
            code.mask(BPF_REG_2, mask_of(prefix.length, word));
            code.unless_equal(BPF_REG_2, word_of(prefix.address, word), next);
        }
        if (verdict != 0 && count) {
            code.jump(passing);
        } else {
            code.give(verdict);
        }
        code.land(next);
    }
}

/// The address of one family: fetched onto the stack, then both lists. Other packets go on.
void judge_family(
    Assembler& code,
    Hook hook,
    bool is_ipv6,
    const AddressPrefixes& allow,
    const AddressPrefixes& deny,
    bool count,
    std::vector<std::size_t>& passing) {
    constexpr std::uint16_t ethernet_ipv4 = 0x0800, ethernet_ipv6 = 0x86DD;
    const bool source = hook == Hook::Ingress;
    Assembler::Jumps other;
    code.load_word(BPF_REG_2, kept_context, offsetof(__sk_buff, protocol));
    code.unless_equal(BPF_REG_2, htons(is_ipv6 ? ethernet_ipv6 : ethernet_ipv4), other);
    code.copy(BPF_REG_1, kept_context);
    code.set(BPF_REG_2, is_ipv6 ? (source ? 8 : 24) : (source ? 12 : 16));
    code.copy(BPF_REG_3, frame);
    code.add(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, address_at);
    code.set(BPF_REG_4, is_ipv6 ? 16 : 4);
    code.call(BPF_FUNC_skb_load_bytes);
    // A packet without a whole address is none that a list could allow.
    Assembler::Jumps whole;
    code.unless(BPF_JEQ, result, 0, whole);
    code.give(0);
    code.land(whole);
    judge_prefixes(code, allow, is_ipv6, 1, count, passing);
    judge_prefixes(code, deny, is_ipv6, 0, count, passing);
    code.land(other);
}

void add_to_counter(Assembler& code, Counter counter, bool bytes) {
    code.add(BPF_ST | BPF_MEM | BPF_W, frame, 0, key_at, static_cast<std::int32_t>(counter));
    code.load_map(BPF_REG_1);
    code.copy(BPF_REG_2, frame);
    code.add(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, key_at);
    code.call(BPF_FUNC_map_lookup_elem);
    Assembler::Jumps missing;
    code.leave(missing);
    code.add(BPF_JMP | BPF_JEQ | BPF_K, result, 0, 0, 0);
    if (bytes) {
        code.load_word(BPF_REG_1, kept_context, offsetof(__sk_buff, len));
    } else {
        code.set(BPF_REG_1, 1);
    }
    code.add(BPF_STX | BPF_ATOMIC | BPF_DW, result, BPF_REG_1, 0, BPF_ADD);
    code.land(missing);
}

void judge_bind_rules(
    Assembler& code, Hook hook, const std::vector<SocketBindRule>& rules, std::int32_t verdict) {
    const auto other =
        hook == Hook::Bind4 ? SocketBindRule::Family::Ipv6 : SocketBindRule::Family::Ipv4;
    for (const SocketBindRule& rule : rules) {
        if (rule.family == other) {
            continue;
        }
        Assembler::Jumps next;
        if (rule.protocol != SocketBindRule::Protocol::Any) {
            code.unless_equal(
                BPF_REG_2,
                rule.protocol == SocketBindRule::Protocol::Tcp ? IPPROTO_TCP : IPPROTO_UDP,
                next);
        }
        if (rule.ports != 0) {
            code.unless(BPF_JLT, BPF_REG_3, rule.first_port, next);
            code.unless(BPF_JGT, BPF_REG_3, std::uint32_t{rule.first_port} + rule.ports - 1U, next);
        }
        code.give(verdict);
        code.land(next);
    }
}

}  // namespace

std::string_view name(Hook hook) {
    switch (hook) {
        case Hook::Device:
            return "device";
        case Hook::Ingress:
            return "ingress";
        case Hook::Egress:
            return "egress";
        case Hook::Bind4:
            return "bind4";
        case Hook::Bind6:
            break;
    }
    return "bind6";
}

std::vector<DeviceNumbers> standard_devices() {
    std::vector<DeviceNumbers> devices;
    for (const launch::PseudoDevice& device : launch::pseudo_devices) {
        devices.push_back({false, device.major, device.minor, true, true, true});
    }
    devices.push_back({false, launch::pseudo_terminal_major, {}, true, true, false});
    return devices;
}

BpfProgram device_program(const std::vector<DeviceNumbers>& rules) {
    Assembler code;
    // access << 16 | type
    code.load_word(BPF_REG_2, context, offsetof(bpf_cgroup_dev_ctx, access_type));
    code.copy(BPF_REG_3, BPF_REG_2);
    code.mask(BPF_REG_2, 0xFFFF);
    code.add(BPF_ALU | BPF_RSH | BPF_K, BPF_REG_3, 0, 0, 16);
    code.load_word(BPF_REG_4, context, offsetof(bpf_cgroup_dev_ctx, major));
    code.load_word(BPF_REG_5, context, offsetof(bpf_cgroup_dev_ctx, minor));
    for (const DeviceNumbers& rule : rules) {
        const std::uint32_t access = (rule.mknod ? unsigned{BPF_DEVCG_ACC_MKNOD} : 0U) |
                                     (rule.read ? unsigned{BPF_DEVCG_ACC_READ} : 0U) |
                                     (rule.write ? unsigned{BPF_DEVCG_ACC_WRITE} : 0U);
        Assembler::Jumps next;
        code.unless_equal(
            BPF_REG_2, rule.is_block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, next);
        if (rule.major) {
            code.unless_equal(BPF_REG_4, *rule.major, next);
        }
        if (rule.minor) {
            code.unless_equal(BPF_REG_5, *rule.minor, next);
        }
        code.copy(result, BPF_REG_3);
        code.mask(result, ~access & 7U);
        code.unless_equal(result, 0, next);
        code.give(1);
        code.land(next);
    }
    code.give(0);
    return std::move(code).program(Hook::Device);
}

BpfProgram address_program(
    Hook hook, const AddressPrefixes& allow, const AddressPrefixes& deny, bool count) {
    Assembler code;
    Assembler::Jumps passing;
    code.copy(kept_context, context);
    if (!deny.prefixes.empty()) {  // without, everything passes
        judge_family(code, hook, false, allow, deny, count, passing);
        judge_family(code, hook, true, allow, deny, count, passing);
    }
    code.land(passing);
    if (count) {
        const bool in = hook == Hook::Ingress;
        add_to_counter(code, in ? Counter::IngressBytes : Counter::EgressBytes, true);
        add_to_counter(code, in ? Counter::IngressPackets : Counter::EgressPackets, false);
    }
    code.give(1);
    return std::move(code).program(hook);
}

BpfProgram bind_program(
    Hook hook, const std::vector<SocketBindRule>& allow, const std::vector<SocketBindRule>& deny) {
    Assembler code;
    code.load_word(BPF_REG_2, context, offsetof(bpf_sock_addr, protocol));
    code.load_word(BPF_REG_3, context, offsetof(bpf_sock_addr, user_port));
    code.add(BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_3, 0, 0, 16);  // from the network's order
    judge_bind_rules(code, hook, allow, 1);
    judge_bind_rules(code, hook, deny, 0);
    code.give(1);
    return std::move(code).program(hook);
}

BpfProgram interface_program(Hook hook, bool allow, const std::vector<std::uint32_t>& indices) {
    Assembler code;
    code.load_word(BPF_REG_2, context, offsetof(__sk_buff, ifindex));
    for (const std::uint32_t index : indices) {
        Assembler::Jumps next;
        code.unless_equal(BPF_REG_2, index, next);
        code.give(allow ? 1 : 0);
        code.land(next);
    }
    code.give(allow ? 0 : 1);
    return std::move(code).program(hook);
}

BpfProgram empty_program(Hook hook) {
    Assembler code;
    code.give(1);
    return std::move(code).program(hook);
}

}  // namespace hearth::cgroup
