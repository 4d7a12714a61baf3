// SPDX-License-Identifier: MIT
//
// The exit statuses by which a failed step of a launch tells what it was for: those of
// systemd.exec(5), "Process Exit Codes".
#pragma once

namespace hearth::launch {

inline constexpr int descriptors_status = 202;   // FDS
inline constexpr int exec_status = 203;          // EXEC
inline constexpr int input_status = 208;         // STDIN
inline constexpr int output_status = 209;        // STDOUT
inline constexpr int root_status = 210;          // CHROOT
inline constexpr int secure_bits_status = 213;   // SECUREBITS
inline constexpr int group_status = 216;         // GROUP
inline constexpr int user_status = 217;          // USER
inline constexpr int capabilities_status = 218;  // CAPABILITIES
inline constexpr int cgroup_status = 219;        // CGROUP
inline constexpr int error_status = 222;         // STDERR
inline constexpr int network_status = 225;       // NETWORK
inline constexpr int namespace_status = 226;     // NAMESPACE
inline constexpr int privileges_status = 227;    // NO_NEW_PRIVILEGES
inline constexpr int filter_status = 228;        // SECCOMP
inline constexpr int credentials_status = 243;   // CREDENTIALS

}  // namespace hearth::launch
