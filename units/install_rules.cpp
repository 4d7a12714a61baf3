// SPDX-License-Identifier: MIT
//
// The texts that say what to enable: [Install] sections and preset files.
#include <algorithm>

#include "parser/ini_reader.hpp"
#include "parser/words.hpp"
#include "units/condition_parts.hpp"
#include "units/install.hpp"
#include "units/unit_name.hpp"

namespace hearth {

std::vector<InstallLine> read_install_section(std::string_view text, const std::string& path) {
    std::vector<InstallLine> lines;
    if (text.find("[Install]") == std::string_view::npos) {
        return lines;
    }
    for (Assignment& each : read_unit_file(text, path).assignments) {
        if (each.section == "Install") {
            lines.push_back({std::move(each.key), std::move(each.value)});
        }
    }
    return lines;
}

std::vector<PresetRule> read_presets(std::string_view text) {
    std::vector<PresetRule> rules;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#' || line.front() == ';') {
            continue;
        }
        const auto words = split_words(line, Escapes::Keep);
        if (!words || words->size() < 2) {
            continue;
        }
        const std::string& action = words->front().text;
        PresetRule rule{action == "enable", (*words)[1].text, {}};
        const bool with_instances = rule.enable && words->size() > 2;
        if ((!rule.enable && action != "disable") || (!with_instances && words->size() > 2)) {
            continue;
        }
        for (std::size_t at = 2; at < words->size(); ++at) {
            rule.instances.push_back((*words)[at].text);
        }
        const auto name = parse_unit_name(rule.pattern);
        if (with_instances && !(name && name->is_template())) {
            continue;  // instances are those of a template
        }
        rules.push_back(std::move(rule));
    }
    return rules;
}

PresetAnswer ask_presets(const std::vector<PresetRule>& rules, const std::string& unit) {
    const auto name = parse_unit_name(unit);
    for (const PresetRule& rule : rules) {
        if (glob_matches(rule.pattern, unit) && rule.instances.empty()) {
            return {rule.enable, {}};
        }
        if (rule.instances.empty() || !name || !name->instance ||
            !glob_matches(rule.pattern, name->template_name())) {
            continue;
        }
        if (name->is_template()) {
            PresetAnswer answer;
            for (const std::string& instance : rule.instances) {
                UnitName each = *name;
                each.instance = instance;
                answer.instances.push_back(each.full());
            }
            return answer;
        }
        if (std::ranges::find(rule.instances, *name->instance) != rule.instances.end()) {
            return {};
        }
    }
    return {};
}

std::optional<PresetMode> preset_mode(std::string_view text) {
    return text == "full"           ? std::optional(PresetMode::Full)
           : text == "enable-only"  ? std::optional(PresetMode::EnableOnly)
           : text == "disable-only" ? std::optional(PresetMode::DisableOnly)
                                    : std::nullopt;
}

}  // namespace hearth
