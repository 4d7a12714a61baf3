// SPDX-License-Identifier: MIT
//
// --json of verbs that change something: one object when they have ended,
// {"verb":..., "status":N, "messages":[...]} and what the verb noted meanwhile: jobs, changes,
// units. Verbs that answer a question print their own JSON instead (Option::Json).
#pragma once

#include <string_view>

#include "supervisor/ctl/arguments.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

/// Adds an item to the list `key` of the outcome.
void note(std::string_view key, Json item);

/// Runs the verb; its exit status.
int perform(const Verb& verb, const Arguments& arguments);

/// A list of texts.
[[nodiscard]] Json json_list(const std::vector<std::string>& texts);
/// The text's lines.
[[nodiscard]] Json json_lines(std::string_view text);

}  // namespace hearth::ctl
