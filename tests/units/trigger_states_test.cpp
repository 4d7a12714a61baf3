// SPDX-License-Identifier: MIT
//
// Every state of a timer, path and automount meets every event. The answers are printed to
// docs/trigger-states.md, which is compared: HEARTH_UPDATE_GOLDEN=1 renews it.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "places.hpp"
#include "unit_text.hpp"
#include "units/engine.hpp"
#include "units/unit_name.hpp"

namespace hearth {
namespace {

constexpr std::uint64_t second = 1'000'000;

/// A world with a trigger, what it triggers, and a clock.
struct Scene {
    explicit Scene(const std::string& unit) : name(unit) {
        world.manager_started = now;
        world.zones[""] = TimeZone{};
        for (const char* const each : {"-.slice", "system.slice", "-.mount"}) {
            happen(UnitLoaded{load_unit(each, TextSource(), test_context())});
        }
        load("job.service", "[Service]\nExecStart=/bin/job\n");
        load("srv-x.mount", "[Mount]\nWhat=tmpfs\n");
        load("job.timer", "[Timer]\nOnActiveSec=10\nAccuracySec=1us\n");
        load("job.path", "[Path]\nPathExists=/srv/x\n");
        load("srv-x.automount", "[Automount]\nTimeoutIdleSec=30\n");
    }
    void load(const std::string& unit, const std::string& text) {
        TextSource source;
        source.fragments[unit] = {
            "/etc/systemd/system/" + unit, text + "[Unit]\nDefaultDependencies=no\n", false};
        happen(UnitLoaded{load_unit(unit, source, test_context())});
    }
    void happen(const Event& event) { last = step(world, event, now); }
    void request(Verb verb) {
        const auto asked = request_job(world, name, verb, JobMode::Replace, now);
        last = asked ? asked->outcome : Outcome();
    }
    void wait(std::uint64_t span) {
        now.monotonic += span;
        now.realtime += span;
        happen(TimeElapsed{});
    }
    [[nodiscard]] std::string triggered() const {
        return unit_type(name) == UnitType::Automount ? "srv-x.mount" : "job.service";
    }
    void trigger_runs() {
        while (const auto launch = world.find(triggered())->status.launch) {
            happen(Launched{triggered(), *launch, 7, now, "ab"});
            if (triggered() == "srv-x.mount") {
                happen(ProcessExited{triggered(), 7, CLD_EXITED, 0, now});
            }
        }
    }
    void trigger_ends() {
        if (triggered() == "srv-x.mount") {
            happen(CgroupChanged{triggered(), false});
            happen(PresenceChanged{triggered(), false});
        } else {
            happen(ProcessExited{triggered(), 7, CLD_EXITED, 0, now});
            happen(CgroupChanged{triggered(), false});
        }
    }
    [[nodiscard]] std::string sub() const { return std::string(sub_state(*world.find(name))); }

    std::string name;
    World world;
    Moment now{100 * second, 1'700'000'000 * second};
    Outcome last;
};

struct Doing {
    const char* name;
    std::function<void(Scene&)> act;
};

std::vector<Doing> events_of(UnitType type) {
    std::vector<Doing> events = {
        {"start", [](Scene& scene) { scene.request(Verb::Start); }},
        {"stop", [](Scene& scene) { scene.request(Verb::Stop); }},
        {"reset-failed", [](Scene& scene) { scene.happen(ResetFailed{scene.name}); }},
        {"its time has come", [](Scene& scene) { scene.wait(20 * second); }},
        {"its unit has ended", [](Scene& scene) { scene.trigger_ends(); }},
    };
    if (type == UnitType::Timer) {
        events.push_back({"the clock was set", [](Scene& scene) { scene.happen(ClockChanged{}); }});
        events.push_back(
            {"stamp read", [](Scene& scene) { scene.happen(TimerStampRead{scene.name, 1}); }});
    } else if (type == UnitType::Path) {
        events.push_back({"nothing there", [](Scene& scene) {
                              scene.happen(PathsSeen{scene.name, {{0, false}}, {}});
                          }});
        events.push_back({"it is there", [](Scene& scene) {
                              scene.happen(PathsSeen{scene.name, {{5, true}}, {}});
                          }});
        events.push_back({"can't be watched", [](Scene& scene) {
                              scene.happen(PathsSeen{scene.name, {}, "no watches left"});
                          }});
    } else {
        events.push_back(
            {"autofs mounted", [](Scene& scene) { scene.happen(AutofsMounted{scene.name, {}}); }});
        events.push_back({"autofs not mounted", [](Scene& scene) {
                              scene.happen(AutofsMounted{scene.name, "no autofs"});
                          }});
        events.push_back({"somebody enters", [](Scene& scene) {
                              scene.happen(AutofsAsked{scene.name, 3, false, "ls"});
                          }});
        events.push_back({"it is idle", [](Scene& scene) {
                              scene.happen(AutofsAsked{scene.name, 4, true, {}});
                          }});
        events.push_back(
            {"autofs unmounted", [](Scene& scene) { scene.happen(AutofsGone{scene.name}); }});
    }
    return events;
}

/// How each state is come to.
std::vector<Doing> ways_of(UnitType type) {
    const auto begin = [type](Scene& scene) {
        scene.request(Verb::Start);
        if (type == UnitType::Path) {
            scene.happen(PathsSeen{scene.name, {{0, false}}, {}});
        } else if (type == UnitType::Automount) {
            scene.happen(AutofsMounted{scene.name, {}});
        }
    };
    const auto run = [type, begin](Scene& scene) {
        begin(scene);
        if (type == UnitType::Timer) {
            scene.wait(20 * second);
        } else if (type == UnitType::Path) {
            scene.happen(PathsSeen{scene.name, {{5, false}}, {}});
        } else {
            scene.happen(AutofsAsked{scene.name, 1, false, "ls"});
        }
        scene.trigger_runs();
    };
    std::vector<Doing> ways = {{"dead", [](Scene&) {}}, {"waiting", begin}, {"running", run}};
    if (type == UnitType::Timer) {
        ways.push_back({"elapsed", [run](Scene& scene) {
                            run(scene);
                            scene.wait(second);
                            scene.trigger_ends();
                        }});
    }
    ways.push_back({"failed", [](Scene& scene) {
                        scene.happen(UnitLoaded{[&] {
                            Unit gone;
                            gone.name = scene.triggered();
                            gone.load_state = LoadState::NotFound;
                            return gone;
                        }()});
                        scene.request(Verb::Start);
                    }});
    return ways;
}

std::string actions_of(const Scene& scene) {
    std::string text;
    for (const Action& each : scene.last.actions) {
        std::string called = std::visit(
            [&](const auto& action) -> std::string {
                using A = std::decay_t<decltype(action)>;
                if constexpr (std::is_same_v<A, Launch>) {
                    return "launch for " + action.unit;
                } else if constexpr (std::is_same_v<A, WatchPaths>) {
                    return "watch";
                } else if constexpr (std::is_same_v<A, UnwatchPaths>) {
                    return "unwatch";
                } else if constexpr (std::is_same_v<A, MountAutofs>) {
                    return "mount autofs";
                } else if constexpr (std::is_same_v<A, UnmountAutofs>) {
                    return "unmount autofs";
                } else if constexpr (std::is_same_v<A, AnswerAutofs>) {
                    return "answer " + std::to_string(action.tokens.size()) +
                           (action.error == 0 ? " with success" : " with an error");
                } else if constexpr (std::is_same_v<A, ExpireAutofs>) {
                    return "ask whether it is idle";
                } else {
                    return {};
                }
            },
            each);
        text += called.empty() ? "" : (text.empty() ? "" : ", ") + called;
    }
    return text;
}

std::string matrix() {
    std::string text =
        "# States of timers, paths and automounts\n\nMade by tests/units/trigger_states_test.cpp: "
        "each state meets each event.\n";
    const std::vector<std::pair<std::string, UnitType>> types = {
        {"job.timer", UnitType::Timer},
        {"job.path", UnitType::Path},
        {"srv-x.automount", UnitType::Automount}};
    for (const auto& [unit, type] : types) {
        text += "\n## " + std::string(name(type)) +
                "\n\n| state | event | becomes | does |\n|---|---|---|---|\n";
        for (const Doing& way : ways_of(type)) {
            for (const Doing& event : events_of(type)) {
                Scene scene(unit);
                way.act(scene);
                EXPECT_EQ(scene.sub(), way.name) << unit;
                event.act(scene);
                const std::string after = scene.sub();
                text += "| " + std::string(way.name) + " | " + event.name + " | " +
                        (after == way.name ? "" : after) + " | " + actions_of(scene) + " |\n";
            }
        }
    }
    return text;
}

TEST(TriggerStates, AreThoseOfTheDocument) {
    const std::string path = HEARTH_SOURCE_DIR "/docs/trigger-states.md";
    const std::string now = matrix();
    if (std::getenv("HEARTH_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << now;
    }
    std::ifstream file(path);
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(now, golden.str()) << "renew it with HEARTH_UPDATE_GOLDEN=1 if the change is meant";
}

}  // namespace
}  // namespace hearth
