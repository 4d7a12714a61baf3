// SPDX-License-Identifier: MIT
//
// A loaded unit: its name, what it asks for, and where each directive was written, so that every
// later message can name the user's line. A value; the engine holds one per unit and replaces it
// whole on reload (a reload that fails to parse keeps the old one).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "parser/diagnostic.hpp"
#include "units/dependency.hpp"
#include "units/settings.hpp"

namespace hearth {

enum class LoadState : std::uint8_t { Stub, Loaded, NotFound, BadSetting, Error, Merged, Masked };
[[nodiscard]] std::string_view name(LoadState state);  // "not-found" ...

struct Unit {
    std::string name;  ///< "heat.service"
    LoadState load_state = LoadState::Stub;
    std::string fragment_path;
    std::vector<std::string> drop_in_paths;
    std::vector<std::string> aliases;  ///< its other names: property Names
    bool transient = false;  ///< made over the bus; its file goes when the unit is forgotten
    bool built_in = false;   ///< exists without a file, and is never stopped (units/special.hpp)
    bool starts_active = false;  ///< built in and active from the first moment
    Settings settings;
    Dependencies dependencies;  ///< listed, linked, implied (units/dependency.hpp)
    Diagnostics diagnostics;    ///< everything said while loading
    /// Directive name to the place of its last effective assignment.
    std::map<std::string, Origin, std::less<>> origins;
    /// What stops this unit from being started, found while loading (no ExecStart=, refused
    /// directives ...). Empty: startable as far as the text tells.
    Diagnostics refusals;

    bool operator==(const Unit&) const = default;

    /// Where `directive` was written, or the file as a whole.
    [[nodiscard]] Origin origin_of(std::string_view directive) const;
};

}  // namespace hearth
