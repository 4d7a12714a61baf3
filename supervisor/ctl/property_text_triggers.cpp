// SPDX-License-Identifier: MIT
#include "supervisor/ctl/property_text_triggers.hpp"

#include <fmt/format.h>

#include "supervisor/ctl/time_format.hpp"
#include "units/amount_text.hpp"

namespace hearth::ctl {

PropertyText kinds_and_paths(const Value& value) {
    PropertyText text;
    for (const Value& entry : value.members) {
        text.lines.push_back(fmt::format("{} ({})", entry.members[1].text, entry.members[0].text));
    }
    return text;
}

PropertyText timers(const Value& value) {
    PropertyText text;
    for (const Value& entry : value.members) {
        const bool calendar = value.signature == "a(sst)";
        const std::uint64_t next = entry.members[2].number;
        const std::string time = calendar ? timestamp(next) : timespan_text(next, 1);
        text.lines.push_back(fmt::format(
            "{{ {}={} ; next_elapse={} }}",
            entry.members[0].text,
            calendar ? entry.members[1].text : timespan_text(entry.members[1].number, 1),
            time.empty() ? "(null)" : time));
    }
    return text;
}

}  // namespace hearth::ctl
