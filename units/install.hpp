// SPDX-License-Identifier: MIT
//
// enable, disable, mask, link and kin as a pure plan: what stands in the unit directories goes in,
// which links are made and removed comes out (systemd.unit(5), [Install]; systemctl(1), "Unit File
// Commands"). The links are the ones that `systemctl --root=` makes, byte for byte, so that either
// program can take back what the other has done. Reading the directories and carrying the changes
// out is supervisor/unit_files' business. All paths are without the prefix of --root.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "units/engine.hpp"
#include "units/loader.hpp"

namespace hearth {

/// A directory of the unit path.
struct UnitDirectory {
    /// What stands in it: links of enable (Config), what `set-property` writes (Control), units
    /// made over the bus (Transient) or by generators, what packages ship (Vendor).
    enum class Role : std::uint8_t { Config, Control, Transient, Generator, Attached, Vendor };
    std::string path;
    Role role = Role::Vendor;
    bool runtime = false;  ///< gone after a boot
    bool operator==(const UnitDirectory&) const = default;
};

/// What stands at a path.
struct InstallEntry {
    enum class Kind : std::uint8_t { File, Null, Link, Directory };  ///< Null: empty, or /dev/null
    Kind kind = Kind::File;
    std::string target = {};  ///< of a Link, as readlink(2) says it
    bool operator==(const InstallEntry&) const = default;
};

/// An assignment of an [Install] section, as it is written.
struct InstallLine {
    std::string key, value;
    bool operator==(const InstallLine&) const = default;
};
/// The [Install] section of a unit file or drop-in.
[[nodiscard]] std::vector<InstallLine> read_install_section(
    std::string_view text, const std::string& path);

/// systemd.preset(5): `enable PATTERN [INSTANCE...]` or `disable PATTERN`.
struct PresetRule {
    bool enable = true;
    std::string pattern;
    std::vector<std::string> instances = {};
    bool operator==(const PresetRule&) const = default;
};
/// The rules of one preset file, in order; lines that are none are skipped.
[[nodiscard]] std::vector<PresetRule> read_presets(std::string_view text);
struct PresetAnswer {
    bool enable = true;  ///< without a rule, everything is enabled
    /// of a template that a rule enables by its instances
    std::vector<std::string> instances = {};
};
[[nodiscard]] PresetAnswer ask_presets(
    const std::vector<PresetRule>& rules, const std::string& unit);

struct InstallView {
    std::vector<UnitDirectory> directories;  ///< in order of precedence
    /// All that stands in them and in their folders, and whatever links lead to.
    std::map<std::string, InstallEntry> entries;
    /// Directories that are links themselves: /lib/systemd/system to /usr/lib/systemd/system.
    std::map<std::string, std::string> real_directories;
    /// By path of unit file or drop-in; files without [Install] have none.
    std::map<std::string, std::vector<InstallLine>> install;
    std::vector<PresetRule> presets;
    LoadContext context;  ///< for specifiers
};

enum class UnitFileVerb : std::uint8_t {
    Enable,
    Disable,
    Reenable,
    Link,
    Preset,
    PresetAll,
    Mask,
    Unmask,
    Revert,
    SetDefault,
    AddWants,
    AddRequires
};
enum class PresetMode : std::uint8_t { Full, EnableOnly, DisableOnly };
/// "full", "enable-only", "disable-only".
[[nodiscard]] std::optional<PresetMode> preset_mode(std::string_view text);

struct UnitFileRequest {
    UnitFileVerb verb{};
    std::vector<std::string> names = {};  ///< absolute paths too, for enable, reenable and link
    std::string target = {};              ///< of add-wants and add-requires
    bool runtime = false, force = false;
    PresetMode mode = PresetMode::Full;
};

struct FileChange {
    enum class Kind : std::uint8_t {
        Symlink,
        Unlink,
        // Told, nothing is done.
        Masked,
        Dangling,
        DestinationNotPresent,
        AuxiliaryFailed,
        // What went wrong.
        Exists,
        IsMasked,
        Generated,
        Linked,  ///< an alias, where the unit's own name is needed
        NotFound,
        Severed,  ///< an alias of a unit that there is not
        CannotAlias,
        NoTemplate,
        InvalidName,
        InvalidSpecifier,
        UnresolvedSpecifier,
        InvalidArgument,
    };
    Kind kind{};
    std::string path;
    std::string source =
        {};  ///< of a Symlink where it leads to; else the other thing of the message
    bool operator==(const FileChange&) const = default;
};
[[nodiscard]] constexpr bool is_failure(FileChange::Kind kind) {
    return kind >= FileChange::Kind::Exists;
}

/// Changes in the order they are to be made. A plan that failed holds what is to be done all the
/// same: of two units one may be enabled, as systemctl does it.
struct InstallPlan {
    std::vector<FileChange> changes;
    bool failed = false;
    bool carries_install_information = false;  ///< a unit has something to enable
    bool operator==(const InstallPlan&) const = default;
};
[[nodiscard]] InstallPlan plan_unit_files(const InstallView& view, const UnitFileRequest& request);

/// "symlink", "unlink", "masked" ...: the first member of a change on the bus. Not of failures.
[[nodiscard]] std::string_view name(FileChange::Kind kind);
/// How systemd names the failure on the bus, and its text.
[[nodiscard]] RequestError to_error(const FileChange& failure, const std::string& root = {});
/// What systemctl prints of a change; `root` stands before paths. `verb` completes "Failed to".
[[nodiscard]] std::string describe(
    const FileChange& change, std::string_view verb, const std::string& root);

/// is-enabled: "enabled", "enabled-runtime", "linked", "linked-runtime", "alias", "masked",
/// "masked-runtime", "static", "indirect", "disabled", "generated", "transient".
[[nodiscard]] Result<std::string, RequestError> enabled_state(
    const InstallView& view, const std::string& name);
/// "enabled" or "disabled".
[[nodiscard]] std::string preset_state(const InstallView& view, const std::string& name);

struct UnitFileState {
    std::string path, state;
    bool operator==(const UnitFileState&) const = default;
};
/// Every unit file, the first of each name, sorted by name; "bad" where there is no state.
[[nodiscard]] std::vector<UnitFileState> unit_file_states(const InstallView& view);
/// What default.target leads to.
[[nodiscard]] Result<std::string, RequestError> default_target(const InstallView& view);

}  // namespace hearth
