// SPDX-License-Identifier: MIT
#include "units/reference.hpp"

#include <algorithm>
#include <array>

#include "units/manager_settings.hpp"
#include "units/rules.hpp"
#include "units/type_section.hpp"

namespace hearth {

namespace {

template <class... Arms>
struct Overloaded : Arms... {
    using Arms::operator()...;
};
template <class... Arms>
Overloaded(Arms...) -> Overloaded<Arms...>;

struct Chapter {
    Context context;
    std::string_view title;
    std::string_view page;
};
constexpr auto chapters = std::to_array<Chapter>({
    {Context::Unit, "[Unit]", "systemd.unit(5)"},
    {Context::Install, "[Install]", "systemd.unit(5)"},
    {Context::Service, "[Service]: the service", "systemd.service(5)"},
    {Context::Kill, "[Service]: how it is killed", "systemd.kill(5)"},
    {Context::Exec, "[Service]: how it is executed", "systemd.exec(5)"},
    {Context::Sandbox, "[Service]: how it is confined", "systemd.exec(5)"},
    {Context::Resources, "[Service]: what it may use", "systemd.resource-control(5)"},
    {Context::Mount, "[Mount]: what is of mounts alone", "systemd.mount(5)"},
    {Context::Timer, "[Timer]", "systemd.timer(5)"},
    {Context::Path, "[Path]", "systemd.path(5)"},
    {Context::Automount, "[Automount]", "systemd.automount(5)"},
    {Context::Swap, "[Swap]: what is of swaps alone", "systemd.swap(5)"},
    {Context::Socket, "[Socket]: what is of sockets alone", "systemd.socket(5)"},
    {Context::Hearth, "[X-Hearth]", "hearth's own; systemd passes over the section"},
});

constexpr std::string_view introduction =
    "# Directives\n"
    "\n"
    "Made from the directive tables (`units/directives/`) by `units/reference.cpp`; a test "
    "compares it.\n"
    "Every directive that systemd 252 has for a service is here, with one of three fates:\n"
    "\n"
    "- **enforced**, and where;\n"
    "- **no effect** here, with the reason; `hearthctl lint` tells it;\n"
    "- **refused**: the service does not start, by the directive's name and line. The empty value "
    "and\n"
    "  the one that systemd takes anyway refuse nothing.\n"
    "\n"
    "What *confines* and can't be given by a host stops the start; what *gives* is given as far "
    "as\n"
    "possible; what *shares* or tells never stops anything. `[X-Hearth] RelaxConfinement=` relaxes "
    "by name.\n";

/// A cell: bars would end it, backslashes and brackets are Markdown's own.
std::string cell(std::string_view text) {
    std::string made;
    for (const char byte : text) {
        if (byte == '|' || byte == '\\' || byte == '<' || byte == '[' || byte == '*' ||
            byte == '_') {
            made += '\\';
        }
        made += byte;
    }
    return made;
}

std::string code(std::string_view text) {
    std::string made = "`";
    for (const char byte : text) {
        if (byte == '|') {
            made += '\\';
        }
        made += byte;
    }
    return made + "`";
}

std::string_view nature_of(Nature nature) {
    switch (nature) {
        case Nature::Confines:
            return "confines";
        case Nature::Gives:
            return "gives";
        case Nature::Shares:
            return "shares";
    }
    return "unknown";
}

std::string chapter_text(const Chapter& chapter) {
    std::vector<const Row*> rows;
    const auto gather = [&](std::span<const Row> table) {
        for (const Row& row : table) {
            if (row.context == chapter.context) {
                rows.push_back(&row);
            }
        }
    };
    std::ranges::for_each(service_tables(), gather);
    for (const UnitType type :
         {UnitType::Mount,
          UnitType::Timer,
          UnitType::Path,
          UnitType::Automount,
          UnitType::Swap,
          UnitType::Socket}) {
        gather(own_rows(type));
    }
    std::ranges::stable_sort(rows, {}, &Row::name);
    std::string text =
        "\n## " + std::string(chapter.title) + "\n\n" + std::string(chapter.page) +
        "\n\n| directive | what it does | value | nature | fate |\n|---|---|---|---|---|\n";
    for (const Row* const row : rows) {
        text += "| " + code(std::string(row->name) + "=") + " | " + cell(row->summary) + " | " +
                cell(row->syntax) + ", as in " + code(row->sample) + " | " +
                std::string(nature_of(row->nature)) + " | " + cell(fate(*row)) + " |\n";
    }
    return text;
}

}  // namespace

std::string fate(const Row& row) {
    return std::visit(
        Overloaded{
            [](const applied::Loading&) { return std::string("enforced when the unit is loaded"); },
            [](const applied::Graph&) { return std::string("enforced by jobs and their order"); },
            [](const applied::Machine&) { return std::string("enforced by the unit's states"); },
            [](const applied::Preparation&) {
                return std::string("enforced before the process exists");
            },
            [](const applied::Child& child) {
                return "enforced in the process, step " + std::string(name(child.stage));
            },
            [](const applied::Reporting&) { return std::string("shown"); },
            [](const applied::NoEffect& none) { return "no effect: " + std::string(none.reason); },
            [](const applied::Refused& refused) {
                return "refused: " + std::string(refused.reason);
            },
        },
        row.applied);
}

static std::string fate(const ManagerRow& row) {
    switch (row.kind) {
        case ManagerRow::Kind::Default:
            return "a line before each unit's own";
        case ManagerRow::Kind::Passed:
            return "passed to every command";
        case ManagerRow::Kind::Own:
            return "enforced on hearthd";
        case ManagerRow::Kind::NoEffect:
            return "no effect: " + std::string(row.summary);
    }
    return {};
}

std::string reference_markdown() {
    std::string text(introduction);
    for (const Chapter& chapter : chapters) {
        text += chapter_text(chapter);
    }
    text +=
        "\n## The manager's own settings\n\nIn `[Manager]` of `/etc/systemd/system.conf` and its "
        "drop-ins (systemd-system.conf(5)), and in\n`[X-Hearth]` there.\n\n| setting | what it "
        "does "
        "| as in | fate |\n|---|---|---|---|\n";
    for (const ManagerRow& row : manager_rows()) {
        text +=
            "| " +
            code(std::string(row.of_hearth ? "[X-Hearth] " : "") + std::string(row.name) + "=") +
            " | " + cell(row.kind == ManagerRow::Kind::NoEffect ? "" : row.summary) + " | " +
            code(row.sample) + " | " + cell(fate(row)) + " |\n";
    }
    text += "\n## Rules of lint\n\n| id | what it finds |\n|---|---|\n";
    for (const Rule& rule : rules()) {
        text += "| " + code(rule.id) + " | " + cell(rule.summary) + " |\n";
    }
    return text;
}

}  // namespace hearth
