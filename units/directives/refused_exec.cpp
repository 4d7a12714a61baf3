// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Exec = Unbuilt<Section::Service, Context::Exec>;

constexpr auto rows = std::to_array<Row>({
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
    Exec::refused<"PAMName">(
        Nature::Shares,
        "The PAM service by which a session is opened.",
        "login",
        "PAM modules would run inside hearthd, as root, and open a session that logind keeps"),
    Exec::refused<"RootHash">(
        Nature::Confines, "The dm-verity root hash of RootImage=.", "/srv/hash"),
    Exec::refused<"RootHashSignature">(
        Nature::Confines, "The signature of RootHash=.", "/srv/signature"),
    Exec::refused<"RootVerity">(
        Nature::Confines, "The dm-verity data of RootImage=.", "/srv/verity"),
    Exec::refused<"SetCredentialEncrypted">(
        Nature::Gives,
        "The same as SetCredential=, encrypted.",
        "secret:x",
        "decrypting needs systemd-creds and its keys; SetCredential= takes the plain text"),
    Exec::no_effect<"SyslogFacility">(
        "The syslog facility of the service's lines.", "log lines have no facility here", "local0"),
    Exec::no_effect<"SyslogLevel">(
        "The syslog level of the service's lines.", "log lines have no levels here", "notice"),
    Exec::no_effect<"SyslogLevelPrefix">(
        "Whether a level in angle brackets before a line is understood.",
        "log lines have no levels here and are kept as they are",
        "no"),
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
