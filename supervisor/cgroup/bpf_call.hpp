// SPDX-License-Identifier: MIT
//
// bpf(2) as Results, for those who attach programs to cgroups: bpf*.cpp alone include this. Errors
// name the command.
#pragma once

#include <linux/bpf.h>

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::cgroup::bpf {

inline constexpr std::uint32_t most_programs = 64;  // the kernel's own limit per cgroup and hook

template <class T>
std::uint64_t pointer(const T* address) {
    return std::bit_cast<std::uintptr_t>(address);
}

Result<int> call(int command, bpf_attr& attributes, const char* what);
Result<bpf_prog_info> information(int program);
/// The kernel's hash of a program's code, as bpftool prints it.
[[nodiscard]] std::string tag_text(const bpf_prog_info& info);
/// Numbers of the programs at that hook of that very cgroup.
Result<std::vector<std::uint32_t>> attached_ids(int directory, bpf_attach_type hook);
/// BPF_PROG_ATTACH (beside others) or BPF_PROG_DETACH.
Result<void> change(
    int command, int directory, int program, bpf_attach_type hook, const char* what);
Result<sys::Descriptor> open_directory(const std::string& directory);

}  // namespace hearth::cgroup::bpf
