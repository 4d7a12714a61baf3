// SPDX-License-Identifier: MIT
//
// why: the last change of a unit, what it came from, where that came from, and what is waited for.
#include <fmt/format.h>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"
#include "supervisor/ctl/time_format.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::ctl {

namespace {

std::uint64_t moment(const Json& at) {
    return static_cast<std::uint64_t>(at.number);
}

std::string since(const Json& at) {
    const std::string when = timestamp(moment(at));
    return when.empty() ? when : when + "; " + ago(moment(at), sys::realtime_microseconds());
}

Tone tone_of(std::string_view active) {
    return active == "failed" ? Tone::Bad : active == "active" ? Tone::Good : Tone::Plain;
}

std::string chain_text(const Json& chain) {
    std::string text;
    std::string indent = "  ";
    for (const Json& link : chain.items) {
        const bool first = text.empty();
        text += fmt::format(
            "{}{}{} {}  ({})\n",
            indent,
            first ? "" : "because ",
            tinted(Tone::Bold, link.at("unit").text),
            link.at("what").text,
            since(link.at("at")));
        for (const Json& reason : link.at("reasons").items) {
            text += indent + "  - " + reason.text + "\n";
        }
        std::string path;
        for (const Json& transition : link.at("transitions").items) {
            // "a -> b", "b -> c": a -> b -> c
            const std::string& step = transition.text;
            path += path.empty() ? step : step.substr(std::min(step.find(" -> "), step.size()));
        }
        text += path.empty() ? "" : indent + tinted(Tone::Dim, "  " + path) + "\n";
        indent += "  ";
    }
    return text.empty() ? "  nothing has happened to it since hearthd runs\n" : text;
}

std::string waits_text(const Json& waits) {
    std::string text;
    for (const Json& wait : waits.items) {
        text += fmt::format("  waiting for {}\n", wait.at("for").text);
        std::string when = since(wait.at("since"));
        if (const std::uint64_t until = moment(wait.at("until")); until != 0) {
            when += "; until " + timestamp(until);
        }
        text += "    since " + when + "\n";
    }
    return text;
}

}  // namespace

Result<std::string, CallError> ask_why(Client& client, const std::string& unit) {
    const Message reply =
        HEARTH_TRY(client.call(manager_path, hearth_manager_interface, "Why", "s", unit.c_str()));
    const char* text = nullptr;
    if (sd_bus_message_read(reply.get(), "s", &text) < 0) {
        return Unexpected(CallError{{}, "unreadable answer"});
    }
    return std::string(text);
}

int why_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    Json all = Json::list();
    for (const std::string& unit : *units) {
        const auto answer = ask_why(*client, unit);
        if (!answer) {
            complain("Failed to ask about " + unit + ": " + answer.error().message);
            return exit_code(answer.error());
        }
        all.items.push_back(Json::parse(*answer).value_or(Json()));
    }
    if (arguments.json) {
        print(all.dump() + "\n");
        return Done;
    }
    std::string text;
    for (const Json& unit : all.items) {
        const std::string& active = unit.at("active").text;
        text += fmt::format(
            "{}{}: {}\n{}{}",
            text.empty() ? "" : "\n",
            unit.at("unit").text,
            tinted(tone_of(active), fmt::format("{} ({})", active, unit.at("sub").text)),
            chain_text(unit.at("chain")),
            waits_text(unit.at("waits")));
    }
    print(text);
    return Done;
}

}  // namespace hearth::ctl
