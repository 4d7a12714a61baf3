// SPDX-License-Identifier: MIT
#include "supervisor/check_state.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "supervisor/activation_lines.hpp"
#include "supervisor/host_facts.hpp"
#include "supervisor/options.hpp"
#include "supervisor/state_files.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/transient.hpp"
#include "supervisor/unit_store.hpp"
#include "units/state.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr std::string_view version_word = "version ";
constexpr std::string_view state_word = "state-version ";
constexpr std::string_view units_word = "units ";
constexpr std::string_view lost_word = "lost ";
constexpr std::string_view note_word = "note ";

std::string in_one_line(std::string text) {
    for (char& byte : text) {
        byte = byte == '\n' ? ' ' : byte;
    }
    return text;
}

/// What runs goes on with the settings of its file: without them nothing would stop, watch or
/// restart it as it was asked.
void check_file(
    const KeptUnit& kept,
    const UnitStore& store,
    const LoadContext& context,
    StateVerdict& verdict) {
    const UnitType type = unit_type(kept.name);
    const bool has_file = type == UnitType::Service || type == UnitType::Scope;
    if (!has_file || is_over(kept.status.state)) {
        return;
    }
    const Unit unit = load_unit(kept.name, store, context);
    if (unit.load_state == LoadState::Loaded || unit.built_in) {
        return;
    }
    std::string why = unit.refusals.empty() ? "" : ": " + one_line(unit.refusals.front());
    verdict.losses.push_back(in_one_line(fmt::format(
        "{}: it runs, and its unit file is {} now{}; its settings would be lost",
        kept.name,
        name(unit.load_state),
        why)));
}

void check_unit(
    const std::string& name,
    const Result<StateText>& text,
    const UnitStore& store,
    const LoadContext& context,
    StateVerdict& verdict) {
    auto kept = text ? read_state(text->text, text->version) : Unexpected(text.error());
    if (!kept || kept->name != name) {
        verdict.losses.push_back(in_one_line(fmt::format(
            "{}: all that is known of it would be lost: {}",
            name,
            kept ? "its file is another unit's" : kept.error().what)));
        return;
    }
    ++verdict.units;
    take_known(kept->lines);
    for (const auto& [key, value] : kept->lines) {
        verdict.notes.push_back(in_one_line(fmt::format(
            "{}: {}= is not known here; it is kept for a hearthd that knows it", name, key)));
    }
    check_file(*kept, store, context, verdict);
}

}  // namespace

StateVerdict check_state(const Options& options) {
    StateVerdict verdict;
    verdict.version = HEARTH_VERSION;
    verdict.state_version = newest_state_version();
    const std::string own = sys::readlink("/proc/self/exe").value_or("");
    const std::string writer = own.substr(0, own.rfind('/') + 1) + "hearth-logd";
    if (::access(writer.c_str(), X_OK) < 0) {
        verdict.losses.push_back(
            writer +
            ": there is no log writer beside that hearthd: no log would be written once "
            "the one that runs ends");
    }
    const UnitStore store(searched_path(options));
    LoadContext context = gather_load_context(options.user, options.directories_root);
    context.confinement = options.confinement;
    context.transient_directory = transient_directory(options);
    context.defaults = options.manager.defaults;
    const auto files = StateFiles::open_to_read(options.runtime_directory + "/units");
    if (!files) {
        verdict.losses.push_back("all units: " + files.error().what);
        return verdict;
    }
    const UnitStore::Batch batch(store);
    for (const auto& [name, text] : files->read()) {
        check_unit(name, text, store, context, verdict);
    }
    return verdict;
}

std::string verdict_text(const StateVerdict& verdict) {
    std::string text = fmt::format(
        "{}{}\n{}{}\n{}{}\n",
        version_word,
        verdict.version,
        state_word,
        verdict.state_version,
        units_word,
        verdict.units);
    for (const std::string& each : verdict.losses) {
        text += std::string(lost_word) + each + "\n";
    }
    for (const std::string& each : verdict.notes) {
        text += std::string(note_word) + each + "\n";
    }
    return text;
}

Result<StateVerdict> read_verdict(std::string_view text) {
    StateVerdict verdict;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto is = [&line](std::string_view word) {
            const bool found = line.starts_with(word);
            line.remove_prefix(found ? word.size() : 0);
            return found;
        };
        if (is(version_word)) {
            verdict.version = line;
        } else if (is(state_word)) {
            (void)std::from_chars(line.begin(), line.end(), verdict.state_version);
        } else if (is(units_word)) {
            (void)std::from_chars(line.begin(), line.end(), verdict.units);
        } else if (is(lost_word)) {
            verdict.losses.emplace_back(line);
        } else if (is(note_word)) {
            verdict.notes.emplace_back(line);
        }
    }
    if (verdict.version.empty() || verdict.state_version == 0) {
        return failure("that program doesn't answer --check-state as a hearthd does", 0);
    }
    return verdict;
}

}  // namespace hearth
