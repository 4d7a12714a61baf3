// SPDX-License-Identifier: MIT
//
// From unit files to a Unit: finds the fragment and drop-ins through a UnitSource, applies each
// assignment through the directive tables, collects diagnostics. Pure: reading files is the
// source's business (supervisor/unit_store is the real one, tests use a map). Loading never fails:
// a unit that can't be loaded is a Unit with a LoadState and the reasons. Messages are those of
// DESIGN 6: `PATH:LINE: Unknown key 'Foo' in section [Service], ignored`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "parser/specifiers.hpp"
#include "units/manager_settings.hpp"
#include "units/unit.hpp"

namespace hearth {

/// Where unit text comes from. Paths are what messages show.
class UnitSource {
public:
    struct File {
        std::string path;
        std::string text;
        bool masked = false;  ///< empty file or symlink to /dev/null
        /// The unit's own name where the one that was asked for is an alias; empty: it is not.
        std::string canonical = {};
        std::vector<std::string> aliases = {};  ///< all other names of the unit
    };
    virtual ~UnitSource() = default;
    /// The fragment of `name` (first match along the unit path); nullopt: there is none. An
    /// existing but unreadable file is an Error.
    [[nodiscard]] virtual Result<std::optional<File>> fragment(const std::string& name) const = 0;
    /// Drop-ins of `name` (NAME.d/*.conf and what else applies), in the order they apply.
    [[nodiscard]] virtual Result<std::vector<File>> drop_ins(const std::string& name) const = 0;
    /// What NAME.wants/, NAME.requires/ and NAME.upholds/ hold, of all its names and its template.
    [[nodiscard]] virtual LinkedDependencies links(const std::string&) const { return {}; }
    [[nodiscard]] virtual bool has_fragment(const std::string& name) const {
        const auto found = fragment(name);
        return found && found->has_value();
    }
    /// Whether the kernel has the device, mount or swap of that name now.
    [[nodiscard]] virtual bool is_present(const std::string&) const { return false; }
};

/// What specifiers need and a text doesn't say (host facts, gathered once by the supervisor).
struct LoadContext {
    std::string machine_id, boot_id, host_name, kernel_release, architecture;
    std::string runtime_directory = "/run", state_directory = "/var/lib",
                cache_directory = "/var/cache", log_directory = "/var/log",
                configuration_directory = "/etc", temporary_directory = "/tmp",
                persistent_temporary_directory = "/var/tmp";
    std::string user_name = "root", user_home = "/root", user_shell = "/bin/sh",
                group_name = "root";
    std::uint32_t uid = 0, gid = 0;
    bool user_manager = false;  ///< --user
    // From os-release(5) and machine-info(5); a field that the host doesn't state is empty.
    std::string os_id, os_version_id, os_build_id, os_variant_id, os_image_id, os_image_version,
        pretty_host_name;
    // What MemoryMax=10% and TasksMax=10% are shares of; 0: unknown, the share stays a share.
    std::uint64_t memory_bytes = 0, tasks_maximum = 0;
    /// The boot's targets are built in and met (units/special.hpp).
    bool guest = true;
    std::string transient_directory;  ///< where transient units' files are; empty: nowhere
    Confinement confinement = Confinement::Strict;  ///< --confinement: of units that don't say
    std::vector<UnitDefault>
        defaults;  ///< lines before each unit's own (units/manager_settings.hpp)
};

/// The table of systemd.unit(5) for `unit_name`.
[[nodiscard]] SpecifierTable specifiers(
    const std::string& unit_name, const LoadContext& context, const std::string& fragment_path);

/// Loads `name`. `name` must be valid (units/unit_name.hpp).
[[nodiscard]] Unit load_unit(
    const std::string& name, const UnitSource& source, const LoadContext& context);

/// Applies the rules across directives (units/rules.hpp): what stops a start goes to
/// `unit.refusals`, doubts to `unit.diagnostics`; a unit that systemd wouldn't load either becomes
/// LoadState::BadSetting. load_unit() has done this already.
void judge(Unit& unit, bool guest = true);

}  // namespace hearth
