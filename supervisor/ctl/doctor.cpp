// SPDX-License-Identifier: MIT
//
// doctor: what this machine can't give, and what units would miss. Asks hearthd where one answers;
// else runs `hearthd --doctor`, which looks without managing anything.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::ctl {

namespace {

/// What `hearthd --doctor` beside this program prints.
std::optional<std::string> ask_program(
    const Arguments& arguments, const std::vector<std::string>& units) {
    const std::string own = sys::readlink("/proc/self/exe").value_or("/usr/bin/hearthctl");
    std::vector<std::string> words = {
        own.substr(0, own.rfind('/') + 1) + "hearthd",
        "--doctor",
        "--runtime-dir",
        arguments.runtime_directory};
    for (const std::string& unit : units) {
        words.insert(words.end(), {"--unit", unit});
    }
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    auto pipe = sys::pipe2();
    if (!pipe) {
        complain(pipe.error().what);
        return std::nullopt;
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(pipe->write.number(), STDOUT_FILENO);
        ::execv(argv.front(), argv.data());
        ::_exit(127);
    }
    pipe->write.reset();
    auto text = sys::read_all(pipe->read.number(), std::size_t{8} << 20U, "hearthd's answer");
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) < 0 || status != 0 || !text) {
        complain("Failed to run " + words.front() + " --doctor");
        return std::nullopt;
    }
    return std::move(*text);
}

/// What one unit would miss, and the drop-in that does without.
std::string render_unit(const Json& unit) {
    const bool given = unit.at("given").boolean;
    std::string text =
        "\n" + unit.at("unit").text + ": " +
        tinted(
            given ? Tone::Good : Tone::Bad,
            given ? "can be given all that it asks for" : "can't be given all that it asks for") +
        "\n";
    for (const char* kind : {"refusals", "missing", "shortfalls"}) {
        for (const auto& line : unit.at(kind).items) {
            text += "  " + line.text + "\n";
        }
    }
    const auto drop_in = unit.at("drop_in").text;
    text += drop_in.empty() ? "" : "this drop-in would let it start without:\n" + drop_in;
    return text;
}

std::string render(const Json& report, bool all) {
    Table table(3);
    table.row({"FACILITY", "", "DIRECTIVES THAT NEED IT"}, {Tone::Bold, Tone::Bold, Tone::Bold});
    std::string details;
    for (const auto& facility : report.at("facilities").items) {
        const bool given = facility.at("given").boolean;
        const auto name = facility.at("name").text;
        const auto detail = facility.at("detail").text;
        std::string breaks;
        for (const auto& directive : facility.at("breaks").items) {
            breaks += (breaks.empty() ? "" : " ") + directive.text;
        }
        if (!given || all) {
            table.row(
                {name, given ? "yes" : "MISSING", breaks.empty() ? "-" : breaks},
                {Tone::Plain, given ? Tone::Good : Tone::Bad});
        }
        if (!given) {
            details += "  " + name + ": " + detail + "\n";
        }
    }
    std::string text =
        table.rows() > 1 ? table.text() + "\n" + details : "Nothing is missing here.\n";
    for (const auto& unit : report.at("units").items) {
        text += render_unit(unit);
    }
    return text;
}

}  // namespace

int doctor_verb(const Arguments& arguments) {
    std::vector<std::string> units;
    for (const std::string& name : arguments.names) {
        const auto unit = unit_name(name);
        if (!unit) {
            return Failure;
        }
        units.push_back(*unit);
    }
    auto client = Client::connect(arguments.runtime_directory);
    const auto text = client ? inquire(*client, "Doctor", units) : ask_program(arguments, units);
    if (!text) {
        return Failure;
    }
    const Json report = Json::parse(*text).value_or(Json());
    if (report.kind != Json::Kind::Object) {
        return complain("hearthd sent no report");
    }
    print(arguments.json ? *text + "\n" : render(report, arguments.all));
    bool good = true;
    for (const auto& unit : report.at("units").items) {
        good = good && unit.at("given").boolean;
    }
    return good ? Done : Failure;
}

}  // namespace hearth::ctl
