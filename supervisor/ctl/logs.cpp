// SPDX-License-Identifier: MIT
//
// logs: a unit's log file, as hearth-logd wrote it. Where the files are is asked of hearthd;
// reading them needs only the file's own permissions.
#include <poll.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"
#include "supervisor/logd/protocol.hpp"
#include "supervisor/logd/reader.hpp"

namespace hearth::ctl {

namespace {

constexpr std::uint64_t everything = 0;

/// "TIME IDENTIFIER: TEXT", or '+' for ':' where the text goes on the line before.
std::string as_json(const std::string& line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::size_t mark = line.find_first_of(":+", space);
    if (mark == std::string::npos || mark + 1 >= line.size() || line[mark + 1] != ' ') {
        return Json{{"text", line}}.dump();
    }
    return Json{
        {"time", line.substr(0, space)},
        {"identifier", line.substr(space + 1, mark - space - 1)},
        {"continues", line[mark] == '+'},
        {"text", line.substr(mark + 2)}}
        .dump();
}

std::string ready_to_print(const std::vector<std::string>& lines, bool json) {
    std::string text;
    for (const std::string& line : lines) {
        text += (json ? as_json(line) : line) + "\n";
    }
    return text;
}

int follow(logd::Follower& follower, bool json) {
    for (;;) {
        const auto lines = follower.next();
        if (!lines) {
            return complain(lines.error().what);
        }
        print(ready_to_print(*lines, json));
        if (lines->empty()) {
            pollfd waiting{follower.descriptor(), POLLIN, 0};
            if (poll(&waiting, 1, -1) < 0 && errno != EINTR) {
                return complain("can't wait for new lines");
            }
        }
    }
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
    const auto unit = client ? unit_name(arguments.names.front()) : std::nullopt;
    if (!unit) {
        return Failure;
    }
    const auto directory = client->property(manager_path, hearth_manager_interface, "LogDirectory");
    if (!directory) {
        return complain("Failed to ask where the logs are: " + directory.error().message);
    }
    const std::string path = logd::log_path(directory->text, *unit);
    std::uint64_t position = everything;
    if (arguments.lines || arguments.follow) {
        const auto found = logd::position_of_last(path, arguments.lines.value_or(10));
        if (!found) {
            return complain(found.error().what);
        }
        position = *found;
    }
    auto follower = logd::Follower::open(path, position, arguments.follow);
    if (!follower) {
        return complain(follower.error().what);
    }
    if (arguments.follow) {
        return follow(*follower, arguments.json);
    }
    bool any = false;
    for (;;) {
        const auto lines = follower->next();
        if (!lines) {
            return complain(lines.error().what);
        }
        if (lines->empty()) {
            break;
        }
        any = true;
        print(ready_to_print(*lines, arguments.json));
    }
    if (!any) {
        complain("-- No entries: " + path + " is empty or does not exist --");
    }
    return Done;
}

}  // namespace hearth::ctl
