// SPDX-License-Identifier: MIT
//
// Another hearthd in the place of this one: `daemon-reexec`, `hearthctl upgrade` (DESIGN 1). The
// other looks at the state first, as a child that changes nothing. Then this one writes down what
// both understand, tells the keeper what to start, and ends as if it had died: adoption.cpp is the
// only way in which anything is ever taken over. The keeper brings this program back where the
// other doesn't become ready.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "supervisor/candidate.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

constexpr auto longest_check = std::chrono::seconds(30);
constexpr std::uint64_t room_interval = 20'000;  // microseconds
constexpr int most_intervals = 50;
constexpr std::uint64_t longest_patience = 3'600'000'000;

/// The file that this program was started from, if it still is there; else what is in its place.
std::string own_path() {
    constexpr std::string_view gone = " (deleted)";
    std::string path = sys::readlink("/proc/self/exe").value_or("");
    if (path.ends_with(gone)) {
        path.resize(path.size() - gone.size());
    }
    return path;
}

std::string listed(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += "\n  " + line;
    }
    return text;
}

}  // namespace

void Supervisor::upgrade(
    UpgradeRequest request, std::function<void(Result<std::string, RequestError>)> done) {
    const auto refuse = [&done](const char* name, std::string why) {
        done(Unexpected(RequestError{name, std::move(why)}));
    };
    if (exit_status_) {
        return refuse("ShuttingDown", "hearthd is stopping all units");
    }
    if (upgrading_) {
        return refuse("TransactionIsDestructive", "another upgrade of hearthd is under way");
    }
    if (!keeper_.can_replace()) {
        return refuse(
            "org.freedesktop.DBus.Error.NotSupported",
            keeper_ ? "the hearth-init that runs is older and can't start another hearthd in the "
                      "place of this one"
                    : "hearthd runs alone: only hearth-init can start another in its place and "
                      "bring this one back; start hearth-init instead of hearthd");
    }
    if (request.patience == 0 || request.patience > longest_patience) {
        return refuse("InvalidArgs", "the time to become ready must be between 1us and 1h");
    }
    auto upgrade = std::make_shared<Upgrade>();
    upgrade->path = request.program.empty() ? own_path() : request.program;
    auto program = sys::open(upgrade->path, O_PATH);
    if (!program) {
        return refuse("InvalidArgs", program.error().what);
    }
    upgrade->program = std::move(*program);
    upgrade->request = std::move(request);
    upgrade->done = std::move(done);
    examine(std::move(upgrade));
}

/// Off the loop: the program may hang, and reads as many files as there are units.
void Supervisor::examine(std::shared_ptr<Upgrade> upgrade) {
    if (!examiner_) {
        auto made = Worker::create(loop_);
        if (!made) {
            return refuse_upgrade(*upgrade, {"Failed", made.error().what});
        }
        examiner_ = std::move(*made);
    }
    upgrading_ = true;
    ++probing_;  // its child is not ours to reap
    auto verdict = std::make_shared<Result<StateVerdict>>(Unexpected(Error{}));
    examiner_->run(
        [upgrade, verdict, words = options_.words] {
            *verdict = ask_candidate(upgrade->program.number(), words, longest_check);
        },
        [this, upgrade, verdict] {
            --probing_;
            examined(upgrade, *verdict);
        });
}

void Supervisor::examined(
    const std::shared_ptr<Upgrade>& upgrade, const Result<StateVerdict>& verdict) {
    if (!verdict) {
        return refuse_upgrade(
            *upgrade, {"org.hearth1.Refused", upgrade->path + ": " + verdict.error().what});
    }
    if (exit_status_) {
        return refuse_upgrade(*upgrade, {"ShuttingDown", "hearthd is stopping all units"});
    }
    if (state_ && verdict->state_version < state_->version()) {
        write_all_state(verdict->state_version);  // an older one: it shall read what it knows
        return examine(upgrade);
    }
    if (!verdict->losses.empty() && !upgrade->request.force) {
        return refuse_upgrade(
            *upgrade,
            {"org.hearth1.Refused",
             fmt::format(
                 "{} (hearthd {}) can't carry on all that this hearthd keeps:{}\n--force takes the "
                 "loss",
                 upgrade->path,
                 verdict->version,
                 listed(verdict->losses))});
    }
    std::string answer = fmt::format(
        "pid={}\nversion={}\nstate-version={}\nnext-version={}\nnext-state-version={}\nunits={}\n",
        ::getpid(),
        HEARTH_VERSION,
        newest_state_version(),
        verdict->version,
        verdict->state_version,
        verdict->units);
    for (const std::string& each : verdict->losses) {
        log::write(log::Level::Warning, "taken as a loss: " + each);
        answer += "loss=" + each + "\n";
    }
    for (const std::string& each : verdict->notes) {
        answer += "note=" + each + "\n";
    }
    log::write(
        log::Level::Notice,
        fmt::format("making room for {} (hearthd {})", upgrade->path, verdict->version));
    upgrade->done(std::move(answer));
    make_room(upgrade);
}

void Supervisor::refuse_upgrade(Upgrade& upgrade, RequestError error) {
    upgrading_ = false;
    log::write(log::Level::Warning, "no upgrade: " + error.message);
    if (state_ && announced_) {
        write_all_state(newest_state_version());
    }
    upgrade.done(Unexpected(std::move(error)));
}

/// Launches that are under way would be settled by the next hearthd, too; to wait for them costs
/// milliseconds. One that hangs is left to it.
void Supervisor::make_room(const std::shared_ptr<Upgrade>& upgrade) {
    if (!launching_.empty() && upgrade->waited++ < most_intervals) {
        auto timer = loop_.timer(Priority::Timer, [this, upgrade] {
            const std::shared_ptr<Upgrade> kept = upgrade;  // the timer is replaced meanwhile
            make_room(kept);
        });
        if (timer) {
            room_source_ = std::move(*timer);
            room_source_.arm_in(room_interval);
            return;
        }
    }
    for (const auto& [name, record] : world_.units) {
        save(name);
    }
    left_ = Left{sys::monotonic_microseconds(), ::getpid(), HEARTH_VERSION};
    announced_ = false;
    save_manager();
    keeper_.replace(upgrade->program.number(), upgrade->request.patience);
    makes_room_ = true;
    loop_.exit(0);
}

void Supervisor::write_all_state(unsigned version) {
    if (!state_ || state_->version() == version) {
        return;
    }
    state_->set_version(version);
    for (const auto& [name, record] : world_.units) {
        save(name);
    }
}

void Supervisor::announce_ready() {
    keeper_.ready();
    announced_ = true;
    if (left_) {
        gap_ = sys::monotonic_microseconds() - left_->at;
    }
    if (const auto& failure = keeper_.replacement_failure()) {
        log::write(
            log::Level::Error,
            "the hearthd that was to take this one's place didn't: " + *failure +
                "; this one goes on");
    } else if (left_) {
        log::write(
            log::Level::Notice,
            fmt::format(
                "took over from hearthd {}: {} ms without a manager, {} units",
                left_->version,
                gap_ / 1000,
                adopted_));
    }
    write_all_state(newest_state_version());
    save_manager();
}

std::string Supervisor::taken_over() const {
    std::string text = fmt::format(
        "pid={}\nversion={}\nstate-version={}\nprogram={}\nunits={}\nrunning={}\n",
        ::getpid(),
        HEARTH_VERSION,
        newest_state_version(),
        sys::readlink("/proc/self/exe").value_or(""),
        adopted_,
        adopted_running_);
    if (left_) {
        text +=
            fmt::format("from-pid={}\nfrom-version={}\ngap={}\n", left_->pid, left_->version, gap_);
    }
    if (const auto& failure = keeper_.replacement_failure()) {
        text += "failure=" + *failure + "\n";
    }
    return text;
}

}  // namespace hearth
