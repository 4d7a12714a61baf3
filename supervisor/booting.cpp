// SPDX-License-Identifier: MIT
#include "supervisor/booting.hpp"

#include "supervisor/boot/preparation.hpp"
#include "supervisor/condition_facts.hpp"
#include "supervisor/log.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/unit_files/load_context.hpp"

namespace hearth {

boot::Asked boot_files(const Options& options) {
    boot::Asked asked;
    asked.places.built_in = options.runtime_directory + "/boot";
    asked.kernel = options.kernel;
    asked.is_machine = options.role == Role::Machine;
    ConditionSources sources;
    sources.context = gather_load_context(false);
    const ConditionFacts facts = gather_condition_facts({}, sources);
    if (!facts.virtualization.empty()) {
        asked.virtualization = (facts.is_container ? "container:" : "vm:") + facts.virtualization;
    }
    asked.architecture = facts.architecture;
    asked.first_boot = sys::stat("/run/systemd/first-boot").has_value();
    return asked;
}

void tell(const boot::Written& written) {
    log::write(written.diagnostics);
    for (const std::string& problem : written.problems) {
        log::write(log::Level::Warning, problem);
    }
}

void begin_boot(const Options& options) {
    log::write(options.kernel.diagnostics);
    const boot::Prepared prepared = options.role == Role::Machine
                                        ? boot::prepare_machine(options.kernel)
                                        : boot::prepare_container();
    for (const std::string& problem : prepared.problems) {
        log::write(log::Level::Warning, problem);
    }
    tell(boot::write_unit_files(boot_files(options)));
}

}  // namespace hearth
