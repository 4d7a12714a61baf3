// SPDX-License-Identifier: MIT
//
// `hearthd --doctor`: the doctor's look at this machine without managing it. It takes a cgroup root
// of its own name for a moment, to see what can be had there, and removes it.
#include <unistd.h>

#include <cstdio>

#include "supervisor/doctor.hpp"
#include "supervisor/host_facts.hpp"
#include "supervisor/options.hpp"
#include "supervisor/unit_store.hpp"

namespace hearth {

namespace {

doctor::UnitVerdict judge(
    const std::string& name, const Options& options, const LoadContext& context, HostFacts& facts) {
    doctor::UnitVerdict verdict;
    const UnitStore store(options.unit_path);
    verdict.unit = load_unit(name, store, context);
    const CommandLines& commands = verdict.unit.settings.service.exec_start;
    if (!verdict.unit.refusals.empty() || commands.empty()) {
        verdict.refusals = verdict.unit.refusals;
        return verdict;
    }
    launch::Invocation invocation;
    invocation.command = &commands.front();
    invocation.executable =
        facts.executable(commands.front(), verdict.unit.settings.exec.root_directory);
    const auto program = facts.seccomp(verdict.unit);
    invocation.seccomp = program ? *program : nullptr;
    auto planned = launch::plan(verdict.unit, invocation, facts.host());
    if (planned) {
        verdict.shortfalls = std::move(planned->shortfalls);
    } else {
        verdict.refusals = std::move(planned.error());
        verdict.drop_in = launch::relaxing_drop_in(verdict.refusals);
    }
    return verdict;
}

}  // namespace

Result<int> run_doctor(const Options& options) {
    cgroup::Tree::Options places;
    places.root = "hearth-doctor-" + std::to_string(::getpid());
    places.owner = options.runtime_directory;
    auto tree = cgroup::Tree::open(places);
    const cgroup::Tree none;
    LoadContext context = gather_load_context(options.user);
    auto facts = HostFacts::gather(tree ? *tree : none, options.runtime_directory);
    std::vector<doctor::UnitVerdict> units;
    if (facts) {
        context.memory_bytes = facts->snapshot().memory_bytes;
        context.tasks_maximum = facts->snapshot().tasks_maximum;
        context.confinement = options.confinement;
        context.defaults = options.manager.defaults;
        for (const std::string& unit : options.units) {
            units.push_back(judge(unit, options, context, *facts));
        }
    }
    if (tree) {
        (void)tree->remove_root();
    }
    if (!facts) {
        return Unexpected(facts.error());
    }
    const std::string text =
        doctor::to_json(doctor::facilities(facts->snapshot(), options.runtime_directory), units);
    std::fputs((text + "\n").c_str(), stdout);
    return 0;
}

}  // namespace hearth
