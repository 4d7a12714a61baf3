// SPDX-License-Identifier: MIT
//
// top: what units use, as a table that is printed again and again. A plain terminal will do: the
// screen is cleared where it is one, else tables follow each other.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/sys/process.hpp"
#include "units/amount_text.hpp"

namespace hearth::ctl {

namespace {

constexpr std::uint64_t unknown = UINT64_MAX;
constexpr double first_interval = 0.5;  // seconds between the two looks of --once

/// One unit at one moment; UINT64_MAX: not known, or no limit.
struct Sample {
    std::string unit;
    std::uint64_t cpu = unknown, throttled = unknown;  // nanoseconds
    std::uint64_t memory = unknown, memory_max = unknown, tasks = unknown, tasks_max = unknown;
    std::uint64_t io = unknown, restarts = 0;
    double percent = 0;  ///< of one CPU since the look before
};

std::uint64_t sum(std::uint64_t first, std::uint64_t second) {
    return first == unknown || second == unknown ? unknown : first + second;
}

Sample sample_of(const PropertyMap& unit) {
    Sample sample;
    sample.unit = unit.text("Id");
    sample.cpu = unit.counter("CPUUsageNSec");
    sample.throttled = unit.counter("CPUThrottledNSec");
    sample.memory = unit.counter("MemoryCurrent");
    sample.memory_max = std::min(unit.counter("MemoryMax"), unit.counter("MemoryHigh"));
    sample.tasks = unit.counter("TasksCurrent");
    sample.tasks_max = unit.counter("TasksMax");
    sample.io = sum(unit.counter("IOReadBytes"), unit.counter("IOWriteBytes"));
    sample.restarts = unit.number("NRestarts");
    return sample;
}

/// Of all units that have a cgroup, or of those named.
std::optional<std::vector<Sample>> look(Client& client, const std::vector<std::string>& names) {
    const auto units = unit_names(
        client, names.empty() ? std::vector<std::string>{"*.service", "*.slice"} : names);
    if (!units) {
        return std::nullopt;
    }
    std::vector<Sample> samples;
    for (const std::string& unit : *units) {
        const auto properties = client.properties(object_path(unit));
        if (!properties) {
            complain("Failed to get the state of " + unit + ": " + properties.error().message);
            return std::nullopt;
        }
        const PropertyMap map(*properties);
        if (!map.text("ControlGroup").empty()) {
            samples.push_back(sample_of(map));
        }
    }
    return samples;
}

/// What is not known counts least.
std::uint64_t known(std::uint64_t number) {
    return number == unknown ? 0 : number + 1;
}

struct Order {
    std::string_view name{};
    bool (*before)(const Sample&, const Sample&) = nullptr;
};
constexpr auto orders = std::to_array<Order>({
    {"cpu",
     [](const Sample& a, const Sample& b) {
         return a.percent != b.percent ? a.percent > b.percent : known(a.cpu) > known(b.cpu);
     }},
    {"io", [](const Sample& a, const Sample& b) { return known(a.io) > known(b.io); }},
    {"memory", [](const Sample& a, const Sample& b) { return known(a.memory) > known(b.memory); }},
    {"restarts", [](const Sample& a, const Sample& b) { return a.restarts > b.restarts; }},
    {"tasks", [](const Sample& a, const Sample& b) { return known(a.tasks) > known(b.tasks); }},
    {"throttled",
     [](const Sample& a, const Sample& b) { return known(a.throttled) > known(b.throttled); }},
    {"unit", [](const Sample& a, const Sample& b) { return a.unit < b.unit; }},
});

std::string cell(std::uint64_t number, std::uint64_t limit, std::string (*text)(std::uint64_t)) {
    if (number == unknown) {
        return "-";
    }
    return limit == unknown ? text(number) : text(number) + "/" + text(limit);
}

std::string time_text(std::uint64_t nanoseconds) {
    return timespan_text(nanoseconds / 1000, 1000);
}

std::string count_text(std::uint64_t number) {
    return std::to_string(number);
}

std::string table(const std::vector<Sample>& samples, bool with_percent, bool with_head) {
    Table rows(8);
    if (with_head) {
        rows.row(
            {"UNIT", "%CPU", "CPU", "THROTTLED", "MEMORY", "TASKS", "IO", "RESTARTS"},
            std::vector<Tone>(8, Tone::Bold));
    }
    for (const Sample& each : samples) {
        rows.row(
            {each.unit,
             with_percent ? fmt::format("{:.1f}", each.percent) : "-",
             cell(each.cpu, unknown, time_text),
             cell(each.throttled, unknown, time_text),
             cell(each.memory, each.memory_max, size_text),
             cell(each.tasks, each.tasks_max, count_text),
             cell(each.io, unknown, size_text),
             std::to_string(each.restarts)});
    }
    return rows.text();
}

std::string json(const std::vector<Sample>& samples) {
    const auto number = [](std::uint64_t value) {
        return value == unknown ? std::string("null") : std::to_string(value);
    };
    std::string text;
    for (const Sample& each : samples) {
        text += fmt::format(
            "{}{{\"unit\":{},\"cpu_percent\":{:.1f},\"cpu_nsec\":{},\"throttled_nsec\":{},"
            "\"memory\":{},\"memory_limit\":{"
            "},"
            "\"tasks\":{},\"tasks_limit\":{},\"io_bytes\":{},\"restarts\":{}}}",
            text.empty() ? "" : ",",
            json_string(each.unit),
            each.percent,
            number(each.cpu),
            number(each.throttled),
            number(each.memory),
            number(each.memory_max),
            number(each.tasks),
            number(each.tasks_max),
            number(each.io),
            each.restarts);
    }
    return "[" + text + "]";
}

void set_percent(
    std::vector<Sample>& samples,
    const std::map<std::string, std::uint64_t>& before,
    std::uint64_t microseconds) {
    for (Sample& each : samples) {
        const auto old = before.find(each.unit);
        const bool grows = old != before.end() && each.cpu != unknown && each.cpu >= old->second;
        if (grows && microseconds != 0) {
            each.percent = static_cast<double>(each.cpu - old->second) / 10 /
                           static_cast<double>(microseconds);
        }
    }
}

void show(
    const std::vector<Sample>& samples, const Arguments& arguments, bool screen, bool percent) {
    print(
        arguments.json
            ? json(samples) + "\n"
            : (screen ? "\x1b[H\x1b[2J" : "") + table(samples, percent, !arguments.no_legend));
}

}  // namespace

int top_verb(const Arguments& arguments) {
    const auto* const order = std::ranges::find(orders, arguments.order, &Order::name);
    if (order == orders.end()) {
        return complain(
            "'" + arguments.order +
            "' is no order; expected unit, cpu, throttled, memory, tasks, io or restarts");
    }
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const bool once = arguments.once || arguments.json;
    const bool screen = !once && ::isatty(STDOUT_FILENO) != 0;
    std::map<std::string, std::uint64_t> before;
    for (std::uint64_t last = 0;;) {
        auto samples = look(*client, arguments.names);
        if (!samples) {
            return Failure;
        }
        const std::uint64_t now = sys::monotonic_microseconds();
        set_percent(*samples, before, last == 0 ? 0 : now - last);
        std::ranges::stable_sort(*samples, order->before);
        const bool first_of_two = once && last == 0;  // what a unit uses now takes two looks
        if (!first_of_two) {
            show(*samples, arguments, screen, last != 0);
        }
        if (once && !first_of_two) {
            return Done;
        }
        before.clear();
        for (const Sample& each : *samples) {
            before.emplace(each.unit, each.cpu);
        }
        last = now;
        std::this_thread::sleep_for(std::chrono::duration<double>(
            once ? first_interval : std::max(arguments.interval, 0.1)));
    }
}

}  // namespace hearth::ctl
