// SPDX-License-Identifier: MIT
//
// What the bus asks of unit files: enable and kin, their states. The plan is units/install's.
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"

namespace hearth {

Result<InstallPlan, RequestError> Supervisor::change_unit_files(const UnitFileRequest& request) {
    InstallPlan plan = plan_unit_files(install_files_->read(request.names), request);
    forget_install_view();
    HEARTH_TRY(install_files_->carry_out(plan.changes));
    for (const FileChange& change : plan.changes) {
        log::write(log::Level::Notice, describe(change, "change", {}));
    }
    return plan;
}

Result<std::string, RequestError> Supervisor::unit_file_state(const std::string& unit) const {
    return enabled_state(install_files_->read(), unit);
}

Result<std::vector<std::string>, RequestError> Supervisor::unit_file_links(
    const std::string& unit, bool runtime) const {
    const InstallPlan plan = plan_unit_files(
        install_files_->read(),
        {.verb = UnitFileVerb::Disable, .names = {unit}, .runtime = runtime});
    std::vector<std::string> paths;
    for (const FileChange& change : plan.changes) {
        if (change.kind == FileChange::Kind::Unlink) {
            paths.push_back(change.path);
        } else if (is_failure(change.kind)) {
            return Unexpected(to_error(change));
        }
    }
    return paths;
}

Result<std::string, RequestError> Supervisor::default_target() const {
    return hearth::default_target(install_files_->read());
}

std::vector<std::pair<std::string, std::string>> Supervisor::unit_files() const {
    std::vector<std::pair<std::string, std::string>> files;
    for (UnitFileState& each : unit_file_states(install_files_->read())) {
        files.emplace_back(std::move(each.path), std::move(each.state));
    }
    return files;
}

void Supervisor::forget_install_view() {
    install_view_.reset();
    sought_again_.clear();
}

void Supervisor::add_file_state(const Unit& unit, LiveFacts& facts) const {
    if (unit.fragment_path.empty()) {
        return;
    }
    if (unit.transient) {
        facts.unit_file_state = "transient";
        return;
    }
    // A file may have come after the directories were read, and its unit been loaded since.
    const bool unseen = install_view_ && !install_view_->entries.contains(unit.fragment_path) &&
                        sought_again_.insert(unit.fragment_path).second;
    if (!install_view_ || unseen) {
        install_view_ = install_files_->read();
    }
    facts.unit_file_state = enabled_state(*install_view_, unit.name).value_or("bad");
    facts.unit_file_preset = preset_state(*install_view_, unit.name);
}

}  // namespace hearth
