// SPDX-License-Identifier: MIT
//
// Automount points of ours in the kernel (sys/autofs.hpp): made, asked, answered, taken away. The
// descriptors of their mounts and the pipes of their requests are held by the keeper, so that the
// next hearthd takes them over. The kernel lets one process group pass, and takes another only once
// whoever waits has got an error: a machine's hearthds are all of the keeper's group, and who waits
// in an automount point while one dies waits on for the next; elsewhere he gets that error, and who
// enters later finds it mounted. A request is taken out of the pipe when what was decided on it is
// written down, so one may be told of twice. Automount points that others made are never touched.
// Nothing here decides whether something is mounted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "supervisor/keeper.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "supervisor/worker.hpp"
#include "units/engine.hpp"
#include "units/settings.hpp"

namespace hearth {

class Automounts {
public:
    /// Both are called on the loop: `happen` for what will be acted upon; `settle` returns when it
    /// was, and is written down.
    Automounts(
        EventLoop& loop,
        KeeperChannel& keeper,
        std::function<void(Event)> happen,
        std::function<void()> settle)
        : loop_(loop), keeper_(keeper), happen_(std::move(happen)), settle_(std::move(settle)) {}

    /// AutofsMounted says how it went.
    void make(const std::string& unit, const AutomountSettings& settings);
    /// Takes up one that an earlier hearthd made; false: it is not there any more.
    [[nodiscard]] bool resume(const std::string& unit, const AutomountSettings& settings);
    void remove(const std::string& unit);
    void answer(const AnswerAutofs& action);
    void expire(const std::string& unit);

private:
    struct Point {
        std::string where;
        sys::Descriptor pipe, mount;
        EventSource source;
        bool expiring = false;
    };
    [[nodiscard]] Result<Point> mount(const AutomountSettings& settings);
    [[nodiscard]] Result<void> listen(const std::string& unit, Point point);
    void asked(const std::string& unit);

    EventLoop& loop_;
    KeeperChannel& keeper_;
    std::function<void(Event)> happen_;
    std::function<void()> settle_;
    std::map<std::string, Point, std::less<>> points_;
    std::unique_ptr<Worker> expirer_;  ///< made when first needed: an expiry waits for its answer
};

}  // namespace hearth
