// SPDX-License-Identifier: MIT
//
// A transient unit's file: what StartTransientUnit() is given becomes the text that a person would
// have written, so that there is one loader, and the unit outlives the manager like any other.
// Follows org.freedesktop.systemd1(5). Pure; supervisor/transient.cpp writes and removes the files.
#pragma once

#include <span>
#include <string>

#include "parser/result.hpp"
#include "units/engine.hpp"
#include "units/loader.hpp"

namespace hearth {

/// A property as a directive's text.
struct TransientAssignment {
    std::string directive, value;
    bool operator==(const TransientAssignment&) const = default;
};

struct TransientFile {
    std::string text;
    bool secret = false;  ///< holds what nobody but root may read
    bool operator==(const TransientFile&) const = default;
};

/// The file of `unit`, or by name what can't be in it: a directive that its type doesn't have, that
/// isn't built, or a value that can't be read.
[[nodiscard]] Result<TransientFile, RequestError> transient_file(
    const std::string& unit,
    std::span<const TransientAssignment> assignments,
    const LoadContext& context);

}  // namespace hearth
