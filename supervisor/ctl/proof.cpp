// SPDX-License-Identifier: MIT
//
// confinement --probe and --watch: what the kernel answers to a try, and what changes while a
// service runs.
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <map>
#include <thread>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

std::string text_of(const Json& row, const char* key) {
    return row.at(key).text;
}

/// What the kernel says changes all the time in a few rows; a row has drifted when these differ.
struct Seen {
    std::string verdict, kernel;
    bool operator==(const Seen&) const = default;
};

using SeenRows = std::map<std::string, Seen>;

SeenRows seen(const Json& rows) {
    SeenRows all;
    for (const Json& row : rows.items) {
        all[text_of(row, "directive")] = {text_of(row, "verdict"), text_of(row, "kernel")};
    }
    return all;
}

std::string clock_text() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    char text[16];
    return {text, std::strftime(text, sizeof text, "%H:%M:%S", &local)};
}

void tell(
    const Arguments& arguments, const std::string& directive, const Seen& from, const Seen& to) {
    if (arguments.json) {
        print(
            Json{
                {"directive", directive},
                {"was", Json{{"verdict", from.verdict}, {"kernel", from.kernel}}},
                {"is", Json{{"verdict", to.verdict}, {"kernel", to.kernel}}}}
                .dump() +
            "\n");
        return;
    }
    const bool bad = to.verdict == "MISMATCH";
    print(fmt::format(
        "{} {}: {} ({}), was {} ({})\n",
        clock_text(),
        directive,
        tinted(bad ? Tone::Bad : Tone::Good, to.verdict.empty() ? "gone" : to.verdict),
        to.kernel,
        from.verdict.empty() ? "not there" : from.verdict,
        from.kernel));
}

}  // namespace

std::optional<std::string> inquire(
    Client& client, const char* question, const std::vector<std::string>& units) {
    auto call = client.new_call(manager_path, hearth_manager_interface, question);
    if (!call) {
        complain(call.error().message);
        return std::nullopt;
    }
    const int result = append_strings(call->get(), units);
    auto reply = client.send(*call);
    if (result < 0 || !reply) {
        complain(
            std::string("Failed to ask: ") + (reply ? "out of memory" : reply.error().message));
        return std::nullopt;
    }
    const auto text = read_value(reply->get());
    return text ? std::optional(text->text) : std::nullopt;
}

int probe_confinement(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto unit = client ? unit_name(arguments.names.front()) : std::nullopt;
    const auto text = unit ? inquire(*client, "Probe", {*unit}) : std::nullopt;
    const Json rows = Json::parse(text.value_or("")).value_or(Json());
    if (rows.kind != Json::Kind::List) {
        return Failure;
    }
    Table table(4);
    table.row(
        {"DIRECTIVE", "TRIED", "THE KERNEL ANSWERED", ""}, {Tone::Bold, Tone::Bold, Tone::Bold});
    std::string reasons;
    bool good = true;
    for (const Json& row : rows.items) {
        const std::string verdict = text_of(row, "verdict");
        good = good && verdict != "MISMATCH";
        const std::vector<Json>& tries = row.at("tries").items;
        std::string directive = text_of(row, "directive");
        std::size_t shown = 0;
        constexpr std::size_t most = 4;
        for (const auto& tried : tries) {
            const std::string one = text_of(tried, "verdict");
            if (++shown > most && one != "MISMATCH") {
                continue;
            }
            table.row(
                {std::exchange(directive, ""),
                 text_of(tried, "try"),
                 text_of(tried, "answer"),
                 one},
                {Tone::Plain,
                 Tone::Plain,
                 Tone::Plain,
                 one == "verified" ? Tone::Good : (one == "MISMATCH" ? Tone::Bad : Tone::Warning)});
        }
        if (tries.size() > most) {
            table.row({"", fmt::format("{} tries in all", tries.size()), "", ""});
        }
        if (!text_of(row, "reason").empty()) {
            reasons += "  " + text_of(row, "directive") + ": " + text_of(row, "reason") + "\n";
        }
    }
    print(arguments.json ? *text + "\n" : table.text() + "\n" + reasons);
    return good ? Done : Failure;
}

/// The report's rows as text; what could not be had is in the answer.
Result<std::string, CallError> ask_confinement(Client& client, const std::string& unit) {
    auto reply =
        client.call(manager_path, hearth_manager_interface, "Confinement", "s", unit.c_str());
    if (!reply) {
        return Unexpected(reply.error());
    }
    const auto text = read_value(reply->get());
    return text ? text->text : std::string();
}

/// Tells each row that differs; true where one of them is a mismatch now. At first only mismatches
/// are news.
bool tell_drift(const Arguments& arguments, const SeenRows* before, const SeenRows& now) {
    const auto row = [](const SeenRows& rows, const std::string& directive) {
        const auto found = rows.find(directive);
        return found == rows.end() ? Seen{} : found->second;
    };
    bool drifted = false;
    SeenRows all = now;
    if (before != nullptr) {
        all.insert(before->begin(), before->end());
    }
    for (const auto& [directive, any] : all) {
        const Seen current = row(now, directive);
        const Seen earlier = before == nullptr ? Seen{} : row(*before, directive);
        const bool wrong = current.verdict == "MISMATCH";
        if (before == nullptr ? wrong : earlier != current) {
            drifted = drifted || wrong;
            tell(arguments, directive, earlier, current);
        }
    }
    return drifted;
}

int watch_confinement(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto unit = client ? unit_name(arguments.names.front()) : std::nullopt;
    if (!unit) {
        return Failure;
    }
    std::optional<SeenRows> before;
    bool drifted = false;
    for (;;) {
        const auto text = ask_confinement(*client, *unit);
        if (!text && before && text.error().is("NoSuchProcess")) {
            return drifted ? Failure : Done;  // it has stopped: nothing is left to watch
        }
        if (!text) {
            complain("Failed to read the confinement of " + *unit + ": " + text.error().message);
            return exit_code(text.error());
        }
        const Json rows = Json::parse(*text).value_or(Json());
        if (rows.kind != Json::Kind::List) {
            return complain("hearthd sent no report");
        }
        SeenRows now = seen(rows);
        if (!before && !arguments.json) {
            print(fmt::format("watching {} rows of {}\n", now.size(), *unit));
        }
        drifted = tell_drift(arguments, before ? &*before : nullptr, now) || drifted;
        before = std::move(now);
        std::this_thread::sleep_for(
            std::chrono::duration<double>(std::max(0.05, arguments.interval)));
    }
}

}  // namespace hearth::ctl
