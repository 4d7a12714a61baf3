// SPDX-License-Identifier: MIT
//
// confinement: asked / applied / what the kernel says, one row per directive. Exit status 1 where
// the kernel contradicts.
#include <fmt/format.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

constexpr std::size_t usual_cell = 44, narrowest_cell = 12;
/// What a row takes beside its three long cells: the longest directive, the verdict, spaces.
constexpr std::size_t other_columns = 36;

std::string text_of(const Json& row, const char* key) {
    return row.at(key).text;
}

std::size_t widest_cell() {
    const std::size_t columns = terminal_width();
    if (columns == 0) {
        return usual_cell;
    }
    return columns > other_columns ? std::max((columns - other_columns) / 3, narrowest_cell)
                                   : narrowest_cell;
}

/// Long lists are cut in the table, never in --json.
std::string cell(std::string text) {
    const std::size_t widest = widest_cell();
    for (char& byte : text) {
        byte = byte == '\n' ? ' ' : byte;
    }
    if (width(text) <= widest) {
        return text;
    }
    std::size_t end = 0, shown = 0;
    while (end < text.size() && shown < widest - 1) {
        ++end;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
            ++end;
        }
        ++shown;
    }
    return text.substr(0, end) + "…";
}

Tone tone_of(const std::string& verdict) {
    if (verdict == "verified") {
        return Tone::Good;
    }
    return verdict == "MISMATCH" ? Tone::Bad : Tone::Warning;
}

struct Verdicts {
    std::size_t verified = 0, mismatched = 0, unknown = 0, short_of = 0;
};

Verdicts count(const Json& rows) {
    Verdicts verdicts;
    for (const Json& row : rows.items) {
        const std::string verdict = text_of(row, "verdict");
        ++(verdict == "verified"      ? verdicts.verified
           : verdict == "MISMATCH"    ? verdicts.mismatched
           : verdict == "falls short" ? verdicts.short_of
                                      : verdicts.unknown);
    }
    return verdicts;
}

std::string render(const std::string& unit, const Json& rows, const Verdicts& verdicts) {
    Table table(5);
    table.row(
        {"DIRECTIVE", "ASKED", "APPLIED", "KERNEL SAYS", ""},
        {Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold});
    std::string reasons;
    for (const Json& row : rows.items) {
        const std::string verdict = text_of(row, "verdict");
        table.row(
            {text_of(row, "directive"),
             cell(text_of(row, "asked")),
             cell(text_of(row, "applied")),
             cell(text_of(row, "kernel")),
             verdict},
            {Tone::Plain, Tone::Plain, Tone::Plain, Tone::Plain, tone_of(verdict)});
        const std::string reason = text_of(row, "reason");
        if (verdict != "verified" && !reason.empty()) {
            reasons += "  " + text_of(row, "directive") + ": " + reason + "\n";
        }
    }
    return table.text() + "\n" +
           fmt::format(
               "{}: {} verified, {} mismatched, {} that can't be known{}\n",
               unit,
               verdicts.verified,
               verdicts.mismatched,
               verdicts.unknown,
               verdicts.short_of == 0 ? "" : fmt::format(", {} short of it", verdicts.short_of)) +
           reasons;
}

}  // namespace

std::string confinement_summary(Client& client, const std::string& unit) {
    constexpr std::uint64_t patience = 1'000'000;
    const auto call = client.new_call(manager_path, hearth_manager_interface, "Confinement");
    if (!call || sd_bus_message_append(call->get(), "s", unit.c_str()) < 0) {
        return {};
    }
    auto reply = client.send(*call, patience);
    const auto text = reply ? read_value(reply->get()) : Result<Value>(Value());
    const Json rows = Json::parse(text ? text->text : "").value_or(Json());
    if (rows.items.empty()) {
        return {};
    }
    const Verdicts verdicts = count(rows);
    const std::string said = fmt::format("{} of {} verified", verdicts.verified, rows.items.size());
    if (verdicts.mismatched == 0) {
        return tinted(verdicts.verified == rows.items.size() ? Tone::Good : Tone::Plain, said);
    }
    std::string wrong;
    for (const Json& row : rows.items) {
        wrong += text_of(row, "verdict") == "MISMATCH" ? " " + text_of(row, "directive") : "";
    }
    return tinted(Tone::Bad, said + ", MISMATCH:" + wrong);
}

int confinement_verb(const Arguments& arguments) {
    if (arguments.probe) {
        return probe_confinement(arguments);
    }
    if (arguments.watch) {
        return watch_confinement(arguments);
    }
    auto client = connect(arguments);
    const auto unit = client ? unit_name(arguments.names.front()) : std::nullopt;
    if (!unit) {
        return Failure;
    }
    auto reply =
        client->call(manager_path, hearth_manager_interface, "Confinement", "s", unit->c_str());
    if (!reply) {
        complain("Failed to read the confinement of " + *unit + ": " + reply.error().message);
        return exit_code(reply.error());
    }
    const auto text = read_value(reply->get());
    const Json rows = Json::parse(text ? text->text : "").value_or(Json());
    if (rows.kind != Json::Kind::List) {
        return complain("Failed to read the confinement of " + *unit + ": hearthd sent no report");
    }
    const Verdicts verdicts = count(rows);
    print(arguments.json ? text->text + "\n" : render(*unit, rows, verdicts));
    return verdicts.mismatched == 0 ? Done : Failure;
}

}  // namespace hearth::ctl
