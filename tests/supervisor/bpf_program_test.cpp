// SPDX-License-Identifier: MIT
//
// The programs as values: an interpreter of the few instructions that they are made of answers what
// the kernel would, for packets, devices and addresses made here. That the kernel takes and obeys
// them is shown in tests/integration.
#include "supervisor/cgroup/bpf_program.hpp"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <array>
#include <bit>
#include <cstring>

#include "units/resource_rule_codecs.hpp"

namespace hearth::cgroup {
namespace {

/// What the program sees: the words of its context, and the packet behind skb_load_bytes.
struct Input {
    std::array<std::uint32_t, 64> context{};
    std::vector<std::uint8_t> packet;
};

/// Registers hold numbers; 1 << 40 is the context, 1 << 41 the end of the stack.
class Machine {
public:
    explicit Machine(const Input& input) : input_(input) {}

    std::uint64_t run(const BpfProgram& program) {
        constexpr std::uint64_t context = std::uint64_t{1} << 40U;
        registers_[BPF_REG_1] = context;
        registers_[BPF_REG_10] = stack_end;
        for (std::size_t at = 0, steps = 0; steps < 100'000; ++at, ++steps) {
            if (at >= program.instructions.size()) {
                ADD_FAILURE() << "runs past its end";
                return 99;
            }
            const auto code = std::bit_cast<bpf_insn>(program.instructions[at]);
            if (code.code == (BPF_JMP | BPF_EXIT)) {
                return registers_[0];
            }
            at = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(at) + step(code));
        }
        ADD_FAILURE() << "has no end";
        return 99;
    }

private:
    static constexpr std::uint64_t stack_end = std::uint64_t{1} << 41U;

    /// How far it jumps.
    std::ptrdiff_t step(const bpf_insn& code) {
        std::uint64_t& to = registers_[code.dst_reg];
        const auto immediate = static_cast<std::uint32_t>(code.imm);
        switch (code.code) {
            case BPF_LDX | BPF_MEM | BPF_W:
                to = word(registers_[code.src_reg] + static_cast<std::uint64_t>(code.off));
                return 0;
            case BPF_ALU64 | BPF_MOV | BPF_K:
                to = static_cast<std::uint64_t>(std::int64_t{code.imm});
                return 0;
            case BPF_ALU64 | BPF_MOV | BPF_X:
                to = registers_[code.src_reg];
                return 0;
            case BPF_ALU64 | BPF_ADD | BPF_K:
                to += static_cast<std::uint64_t>(std::int64_t{code.imm});
                return 0;
            case BPF_ALU | BPF_AND | BPF_K:
                to = static_cast<std::uint32_t>(to) & immediate;
                return 0;
            case BPF_ALU | BPF_RSH | BPF_K:
                to = static_cast<std::uint32_t>(to) >> immediate;
                return 0;
            case BPF_ALU | BPF_END | BPF_TO_BE:
                to = ntohs(static_cast<std::uint16_t>(to));
                return 0;
            case BPF_JMP32 | BPF_JNE | BPF_K:
                return static_cast<std::uint32_t>(to) != immediate ? code.off : 0;
            case BPF_JMP32 | BPF_JEQ | BPF_K:
                return static_cast<std::uint32_t>(to) == immediate ? code.off : 0;
            case BPF_JMP32 | BPF_JLT | BPF_K:
                return static_cast<std::uint32_t>(to) < immediate ? code.off : 0;
            case BPF_JMP32 | BPF_JGT | BPF_K:
                return static_cast<std::uint32_t>(to) > immediate ? code.off : 0;
            case BPF_JMP | BPF_JA:
                return code.off;
            case BPF_JMP | BPF_CALL:
                load_bytes();
                return 0;
            default:
                ADD_FAILURE() << "an instruction that the interpreter doesn't know: "
                              << int{code.code};
                return 0;
        }
    }

    std::uint32_t word(std::uint64_t address) const {
        std::uint32_t value = 0;
        if (address > (std::uint64_t{1} << 40U) + 1024) {
            std::memcpy(&value, stack_.data() + (address - (stack_end - stack_.size())), 4);
        } else {
            value = input_.context[(address & 0xFFFFU) / 4];
        }
        return value;
    }

    void load_bytes() {
        const std::uint64_t offset = registers_[2];
        const std::uint64_t length = registers_[4];
        if (offset + length > input_.packet.size()) {
            registers_[0] = static_cast<std::uint64_t>(-14);
            return;
        }
        std::memcpy(
            stack_.data() + (registers_[3] - (stack_end - stack_.size())),
            input_.packet.data() + offset,
            length);
        registers_[0] = 0;
    }

    const Input& input_;
    std::array<std::uint64_t, 11> registers_{};
    std::array<std::uint8_t, 512> stack_{};
};

std::uint64_t verdict(const BpfProgram& program, const Input& input) {
    return Machine(input).run(program);
}

template <class T>
T read(const char* text) {
    T value{};
    EXPECT_TRUE(Codec<T>::assign(value, text, {})) << text;
    return value;
}

Input packet(const char* source, const char* destination) {
    const auto from = read<AddressPrefixes>(source);
    const auto to = read<AddressPrefixes>(destination);
    const bool is_ipv6 = from.prefixes.begin()->is_ipv6;
    Input input;
    input.context[offsetof(__sk_buff, protocol) / 4] = htons(is_ipv6 ? 0x86DD : 0x0800);
    input.packet.resize(is_ipv6 ? 40 : 20);
    const std::size_t length = is_ipv6 ? 16 : 4;
    const std::size_t at = is_ipv6 ? 8 : 12;
    std::memcpy(&input.packet[at], from.prefixes.begin()->address.data(), length);
    std::memcpy(&input.packet[at + length], to.prefixes.begin()->address.data(), length);
    return input;
}

Input device(bool is_block, std::uint32_t major, std::uint32_t minor, std::uint32_t access) {
    Input input;
    input.context[0] = access << 16U | (is_block ? 1U : 2U);
    input.context[1] = major;
    input.context[2] = minor;
    return input;
}

Input bound(std::uint32_t protocol, std::uint16_t port) {
    Input input;
    input.context[offsetof(bpf_sock_addr, protocol) / 4] = protocol;
    input.context[offsetof(bpf_sock_addr, user_port) / 4] = htons(port);
    return input;
}

constexpr std::uint32_t make = 1, reading = 2, writing = 4;

TEST(DeviceProgram, AllowsWhatOneRuleAllowsWhole) {
    const BpfProgram program = device_program(
        {{false, 1, 3, true, true, false},
         {true, 8, {}, true, false, false},
         {false, {}, {}, false, false, true}});
    EXPECT_EQ(verdict(program, device(false, 1, 3, reading)), 1U);
    EXPECT_EQ(verdict(program, device(false, 1, 3, reading | writing)), 1U);
    EXPECT_EQ(verdict(program, device(false, 1, 5, reading)), 0U);
    EXPECT_EQ(verdict(program, device(true, 1, 3, reading)), 0U) << "a block device is another";
    EXPECT_EQ(verdict(program, device(true, 8, 17, reading)), 1U);
    EXPECT_EQ(verdict(program, device(true, 8, 17, writing)), 0U);
    EXPECT_EQ(verdict(program, device(true, 8, 17, reading | writing)), 0U);
    EXPECT_EQ(verdict(program, device(false, 77, 7, make)), 1U);
    EXPECT_EQ(verdict(program, device(true, 77, 7, make)), 0U);
}

TEST(DeviceProgram, ClosedHasThePseudoDevicesAndNothingElse) {
    const BpfProgram program = device_program(standard_devices());
    EXPECT_EQ(verdict(program, device(false, 1, 3, reading | writing)), 1U);
    EXPECT_EQ(verdict(program, device(false, 136, 12, reading | writing)), 1U);
    EXPECT_EQ(verdict(program, device(false, 1, 1, reading)), 0U) << "/dev/mem";
    EXPECT_EQ(verdict(program, device(true, 8, 0, reading)), 0U);
}

TEST(AddressProgram, AllowsBeforeItDenies) {
    const auto allow = read<AddressPrefixes>("127.0.0.0/8 ::1 10.1.2.0/23");
    const auto deny = read<AddressPrefixes>("any");
    const BpfProgram egress = address_program(Hook::Egress, allow, deny, false);
    EXPECT_EQ(verdict(egress, packet("192.168.0.1", "127.1.2.3")), 1U);
    EXPECT_EQ(verdict(egress, packet("127.0.0.1", "192.168.0.1")), 0U);
    EXPECT_EQ(verdict(egress, packet("9.9.9.9", "10.1.3.255")), 1U);
    EXPECT_EQ(verdict(egress, packet("9.9.9.9", "10.1.4.0")), 0U);
    EXPECT_EQ(verdict(egress, packet("2001:db8::1", "::1")), 1U);
    EXPECT_EQ(verdict(egress, packet("::1", "2001:db8::1")), 0U);
    const BpfProgram ingress = address_program(Hook::Ingress, allow, deny, false);
    EXPECT_EQ(verdict(ingress, packet("127.0.0.1", "192.168.0.1")), 1U);
    EXPECT_EQ(verdict(ingress, packet("192.168.0.1", "127.0.0.1")), 0U);
}

TEST(AddressProgram, LetsPassWhatNoListNames) {
    const BpfProgram program =
        address_program(Hook::Egress, {}, read<AddressPrefixes>("10.0.0.0/8 fe80::/10"), false);
    EXPECT_EQ(verdict(program, packet("1.1.1.1", "9.255.255.255")), 1U);
    EXPECT_EQ(verdict(program, packet("1.1.1.1", "10.0.0.0")), 0U);
    EXPECT_EQ(verdict(program, packet("::1", "fe80::1")), 0U);
    EXPECT_EQ(verdict(program, packet("::1", "fec0::1")), 1U);
    Input other;
    other.context[offsetof(__sk_buff, protocol) / 4] = htons(0x0806);  // ARP
    EXPECT_EQ(verdict(program, other), 1U);
}

TEST(AddressProgram, DropsAPacketWithoutAWholeAddress) {
    Input cut = packet("1.1.1.1", "10.0.0.0");
    cut.packet.resize(14);
    const auto deny = read<AddressPrefixes>("10.0.0.0/8");
    EXPECT_EQ(verdict(address_program(Hook::Egress, {}, deny, false), cut), 0U);
}

TEST(BindProgram, FollowsFamilyProtocolAndPorts) {
    std::vector<SocketBindRule> allow;
    for (const char* rule : {"ipv4:tcp:8000-8002", "udp:53"}) {
        ASSERT_TRUE(Codec<std::vector<SocketBindRule>>::assign(allow, rule, {}));
    }
    const auto deny = read<std::vector<SocketBindRule>>("any");
    const BpfProgram four = bind_program(Hook::Bind4, allow, deny);
    const BpfProgram six = bind_program(Hook::Bind6, allow, deny);
    EXPECT_EQ(verdict(four, bound(IPPROTO_TCP, 7999)), 0U);
    EXPECT_EQ(verdict(four, bound(IPPROTO_TCP, 8000)), 1U);
    EXPECT_EQ(verdict(four, bound(IPPROTO_TCP, 8002)), 1U);
    EXPECT_EQ(verdict(four, bound(IPPROTO_TCP, 8003)), 0U);
    EXPECT_EQ(verdict(four, bound(IPPROTO_UDP, 8000)), 0U);
    EXPECT_EQ(verdict(four, bound(IPPROTO_UDP, 53)), 1U);
    EXPECT_EQ(verdict(six, bound(IPPROTO_TCP, 8000)), 0U);
    EXPECT_EQ(verdict(six, bound(IPPROTO_UDP, 53)), 1U);
    EXPECT_EQ(verdict(bind_program(Hook::Bind4, {}, {}), bound(IPPROTO_TCP, 1)), 1U);
    // Behind a rule for everything nothing is reached, and nothing is written.
    EXPECT_EQ(bind_program(Hook::Bind4, deny, allow), bind_program(Hook::Bind4, deny, {}));
}

TEST(InterfaceProgram, AllowsOrDeniesByIndex) {
    Input second;
    second.context[offsetof(__sk_buff, ifindex) / 4] = 2;
    EXPECT_EQ(verdict(interface_program(Hook::Egress, true, {1, 2}), second), 1U);
    EXPECT_EQ(verdict(interface_program(Hook::Egress, true, {1}), second), 0U);
    EXPECT_EQ(verdict(interface_program(Hook::Egress, false, {2}), second), 0U);
    EXPECT_EQ(verdict(interface_program(Hook::Egress, false, {1}), second), 1U);
    EXPECT_EQ(verdict(interface_program(Hook::Egress, true, {}), second), 0U);
}

}  // namespace
}  // namespace hearth::cgroup
