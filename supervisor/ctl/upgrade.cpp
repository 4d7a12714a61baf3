// SPDX-License-Identifier: MIT
//
// daemon-reexec and upgrade: another hearthd in the place of the one that runs. The connection ends
// with that one; who answers next at the same socket says how it went.
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <filesystem>
#include <map>

#include "parser/values.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"

namespace hearth::ctl {

namespace {

using Lines = std::multimap<std::string, std::string>;

Lines lines_of(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t equals = std::min(line.find('='), line.size());
        lines.emplace(line.substr(0, equals), line.substr(std::min(equals + 1, line.size())));
    }
    return lines;
}

std::string at(const Lines& lines, const std::string& key) {
    const auto found = lines.find(key);
    return found == lines.end() ? "" : found->second;
}

std::optional<Lines> taken_over(const std::string& runtime_directory) {
    auto client = Client::connect(runtime_directory);
    if (!client) {
        return std::nullopt;
    }
    const auto reply = client->call(manager_path, hearth_manager_interface, "TakenOver", "");
    if (!reply) {
        return std::nullopt;
    }
    const auto text = read_value(reply->get());
    return text ? std::optional(lines_of(text->text)) : std::nullopt;
}

/// Asks until a process answers that isn't `before`. The new one has `patience`, and then the one
/// before needs some time to come back.
std::optional<Lines> wait_for_another(
    const std::string& runtime_directory, const std::string& before, Timespan patience) {
    constexpr int interval = 10;  // milliseconds
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::microseconds(patience.microseconds) + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < until) {
        auto lines = taken_over(runtime_directory);
        if (lines && at(*lines, "pid") != before) {
            return lines;
        }
        (void)::poll(nullptr, 0, interval);
    }
    return std::nullopt;
}

/// What the hearthd that runs says before it goes; nothing: complained, and it stays.
std::optional<Lines> ask(
    const Arguments& arguments, const std::string& program, std::uint64_t patience) {
    auto client = connect(arguments);
    if (!client) {
        return std::nullopt;
    }
    (void)sd_bus_set_method_call_timeout(client->bus(), 120'000'000);  // it reads all state
    const auto reply = client->call(
        manager_path,
        hearth_manager_interface,
        "Upgrade",
        "sbt",
        program.c_str(),
        static_cast<int>(arguments.force),
        patience);
    if (!reply) {
        complain("No upgrade: " + reply.error().message);
        return std::nullopt;
    }
    const auto text = read_value(reply->get());
    return text ? lines_of(text->text) : Lines();
}

/// The client's own path means nothing to hearthd.
std::string absolute(const std::string& path) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(path, error);
    return error ? path : whole.string();
}

int replace(const Arguments& arguments, const std::string& program, bool quiet) {
    const auto patience = read_timespan(arguments.timeout);
    if (!patience || patience->is_infinite()) {
        return complain("'" + arguments.timeout + "' is no time, like 10s");
    }
    const auto before = ask(arguments, program, patience->microseconds);
    if (!before) {
        return Failure;
    }
    for (const char* const kind : {"loss", "note"}) {
        const auto [first, last] = before->equal_range(kind);
        for (auto each = first; each != last; ++each) {
            print(fmt::format("{}: {}\n", kind, each->second));
        }
    }
    const auto after = wait_for_another(arguments.runtime_directory, at(*before, "pid"), *patience);
    if (!after) {
        return complain("No hearthd answers any more: neither the new one nor the one before");
    }
    if (const std::string failure = at(*after, "failure"); !failure.empty()) {
        return complain(
            "The new hearthd " + at(*before, "next-version") + " didn't take over: " + failure +
            ". The one before (" + at(*after, "version") + ") was brought back and goes on with " +
            at(*after, "units") + " units.");
    }
    if (!quiet) {
        const auto gap = std::strtoull(at(*after, "gap").c_str(), nullptr, 10);
        print(fmt::format(
            "hearthd {} (pid {}) -> {} (pid {}), {} ms without a manager, {} units carried on, {} "
            "of them running\n",
            at(*before, "version"),
            at(*before, "pid"),
            at(*after, "version"),
            at(*after, "pid"),
            gap / 1000,
            at(*after, "units"),
            at(*after, "running")));
        if (at(*before, "state-version") != at(*after, "state-version")) {
            print(fmt::format(
                "state version {} -> {}\n",
                at(*before, "state-version"),
                at(*after, "state-version")));
        }
    }
    return Done;
}

}  // namespace

int daemon_reexec_verb(const Arguments& arguments) {
    return replace(arguments, "", true);
}

int upgrade_verb(const Arguments& arguments) {
    if (arguments.names.size() > 1) {
        return complain("One program can take over, not " + std::to_string(arguments.names.size()));
    }
    const std::string program =
        arguments.names.empty() ? std::string() : absolute(arguments.names.front());
    return replace(arguments, program, false);
}

}  // namespace hearth::ctl
