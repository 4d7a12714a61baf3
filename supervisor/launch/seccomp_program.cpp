// SPDX-License-Identifier: MIT
#include "supervisor/launch/seccomp_program.hpp"

#include <set>
#include <utility>

#include "supervisor/launch/oci_profile.hpp"
#include "supervisor/launch/seccomp_emitter.hpp"
#include "supervisor/launch/seccomp_rules.hpp"

namespace hearth::launch {
namespace {

/// Whether anything but SeccompProfile= does.
bool asks_for_own_rules(const SandboxSettings& sandbox) {
    const SystemCallFilter& filter = sandbox.system_call_filter;
    const AddressFamilies& families = sandbox.restrict_address_families;
    return filter.allow_list || !filter.calls.empty() || families.allow_list ||
           !families.families.empty() || !sandbox.system_call_architectures.names.empty() ||
           sandbox.restrict_namespaces.allowed != NamespaceRestriction::everything ||
           sandbox.system_call_log.asked() || sandbox.lock_personality ||
           sandbox.restrict_realtime || sandbox.restrict_suid_sgid ||
           sandbox.memory_deny_write_execute || sandbox.private_devices ||
           sandbox.protect_hostname.locked() || sandbox.protect_kernel_tunables ||
           sandbox.protect_kernel_modules || sandbox.protect_kernel_logs || sandbox.protect_clock;
}

/// What the program depends on, and nothing else.
std::string content_key(const SandboxSettings& sandbox, const ProfileText* profile) {
    std::string key;
    const auto flag = [&](bool value) { key += value ? '1' : '0'; };
    flag(sandbox.lock_personality);
    flag(sandbox.restrict_realtime);
    flag(sandbox.restrict_suid_sgid);
    flag(sandbox.memory_deny_write_execute);
    flag(sandbox.private_devices);
    flag(sandbox.protect_hostname.locked());
    flag(sandbox.protect_kernel_tunables);
    flag(sandbox.protect_kernel_modules);
    flag(sandbox.protect_kernel_logs);
    flag(sandbox.protect_clock);
    flag(sandbox.system_call_filter.allow_list);
    flag(sandbox.restrict_address_families.allow_list);
    const SystemCallError& number = sandbox.system_call_error_number;
    key += number.kill ? "kill" : std::to_string(number.number);
    for (const auto& [call, error] : sandbox.system_call_filter.calls) {
        key += ' ' + call + (error ? ':' + std::to_string(*error) : std::string());
    }
    for (const std::string& name : sandbox.system_call_architectures.names) {
        key += " a:" + name;
    }
    for (const std::string& family : sandbox.restrict_address_families.families) {
        key += " f:" + family;
    }
    key += " n:" + std::to_string(sandbox.restrict_namespaces.allowed);
    key += " p:" + sandbox.personality.architecture;
    if (sandbox.system_call_log.asked()) {
        key += sandbox.system_call_log.inverted ? " log:~" : " log:";
        for (const std::string& call : sandbox.system_call_log.calls) {
            key += ' ' + call;
        }
    }
    if (profile != nullptr) {
        key += " profile:" + std::to_string(profile->capabilities) + ' ' +
               std::to_string(profile->kernel_major) + '.' + std::to_string(profile->kernel_minor) +
               ' ';
        key += profile->text;
    }
    return key;
}

}  // namespace

bool asks_for_seccomp(const SandboxSettings& sandbox) {
    return asks_for_own_rules(sandbox) || !sandbox.seccomp_profile.empty();
}

Result<SeccompProgram> compile(
    const SandboxSettings& sandbox, Diagnostics* notes, const ProfileText* profile) {
    SeccompProgram own;
    if (asks_for_own_rules(sandbox)) {
        own = HEARTH_TRY(emit(seccomp_rules(sandbox, notes)));
    }
    if (sandbox.seccomp_profile.empty()) {
        return own;
    }
    const auto refused = [&](const std::string& why) {
        return failure("SeccompProfile=" + sandbox.seccomp_profile + " " + why);
    };
    if (profile == nullptr) {
        return refused("was not read");
    }
    const auto read = parse_oci_profile(
        profile->text, {profile->capabilities, profile->kernel_major, profile->kernel_minor});
    if (!read) {
        return refused(read.error().what);
    }
    auto program = compile_oci_profile(*read);
    if (!program) {
        return refused("can't be compiled: " + program.error().what);
    }
    return chain(std::move(*program), own);
}

Result<const SeccompProgram*> SeccompCache::program(
    const SandboxSettings& sandbox, const ProfileText* profile) {
    if (!asks_for_seccomp(sandbox)) {
        return nullptr;
    }
    std::string key = content_key(sandbox, profile);
    if (const auto found = programs_.find(key); found != programs_.end()) {
        return found->second.get();
    }
    auto program = std::make_unique<SeccompProgram>(HEARTH_TRY(compile(sandbox, nullptr, profile)));
    return programs_.emplace(std::move(key), std::move(program)).first->second.get();
}

void SeccompCache::keep_only(const std::vector<const SandboxSettings*>& used) {
    std::set<std::string> keys;
    for (const SandboxSettings* const sandbox : used) {
        keys.insert(content_key(*sandbox, nullptr));
    }
    std::erase_if(programs_, [&](const auto& entry) { return !keys.contains(entry.first); });
}

}  // namespace hearth::launch
