// SPDX-License-Identifier: MIT
//
// lint: the loader itself, on files, without hearthd. Prints every diagnostic with its line, a
// caret and a hint; exit status 1 where the unit could not be started as written.
#include <fmt/format.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/given_file.hpp"
#include "supervisor/sys/file.hpp"
#include "units/loader.hpp"
#include "units/unit_name.hpp"

namespace hearth::ctl {

namespace {

struct Count {
    std::size_t errors = 0, warnings = 0, notes = 0;
};

void add(const Diagnostics& diagnostics, std::string& text, Count& count) {
    for (const Diagnostic& diagnostic : diagnostics) {
        text += with_caret(diagnostic);
        switch (diagnostic.severity) {
            case Severity::Error:
                ++count.errors;
                break;
            case Severity::Warning:
                ++count.warnings;
                break;
            case Severity::Note:
                ++count.notes;
                break;
        }
    }
}

/// A template is looked at as an instance of it: its own name has no %i.
std::string name_to_load(const std::string& name) {
    auto parsed = parse_unit_name(name);
    if (!parsed || !parsed->is_template()) {
        return name;
    }
    parsed->instance = "i";
    return parsed->full();
}

bool lint_file(const std::string& path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (!is_valid_unit_name(name)) {
        complain("'" + path + "' has no name of a unit: it should end in .service");
        return false;
    }
    auto content = sys::read_file(path, largest_unit_file);
    if (!content) {
        complain(content.error().what);
        return false;
    }
    const Unit unit =
        load_unit(name_to_load(name), GivenFile(path, std::move(*content)), LoadContext{});
    std::string text;
    Count count;
    add(unit.diagnostics, text, count);
    Diagnostics refusals;
    for (const Diagnostic& refusal : unit.refusals) {
        if (std::ranges::count(unit.diagnostics, refusal) == 0) {
            refusals.push_back(refusal);
        }
    }
    add(refusals, text, count);
    const bool startable =
        unit.load_state == LoadState::Loaded && unit.refusals.empty() && count.errors == 0;
    const std::string summary = fmt::format(
        "{}: {} ({} errors, {} warnings, {} notes)\n",
        path,
        startable ? "could be started as written" : "can't be started as written",
        count.errors,
        count.warnings,
        count.notes);
    print(text + tinted(startable ? Tone::Good : Tone::Bad, summary));
    return startable;
}

}  // namespace

int lint_verb(const Arguments& arguments) {
    bool good = true;
    for (const std::string& path : arguments.names) {
        good = lint_file(path) && good;
    }
    return good ? Done : Failure;
}

}  // namespace hearth::ctl
