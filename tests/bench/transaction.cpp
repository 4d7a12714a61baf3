// SPDX-License-Identifier: MIT
//
// How long a request takes to plan, and to carry out where nothing has processes: a World of many
// targets with five dependencies each.
#include "units/transaction.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "units/engine.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string name_of_unit(int number) {
    return "u" + std::to_string(number) + ".target";
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
    const int units = count_of_arguments > 1 ? std::atoi(arguments[1]) : 10'000;
    std::mt19937 random(1);
    hearth::UnitsLoaded loaded;
    for (int number = 0; number < units; ++number) {
        hearth::Unit unit;
        unit.name = name_of_unit(number);
        unit.load_state = hearth::LoadState::Loaded;
        for (int edge = 0; edge < 5 && number + 1 < units; ++edge) {
            const int left = units - number - 1;
            const int other =
                edge == 0 ? number + 1
                          : number + 1 + static_cast<int>(random() % static_cast<unsigned>(left));
            unit.dependencies.push_back(
                {edge % 2 == 0 ? hearth::Relation::Requires : hearth::Relation::After,
                 name_of_unit(other),
                 hearth::DependencySource::File});
        }
        loaded.units.push_back(std::move(unit));
    }
    hearth::World world;
    auto start = Clock::now();
    (void)hearth::step(world, std::move(loaded), {});
    fmt::print("take in {} units: {:.1f} ms\n", units, milliseconds_since(start));
    start = Clock::now();
    const auto planned = hearth::plan_transaction(
        world, name_of_unit(0), hearth::JobType::Start, hearth::JobMode::Replace);
    fmt::print(
        "plan {} jobs: {:.1f} ms\n", planned ? planned->jobs.size() : 0, milliseconds_since(start));
    start = Clock::now();
    const auto requested = hearth::request_job(
        world, name_of_unit(0), hearth::Verb::Start, hearth::JobMode::Replace, {1, 1});
    fmt::print(
        "plan and carry out, {} transitions: {:.1f} ms\n",
        requested ? requested->outcome.transitions.size() : 0,
        milliseconds_since(start));
    return requested && world.jobs.empty() ? 0 : 1;
}
