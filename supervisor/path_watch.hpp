// SPDX-License-Identifier: MIT
//
// What path units watch (systemd.path(5)), by inotify(7): each path, and each directory above it by
// the name that leads on, so that a path that is made, moved or linked into its place is noticed.
// Directories are looked into on the worker, since they may lie on a mount that hangs; the loop
// only reads what inotify has to say. Nothing here decides whether a unit is started.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "supervisor/worker.hpp"
#include "units/engine.hpp"
#include "units/settings.hpp"

namespace hearth {

class PathWatches {
public:
    /// `seen` is called on the loop.
    PathWatches(EventLoop& loop, Worker& worker, std::function<void(PathsSeen)> seen)
        : loop_(loop), worker_(worker), seen_(std::move(seen)) {}

    /// Replaces what was watched for the unit. One PathsSeen follows, and one at each change.
    void watch(const std::string& unit, const PathSettings& settings);
    void unwatch(const std::string& unit);

    /// One inotify watch may serve several paths.
    struct Use {
        std::size_t spec = 0;
        std::string name;        ///< of a directory above: what leads on; empty: the path itself
        std::uint32_t mask = 0;  ///< of the path itself: what counts as a change of it
    };
    /// What the worker made of the settings.
    struct Survey {
        sys::Descriptor inotify;
        std::map<int, std::vector<Use>> uses;
        std::vector<SeenPath> paths;
        std::string failure;
    };
    /// Watches, then looks, so that nothing that happens in between is missed.
    [[nodiscard]] static Survey survey(const PathSettings& settings, bool first);

private:
    struct Watched {
        PathSettings settings;
        std::uint64_t generation = 0;  ///< of the last survey that was asked for
        bool surveying = false, again = false;
        std::vector<bool> changed;
        sys::Descriptor inotify;
        std::map<int, std::vector<Use>> uses;
        EventSource source;
    };
    void ask(const std::string& unit, Watched& watched, bool first);
    void surveyed(const std::string& unit, std::uint64_t generation, Survey survey);
    void happened(const std::string& unit);

    EventLoop& loop_;
    Worker& worker_;
    std::function<void(PathsSeen)> seen_;
    std::map<std::string, Watched, std::less<>> watched_;
    std::uint64_t generation_ = 0;
};

}  // namespace hearth
