// SPDX-License-Identifier: MIT
//
// Where the verbs about unit files do their work: hearthd over the bus, or with --root= the tree
// itself. Either way a failure is what systemctl prints.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/ctl/common.hpp"
#include "supervisor/unit_files/install_files.hpp"
#include "units/install.hpp"

namespace hearth::ctl {

class UnitFiles {
public:
    virtual ~UnitFiles() = default;

    /// What was changed, failures among it; an Error where that is not known.
    [[nodiscard]] virtual Result<InstallPlan> change(const UnitFileRequest& request) = 0;
    [[nodiscard]] virtual Result<std::string> state(const std::string& unit) = 0;
    [[nodiscard]] virtual Result<std::string> default_target() = 0;
    [[nodiscard]] virtual Result<std::vector<UnitFileState>> all() = 0;
    /// The preset files that count for it.
    [[nodiscard]] virtual std::vector<PresetRule> presets() = 0;
};

/// By --root=; complains and answers null where hearthd can't be reached.
[[nodiscard]] std::unique_ptr<UnitFiles> unit_files(const Arguments& arguments);

}  // namespace hearth::ctl
