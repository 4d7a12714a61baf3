// SPDX-License-Identifier: MIT
//
// daemon-reload. Ten thousand files take a while, and a network mount any time: they are read and
// parsed on a thread of their own, from a snapshot, and the loop goes on. What comes of it is taken
// in at once, as one event; what the loop itself has loaded meanwhile is newer and stays. A reload
// that is asked for meanwhile begins when this one ends, one for all who asked: the files may have
// changed behind the reader.
#include <algorithm>
#include <utility>

#include "supervisor/booting.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/unit_files/manager_files.hpp"

namespace hearth {

/// All by value: nothing of it is the loop's.
struct Supervisor::Reading {
    Options options;
    LoadContext context;
    UnitStore store;
    std::vector<std::string> names;            ///< of all units
    std::set<std::string, std::less<>> known;  ///< and their aliases
    std::size_t asked = 0;                     ///< how many those are
    ManagerSettings manager;                   ///< from here on, what was read
    std::vector<Unit> units;

    boot::Asked generate = {};  ///< where hearthd boots: generators run first
    boot::Written generated = {};

    void run() {
        if (options.boots) {
            generated = boot::write_unit_files(generate);
        }
        manager = load_manager_settings(options.config, options.user, options.kernel.settings);
        context.defaults = manager.defaults;
        const UnitStore::Batch batch(store);
        for (std::size_t next = 0; next < names.size(); ++next) {
            units.push_back(load_unit(names[next], store, context));
            for (const Dependency& each : units.back().dependencies) {
                if (known.insert(each.unit).second) {
                    names.push_back(each.unit);
                }
            }
        }
    }
};

void Supervisor::reload(std::function<void()> done) {
    if (reloading_) {
        next_reload_waiters_.push_back(std::move(done));
        return;
    }
    reload_waiters_.push_back(std::move(done));
    begin_reload();
}

void Supervisor::begin_reload() {
    reloading_ = true;
    loaded_meanwhile_.clear();
    if (observer_ != nullptr) {
        observer_->units_reloading(true);
    }
    auto reading = std::make_shared<Reading>(
        Reading{options_, load_context_, UnitStore(store_.path()), {}, {}, 0, {}, {}});
    for (const auto& [name, record] : world_.units) {
        reading->names.push_back(name);
        reading->known.insert(name);
    }
    for (const auto& [alias, name] : world_.aliases) {
        reading->known.insert(alias);
    }
    reading->asked = reading->names.size();
    if (options_.boots) {
        reading->generate = boot_files(options_);
        ++generating_;
    }
    if (!reader_) {
        if (auto made = Worker::create(loop_)) {
            reader_ = std::move(*made);
        } else {
            log::write(log::Level::Warning, "daemon-reload blocks: " + made.error().what);
            reading->run();
            return end_reload(*reading);
        }
    }
    reader_->run([reading] { reading->run(); }, [this, reading] { end_reload(*reading); });
}

void Supervisor::end_reload(Reading& reading) {
    reloading_ = false;
    if (options_.boots) {
        --generating_;
        tell(reading.generated);
    }
    // Units that have gone meanwhile would come back as their old files had them.
    std::set<std::string, std::less<>> before(
        reading.names.begin(), reading.names.begin() + static_cast<std::ptrdiff_t>(reading.asked));
    std::erase_if(reading.units, [&](const Unit& unit) {
        return loaded_meanwhile_.contains(unit.name) ||
               (before.contains(unit.name) && world_.find(unit.name) == nullptr);
    });
    forget_install_view();
    store_.take_over(std::move(reading.store), loaded_meanwhile_);
    options_.manager = std::move(reading.manager);
    log::write(options_.manager.diagnostics);
    load_context_.defaults = options_.manager.defaults;
    take_in(std::move(reading.units));
    forget_unneeded();
    apply_all_limits();
    set_up_watchdog();
    if (observer_ != nullptr) {
        observer_->units_reloading(false);
    }
    settle_source_.trigger();
    for (const auto& done :
         std::exchange(reload_waiters_, std::exchange(next_reload_waiters_, {}))) {
        done();
    }
    if (!reload_waiters_.empty()) {
        begin_reload();
    }
}

}  // namespace hearth
