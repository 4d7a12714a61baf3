// SPDX-License-Identifier: MIT
//
// enable, disable, mask, link and kin as a pure plan: what stands in the unit directories goes in,
// which links are made and removed comes out (systemd.unit(5), [Install]; systemctl(1), "Unit File
// Commands"). The links are the ones that `systemctl --root=` makes, byte for byte, so that either
// program can take back what the other has done. Reading the directories and carrying the changes
// out is supervisor/install_files' business.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "units/engine.hpp"
#include "units/settings.hpp"

namespace hearth {

/// A symlink in a unit directory, or in a NAME.wants/, NAME.requires/, NAME.upholds/ of one.
struct UnitLink {
    std::string path;
    std::string target;  ///< as readlink(2) says it
    bool operator==(const UnitLink&) const = default;
};

/// The unit file that a name finds first, and what its [Install] says, drop-ins included.
struct UnitFileView {
    std::string path;
    bool masked = false;
    InstallSettings install;
    bool operator==(const UnitFileView&) const = default;
};

struct InstallView {
    std::vector<std::string> unit_path;          ///< in order of precedence
    std::vector<std::string> runtime_path;       ///< those of it that are gone after a boot
    std::string directory;                       ///< where links are made
    std::map<std::string, UnitFileView> files;   ///< by name; aliases by the unit's own name only
    std::map<std::string, std::string> aliases;  ///< name to the unit's own name
    std::vector<UnitLink> links;                 ///< of the whole path
    std::vector<std::string> regular;            ///< files that are no links in `directory`
    bool operator==(const InstallView&) const = default;
};

struct FileChange {
    enum class Kind : std::uint8_t { Symlink, Unlink };
    Kind kind{};
    std::string path;
    std::string target;  ///< of a Symlink
    bool operator==(const FileChange&) const = default;
};

struct InstallPlan {
    std::vector<FileChange> changes;
    bool carries_install_information = false;  ///< any unit has something to enable
    bool operator==(const InstallPlan&) const = default;
};
using Installed = Result<InstallPlan, RequestError>;

[[nodiscard]] Installed plan_enable(
    const InstallView& view, const std::vector<std::string>& names, bool force);
[[nodiscard]] Installed plan_disable(
    const InstallView& view, const std::vector<std::string>& names);
/// disable, then enable.
[[nodiscard]] Installed plan_reenable(
    const InstallView& view, const std::vector<std::string>& names, bool force);
[[nodiscard]] Installed plan_mask(
    const InstallView& view, const std::vector<std::string>& names, bool force);
[[nodiscard]] Installed plan_unmask(const InstallView& view, const std::vector<std::string>& names);
/// Makes files outside of the unit path known: `paths` are absolute.
[[nodiscard]] Installed plan_link(
    const InstallView& view, const std::vector<std::string>& paths, bool force);
/// add-wants and add-requires: `suffix` is ".wants" or ".requires".
[[nodiscard]] Installed plan_add(
    const InstallView& view,
    const std::vector<std::string>& names,
    const std::string& target,
    const std::string& suffix,
    bool force);
[[nodiscard]] Installed plan_default(
    const InstallView& view, const std::string& target, bool force);
/// What default.target leads to.
[[nodiscard]] Result<std::string, RequestError> default_target(const InstallView& view);

/// Preset files, in order of precedence: each rule is "enable PATTERN" or "disable PATTERN".
[[nodiscard]] bool preset_enables(
    const std::vector<std::string>& preset_texts, const std::string& unit);
[[nodiscard]] Installed plan_preset(
    const InstallView& view,
    const std::vector<std::string>& preset_texts,
    const std::vector<std::string>& names,
    bool force);

/// is-enabled: "enabled", "enabled-runtime", "linked", "linked-runtime", "alias", "masked",
/// "masked-runtime", "static", "indirect", "disabled", "not-found".
[[nodiscard]] std::string enabled_state(const InstallView& view, const std::string& name);

}  // namespace hearth
