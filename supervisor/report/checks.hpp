// SPDX-License-Identifier: MIT
//
// One check per directive: given what was asked and the kernel's view, what does the kernel say, and is
// it what was asked? Pure. A directive without a check is reported as `cannot know`, so a new row can't
// be left out silently.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "supervisor/report/mount_table.hpp"
#include "supervisor/report/report.hpp"

namespace hearth::report {

struct Finding {
    Verdict verdict = Verdict::CannotKnow;
    std::string kernel;
    std::string reason;
};

struct Evidence {
    const Question& question;
    const KernelView& view;
    const MountTable& mounts;
};

struct Check {
    std::string_view directive;
    Finding (*find)(const Evidence&);
};

/// Process attributes: ids, capabilities, filters, limits (checks_process.cpp).
[[nodiscard]] std::span<const Check> process_checks();
/// Namespaces and mounts (checks_mounts.cpp).
[[nodiscard]] std::span<const Check> mount_checks();

[[nodiscard]] Finding verified(std::string kernel);
[[nodiscard]] Finding mismatch(std::string kernel, std::string reason);
[[nodiscard]] Finding cannot_know(std::string reason);
/// verified where `good`, else a mismatch with the reason.
[[nodiscard]] Finding either(bool good, std::string kernel, std::string reason);
/// The namespace of that kind is not hearthd's own.
[[nodiscard]] Finding own_namespace(const Evidence& evidence, const std::string& kind);

}  // namespace hearth::report
