// SPDX-License-Identifier: MIT
//
// Secure bits and the labels of security modules: systemd.exec(5), Capabilities and Mandatory
// Access Control.
#include <fmt/format.h>
#include <linux/capability.h>

#include <array>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "units/process_codecs.hpp"

namespace hearth::launch {
namespace {

struct LabelKind {
    std::string_view directive;
    SecurityLabel SandboxSettings::* asked;
    std::string_view module;  ///< as the kernel lists it
    std::string_view shown;
    std::string_view file;    ///< in /proc/thread-self/attr
    std::string_view prefix;  ///< before the label
    Stage stage;
    int status;
};
// What is for the execve is written while /proc is the host's. Smack's label holds from its writing
// on, so it comes once everything is mounted that it may not reach.
constexpr auto label_kinds = std::to_array<LabelKind>({
    {"AppArmorProfile",
     &SandboxSettings::apparmor_profile,
     "apparmor",
     "AppArmor",
     "apparmor/exec",
     "exec ",
     Stage::Keyring,
     231},
    {"SELinuxContext",
     &SandboxSettings::selinux_context,
     "selinux",
     "SELinux",
     "exec",
     "",
     Stage::Keyring,
     229},
    {"SmackProcessLabel",
     &SandboxSettings::smack_process_label,
     "smack",
     "Smack",
     "smack/current",
     "",
     Stage::Limits,
     236},
});

}  // namespace

void set_security_labels(Planning& planning) {
    for (const LabelKind& kind : label_kinds) {
        const SecurityLabel& wanted = planning.settings.sandbox.*kind.asked;
        if (wanted.label.empty()) {
            continue;
        }
        const std::string value = Codec<SecurityLabel>::format(wanted);
        const auto& profiles = planning.invocation.apparmor_profiles;
        const bool missing = kind.module == "apparmor" && profiles &&
                             wanted.label != "unconfined" && !profiles->contains(wanted.label);
        if (missing && planning.host.linux_security_modules.contains("apparmor")) {
            if (!wanted.optional) {
                planning.falls_short(kind.directive, value, "no such profile is loaded");
            }
        } else if (planning.host.linux_security_modules.contains(std::string(kind.module))) {
            planning.add(
                kind.stage,
                SetSecurityLabel{
                    std::string(kind.file),
                    std::string(kind.prefix) + wanted.label,
                    wanted.optional},
                planning.asked(kind.directive, value),
                kind.status);
        } else if (!wanted.optional) {
            planning.falls_short(
                kind.directive, value, fmt::format("this kernel has no {}", kind.shown));
        }
    }
}

void set_secure_bits(Planning& planning) {
    const SecureBits& wanted = planning.settings.sandbox.secure_bits;
    const std::string value = Codec<SecureBits>::format(wanted);
    if (wanted.bits == 0 || !planning.requires_capability(CAP_SETPCAP, "SecureBits", value)) {
        return;
    }
    const Asked who = planning.asked("SecureBits", value);
    if (planning.identity.change_user && !planning.identity.privileged()) {
        // CAP_SETPCAP goes over the uid change, and is effective for this one call.
        const std::uint64_t all = planning.capabilities();
        planning.add(Stage::Identity, KeepCapabilities{}, who, secure_bits_status);
        planning.add(
            Stage::Capabilities,
            SetCapabilities{std::uint64_t{1} << CAP_SETPCAP, all, 0},
            who,
            secure_bits_status);
    }
    planning.add(Stage::Capabilities, SetSecureBits{wanted.bits}, who, secure_bits_status);
}

}  // namespace hearth::launch
