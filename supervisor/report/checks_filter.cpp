// SPDX-License-Identifier: MIT
//
// Everything in a unit that filters system calls is merged into one program, so these directives
// stand or fall together: the program that the kernel holds is the plan's, or it is not. Where the
// kernel doesn't show programs, only the count is known, and the text says so.
#include <fmt/format.h>
#include <linux/capability.h>

#include <array>
#include <charconv>

#include "supervisor/report/checks.hpp"

namespace hearth::report {

namespace {

const launch::LoadSeccomp* planned(const Evidence& evidence) {
    for (const launch::Step& step : evidence.question.plan.steps) {
        if (const auto* load = std::get_if<launch::LoadSeccomp>(&step.action)) {
            return load;
        }
    }
    return nullptr;
}

std::string status(const Evidence& evidence, const char* key) {
    const auto found = evidence.view.status.find(key);
    return found == evidence.view.status.end() ? std::string() : found->second;
}

unsigned count(const std::string& text) {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Finding protect_hostname(const Evidence& evidence) {
    if (!evidence.sandbox().protect_hostname.locked()) {
        return own_namespace(evidence, "uts");  // the name in it is the service's to change
    }
    Finding finding = both(own_namespace(evidence, "uts"), filters(evidence));
    if (own_namespace(evidence, "mnt").verdict == Verdict::Verified) {
        finding = both(
            std::move(finding),
            read_only_trees(
                evidence, {"/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname"}));
    }
    return finding;
}

Finding protect_clock(const Evidence& evidence) {
    return both(without_capabilities(evidence, {CAP_SYS_TIME, CAP_WAKE_ALARM}), filters(evidence));
}

Finding protect_kernel_modules(const Evidence& evidence) {
    return both(
        both(without_capabilities(evidence, {CAP_SYS_MODULE}), filters(evidence)),
        all_hidden(evidence, {"/usr/lib/modules", "/lib/modules"}));
}

Finding protect_kernel_logs(const Evidence& evidence) {
    return both(
        both(without_capabilities(evidence, {CAP_SYSLOG}), filters(evidence)),
        all_hidden(evidence, {"/proc/kmsg", "/dev/kmsg"}));
}

constexpr auto checks = std::to_array<Check>({
    {"LockPersonality", filters},
    {"MemoryDenyWriteExecute", filters},
    {"ProtectClock", protect_clock},
    {"ProtectHostname", protect_hostname},
    {"ProtectKernelLogs", protect_kernel_logs},
    {"ProtectKernelModules", protect_kernel_modules},
    {"RestrictAddressFamilies", filters},
    {"RestrictNamespaces", filters},
    {"RestrictRealtime", filters},
    {"RestrictSUIDSGID", filters},
    {"SeccompProfile", filters},
    {"SystemCallArchitectures", filters},
    {"SystemCallErrorNumber", filters},
    {"SystemCallFilter", filters},
    {"SystemCallLog", filters},
});

}  // namespace

std::span<const Check> filter_checks() {
    return checks;
}

Finding filters(const Evidence& evidence) {
    const launch::LoadSeccomp* const load = planned(evidence);
    const std::string mode = status(evidence, "Seccomp");
    if (mode.empty()) {
        return cannot_know("/proc/PID/status tells no Seccomp: this kernel has none");
    }
    if (load == nullptr) {
        return mismatch("Seccomp mode " + mode, "the plan has no filter");
    }
    if (mode != "2") {
        return mismatch("Seccomp mode " + mode, "expected mode 2, a filter");
    }
    if (evidence.view.filter) {
        const FilterProgram& found = *evidence.view.filter;
        std::string text = fmt::format("filter of {} instructions", found.size());
        if (found == load->program) {
            return verified(text + ", as planned");
        }
        return mismatch(
            std::move(text),
            fmt::format("differs from the planned one of {}", load->program.size()));
    }
    const std::string attached = status(evidence, "Seccomp_filters");
    const std::string why =
        evidence.view.filter_error.empty() ? "not read" : evidence.view.filter_error;
    if (attached.empty()) {  // before Linux 5.9
        return verified("Seccomp mode 2; its content unknown: " + why);
    }
    const unsigned own = count(evidence.view.own_filters);
    const std::string text = fmt::format(
        "{} filter{} attached{}; content unknown: {}",
        attached,
        attached == "1" ? "" : "s",
        own == 0 ? "" : fmt::format(", {} of them hearthd's own", own),
        why);
    return either(count(attached) > own, text, "expected one filter more than hearthd has");
}

}  // namespace hearth::report
