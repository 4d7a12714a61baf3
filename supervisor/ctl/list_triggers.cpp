// SPDX-License-Identifier: MIT
//
// list-timers, list-paths, list-automounts, list-sockets: units that start others, in systemctl's
// columns. Only active ones without --all.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <functional>
#include <map>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/time_format.hpp"
#include "units/amount_text.hpp"

namespace hearth::ctl {

namespace {

/// One line of a list: its cells, the JSON of it, and what it is sorted by.
struct TriggerRow {
    std::vector<std::string> cells;
    std::string json;
    std::pair<std::uint64_t, std::string> order;
};

Result<std::vector<std::string>, CallError> names_of(
    Client& client, const Arguments& arguments, const std::string& suffix) {
    const Message call = HEARTH_TRY(
        client.new_call(manager_path, "org.freedesktop.systemd1.Manager", "ListUnitsByPatterns"));
    std::vector<std::string> patterns;
    for (const std::string& name : arguments.names) {
        patterns.push_back(name.ends_with(suffix) || name.ends_with('*') ? name : name + suffix);
    }
    if (append_strings(call.get(), arguments.states) < 0 ||
        append_strings(call.get(), patterns) < 0) {
        return Unexpected(CallError{"", "can't be sent: a pattern is not UTF-8"});
    }
    const Message reply = HEARTH_TRY(client.send(call));
    const auto units = read_value(reply.get());
    if (!units) {
        return Unexpected(CallError{"", units.error().what});
    }
    constexpr std::size_t name = 0, active = 3;
    std::vector<std::string> names;
    for (const Value& unit : units->members) {
        const bool shown =
            arguments.all || !arguments.states.empty() ||
            (unit.members[active].text != "inactive" && unit.members[active].text != "failed");
        if (unit.members[name].text.ends_with(suffix) && shown) {
            names.push_back(unit.members[name].text);
        }
    }
    return names;
}

using RowsOf =
    std::function<void(const std::string& unit, const PropertyMap&, std::vector<TriggerRow>&)>;

struct Listing {
    std::string suffix, plural;
    std::vector<std::string> columns;
    RowsOf rows_of;
};

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += (text.empty() ? "" : " ") + word;
    }
    return text;
}

int list(const Arguments& arguments, const Listing& listing) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto names = names_of(*client, arguments, listing.suffix);
    if (!names) {
        return complain("Failed to list units: " + names.error().message);
    }
    std::vector<TriggerRow> rows;
    for (const std::string& name : *names) {
        if (const auto properties = client->properties(object_path(name))) {
            listing.rows_of(name, PropertyMap(*properties), rows);
        }
    }
    std::ranges::sort(rows, {}, &TriggerRow::order);
    if (arguments.json) {
        std::string text;
        for (const TriggerRow& row : rows) {
            text += (text.empty() ? "" : ",") + row.json;
        }
        print("[" + text + "]\n");
        return Done;
    }
    Table table(listing.columns.size());
    if (!arguments.no_legend) {
        table.row(listing.columns, std::vector<Tone>(listing.columns.size(), Tone::Bold));
    }
    for (const TriggerRow& row : rows) {
        table.row(row.cells, std::vector<Tone>(row.cells.size(), Tone::Plain));
    }
    std::string text = table.text();
    if (!arguments.no_legend) {
        text += fmt::format(
            "\n{} {} listed.\n{}",
            rows.size(),
            listing.plural,
            arguments.all ? ""
                          : "Pass --all to see loaded but inactive " + listing.plural + ", too.\n");
    }
    print(text);
    return Done;
}

std::uint64_t clock_now(clockid_t clock) {
    timespec time{};
    (void)::clock_gettime(clock, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(time.tv_nsec) / 1'000;
}

/// The next time that a timer elapses, as a time of day; 0: none.
std::uint64_t next_of(const PropertyMap& timer, std::uint64_t realtime, std::uint64_t monotonic) {
    const auto known = [](std::uint64_t time) { return time != 0 && time != UINT64_MAX; };
    const std::uint64_t calendar = timer.number("NextElapseUSecRealtime");
    const std::uint64_t span = timer.number("NextElapseUSecMonotonic");
    std::uint64_t next = known(calendar) ? calendar : 0;
    if (known(span)) {
        const std::uint64_t at = span > monotonic ? realtime + (span - monotonic)
                                                  : realtime - std::min(realtime, monotonic - span);
        next = next == 0 ? at : std::min(next, at);
    }
    return next;
}

std::string left(std::uint64_t next, std::uint64_t now) {
    if (next <= now) {
        return ago(next, now);
    }
    std::string text = ago(now, next);
    return text.ends_with(" ago") ? text.substr(0, text.size() - 4) + " left" : text;
}

std::string or_dash(std::string text) {
    return text.empty() ? "-" : text;
}

}  // namespace

int list_timers_verb(const Arguments& arguments) {
    const std::uint64_t realtime = clock_now(CLOCK_REALTIME),
                        monotonic = clock_now(CLOCK_MONOTONIC);
    return list(
        arguments,
        {".timer",
         "timers",
         {"NEXT", "LEFT", "LAST", "PASSED", "UNIT", "ACTIVATES"},
         [=](const std::string& unit, const PropertyMap& timer, std::vector<TriggerRow>& rows) {
             const std::uint64_t next = next_of(timer, realtime, monotonic);
             const std::uint64_t last = timer.number("LastTriggerUSec");
             const std::string activates = joined(timer.texts("Triggers"));
             rows.push_back(
                 {{or_dash(timestamp(next)),
                   next == 0 ? "-" : left(next, realtime),
                   or_dash(timestamp(last)),
                   last == 0 ? "-" : ago(last, realtime),
                   unit,
                   or_dash(activates)},
                  fmt::format(
                      R"({{"next":{},"left":{},"last":{},"passed":{},"unit":{},"activates":{}}})",
                      next,
                      next > realtime ? next - realtime : 0,
                      last,
                      last != 0 && realtime > last ? realtime - last : 0,
                      json_string(unit),
                      json_string(activates)),
                  {next == 0 ? UINT64_MAX : next, unit}});
         }});
}

int list_paths_verb(const Arguments& arguments) {
    return list(
        arguments,
        {".path",
         "paths",
         {"PATH", "CONDITION", "UNIT", "ACTIVATES"},
         [](const std::string& unit, const PropertyMap& path, std::vector<TriggerRow>& rows) {
             const Value* const paths = path.find("Paths");
             const std::string activates = joined(path.texts("Triggers"));
             for (const Value& each : paths == nullptr ? std::vector<Value>() : paths->members) {
                 const std::string &condition = each.members[0].text, &where = each.members[1].text;
                 rows.push_back(
                     {{where, condition, unit, or_dash(activates)},
                      fmt::format(
                          R"({{"path":{},"condition":{},"unit":{},"activates":{}}})",
                          json_string(where),
                          json_string(condition),
                          json_string(unit),
                          json_string(activates)),
                      {0, where + unit}});
             }
         }});
}

int list_sockets_verb(const Arguments& arguments) {
    return list(
        arguments,
        {".socket",
         "sockets",
         {"LISTEN", "UNIT", "ACTIVATES"},
         [](const std::string& unit, const PropertyMap& socket, std::vector<TriggerRow>& rows) {
             const Value* const listens = socket.find("Listen");
             const std::string activates = joined(socket.texts("Triggers"));
             for (const Value& each :
                  listens == nullptr ? std::vector<Value>() : listens->members) {
                 const std::string& address = each.members[1].text;
                 rows.push_back(
                     {{address, unit, or_dash(activates)},
                      fmt::format(
                          R"({{"listen":{},"unit":{},"activates":{}}})",
                          json_string(address),
                          json_string(unit),
                          json_string(activates)),
                      {0, address + unit}});
             }
         }});
}

int list_automounts_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    return list(
        arguments,
        {".automount",
         "automounts",
         {"WHAT", "WHERE", "MOUNTED", "IDLE TIMEOUT", "UNIT"},
         [&](const std::string& unit, const PropertyMap& automount, std::vector<TriggerRow>& rows) {
             const std::string where = automount.text("Where");
             const std::string mount = unit.substr(0, unit.rfind('.')) + ".mount";
             const std::string what =
                 unit_property(*client, mount, "org.freedesktop.systemd1.Mount", "What");
             const bool mounted =
                 unit_property(*client, mount, unit_interface, "ActiveState") == "active";
             const std::uint64_t idle = automount.number("TimeoutIdleUSec");
             rows.push_back(
                 {{or_dash(what),
                   where,
                   mounted ? "yes" : "no",
                   idle == 0 ? "0" : timespan_text(idle, 1'000'000),
                   unit},
                  fmt::format(
                      R"({{"what":{},"where":{},"mounted":{},"idle_timeout":{},"unit":{}}})",
                      json_string(what),
                      json_string(where),
                      mounted,
                      idle,
                      json_string(unit)),
                  {0, where}});
         }});
}

}  // namespace hearth::ctl
