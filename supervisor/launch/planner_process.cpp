// SPDX-License-Identifier: MIT
//
// What every process gets and what confines nothing: signals, session, keyring, umask, priorities,
// the working directory, resource limits. systemd.exec(5), Process Properties and Scheduling.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string_view>

#include "supervisor/launch/planner_passes.hpp"
#include "units/codecs.hpp"
#include "units/unit_name.hpp"

namespace hearth::launch {
namespace {

enum Status : int {  // systemd.exec(5), Process Exit Codes
    ChangeDirectoryFailed = 200,
    NiceFailed = 201,
    DescriptorsFailed = 202,
    LimitsFailed = 205,
    OomAdjustFailed = 206,
    SignalMaskFailed = 207,
    SessionFailed = 220,
    KeyringFailed = 237,
};

/// Only what the unit file says has a place in it.
Asked asked_if_written(const Planning& planning, std::string_view directive, std::string value) {
    return planning.unit.origins.contains(directive) ? planning.asked(directive, std::move(value))
                                                     : Asked{};
}

void set_working_directory(Planning& planning) {
    const WorkingDirectory& wanted = planning.settings.exec.working_directory;
    const bool written = wanted.home || !wanted.path.empty();
    std::string path = wanted.path.empty() ? "/" : wanted.path;
    if (planning.host.user_manager && !written) {  // systemd.exec(5): a user's services start there
        const auto home = planning.host.environment.find("HOME");
        path = home == planning.host.environment.end() || home->second.empty() ? "/" : home->second;
    }
    if (wanted.home) {
        const auto& account = planning.identity.account;
        const auto root = planning.host.account_by_uid.find(planning.host.own_uid);
        const auto own = root == planning.host.account_by_uid.end()
                             ? planning.host.accounts.end()
                             : planning.host.accounts.find(root->second);
        path = account ? account->home
                       : (own == planning.host.accounts.end() ? "/root" : own->second.home);
    }
    Asked who = written
                    ? planning.asked("WorkingDirectory", Codec<WorkingDirectory>::format(wanted))
                    : Asked{};
    planning.add(
        Stage::WorkingDirectory,
        ChangeDirectory{std::move(path), wanted.optional},
        std::move(who),
        ChangeDirectoryFailed);
}

void set_keyring(Planning& planning) {
    const KeyringMode mode = planning.settings.identity.keyring_mode;
    if (mode == KeyringMode::Inherit) {
        return;
    }
    const Asked who = asked_if_written(planning, "KeyringMode", Codec<KeyringMode>::format(mode));
    planning.add(
        Stage::Keyring, NewSessionKeyring{planning.invocation.invocation_id}, who, KeyringFailed);
    if (mode == KeyringMode::Shared) {
        planning.add(Stage::Capabilities, LinkUserKeyring{}, who, KeyringFailed);
    }
}

class LimitSteps {
public:
    explicit LimitSteps(Planning& planning) : planning_(planning) {}

    template <class Limit>
    void add(std::string_view directive, int resource, const std::optional<Limit>& limit) {
        if (limit) {
            planning_.add(
                Stage::Limits,
                SetResourceLimit{resource, limit->soft, limit->hard, true},
                planning_.asked(directive, Codec<Limit>::format(*limit)),
                LimitsFailed);
        }
    }

private:
    Planning& planning_;
};

}  // namespace

void set_process_properties(Planning& planning) {
    const ExecSettings& exec = planning.settings.exec;
    std::vector<int> ignored;
    if (exec.ignore_sigpipe) {
        ignored.push_back(SIGPIPE);
    }
    planning.add(
        Stage::Signals,
        DefaultSignals{std::move(ignored)},
        asked_if_written(planning, "IgnoreSIGPIPE", exec.ignore_sigpipe ? "yes" : "no"),
        SignalMaskFailed);
    // autofs lets its owner's process group pass: mount(8) stays in ours, as with systemd.
    if (const UnitType type = unit_type(planning.unit.name);
        type != UnitType::Mount && type != UnitType::Swap) {
        planning.add(Stage::Session, NewSession{}, {}, SessionFailed);
    }
    planning.add(
        Stage::Scheduling,
        SetUmask{exec.umask.bits},
        asked_if_written(planning, "UMask", Codec<Mode>::format(exec.umask)),
        1);
    if (exec.nice) {
        planning.add(
            Stage::Scheduling,
            SetNice{*exec.nice, true},
            planning.asked("Nice", std::to_string(*exec.nice)),
            NiceFailed);
    }
    if (exec.oom_score_adjust) {
        planning.add(
            Stage::Scheduling,
            SetOomScoreAdjust{*exec.oom_score_adjust, true},
            planning.asked("OOMScoreAdjust", std::to_string(*exec.oom_score_adjust)),
            OomAdjustFailed);
    }
    set_keyring(planning);
    set_working_directory(planning);
    planning.add(Stage::CloseDescriptors, CloseDescriptors{}, {}, DescriptorsFailed);
    planning.add(Stage::SignalMask, ResetSignalMask{}, {}, SignalMaskFailed);
}

void set_limits(Planning& planning) {
    const LimitSettings& limits = planning.settings.exec.limits;
    LimitSteps steps(planning);
    steps.add("LimitAS", RLIMIT_AS, limits.address_space);
    steps.add("LimitCORE", RLIMIT_CORE, limits.core);
    steps.add("LimitCPU", RLIMIT_CPU, limits.cpu);
    steps.add("LimitDATA", RLIMIT_DATA, limits.data);
    steps.add("LimitFSIZE", RLIMIT_FSIZE, limits.file_size);
    steps.add("LimitLOCKS", RLIMIT_LOCKS, limits.locks);
    steps.add("LimitMEMLOCK", RLIMIT_MEMLOCK, limits.locked_memory);
    steps.add("LimitMSGQUEUE", RLIMIT_MSGQUEUE, limits.message_queue);
    steps.add("LimitNICE", RLIMIT_NICE, limits.nice);
    steps.add("LimitNOFILE", RLIMIT_NOFILE, limits.open_files);
    steps.add("LimitNPROC", RLIMIT_NPROC, limits.processes);
    steps.add("LimitRSS", RLIMIT_RSS, limits.resident_set);
    steps.add("LimitRTPRIO", RLIMIT_RTPRIO, limits.realtime_priority);
    steps.add("LimitRTTIME", RLIMIT_RTTIME, limits.realtime_time);
    steps.add("LimitSIGPENDING", RLIMIT_SIGPENDING, limits.pending_signals);
    steps.add("LimitSTACK", RLIMIT_STACK, limits.stack);
}

}  // namespace hearth::launch
