// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Exec = Unbuilt<Section::Service, Context::Exec>;

constexpr auto rows = std::to_array<Row>({
    Exec::refused<"CPUAffinity">(Nature::Confines, "The CPUs on which the service runs.", "0-1"),
    Exec::refused<"CPUSchedulingPolicy", "other">(
        Nature::Gives, "The CPU scheduling policy of the service.", "rr"),
    Exec::refused<"CPUSchedulingPriority", "0">(
        Nature::Gives, "The priority under a real-time policy.", "20"),
    Exec::refused<"CPUSchedulingResetOnFork", "no">(
        Nature::Confines, "Children of the service start with the ordinary policy.", "yes"),
    Exec::refused<"CoredumpFilter">(
        Nature::Confines,
        "Which kinds of memory a core file of the service has.",
        "private-anonymous"),
    Exec::refused<"ExtensionDirectories">(
        Nature::Gives,
        "Directories that are laid over /usr and /opt of the service's root.",
        "/srv/extension"),
    Exec::refused<"ExtensionImages">(
        Nature::Gives,
        "Images that are laid over /usr and /opt of the service's root.",
        "/srv/extension.raw"),
    Exec::no_effect<"IOSchedulingClass">(
        "The class in which the service's IO is scheduled.",
        "not built yet; it shares the disk and confines nothing",
        "idle"),
    Exec::no_effect<"IOSchedulingPriority">(
        "The priority within IOSchedulingClass=.",
        "not built yet; it shares the disk and confines nothing",
        "7"),
    Exec::refused<"LoadCredentialEncrypted">(
        Nature::Gives,
        "The same as LoadCredential=, out of an encrypted file.",
        "secret:/etc/secret",
        "decrypting needs systemd-creds and its keys; LoadCredential= takes the plain text"),
    Exec::no_effect<"LogExtraFields">(
        "Further fields of each log line.", "log lines have no fields of their own here", "HEAT=1"),
    Exec::no_effect<"LogLevelMax">(
        "Log lines above this level are dropped.",
        "log lines have no levels here, all are kept",
        "notice"),
    Exec::no_effect<"LogNamespace">(
        "The journal namespace that the lines go to.",
        "each unit has a log of its own here",
        "heat"),
    Exec::no_effect<"LogRateLimitBurst">(
        "How many log lines are kept within LogRateLimitIntervalSec=.",
        "log lines are not dropped for their rate here",
        "100"),
    Exec::no_effect<"LogRateLimitIntervalSec">(
        "The time that LogRateLimitBurst= counts in.",
        "log lines are not dropped for their rate here",
        "30s"),
    Exec::refused<"MountImages">(
        Nature::Gives, "Images that are mounted for the service.", "/srv/x.raw:/mnt"),
    Exec::refused<"NUMAMask">(Nature::Confines, "The memory nodes of NUMAPolicy=.", "0-1"),
    Exec::refused<"NUMAPolicy", "default">(
        Nature::Confines, "From which memory nodes the service gets memory.", "bind"),
    Exec::refused<"PAMName">(
        Nature::Shares, "The PAM service by which a session is opened.", "login",
        "PAM modules would run inside hearthd, as root, and open a session that logind keeps"),
    Exec::refused<"RootHash">(
        Nature::Confines, "The dm-verity root hash of RootImage=.", "/srv/hash"),
    Exec::refused<"RootHashSignature">(
        Nature::Confines, "The signature of RootHash=.", "/srv/signature"),
    Exec::refused<"RootImage">(
        Nature::Confines,
        "The disk image that is the service's file system root.",
        "/srv/root.raw"),
    Exec::refused<"RootImageOptions">(Nature::Confines, "The mount options of RootImage=.", "ro"),
    Exec::refused<"RootVerity">(
        Nature::Confines, "The dm-verity data of RootImage=.", "/srv/verity"),
    Exec::refused<"SetCredentialEncrypted">(
        Nature::Gives, "The same as SetCredential=, encrypted.", "secret:x",
        "decrypting needs systemd-creds and its keys; SetCredential= takes the plain text"),
    Exec::refused<"StandardInputData">(
        Nature::Shares, "Bytes in Base64 that standard input is fed with.", "SGVhdAo="),
    Exec::refused<"StandardInputText">(
        Nature::Shares, "Text that standard input is fed with.", "heat"),
    Exec::no_effect<"SyslogFacility">(
        "The syslog facility of the service's lines.", "log lines have no facility here", "local0"),
    Exec::no_effect<"SyslogLevel">(
        "The syslog level of the service's lines.", "log lines have no levels here", "notice"),
    Exec::no_effect<"SyslogLevelPrefix">(
        "Whether a level in angle brackets before a line is understood.",
        "log lines have no levels here and are kept as they are",
        "no"),
    Exec::no_effect<"TTYColumns">(
        "The width of the service's terminal.", "services on a terminal are not built yet", "80"),
    Exec::no_effect<"TTYPath">(
        "The terminal of StandardInput=tty.",
        "services on a terminal are not built yet",
        "/dev/tty9"),
    Exec::no_effect<"TTYReset">(
        "Resets the terminal before and after.", "services on a terminal are not built yet", "yes"),
    Exec::no_effect<"TTYRows">(
        "The height of the service's terminal.", "services on a terminal are not built yet", "25"),
    Exec::no_effect<"TTYVHangup">(
        "Disconnects all others from the terminal before and after.",
        "services on a terminal are not built yet",
        "yes"),
    Exec::no_effect<"TTYVTDisallocate">(
        "Clears the virtual terminal before and after.",
        "services on a terminal are not built yet",
        "yes"),
    Exec::no_effect<"TimerSlackNSec">(
        "How late the service's timers may be.",
        "not built yet; timers keep the kernel's own slack",
        "1ms"),
    Exec::no_effect<"UtmpIdentifier">(
        "The identifier of the service's utmp records.",
        "no utmp records are written: nobody logs in on a service's terminal here",
        "heat"),
    Exec::no_effect<"UtmpMode">(
        "The kind of the service's utmp records.", "no utmp records are written here", "login"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_exec_rows() {
    return rows;
}

}  // namespace hearth::directives
