// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Sandbox = Unbuilt<Section::Service, Context::Sandbox>;

constexpr auto rows = std::to_array<Row>({
    Sandbox::refused<"KeyringMode", "private">(
        Nature::Confines, "Which session keyring the service has.", "shared"),
    Sandbox::refused<"Personality">(
        Nature::Confines, "What uname() tells the service about the architecture.", "x86"),
    Sandbox::refused<"RemoveIPC", "no">(
        Nature::Confines,
        "Removes the user's System V and POSIX objects when the service stops.",
        "yes"),
    Sandbox::refused<"RestrictFileSystems">(
        Nature::Confines, "The kinds of file systems that the service can use.", "ext4 tmpfs"),
    Sandbox::refused<"RestrictNamespaces", "no">(
        Nature::Confines, "The kinds of namespaces that the service can make or join.", "yes"),
    Sandbox::refused<"SELinuxContext">(
        Nature::Confines, "The SELinux context of the service.", "system_u:system_r:heat_t"),
    Sandbox::refused<"SecureBits">(
        Nature::Confines, "The secure bits of the service.", "noroot-locked"),
    Sandbox::no_effect<"SmackProcessLabel">(
        "The Smack label of the service.",
        "Smack is not supported; where it is not active systemd ignores the label too",
        "heat"),
    Sandbox::no_effect<"SystemCallLog">(
        "System calls that are logged.", "not built yet; it tells and confines nothing", "@mount"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_sandbox_rows() {
    return rows;
}

}  // namespace hearth::directives
