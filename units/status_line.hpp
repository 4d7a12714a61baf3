// SPDX-License-Identifier: MIT
//
// What the console of a machine that boots is shown: "[  OK  ] Started Heating.", in the words of
// systemd 252, for jobs that begin and end. Pure.
#pragma once

#include <string>

#include "units/engine.hpp"

namespace hearth {

struct StatusLine {
    std::string text;  ///< without a line's end, with colours; empty: nothing is to be shown
    bool bad = false;  ///< a failure: also shown where others are not (ShowStatus=auto)
};

/// `record`: of the job's unit, after the change.
[[nodiscard]] StatusLine status_line(const UnitRecord& record, const JobChange& change);

}  // namespace hearth
