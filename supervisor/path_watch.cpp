// SPDX-License-Identifier: MIT
#include "supervisor/path_watch.hpp"

#include <glob.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "supervisor/log.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/watch.hpp"

namespace hearth {

namespace {

constexpr std::uint32_t of_itself = IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
constexpr std::uint32_t of_entries = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t of_way = of_entries | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t of_writing = IN_CLOSE_WRITE;

/// What counts as a change of the path itself.
std::uint32_t mask_of(PathCondition condition) {
    switch (condition) {
        case PathCondition::Exists:
            return of_itself;
        case PathCondition::ExistsGlob:
        case PathCondition::DirectoryNotEmpty:
            return of_itself | of_entries;
        case PathCondition::Changed:
            return of_itself | of_entries | of_writing;
        case PathCondition::Modified:
            return of_itself | of_entries | of_writing | IN_MODIFY;
    }
    return of_itself;
}

/// The directory of a pattern that holds no wildcard.
std::string plain_part(const std::string& pattern) {
    const std::size_t wild = pattern.find_first_of("*?[");
    if (wild == std::string::npos) {
        return pattern;
    }
    const std::size_t slash = pattern.rfind('/', wild);
    return slash == 0 || slash == std::string::npos ? "/" : pattern.substr(0, slash);
}

bool matches_something(const std::string& pattern) {
    glob_t found{};
    const int result = ::glob(pattern.c_str(), GLOB_NOSORT | GLOB_BRACE, nullptr, &found);
    const bool matches = result == 0 && found.gl_pathc > 0;
    ::globfree(&found);
    return matches;
}

/// What package managers, editors and file systems leave about doesn't count, as with systemd.
bool counts(const std::string& name) {
    return !name.starts_with('.') && !name.ends_with('~') && name != "lost+found" &&
           name != "aquota.user" && name != "aquota.group";
}

std::uint64_t stamp_of(const PathSpec& spec) {
    switch (spec.condition) {
        case PathCondition::ExistsGlob:
            return matches_something(spec.path) ? 1 : 0;
        case PathCondition::DirectoryNotEmpty: {
            const auto names = sys::read_directory(spec.path);
            return names && std::ranges::any_of(*names, counts) ? 1 : 0;
        }
        case PathCondition::Exists:
        case PathCondition::Changed:
        case PathCondition::Modified:
            break;
    }
    const auto status = sys::stat(spec.path);
    if (!status) {
        return 0;
    }
    std::uint64_t stamp = status->st_ino;
    for (const auto part :
         {static_cast<std::uint64_t>(status->st_dev),
          static_cast<std::uint64_t>(status->st_mtim.tv_sec),
          static_cast<std::uint64_t>(status->st_mtim.tv_nsec),
          static_cast<std::uint64_t>(status->st_size)}) {
        stamp = stamp * 0x100000001b3U ^ part;
    }
    return std::max<std::uint64_t>(stamp, 1);
}

/// MakeDirectory=: the path itself, and what leads to it.
void make_directory(const PathSpec& spec, Mode mode) {
    const bool of_content = spec.condition == PathCondition::Changed ||
                            spec.condition == PathCondition::Modified ||
                            spec.condition == PathCondition::DirectoryNotEmpty;
    if (!of_content) {
        return;
    }
    if (const auto made = sys::make_directories(spec.path, mode.bits);
        !made && made.error().code != EEXIST) {
        log::write(log::Level::Warning, "MakeDirectory=: " + made.error().what);
    }
}

/// False: the kernel gives no more watches.
bool watch_way(PathWatches::Survey& survey, const PathSpec& spec, std::size_t index) {
    const std::string path =
        spec.condition == PathCondition::ExistsGlob ? plain_part(spec.path) : spec.path;
    std::string above = "/";
    std::size_t begin = 1;
    for (;;) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string name = begin < path.size() ? path.substr(begin, end - begin) : "";
        const std::uint32_t mask = name.empty() ? mask_of(spec.condition) : of_way;
        const auto watch =
            sys::inotify_watch(survey.inotify.number(), above, mask | IN_MASK_ADD | IN_EXCL_UNLINK);
        if (!watch) {
            if (watch.error().code == ENOSPC) {
                survey.failure = watch.error().what + " (fs.inotify.max_user_watches)";
                return false;
            }
            return true;  // the directory before tells when it comes
        }
        survey.uses[*watch].push_back({index, name, mask});
        if (name.empty()) {
            return true;
        }
        above = path.substr(0, end);
        begin = end + 1;
    }
}

}  // namespace

PathWatches::Survey PathWatches::survey(const PathSettings& settings, bool first) {
    Survey survey;
    auto inotify = sys::inotify();
    if (!inotify) {
        survey.failure = inotify.error().what;
        return survey;
    }
    survey.inotify = std::move(*inotify);
    const std::vector<PathSpec>& specs = settings.specs.specs;
    for (std::size_t index = 0; index < specs.size(); ++index) {
        if (first && settings.make_directory) {
            make_directory(specs[index], settings.directory_mode);
        }
        if (!watch_way(survey, specs[index], index)) {
            return survey;
        }
    }
    for (const PathSpec& spec : specs) {
        survey.paths.push_back({stamp_of(spec), false});
    }
    return survey;
}

void PathWatches::watch(const std::string& unit, const PathSettings& settings) {
    Watched& watched = watched_[unit];
    watched = {};
    watched.settings = settings;
    watched.changed.resize(settings.specs.specs.size());
    ask(unit, watched, true);
}

void PathWatches::unwatch(const std::string& unit) {
    watched_.erase(unit);
}

void PathWatches::ask(const std::string& unit, Watched& watched, bool first) {
    if (watched.surveying) {
        watched.again = true;
        return;
    }
    watched.surveying = true;
    watched.generation = ++generation_;
    auto made = std::make_shared<Survey>();
    worker_.run(
        [made, first, settings = watched.settings] { *made = survey(settings, first); },
        [this, made, unit, generation = watched.generation] {
            surveyed(unit, generation, std::move(*made));
        });
}

void PathWatches::surveyed(const std::string& unit, std::uint64_t generation, Survey survey) {
    const auto found = watched_.find(unit);
    if (found == watched_.end() || found->second.generation != generation) {
        return;
    }
    Watched& watched = found->second;
    watched.surveying = false;
    PathsSeen seen{unit, std::move(survey.paths), std::move(survey.failure)};
    for (std::size_t index = 0; index < seen.paths.size(); ++index) {
        seen.paths[index].changed = watched.changed[index];
        watched.changed[index] = false;
    }
    watched.source = {};
    watched.inotify = std::move(survey.inotify);
    watched.uses = std::move(survey.uses);
    if (watched.inotify) {
        auto source = loop_.on_io(
            watched.inotify.number(), EPOLLIN, Priority::Io, [this, unit](std::uint32_t) {
                happened(unit);
            });
        if (source) {
            watched.source = std::move(*source);
        } else {
            seen.failure = source.error().what;
        }
    }
    const bool again = std::exchange(watched.again, false);
    seen_(std::move(seen));
    const auto still = watched_.find(unit);
    if (again && still != watched_.end() && still->second.generation == generation) {
        ask(unit, still->second, false);
    }
}

void PathWatches::happened(const std::string& name) {
    const std::string unit = name;  // the source that holds it may be replaced below
    const auto found = watched_.find(unit);
    if (found == watched_.end()) {
        return;
    }
    Watched& watched = found->second;
    const auto events = sys::read_inotify(watched.inotify.number());
    if (!events) {
        watched.source = {};
        return seen_({unit, {}, events.error().what});
    }
    bool concerns = false;
    for (const sys::InotifyEvent& event : *events) {
        concerns = concerns || (event.mask & IN_Q_OVERFLOW) != 0;
        const auto uses = watched.uses.find(event.watch);
        if (uses == watched.uses.end()) {
            continue;
        }
        for (const Use& use : uses->second) {
            if (use.name.empty()) {
                if ((event.mask & use.mask) != 0) {
                    watched.changed[use.spec] = concerns = true;
                }
            } else if (use.name == event.name || (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF))) {
                concerns = true;
            }
        }
    }
    if (concerns) {
        ask(unit, watched, false);
    }
}

}  // namespace hearth
