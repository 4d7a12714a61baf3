// SPDX-License-Identifier: MIT
#include "units/state_versions.hpp"

#include <array>
#include <utility>

namespace hearth {

namespace {

#ifdef HEARTH_NEXT_STATE_VERSION
void rename(StateLines& lines, std::string_view from, const char* to) {
    if (const auto found = lines.find(from); found != lines.end()) {
        lines.insert_or_assign(to, found->second);
        lines.erase(found);
    }
}

/// A name that says which restarts, and one key more.
void to_version_2(StateLines& lines) {
    rename(lines, "restarts", "automatic-restarts");
    if (const auto began = lines.find("inactive-exit"); began != lines.end()) {
        lines.try_emplace("kept-since", began->second);
    }
}

/// kept-since stays: an older hearthd carries it.
void from_version_2(StateLines& lines) {
    rename(lines, "automatic-restarts", "restarts");
}
#endif

constexpr auto versions = std::to_array<StateVersion>({
    {1, "the first", nullptr, nullptr},
#ifdef HEARTH_NEXT_STATE_VERSION
    // Built with -DHEARTH_NEXT_STATE_VERSION=ON only, and by the tests: what the next version will
    // be able to do is shown before there is one.
    {2, "restarts= is automatic-restarts=; kept-since= is new", to_version_2, from_version_2},
#endif
});

}  // namespace

std::span<const StateVersion> state_versions() {
    return versions;
}

unsigned newest_state_version() {
    return versions.back().number;
}

Result<void> convert_state(StateLines& lines, unsigned from, unsigned to) {
    for (const unsigned number : {from, to}) {
        if (number == 0 || number > versions.size()) {
            return failure(
                "state of version " + std::to_string(number) +
                    ", which this hearthd doesn't know (" + "it knows 1 to " +
                    std::to_string(versions.size()) + ")",
                0);
        }
    }
    for (; from < to; ++from) {
        versions[from].upgrade(lines);
    }
    for (; from > to; --from) {
        versions[from - 1].downgrade(lines);
    }
    return {};
}

}  // namespace hearth
