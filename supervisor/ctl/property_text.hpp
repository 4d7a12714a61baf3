// SPDX-License-Identifier: MIT
//
// How `show` prints a property: byte for byte as systemctl 252 does, which goes by the type and,
// for many, by the name (times, durations, "[not set]", "infinity"). The stock client is the
// oracle, see tests/integration/systemctl_show_test.cpp. Pure, but for the time zone.
#pragma once

#include <string>
#include <vector>

#include "supervisor/ctl/value.hpp"

namespace hearth::ctl {

/// The lines after "NAME=", usually one; an Exec list has one per command. `empty`: systemctl
/// leaves the property out unless --all.
struct PropertyText {
    std::vector<std::string> lines;
    bool empty = false;
};
[[nodiscard]] PropertyText property_text(const NamedValue& property);

}  // namespace hearth::ctl
