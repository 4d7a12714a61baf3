// SPDX-License-Identifier: MIT
//
// The plan of a session: which steps lead into a running unit, and what of the unit's own
// confinement each level keeps. Pure.
#include <linux/capability.h>

#include <algorithm>

#include "supervisor/attach.hpp"

namespace hearth {

namespace {

using launch::Step;

bool kept_for_service(Stage stage) {
    switch (stage) {
        case Stage::Scheduling:
        case Stage::Keyring:
        case Stage::Limits:
        case Stage::BoundingSet:
        case Stage::Identity:
        case Stage::Capabilities:
        case Stage::WorkingDirectory:
        case Stage::NoNewPrivileges:
        case Stage::Seccomp:
            return true;
        case Stage::Cgroup:
        case Stage::Signals:
        case Stage::Session:
        case Stage::Descriptors:
        case Stage::Namespaces:
        case Stage::Mounts:
        case Stage::Root:
        case Stage::Hostname:
        case Stage::UserNamespace:
        case Stage::CloseDescriptors:
        case Stage::SignalMask:
            return false;
    }
    return false;
}

const launch::Asked attach_asked{"attach", {}, {}};

/// Appends a step to the plan.
struct AttachSteps {
    launch::Plan& plan;
    void operator()(Stage stage, launch::Action action, int status) const {
        plan.steps.push_back(Step{stage, std::move(action), attach_asked, status});
    }
};

/// Whether there is a root inside for the session to be.
bool maps_root(const launch::Plan& plan) {
    for (const launch::Prepared& prepared : plan.preparations) {
        const auto* made = std::get_if<launch::MakeUserNamespace>(&prepared.preparation);
        if (made != nullptr) {
            return !made->deny_setgroups &&
                   std::ranges::any_of(
                       made->uids, [](const launch::IdRange& range) { return range.inside == 0; });
        }
    }
    return false;
}

bool kept_for_default(Stage stage) {
    return stage == Stage::BoundingSet || stage == Stage::NoNewPrivileges;
}

/// The unit's own or root's, then what the client passes.
std::vector<std::string> environment_of(
    const AttachRequest& request, const launch::Plan& unit_plan) {
    std::vector<std::string> environment = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "USER=root",
        "LOGNAME=root",
        "SHELL=/bin/sh"};
    if (request.level == AttachRequest::Level::AsService) {
        environment = unit_plan.environment;
    }
    for (const auto& [name, value] : request.environment) {
        environment.push_back(name + "=" + value);
    }
    return environment;
}

bool keeps(AttachRequest::Level level, Stage stage) {
    switch (level) {
        case AttachRequest::Level::AsService:
            return kept_for_service(stage);
        case AttachRequest::Level::Default:
            return kept_for_default(stage);
        case AttachRequest::Level::Privileged:
        case AttachRequest::Level::Fresh:
            return false;
    }
    return false;
}

/// The session's cgroup, on the controllers that the unit's is on.
launch::MakeCgroup cgroup_of(const launch::Plan& unit_plan, const std::string& path) {
    launch::MakeCgroup make;
    make.path = path;
    for (const launch::Prepared& prepared : unit_plan.preparations) {
        if (const auto* unit_cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation)) {
            make.v1_controllers = unit_cgroup->v1_controllers;
        }
    }
    return make;
}

/// A session of its own on the descriptors that the client passed.
void add_terminal(const AttachSteps& add, const AttachRequest& request) {
    add(Stage::Signals, launch::DefaultSignals{}, 1);
    add(Stage::Session, launch::NewSession{}, 220);
    const char* const slots[] = {"stdin", "stdout", "stderr"};
    for (int number = 0; number < 3; ++number) {
        add(Stage::Descriptors, launch::UseDescriptor{slots[number], number}, 208);
    }
    if (request.terminal) {
        add(Stage::Descriptors, launch::ControllingTerminal{0}, 208);
    }
}

/// What of the service's own confinement the level keeps.
void add_kept(launch::Plan& plan, AttachRequest::Level level, const launch::Plan& unit_plan) {
    for (const Step& step : unit_plan.steps) {
        const bool groups = std::holds_alternative<launch::SetGroups>(step.action);
        if (level == AttachRequest::Level::AsService && groups && step.stage != Stage::Identity) {
            plan.steps.insert(plan.steps.begin(), step);  // before the user namespace
        } else if (keeps(level, step.stage)) {
            plan.steps.push_back(step);
        }
    }
}

}  // namespace

launch::Plan attach_plan(
    const AttachRequest& request,
    const launch::Plan& unit_plan,
    const std::vector<std::string>& entered,
    const std::string& executable,
    const std::string& cgroup,
    std::uint64_t capabilities) {
    launch::Plan plan;
    plan.unit = unit_plan.unit;
    const launch::MakeCgroup make = cgroup_of(unit_plan, cgroup);
    if (!cgroup.empty()) {
        plan.cgroup = cgroup;
        plan.preparations.push_back({make, {}, 219});
    }
    const AttachSteps add{plan};
    if (!make.v1_controllers.empty()) {
        add(Stage::Cgroup, launch::JoinCgroups{}, 219);
    }
    add_terminal(add, request);
    // With rights over all of them hearthd enters the user namespace last, as the service did: the
    // others need not belong to it. Without, it is what gives the rights.
    const bool last = ((capabilities >> CAP_SYS_ADMIN) & 1U) != 0;
    for (const std::string& slot : entered) {
        if (slot != "pid" && (slot != "user" || !last)) {  // pid: the launcher's, for children only
            add(Stage::Namespaces, launch::EnterNamespace{slot}, 226);
        }
    }
    const bool users = std::ranges::find(entered, "user") != entered.end();
    add_kept(plan, request.level, unit_plan);
    if (users && last) {
        add(Stage::UserNamespace, launch::EnterNamespace{"user"}, 226);
    }
    if (users && request.level != AttachRequest::Level::AsService && maps_root(unit_plan)) {
        add(Stage::Identity, launch::SetGroups{0, {}}, 216);
        add(Stage::Identity, launch::SetUser{0}, 217);
    }
    if (request.level != AttachRequest::Level::AsService) {
        // What is inheritable would come back at the exec, bounding set or not.
        add(Stage::Capabilities, launch::SetCapabilities{capabilities, capabilities, 0}, 218);
        add(Stage::WorkingDirectory, launch::ChangeDirectory{"/", false}, 200);
    }
    add(Stage::CloseDescriptors, launch::CloseDescriptors{}, 202);
    add(Stage::SignalMask, launch::ResetSignalMask{}, 207);
    std::ranges::stable_sort(plan.steps, {}, &Step::stage);

    plan.executable = executable;
    plan.executable_asked = attach_asked;
    plan.argv = request.command.empty() ? std::vector<std::string>{"sh"} : request.command;
    plan.environment = environment_of(request, unit_plan);
    return plan;
}

}  // namespace hearth
