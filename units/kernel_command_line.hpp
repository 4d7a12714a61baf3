// SPDX-License-Identifier: MIT
//
// The kernel's command line as the manager of a machine reads it: kernel-command-line(7), and
// systemd(1), "Kernel Command Line". Only for a machine: what a container or a guest sees in
// /proc/cmdline was said to the host. Pure: a text in, a value out. Words that nobody here
// understands are the kernel's, the initrd's or some program's, and are passed over without a word;
// a bad value of one that is understood is told, and changes nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/diagnostic.hpp"

namespace hearth {

struct KernelCommandLine {
    /// What to start: systemd.unit=, or what `rescue`, `emergency`, `single`, `-b`, `3` ... stand
    /// for; the last one counts. Empty: default.target.
    std::string unit;
    std::string host_name;                    ///< systemd.hostname=
    std::string machine_id;                   ///< systemd.machine_id=, 32 hexadecimal digits
    std::vector<std::string> masked, wanted;  ///< systemd.mask=, systemd.wants=: unit names
    std::vector<std::string> consoles;        ///< console=, without options: "ttyS0"
    std::vector<std::string> modules;         ///< modules_load=
    bool reads_fstab = true;                  ///< fstab=
    bool makes_gettys = true;                 ///< systemd.getty_auto=
    std::optional<bool> root_writable;        ///< `rw`, `ro`
    /// Lines of system.conf's [Manager] that systemd.log_level=,
    /// systemd.default_timeout_start_sec=, systemd.show_status=, `quiet` and kin stand for.
    std::string settings;
    Diagnostics diagnostics;
};

/// hostname(7), as sethostname(2) and /etc/hostname take it.
[[nodiscard]] bool is_host_name(std::string_view name);
/// machine-id(5): 32 hexadecimal digits in lower case, not all 0.
[[nodiscard]] bool is_machine_id(std::string_view text);

/// `path` is for messages: "/proc/cmdline".
[[nodiscard]] KernelCommandLine parse_kernel_command_line(
    std::string_view text, const std::string& path);

}  // namespace hearth
