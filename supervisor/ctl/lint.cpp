// SPDX-License-Identifier: MIT
//
// lint: the loader itself, on files, without hearthd. Prints everything found with its line, a
// caret and a hint. Exit status: 0 nothing but notes, 1 warnings, 2 a unit that can't be started as
// written, or no unit file at all.
#include "units/lint.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/given_file.hpp"
#include "supervisor/ctl/json_text.hpp"
#include "supervisor/sys/file.hpp"
#include "units/loader.hpp"
#include "units/unit_name.hpp"

namespace hearth::ctl {

namespace {

struct Linted {
    std::string path;
    std::vector<Finding> findings;
};

/// A template is looked at as an instance of it: its own name has no %i.
std::string name_to_load(const std::string& name) {
    auto parsed = parse_unit_name(name);
    if (!parsed || !parsed->is_template()) {
        return name;
    }
    parsed->instance = "i";
    return parsed->full();
}

/// Nothing where the file can't be judged at all, which was said.
std::optional<Linted> lint_file(const std::string& path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!is_valid_unit_name(name)) {
        complain("'" + path + "' has no name of a unit: it should end in .service");
        return std::nullopt;
    }
    auto content = sys::read_file(path, largest_unit_file);
    if (!content) {
        complain(content.error().what);
        return std::nullopt;
    }
    const Unit unit =
        load_unit(name_to_load(name), GivenFile(path, std::move(*content)), LoadContext{});
    Linted linted{path, lint(unit)};
    for (const Diagnostic& refusal : unit.refusals) {
        if (std::ranges::find(linted.findings, refusal, &Finding::diagnostic) ==
            linted.findings.end()) {
            linted.findings.push_back({"not-startable", refusal, false});
        }
    }
    return linted;
}

std::size_t count(const Linted& linted, Severity severity) {
    return static_cast<std::size_t>(std::ranges::count_if(
        linted.findings,
        [&](const Finding& each) { return each.diagnostic.severity == severity; }));
}

std::string as_text(const Linted& linted) {
    std::string text;
    for (const Finding& finding : linted.findings) {
        text += with_caret(finding.diagnostic);
    }
    const std::size_t errors = count(linted, Severity::Error);
    const std::string summary = fmt::format(
        "{}: {} ({} errors, {} warnings, {} notes)\n",
        linted.path,
        errors == 0 ? "could be started as written" : "can't be started as written",
        errors,
        count(linted, Severity::Warning),
        count(linted, Severity::Note));
    return text + tinted(errors == 0 ? Tone::Good : Tone::Bad, summary);
}

Json as_json(const Linted& linted) {
    Json findings = Json::list();
    for (const Finding& finding : linted.findings) {
        const Diagnostic& diagnostic = finding.diagnostic;
        findings.items.push_back(
            {{"id", finding.id},
             {"severity", name(diagnostic.severity)},
             {"file", diagnostic.origin.file},
             {"line", static_cast<double>(diagnostic.origin.line)},
             {"column", static_cast<double>(diagnostic.origin.column)},
             {"message", diagnostic.message},
             {"hint", diagnostic.hint}});
    }
    return {{"path", linted.path}, {"findings", std::move(findings)}};
}

/// The exit status of what was found.
int class_of(const Linted& linted) {
    return static_cast<int>(worst(linted.findings));
}
static_assert(static_cast<int>(Severity::Note) == 0 && static_cast<int>(Severity::Error) == 2);

}  // namespace

int lint_verb(const Arguments& arguments) {
    constexpr int not_judged = 2;
    int worst_class = Done;
    Json all = Json::list();
    for (const std::string& path : arguments.names) {
        const auto linted = lint_file(path);
        worst_class = std::max(worst_class, linted ? class_of(*linted) : not_judged);
        if (linted && arguments.json) {
            all.items.push_back(as_json(*linted));
        } else if (linted) {
            print(as_text(*linted));
        }
    }
    if (arguments.json) {
        print(all.dump() + "\n");
    }
    return worst_class;
}

}  // namespace hearth::ctl
