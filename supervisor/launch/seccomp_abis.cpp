// SPDX-License-Identifier: MIT
#include "supervisor/launch/seccomp_abis.hpp"

#include <linux/audit.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <string>

namespace hearth::launch {
namespace {

#if defined(__x86_64__)
constexpr auto abis = std::to_array<Abi>({
    {"x86-64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64},
    {"x32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64},
    {"x86", SCMP_ARCH_X86, AUDIT_ARCH_I386, true, true},
});
constexpr std::uint32_t second_abi = 0x40000000;
#elif defined(__aarch64__)
constexpr auto abis = std::to_array<Abi>({
    {"arm64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64},
    {"arm", SCMP_ARCH_ARM, AUDIT_ARCH_ARM},
});
constexpr std::uint32_t second_abi = 0;
#else
#error "hearth knows the system call ABIs of x86-64 and arm64"
#endif

/// Calls younger than libseccomp 2.5.4's table. Since Linux 5.1 every architecture gives a new call
/// the same number (x32 with its own bit).
struct NewCall {
    std::string_view name;
    std::uint32_t number;
};
constexpr auto new_calls = std::to_array<NewCall>({
    {"cachestat", 451},         {"fchmodat2", 452},        {"map_shadow_stack", 453},
    {"futex_wake", 454},        {"futex_wait", 455},       {"futex_requeue", 456},
    {"statmount", 457},         {"listmount", 458},        {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},       {"listxattrat", 465},
    {"removexattrat", 466},     {"open_tree_attr", 467},   {"file_getattr", 468},
    {"file_setattr", 469},
});

// linux/net.h and linux/ipc.h.
constexpr auto multiplexed = std::to_array<MultiplexedCall>({
    {"socket", "socketcall", 1},
    {"bind", "socketcall", 2},
    {"connect", "socketcall", 3},
    {"listen", "socketcall", 4},
    {"accept", "socketcall", 5},
    {"getsockname", "socketcall", 6},
    {"getpeername", "socketcall", 7},
    {"socketpair", "socketcall", 8},
    {"send", "socketcall", 9},
    {"recv", "socketcall", 10},
    {"sendto", "socketcall", 11},
    {"recvfrom", "socketcall", 12},
    {"shutdown", "socketcall", 13},
    {"setsockopt", "socketcall", 14},
    {"getsockopt", "socketcall", 15},
    {"sendmsg", "socketcall", 16},
    {"recvmsg", "socketcall", 17},
    {"accept4", "socketcall", 18},
    {"recvmmsg", "socketcall", 19},
    {"sendmmsg", "socketcall", 20},
    {"semop", "ipc", 1},
    {"semget", "ipc", 2},
    {"semctl", "ipc", 3},
    {"semtimedop", "ipc", 4},
    {"msgsnd", "ipc", 11},
    {"msgrcv", "ipc", 12},
    {"msgget", "ipc", 13},
    {"msgctl", "ipc", 14},
    {"shmat", "ipc", 21},
    {"shmdt", "ipc", 22},
    {"shmget", "ipc", 23},
    {"shmctl", "ipc", 24},
});

const NewCall* new_call(std::string_view call) {
    const auto found = std::ranges::find(new_calls, call, &NewCall::name);
    return found == new_calls.end() ? nullptr : found;
}

}  // namespace

std::span<const Abi> local_abis() {
    return abis;
}

std::uint32_t first_call_of_second_abi() {
    return second_abi;
}

std::optional<std::uint32_t> call_number(const Abi& abi, std::string_view call) {
    const int number =
        seccomp_syscall_resolve_name_arch(abi.scmp_architecture, std::string(call).c_str());
    if (number >= 0) {  // negative: unknown, or known of other architectures
        return static_cast<std::uint32_t>(number);
    }
    if (const NewCall* const found = number == __NR_SCMP_ERROR ? new_call(call) : nullptr) {
        const bool second = second_abi != 0 && &abi != abis.data() &&
                            abi.audit_architecture == abis.front().audit_architecture;
        return found->number + (second ? second_abi : 0);
    }
    return std::nullopt;
}

bool is_resolvable(std::string_view call) {
    return seccomp_syscall_resolve_name(std::string(call).c_str()) != __NR_SCMP_ERROR ||
           new_call(call) != nullptr;
}

std::optional<std::uint32_t> personality_number(std::string_view architecture) {
    constexpr std::uint32_t own = 0, narrow = 8;
    const Abi& native = local_abis().front();
    for (const Abi& abi : local_abis()) {
        if (abi.name == architecture && abi.name == native.name) {
            return own;
        }
        if (abi.name == architecture && abi.audit_architecture != native.audit_architecture) {
            return narrow;
        }
    }
    return std::nullopt;
}

std::span<const MultiplexedCall> multiplexed_calls() {
    return multiplexed;
}

}  // namespace hearth::launch
