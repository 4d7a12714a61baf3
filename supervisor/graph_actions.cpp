// SPDX-License-Identifier: MIT
//
// Actions of the engine that concern more than one unit's processes: conditions are looked at on
// the worker, actions of units end the manager.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "supervisor/condition_facts.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"

namespace hearth {

void Supervisor::perform_check(const CheckConditions& action) {
    const UnitRecord* const record = world_.find(action.unit);
    if (record == nullptr) {
        return;
    }
    struct Check {
        ConditionNeeds needs;
        ConditionSources sources;
        ConditionsChecked answer;
    };
    auto check = std::make_shared<Check>();
    const UnitSettings& settings = record->unit.settings.unit;
    std::vector<Condition> all = settings.conditions;
    all.insert(all.end(), settings.asserts.begin(), settings.asserts.end());
    check->needs = needs(all);
    check->sources.context = load_context_;
    check->sources.bounding_set = facts_.snapshot().bounding_set;
    check->sources.cgroup_directory = tree_.directory("", "");
    check->sources.unified = tree_.layout() == launch::CgroupLayout::Unified;
    check->answer.unit = action.unit;
    check->answer.job = action.job;
    worker_->run(
        [check] { check->answer.facts = gather_condition_facts(check->needs, check->sources); },
        [this, check] { happen(std::move(check->answer)); });
}

void Supervisor::perform_action(const PerformAction& asked) {
    const PerformAction action = as_command(asked);
    if (options_.role == Role::Machine) {
        return act_on_machine(action);
    }
    switch (action.action) {
        case EmergencyAction::None:
            return;
        case EmergencyAction::Exit:
        case EmergencyAction::ExitForce:
            if (exit_status_) {
                exit_status_ = action.exit_status;  // stopping already: this is what it ends with
                return;
            }
            log::write(
                log::Level::Notice,
                action.unit,
                fmt::format(
                    "has ended, with {}: stopping all others, to exit with status {}",
                    action.why,
                    action.exit_status));
            shut_down(action.exit_status);
            return;
        case EmergencyAction::Poweroff:
        case EmergencyAction::PoweroffForce:
        case EmergencyAction::PoweroffImmediate:
        case EmergencyAction::Reboot:
        case EmergencyAction::RebootForce:
        case EmergencyAction::RebootImmediate:
            if (options_.role == Role::Container && !exit_status_) {  // it only exits
                log::write(
                    log::Level::Notice, action.unit, "has ended, with " + action.why + ": exiting");
                return shut_down(exit_code_);
            }
            log::write(
                log::Level::Error,
                action.unit,
                action.why + " is refused: hearthd is a guest of this machine");
            return;
    }
}

}  // namespace hearth
