// SPDX-License-Identifier: MIT
#include "supervisor/automounts.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "supervisor/log.hpp"
#include "supervisor/mount_table.hpp"
#include "supervisor/sys/autofs.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"
#include "units/trigger.hpp"

namespace hearth {

namespace {

/// The keeper's names are short.
std::string held_name(const std::string& unit) {
    return "autofs:" + std::to_string(fixed_number(0, unit));
}

std::string held_pipe(const std::string& unit) {
    return held_name(unit) + ":pipe";
}

/// Started by a keeper that lets its hearthds be of its own process group.
bool passes_as_the_last_did() {
    return ::getpgrp() != ::getpid();
}

/// "ls (pid 12)"
std::string describe(std::uint32_t pid) {
    return sys::command_name(static_cast<pid_t>(pid)).value_or("a process") + " (pid " +
           std::to_string(pid) + ")";
}

/// The device of the autofs on `where`, whatever is mounted over it; 0: there is none.
std::uint64_t device_of_autofs(const std::string& where) {
    for (const MountEntry& each : mount_table()) {
        if (each.where == where && each.type == "autofs") {
            return each.device;
        }
    }
    return 0;
}

/// The kernel counts in whole seconds.
std::uint64_t seconds_of(const AutomountSettings& settings) {
    return (settings.timeout_idle.microseconds + 999'999) / 1'000'000;
}

}  // namespace

Result<Automounts::Point> Automounts::mount(const AutomountSettings& settings) {
    Point point;
    point.where = settings.where;
    for (const MountEntry& each : mount_table()) {
        if (each.where == settings.where) {
            return failure(settings.where + " is a mount point already", EEXIST);
        }
    }
    if (const auto made = sys::make_directories(settings.where, settings.directory_mode.bits);
        !made && made.error().code != EEXIST) {
        return Unexpected<Error>(made.error());
    }
    sys::Pipe pipe = HEARTH_TRY(sys::pipe2(O_NONBLOCK));
    if (auto mounted =
            sys::mount_autofs(settings.where, pipe.write.number(), settings.extra_options);
        !mounted) {
        const int code = mounted.error().code;
        return code == ENODEV
                   ? failure("this kernel has no autofs (CONFIG_AUTOFS_FS, autofs4.ko)", code)
                   : Unexpected<Error>(mounted.error());
    }
    point.pipe = std::move(pipe.read);
    auto opened = sys::open_autofs(device_of_autofs(settings.where), settings.where);
    if (opened) {
        point.mount = std::move(*opened);
        if (auto set = sys::set_autofs_timeout(point.mount.number(), seconds_of(settings)); !set) {
            opened = Unexpected<Error>(set.error());
        }
    }
    if (!opened) {
        (void)sys::umount2(settings.where, MNT_DETACH);
        return Unexpected<Error>(opened.error());
    }
    return point;
}

void Automounts::make(const std::string& unit, const AutomountSettings& settings) {
    auto point = mount(settings);
    if (!point) {
        return happen_(AutofsMounted{unit, point.error().what});
    }
    keeper_.hold(held_name(unit), point->mount.number());
    keeper_.hold(held_pipe(unit), point->pipe.number());
    const auto listening = listen(unit, std::move(*point));
    happen_(AutofsMounted{unit, listening ? std::string() : listening.error().what});
}

bool Automounts::resume(const std::string& unit, const AutomountSettings& settings) {
    Point point;
    point.where = settings.where;
    point.mount = keeper_.take(held_name(unit));
    if (!point.mount || device_of_autofs(settings.where) == 0) {
        return false;
    }
    point.pipe = keeper_.take(held_pipe(unit));
    if (point.pipe && passes_as_the_last_did()) {
        return listen(unit, std::move(point)).has_value();
    }
    // Not by the path: this process isn't of the group that passes yet, and would wait for itself.
    auto pipe = sys::pipe2(O_NONBLOCK);
    const auto taken = pipe ? sys::take_over_autofs(point.mount.number(), pipe->write.number())
                            : Result<void>(Unexpected<Error>(pipe.error()));
    if (!taken) {
        log::write(log::Level::Error, unit, taken.error().what);
        return false;
    }
    point.pipe = std::move(pipe->read);
    keeper_.hold(held_pipe(unit), point.pipe.number());
    return listen(unit, std::move(point)).has_value();
}

Result<void> Automounts::listen(const std::string& unit, Point point) {
    point.source = HEARTH_TRY(loop_.on_io(
        point.pipe.number(), EPOLLIN, Priority::Io, [this, unit](std::uint32_t) { asked(unit); }));
    points_.insert_or_assign(unit, std::move(point));
    return {};
}

void Automounts::asked(const std::string& name) {
    // The source that holds it may go. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const std::string unit = name;
    const auto found = points_.find(unit);
    if (found == points_.end()) {
        return;
    }
    const auto request = sys::peek_autofs(found->second.pipe.number());
    if (!request) {
        log::write(log::Level::Notice, unit, request.error().what);
        found->second.source = {};
        return happen_(AutofsGone{unit});
    }
    if (*request) {
        const sys::AutofsRequest& what = **request;
        happen_(AutofsAsked{unit, what.token, what.expires, describe(what.pid)});
        settle_();
        if (const auto still = points_.find(unit); still != points_.end()) {
            (void)sys::take_autofs(still->second.pipe.number());
        }
    }
}

void Automounts::remove(const std::string& unit) {
    const auto found = points_.find(unit);
    if (found == points_.end()) {
        return;
    }
    // What our mount unit put there lies above it.
    for (int layers = 0; layers < 8 && device_of_autofs(found->second.where) != 0; ++layers) {
        if (auto gone = sys::umount2(found->second.where, MNT_DETACH | UMOUNT_NOFOLLOW); !gone) {
            log::write(log::Level::Warning, unit, gone.error().what);
            break;
        }
    }
    points_.erase(found);
    keeper_.drop(held_name(unit));
    keeper_.drop(held_pipe(unit));
}

void Automounts::answer(const AnswerAutofs& action) {
    const auto found = points_.find(action.unit);
    if (found == points_.end()) {
        return;
    }
    for (const std::uint32_t token : action.tokens) {
        const auto sent = sys::answer_autofs(found->second.mount.number(), token, action.error);
        if (!sent) {
            log::write(log::Level::Warning, action.unit, sent.error().what);
        }
    }
}

void Automounts::expire(const std::string& unit) {
    const auto found = points_.find(unit);
    if (found == points_.end() || found->second.expiring) {
        return;
    }
    if (!expirer_) {
        auto worker = Worker::create(loop_);
        if (!worker) {
            return log::write(log::Level::Error, unit, worker.error().what);
        }
        expirer_ = std::move(*worker);
    }
    auto copy = sys::duplicate(found->second.mount.number());
    if (!copy) {
        return;
    }
    found->second.expiring = true;
    auto mount = std::make_shared<sys::Descriptor>(std::move(*copy));
    expirer_->run(
        [mount] { (void)sys::expire_autofs(mount->number()); },
        [this, unit, mount] {
            if (const auto still = points_.find(unit); still != points_.end()) {
                still->second.expiring = false;
            }
        });
}

}  // namespace hearth
