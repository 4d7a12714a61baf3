// SPDX-License-Identifier: MIT
//
// The environment block of systemd.exec(5), "Environment Variables in Spawned Processes": what the
// manager sets, then PassEnvironment=, Environment=, EnvironmentFile=, each over the one before;
// then UnsetEnvironment= takes away. And the arguments, in which it is expanded. Not set, because
// nothing here provides it: $LANG, $SYSTEMD_EXEC_PID (a pid isn't known before the process is),
// $JOURNAL_STREAM (our streams are pipes).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "supervisor/launch/service_directories.hpp"
#include "units/codecs.hpp"
#include "units/process_codecs.hpp"

namespace hearth::launch {
namespace {

/// NAME to VALUE in order of first appearance; a later value replaces.
class Block {
public:
    void set(std::string_view name, std::string_view value) {
        const auto [entry, added] = positions_.try_emplace(std::string(name), variables_.size());
        if (added) {
            variables_.emplace_back(name, value);
        } else {
            variables_[entry->second].second = value;
        }
    }
    [[nodiscard]] std::vector<std::string> without(const std::vector<std::string>& unset) const {
        std::vector<std::string> block;
        for (const auto& [name, value] : variables_) {
            std::string assignment = name + "=" + value;
            const bool dropped =
                std::ranges::any_of(unset, [&, &its_name = name](const std::string& entry) {
                    return entry == its_name || entry == assignment;
                });
            if (!dropped) {
                block.push_back(std::move(assignment));
            }
        }
        return block;
    }

private:
    std::vector<std::pair<std::string, std::string>> variables_;
    std::map<std::string, std::size_t, std::less<>> positions_;
};

/// Accounts that can't log in have no shell to tell, as systemd has it.
bool is_login_shell(std::string_view shell) {
    constexpr auto refusing = std::to_array<std::string_view>({"nologin", "false", "true"});
    return std::ranges::find(refusing, shell.substr(shell.rfind('/') + 1)) == refusing.end();
}

void set_account(Block& block, const Account& account, std::optional<bool> wanted) {
    constexpr std::uint32_t nobody = 65534;  // has no home, whatever /etc/passwd says
    const bool has_home = account.uid != nobody && !account.home.empty() && account.home != "/";
    if (has_home || (wanted.value_or(false) && !account.home.empty())) {
        block.set("HOME", account.home);
    }
    block.set("LOGNAME", account.name);
    block.set("USER", account.name);
    if (is_login_shell(account.shell)) {
        block.set("SHELL", account.shell);
    }
}

/// The account whose name and home the service is told, if any (SetLoginEnvironment=).
const Account* told_account(const Planning& planning) {
    const auto& account = planning.identity.account;
    if (!planning.settings.identity.set_login_environment.value_or(account.has_value())) {
        return nullptr;
    }
    if (account) {
        return &*account;
    }
    const auto name = planning.host.account_by_uid.find(planning.host.own_uid);
    const auto own = name == planning.host.account_by_uid.end()
                         ? planning.host.accounts.end()
                         : planning.host.accounts.find(name->second);
    return own == planning.host.accounts.end() ? nullptr : &own->second;
}

/// $STATE_DIRECTORY and kin, $CREDENTIALS_DIRECTORY.
void set_directories(Block& block, const Planning& planning) {
    for (const DirectoryKind& kind : directory_kinds()) {
        std::string paths;
        for (const ServiceDirectory& entry : kind.entries(planning.settings.directories)) {
            paths += (paths.empty() ? "" : ":") + directory_path(planning.host, kind, entry);
        }
        if (!paths.empty()) {
            block.set(kind.variable, paths);
        }
    }
    if (has_credentials(planning.unit)) {
        block.set("CREDENTIALS_DIRECTORY", credentials_path(planning.unit, planning.host));
    }
}

/// systemd's "Memory Pressure Handling": the file, and what to write there to be woken.
void set_memory_pressure(Block& block, const Planning& planning) {
    const ResourceSettings& resources = planning.settings.resources;
    if (resources.memory_pressure_watch == MemoryPressureWatch::Off) {
        block.set("MEMORY_PRESSURE_WATCH", "/dev/null");
        return;
    }
    const std::string file = watched_pressure(planning.unit, planning.host);
    if (!file.empty()) {
        std::string trigger =
            "some " + std::to_string(resources.memory_pressure_threshold.microseconds) + " 2000000";
        trigger += '\0';
        block.set("MEMORY_PRESSURE_WATCH", file);
        block.set("MEMORY_PRESSURE_WRITE", Codec<InputData>::format({std::move(trigger)}));
    }
}

std::vector<std::string> environment_block(const Planning& planning) {
    const ExecSettings& exec = planning.settings.exec;
    const Invocation& invocation = planning.invocation;
    Block block;
    const std::string search_path =
        Codec<SearchPath>::format(planning.settings.identity.exec_search_path);
    block.set("PATH", planning.host.default_path);
    for (const auto& [name, value] : invocation.manager_environment) {
        block.set(name, value);
    }
    if (!search_path.empty()) {
        block.set("PATH", search_path);
    }
    if (const Account* const account = told_account(planning)) {
        set_account(block, *account, planning.settings.identity.set_login_environment);
    }
    set_directories(block, planning);
    if (!invocation.invocation_id.empty()) {
        block.set("INVOCATION_ID", invocation.invocation_id);
    }
    if (!invocation.notify_socket.empty()) {
        block.set("NOTIFY_SOCKET", notify_path(exec.root_directory, invocation.notify_socket));
    }
    if (invocation.watchdog_microseconds != 0) {
        block.set("WATCHDOG_USEC", std::to_string(invocation.watchdog_microseconds));
    }
    set_memory_pressure(block, planning);
    for (const auto& [name, value] : invocation.environment) {
        block.set(name, value);
    }
    for (const std::string& name : exec.pass_environment) {
        if (const auto found = planning.host.environment.find(name);
            found != planning.host.environment.end()) {
            block.set(name, found->second);
        }
    }
    for (const auto* const variables :
         {&exec.environment.variables, &invocation.environment_files}) {
        for (const auto& [name, value] : *variables) {
            block.set(name, value);
        }
    }
    return block.without(exec.unset_environment);
}

}  // namespace

void make_environment(Planning& planning) {
    Plan& plan = planning.plan;
    const Invocation& invocation = planning.invocation;
    plan.environment = environment_block(planning);
    plan.executable = invocation.executable;
    if (invocation.command == nullptr) {
        planning.refuse(invocation.directive, invocation.directive + "= has no command to run");
        return;
    }
    const CommandLine& command = *invocation.command;
    plan.executable_asked = planning.asked(invocation.directive, command.path);
    if (plan.executable.empty() && !command.is_bare_name()) {
        plan.executable = command.path;  // whether it exists is execve()'s verdict
    } else if (plan.executable.empty()) {
        const std::string search_path =
            Codec<SearchPath>::format(planning.settings.identity.exec_search_path);
        planning.refuse(
            invocation.directive,
            fmt::format(
                "{}={}: there is no such program in {}",
                invocation.directive,
                command.path,
                search_path.empty() ? planning.host.default_path : search_path),
            "write its absolute path");
    }
    plan.argv = command.argv;
    if (!command.no_environment_expansion) {
        auto expanded = expand_environment(command.argv, plan.environment);
        if (expanded) {
            plan.argv = std::move(expanded->argv);
        } else {
            planning.refuse(
                invocation.directive,
                fmt::format(
                    "{}={}: {}", invocation.directive, command.path, expanded.error().what));
        }
    }
}

}  // namespace hearth::launch
