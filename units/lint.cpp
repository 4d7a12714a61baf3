// SPDX-License-Identifier: MIT
#include "units/lint.hpp"

#include <algorithm>

namespace hearth {

namespace {

/// The id of what loading said, by how its messages begin.
std::string_view id_of(const Diagnostic& diagnostic, const Unit& unit) {
    const std::string_view message = diagnostic.message;
    if (message.starts_with("Unknown key ")) {
        return "unknown-key";
    }
    if (message.starts_with("Unknown section ")) {
        return "unknown-section";
    }
    if (message.starts_with("Invalid ") || message.find("=: ") != std::string_view::npos) {
        return "invalid-value";
    }
    const bool no_text = unit.load_state == LoadState::NotFound ||
                         unit.load_state == LoadState::Masked ||
                         unit.load_state == LoadState::Error;
    return no_text ? "not-loaded" : "syntax";
}

/// Where a file comes in the order in which the unit's files apply.
std::size_t position(const Unit& unit, const std::string& file) {
    const auto found = std::ranges::find(unit.drop_in_paths, file);
    return file == unit.fragment_path || found == unit.drop_in_paths.end()
               ? 0
               : static_cast<std::size_t>(found - unit.drop_in_paths.begin()) + 1;
}

}  // namespace

std::vector<Finding> lint(const Unit& unit) {
    const bool loaded =
        unit.load_state == LoadState::Loaded || unit.load_state == LoadState::BadSetting;
    std::vector<Finding> findings;
    if (loaded) {
        findings = load_findings(unit);
        std::ranges::move(advice(unit), std::back_inserter(findings));
        std::ranges::move(contradictions(unit), std::back_inserter(findings));
    }
    const std::size_t judged = findings.size();
    for (const Diagnostic& diagnostic : unit.diagnostics) {
        const auto end = findings.begin() + static_cast<std::ptrdiff_t>(judged);
        if (std::ranges::find(findings.begin(), end, diagnostic, &Finding::diagnostic) == end) {
            findings.push_back({id_of(diagnostic, unit), diagnostic, false});
        }
    }
    std::ranges::stable_sort(findings, [&](const Finding& left, const Finding& right) {
        const Origin& one = left.diagnostic.origin;
        const Origin& other = right.diagnostic.origin;
        const std::size_t first = position(unit, one.file);
        const std::size_t second = position(unit, other.file);
        return first != second ? first < second : one.line < other.line;
    });
    return findings;
}

Severity worst(const std::vector<Finding>& findings) {
    Severity found = Severity::Note;
    for (const Finding& finding : findings) {
        found = std::max(found, finding.diagnostic.severity);
    }
    return found;
}

}  // namespace hearth
