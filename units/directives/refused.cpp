// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

#include <vector>

namespace hearth {

namespace directives {

namespace {

auto find_refused(const Settings& settings, std::string_view name) {
    return std::ranges::find(settings.refused, name, &RefusedDirective::name);
}

/// "no" stands for each way to write it, where the directive is a boolean. Elsewhere it is no
/// boolean: AllowedCPUs=0 confines to the first CPU.
bool is_inert(std::string_view inert, std::string_view text) {
    if (inert != "no") {
        return !inert.empty() && text == inert;
    }
    const Result<bool, ValueError> boolean = read_boolean(text);
    return boolean.has_value() && !*boolean;
}

void drop(Settings& settings, std::string_view name) {
    std::erase_if(
        settings.refused, [&](const RefusedDirective& each) { return each.name == name; });
}

}  // namespace

// One entry per directive, with its last value: enough to refuse by, and long files stay cheap.
Assigned assign_refused(
    Settings& settings, std::string_view name, std::string_view inert, std::string_view text) {
    if (text.empty() || is_inert(inert, text)) {
        drop(settings, name);
        return {};
    }
    const auto found = find_refused(settings, name);
    if (found == settings.refused.end()) {
        settings.refused.push_back({std::string(name), std::string(text)});
    } else {
        settings.refused[static_cast<std::size_t>(found - settings.refused.begin())].value = text;
    }
    return {};
}

std::string format_refused(const Settings& settings, std::string_view name) {
    const auto found = find_refused(settings, name);
    return found != settings.refused.end() ? found->value : std::string();
}

bool is_refused(const Settings& settings, std::string_view name) {
    return find_refused(settings, name) != settings.refused.end();
}

}  // namespace directives

std::span<const Row> refused_rows() {
    static const std::vector<Row> all = [] {
        using namespace directives;
        std::vector<Row> made;
        for (const std::span<const Row> part :
             {refused_service_rows(),
              refused_exec_rows(),
              refused_sandbox_rows(),
              refused_resource_rows()}) {
            made.insert(made.end(), part.begin(), part.end());
        }
        std::ranges::sort(made, [](const Row& left, const Row& right) {
            return left.section != right.section ? left.section < right.section
                                                 : left.name < right.name;
        });
        return made;
    }();
    return all;
}

}  // namespace hearth
