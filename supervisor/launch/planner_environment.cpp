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
#include "supervisor/launch/planner_passes.hpp"

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

void set_account(Block& block, const Account& account) {
    constexpr std::uint32_t nobody = 65534;  // has no home, whatever /etc/passwd says
    if (account.uid != nobody && !account.home.empty() && account.home != "/") {
        block.set("HOME", account.home);
    }
    block.set("LOGNAME", account.name);
    block.set("USER", account.name);
    if (is_login_shell(account.shell)) {
        block.set("SHELL", account.shell);
    }
}

std::vector<std::string> environment_block(const Planning& planning) {
    const ExecSettings& exec = planning.settings.exec;
    const Invocation& invocation = planning.invocation;
    Block block;
    block.set("PATH", planning.host.default_path);
    if (planning.identity.account) {
        set_account(block, *planning.identity.account);
    }
    if (!invocation.invocation_id.empty()) {
        block.set("INVOCATION_ID", invocation.invocation_id);
    }
    if (!invocation.notify_socket.empty()) {
        block.set(
            "NOTIFY_SOCKET",
            notify_path(root_place(planning.unit, MountScope{}), invocation.notify_socket));
    }
    if (invocation.watchdog_microseconds != 0) {
        block.set("WATCHDOG_USEC", std::to_string(invocation.watchdog_microseconds));
    }
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
        planning.refuse(
            invocation.directive,
            fmt::format(
                "{}={}: there is no such program in {}",
                invocation.directive,
                command.path,
                planning.host.default_path),
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
