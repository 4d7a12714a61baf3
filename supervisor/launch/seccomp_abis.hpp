// SPDX-License-Identifier: MIT
//
// What of seccomp depends on the architecture hearth is compiled for: the ABIs of such a machine,
// the numbers of their calls, and what 32-bit x86 hides behind one number. Nothing else in the
// launch knows one architecture from another.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hearth::launch {

struct Abi {
    std::string_view name;  ///< as SystemCallArchitectures= has it
    std::uint32_t scmp_architecture;
    std::uint32_t audit_architecture;
    bool multiplexed =
        false;  ///< socketcall(2) and ipc(2): what their arguments are is out of a filter's sight
    bool legacy_mmap = false;  ///< `mmap` takes a pointer to its arguments
};

/// Native first.
[[nodiscard]] std::span<const Abi> local_abis();

/// x32 on x86-64: numbers from here on belong to the second ABI of the same AUDIT_ARCH. 0: none.
[[nodiscard]] std::uint32_t first_call_of_second_abi();

/// The number of `call`, or nothing where this ABI has no such call.
[[nodiscard]] std::optional<std::uint32_t> call_number(const Abi& abi, std::string_view call);

/// Whether any ABI could have a call of this name: libseccomp's table, or ours of newer calls.
[[nodiscard]] bool is_resolvable(std::string_view call);

/// What personality(2) takes so that uname(2) says what that ABI's own kernel would (PER_LINUX, or
/// PER_LINUX32 for the narrow one); nothing where this machine has no such ABI.
[[nodiscard]] std::optional<std::uint32_t> personality_number(std::string_view architecture);

/// A call that a multiplexer makes when its first argument is `selector`.
struct MultiplexedCall {
    std::string_view call;
    std::string_view multiplexer;
    std::uint32_t selector;
};
[[nodiscard]] std::span<const MultiplexedCall> multiplexed_calls();

}  // namespace hearth::launch
