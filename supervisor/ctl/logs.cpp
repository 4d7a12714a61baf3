// SPDX-License-Identifier: MIT
//
// logs: the log files of units, as hearth-logd wrote them, as one where there are several. Where
// the files are is asked of hearthd; reading them needs only the file's own permissions.
#include <poll.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"
#include "supervisor/logd/protocol.hpp"
#include "supervisor/logd/reader.hpp"

namespace hearth::ctl {

namespace {

/// "TIME IDENTIFIER: TEXT", or '+' for ':' where the text goes on the line before.
std::string as_json(const std::string& unit, const std::string& line) {
    const logd::LogLine parts = logd::split_line(line);
    if (parts.time.empty()) {
        return Json{{"unit", unit}, {"text", line}}.dump();
    }
    return Json{
        {"unit", unit},
        {"time", std::string(parts.time)},
        {"identifier", std::string(parts.identifier)},
        {"continues", parts.continues},
        {"text", std::string(parts.text)}}
        .dump();
}

constexpr std::uint64_t followed_lines = 10;

/// The log of one unit, as far as it was read and not printed.
struct Source {
    std::string unit;
    logd::Follower file;
    std::deque<std::string> lines;
};

/// The logs of several units as one: always the oldest line that any of them has.
class MergedLog {
public:
    MergedLog(std::vector<Source> sources, bool json) : sources_(std::move(sources)), json_(json) {}

    /// Reads all there is; keeps the last `limit` lines where that is given. The error's text.
    Result<void> read(std::optional<std::uint64_t> limit) {
        for (;;) {
            Source* const oldest = HEARTH_TRY(next());
            if (oldest == nullptr) {
                break;
            }
            any_ = true;
            const std::string& line = oldest->lines.front();
            ready_.push_back((json_ ? as_json(oldest->unit, line) : line) + "\n");
            oldest->lines.pop_front();
            if (limit && ready_.size() > *limit) {
                ready_.pop_front();
            }
            if (!limit && ready_.size() >= lines_per_write) {
                flush();
            }
        }
        flush();
        return {};
    }
    Result<void> follow() {
        std::vector<pollfd> waiting;
        std::ranges::transform(sources_, std::back_inserter(waiting), [](const Source& source) {
            return pollfd{source.file.descriptor(), POLLIN, 0};
        });
        for (;;) {
            HEARTH_TRY(read(std::nullopt));
            if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
                return failure("can't wait for new lines");
            }
        }
    }
    [[nodiscard]] bool any() const { return any_; }

private:
    static constexpr std::size_t lines_per_write = 4096;

    /// The one whose next line is the oldest; null: there is none now.
    Result<Source*> next() {
        Source* oldest = nullptr;
        for (Source& source : sources_) {
            if (source.lines.empty()) {
                std::vector<std::string> more = HEARTH_TRY(source.file.next());
                std::ranges::move(more, std::back_inserter(source.lines));
            }
            if (!source.lines.empty() &&
                (oldest == nullptr || time_of(source) < time_of(*oldest))) {
                oldest = &source;
            }
        }
        return oldest;
    }
    /// "": of no format, so it goes before all others, with the line before it.
    static std::string_view time_of(const Source& source) {
        return logd::split_line(source.lines.front()).time;
    }
    void flush() {
        std::string text;
        for (const std::string& line : ready_) {
            text += line;
        }
        ready_.clear();
        print(text);
    }

    std::vector<Source> sources_;
    std::deque<std::string> ready_;
    bool json_, any_ = false;
};

/// From where the last lines begin, else from the beginning.
Result<MergedLog> open_logs(
    const Arguments& arguments,
    const std::string& directory,
    const std::vector<std::string>& units,
    std::optional<std::uint64_t> limit) {
    std::vector<Source> sources;
    for (const std::string& unit : units) {
        const std::string path = logd::log_path(directory, unit);
        const std::uint64_t position =
            limit ? HEARTH_TRY(logd::position_of_last(path, *limit)) : std::uint64_t{0};
        sources.push_back(
            {unit, HEARTH_TRY(logd::Follower::open(path, position, arguments.follow)), {}});
    }
    return MergedLog(std::move(sources), arguments.json);
}

}  // namespace

std::vector<std::string> last_log_lines(
    const std::string& log_directory, const std::string& unit, std::uint64_t count) {
    if (log_directory.empty() || count == 0) {
        return {};
    }
    return logd::read_last(logd::log_path(log_directory, unit), count)
        .value_or(std::vector<std::string>());
}

int logs_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    const auto directory = client->property(manager_path, hearth_manager_interface, "LogDirectory");
    if (!directory) {
        return complain("Failed to ask where the logs are: " + directory.error().message);
    }
    if (directory->text == logd::no_directory) {
        return complain(
            "There is no directory that logs could be kept in: what services say is in the "
            "container's own log.\nFor \"hearthctl logs\", mount something to write to on "
            "/var/log/hearth.");
    }
    std::optional<std::uint64_t> limit = arguments.lines;
    if (arguments.follow && !limit) {
        limit = followed_lines;
    }
    auto log = open_logs(arguments, directory->text, *units, limit);
    if (!log) {
        return complain(log.error().what);
    }
    auto read = log->read(limit);
    if (read && arguments.follow) {
        read = log->follow();
    }
    if (!read) {
        return complain(read.error().what);
    }
    if (!log->any()) {
        const std::string where = units->size() == 1
                                      ? logd::log_path(directory->text, units->front())
                                      : "the log of each";
        complain("-- No entries: " + where + " is empty or does not exist --");
    }
    return Done;
}

}  // namespace hearth::ctl
