// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Exec = Unbuilt<Section::Service, Context::Exec>;

constexpr auto rows = std::to_array<Row>({
    Exec::refused<"CacheDirectory">(
        Nature::Gives, "Directories below /var/cache that are made for the service.", "heat"),
    Exec::no_effect<"CacheDirectoryMode">(
        "The mode of CacheDirectory=.", "CacheDirectory= is not built yet", "0700"),
    Exec::refused<"ConfigurationDirectory">(
        Nature::Gives, "Directories below /etc that are made for the service.", "heat"),
    Exec::no_effect<"ConfigurationDirectoryMode">(
        "The mode of ConfigurationDirectory=.", "ConfigurationDirectory= is not built yet", "0700"),
    Exec::refused<"DynamicUser", "no">(
        Nature::Confines, "The service runs as a user that exists only while it runs.", "yes"),
    Exec::refused<"ExecSearchPath">(
        Nature::Shares, "Where commands without a path are searched for.", "/opt/heat/bin"),
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
    Exec::no_effect<"TimeoutCleanSec">(
        "How long removing the unit's directories may take.",
        "there is no cleaning of directories yet",
        "1min"),
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
