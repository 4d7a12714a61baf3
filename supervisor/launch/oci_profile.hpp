// SPDX-License-Identifier: MIT
//
// A seccomp profile as Docker, Podman and the OCI runtime specification write them in JSON
// ([X-Hearth] SeccompProfile=FILE). parse_oci_profile() reads the text and settles what depends on
// the circumstances (includes, excludes, archMap), as Docker does before it hands the profile to
// its runtime; compile_oci_profile() makes the program that a runtime over libseccomp (runc, crun)
// loads: by libseccomp itself, so that the verdict of every call is the same by construction.
//
// Both know no unit and no file. What can't be had here (a notification socket, a tracer, unknown
// actions and operators, flags of the load) is an error: a profile is taken whole or not at all.
// runc's own prologue, which answers ENOSYS to calls newer than any that the profile names, is not
// part of the profile and not made here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/launch/seccomp_program.hpp"

namespace hearth::launch {

/// What includes and excludes are judged by.
struct OciCircumstances {
    std::uint64_t capabilities = 0;  ///< what the service can keep; bit N = capability N
    unsigned kernel_major = 0, kernel_minor = 0;
    bool operator==(const OciCircumstances&) const = default;
};

struct OciArgument {
    unsigned index = 0;
    int comparison = 0;  ///< enum scmp_compare
    std::uint64_t value = 0, second_value = 0;
    bool operator==(const OciArgument&) const = default;
};

struct OciRule {
    std::vector<std::string> calls;
    std::uint32_t action = 0;  ///< SCMP_ACT_*, with its errno
    std::vector<OciArgument> arguments;
    bool operator==(const OciRule&) const = default;
};

struct OciProfile {
    std::uint32_t default_action = 0;
    std::vector<std::uint32_t> architectures;  ///< SCMP_ARCH_*, beside the native one
    std::vector<OciRule> rules;                ///< those that hold here, in the profile's order
    bool operator==(const OciProfile&) const = default;
};

[[nodiscard]] Result<OciProfile> parse_oci_profile(
    std::string_view text, const OciCircumstances& circumstances);

[[nodiscard]] Result<SeccompProgram> compile_oci_profile(const OciProfile& profile);

/// One program that answers as both do when both are loaded: `first`'s verdict where it refuses,
/// else `second`'s; what either logs is logged.
[[nodiscard]] Result<SeccompProgram> chain(SeccompProgram first, const SeccompProgram& second);

}  // namespace hearth::launch
