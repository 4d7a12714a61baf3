// SPDX-License-Identifier: MIT
//
// StateDirectory= and kin, credentials, DynamicUser=: each place is looked up in the service's own
// view, and must be the host's directory, of the owner and mode asked for.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "supervisor/launch/dynamic_user.hpp"
#include "supervisor/launch/service_directories.hpp"
#include "supervisor/report/checks.hpp"

namespace hearth::report {

namespace {

const launch::DirectoryKind& kind_of(std::string_view directive) {
    const auto kinds = launch::directory_kinds();
    return *std::ranges::find(kinds, directive, &launch::DirectoryKind::directive);
}

/// Whose the directories are: the plan knows the number that a dynamic user got.
std::optional<std::uint32_t> owner_of(const Evidence& evidence, std::string_view directive) {
    for (const launch::Prepared& prepared : evidence.question.plan.preparations) {
        const auto* made = std::get_if<launch::MakeServiceDirectory>(&prepared.preparation);
        if (made != nullptr && prepared.asked.directive == directive) {
            return made->owner;
        }
    }
    return std::nullopt;
}

Finding one_directory(
    const Evidence& evidence,
    const launch::DirectoryKind& kind,
    const ServiceDirectory& entry,
    bool mode_alone) {
    const std::string path = launch::directory_path(evidence.question.host, kind, entry);
    const auto found = evidence.view.paths.find(path);
    if (found == evidence.view.paths.end()) {
        return cannot_know(path + " was not looked at");
    }
    const PathFact& fact = found->second;
    if (!fact.error.empty()) {
        return fact.missing ? mismatch(path + " is missing", "the service can't find it")
                            : cannot_know(fact.error);
    }
    const std::uint32_t mode = (evidence.question.unit.settings.directories.*kind.mode).bits;
    const std::string shown = fmt::format("{} {:04o} uid {}", path, fact.mode, fact.owner);
    if (mode_alone) {
        return either(fact.mode == mode, shown, fmt::format("expected mode {:04o}", mode));
    }
    if (!fact.directory) {
        return mismatch(shown, "it is no directory");
    }
    if (fact.identity != fact.own_identity) {
        return mismatch(shown, "it is not the directory that the host has there");
    }
    const auto owner = owner_of(evidence, kind.directive);
    if (kind.owned && owner && fact.owner != *owner) {
        return mismatch(shown, fmt::format("expected uid {}", *owner));
    }
    const Place place = look(evidence, path);
    if (place.mount != nullptr && place.mount->read_only() && !fact.own_read_only) {
        return mismatch(shown + ", read-only", "the service can't write there");
    }
    return verified(shown);
}

Finding directories(const Evidence& evidence, std::string_view directive, bool mode_alone) {
    const launch::DirectoryKind& kind = kind_of(directive);
    std::optional<Finding> all;
    for (const ServiceDirectory& entry :
         kind.entries(evidence.question.unit.settings.directories)) {
        Finding one = one_directory(evidence, kind, entry, mode_alone);
        all = all ? both(std::move(*all), std::move(one)) : std::move(one);
    }
    return all ? *all : cannot_know("there is no " + std::string(directive) + "= that it is for");
}

template <const auto& directive>
Finding made(const Evidence& evidence) {
    return directories(evidence, directive, false);
}
template <const auto& directive>
Finding mode(const Evidence& evidence) {
    return directories(evidence, directive, true);
}

constexpr char cache[] = "CacheDirectory", configuration[] = "ConfigurationDirectory",
               logs[] = "LogsDirectory", runtime[] = "RuntimeDirectory", state[] = "StateDirectory";

Finding credentials(const Evidence& evidence) {
    const std::string path =
        launch::credentials_path(evidence.question.unit, evidence.question.host);
    const auto found = evidence.view.paths.find(path);
    if (found == evidence.view.paths.end() || !found->second.error.empty()) {
        return found != evidence.view.paths.end() && found->second.missing
                   ? mismatch(path + " is missing", "the service can't find it")
                   : cannot_know(path + " can't be looked at");
    }
    const PathFact& fact = found->second;
    const Place place = look(evidence, path);
    const std::string shown = fmt::format(
        "{} {:04o} uid {} on {}", path, fact.mode, fact.owner, report::shown(place.mount));
    if ((fact.mode & 0077U) != 0) {
        return mismatch(shown, "others can look into it");
    }
    const bool closed = place.mount != nullptr && place.exact && place.mount->read_only();
    return either(closed, shown, "it is no read-only mount of its own");
}

Finding dynamic_user(const Evidence& evidence) {
    std::istringstream fields(
        evidence.view.status.contains("Uid") ? evidence.view.status.at("Uid") : std::string());
    std::uint32_t real = 0, effective = 0, saved = 0, file_system = 0;
    if (!(fields >> real >> effective >> saved >> file_system)) {
        return cannot_know("/proc/PID/status tells no Uid");
    }
    const bool same = real == effective && real == saved && real == file_system;
    const auto& accounts = evidence.question.host.accounts;
    const auto account = accounts.find(launch::dynamic_user_name(evidence.question.unit));
    const std::string shown = fmt::format("uid {}", real);
    if (account != accounts.end()) {
        return either(
            same && real == account->second.uid,
            shown,
            fmt::format("expected uid {} of /etc/passwd", account->second.uid));
    }
    return either(
        same && launch::is_dynamic_uid(real), shown, "expected one number of 61184 to 65519");
}

constexpr auto checks = std::to_array<Check>({
    {"CacheDirectory", made<cache>},
    {"CacheDirectoryMode", mode<cache>},
    {"ConfigurationDirectory", made<configuration>},
    {"ConfigurationDirectoryMode", mode<configuration>},
    {"DynamicUser", dynamic_user},
    {"KeyringMode",
     [](const Evidence&) {
         return cannot_know("the kernel shows a session keyring to its own processes alone");
     }},
    {"LoadCredential", credentials},
    {"LogsDirectory", made<logs>},
    {"LogsDirectoryMode", mode<logs>},
    {"RemoveIPC",
     [](const Evidence&) { return cannot_know("it takes effect when the service has stopped"); }},
    {"RuntimeDirectory", made<runtime>},
    {"RuntimeDirectoryMode", mode<runtime>},
    {"SetCredential", credentials},
    {"StateDirectory", made<state>},
    {"StateDirectoryMode", mode<state>},
});

}  // namespace

std::span<const Check> directory_checks() {
    return checks;
}

std::vector<AskedPath> directory_paths(const Question& question) {
    std::vector<AskedPath> paths;
    for (const launch::DirectoryKind& kind : launch::directory_kinds()) {
        for (const ServiceDirectory& entry : kind.entries(question.unit.settings.directories)) {
            paths.push_back(
                {launch::directory_path(question.host, kind, entry),
                 launch::real_directory_path(question.unit, question.host, kind, entry)});
        }
    }
    if (launch::has_credentials(question.unit)) {
        const std::string path = launch::credentials_path(question.unit, question.host);
        paths.push_back({path, path});
    }
    return paths;
}

}  // namespace hearth::report
