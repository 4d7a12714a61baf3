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
    Exec::refused<"CacheDirectory">(
        Nature::Gives, "Directories below /var/cache that are made for the service.", "heat"),
    Exec::no_effect<"CacheDirectoryMode">(
        "The mode of CacheDirectory=.", "CacheDirectory= is not built yet", "0700"),
    Exec::refused<"ConfigurationDirectory">(
        Nature::Gives, "Directories below /etc that are made for the service.", "heat"),
    Exec::no_effect<"ConfigurationDirectoryMode">(
        "The mode of ConfigurationDirectory=.", "ConfigurationDirectory= is not built yet", "0700"),
    Exec::refused<"CoredumpFilter">(
        Nature::Confines,
        "Which kinds of memory a core file of the service has.",
        "private-anonymous"),
    Exec::refused<"DynamicUser", "no">(
        Nature::Confines, "The service runs as a user that exists only while it runs.", "yes"),
    Exec::refused<"ExecSearchPath">(
        Nature::Shares, "Where commands without a path are searched for.", "/opt/heat/bin"),
    Exec::no_effect<"IOSchedulingClass">(
        "The class in which the service's IO is scheduled.",
        "not built yet; it shares the disk and confines nothing",
        "idle"),
    Exec::no_effect<"IOSchedulingPriority">(
        "The priority within IOSchedulingClass=.",
        "not built yet; it shares the disk and confines nothing",
        "7"),
    Exec::refused<"LoadCredential">(
        Nature::Gives, "A credential that the service gets, out of a file.", "secret:/etc/secret"),
    Exec::refused<"LoadCredentialEncrypted">(
        Nature::Gives,
        "The same as LoadCredential=, out of an encrypted file.",
        "secret:/etc/secret"),
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
    Exec::refused<"LogsDirectory">(
        Nature::Gives, "Directories below /var/log that are made for the service.", "heat"),
    Exec::no_effect<"LogsDirectoryMode">(
        "The mode of LogsDirectory=.", "LogsDirectory= is not built yet", "0700"),
    Exec::refused<"NUMAMask">(Nature::Confines, "The memory nodes of NUMAPolicy=.", "0-1"),
    Exec::refused<"NUMAPolicy", "default">(
        Nature::Confines, "From which memory nodes the service gets memory.", "bind"),
    Exec::refused<"PAMName">(
        Nature::Shares, "The PAM service by which a session is opened.", "login"),
    Exec::refused<"RootHash">(
        Nature::Confines, "The dm-verity root hash of RootImage=.", "/srv/hash"),
    Exec::refused<"RootHashSignature">(
        Nature::Confines, "The signature of RootHash=.", "/srv/signature"),
    Exec::refused<"RootVerity">(
        Nature::Confines, "The dm-verity data of RootImage=.", "/srv/verity"),
    Exec::refused<"RuntimeDirectory">(
        Nature::Gives,
        "Directories below /run that are made for the service, and removed.",
        "heat"),
    Exec::no_effect<"RuntimeDirectoryMode">(
        "The mode of RuntimeDirectory=.", "RuntimeDirectory= is not built yet", "0700"),
    Exec::no_effect<"RuntimeDirectoryPreserve">(
        "When RuntimeDirectory= is kept.", "RuntimeDirectory= is not built yet", "restart"),
    Exec::refused<"SetCredential">(
        Nature::Gives, "A credential that the service gets, written here.", "secret:x"),
    Exec::refused<"SetCredentialEncrypted">(
        Nature::Gives, "The same as SetCredential=, encrypted.", "secret:x"),
    Exec::refused<"StandardInputData">(
        Nature::Shares, "Bytes in Base64 that standard input is fed with.", "SGVhdAo="),
    Exec::refused<"StandardInputText">(
        Nature::Shares, "Text that standard input is fed with.", "heat"),
    Exec::refused<"StateDirectory">(
        Nature::Gives, "Directories below /var/lib that are made for the service.", "heat"),
    Exec::no_effect<"StateDirectoryMode">(
        "The mode of StateDirectory=.", "StateDirectory= is not built yet", "0700"),
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
    Exec::no_effect<"TimeoutCleanSec">(
        "How long removing the unit's directories may take.",
        "there is no cleaning of directories yet",
        "1min"),
    Exec::no_effect<"TimerSlackNSec">(
        "How late the service's timers may be.",
        "not built yet; timers keep the kernel's own slack",
        "1ms"),
    Exec::no_effect<"UtmpIdentifier">(
        "The identifier of the service's utmp records.",
        "no utmp records are written here",
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
