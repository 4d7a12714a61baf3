// SPDX-License-Identifier: MIT
//
// What units have to do with each other: the relations of systemd.unit(5) with their inverses
// ("Mapping of unit properties to their inverses"), and the dependencies that follow from one
// unit's text: what it lists, what its type implies, what DefaultDependencies= adds. The World
// keeps both directions (units/world.hpp). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

enum class Relation : std::uint8_t {
    Requires,
    Requisite,
    Wants,
    BindsTo,
    PartOf,
    Upholds,
    RequiredBy,
    RequisiteOf,
    WantedBy,
    BoundBy,
    ConsistsOf,
    UpheldBy,
    Conflicts,
    ConflictedBy,
    Before,
    After,
    OnFailure,
    OnFailureOf,
    OnSuccess,
    OnSuccessOf,
    PropagatesReloadTo,
    ReloadPropagatedFrom,
    PropagatesStopTo,
    StopPropagatedFrom,
    Triggers,
    TriggeredBy,
};
[[nodiscard]] std::string_view name(Relation relation);  // "RequiredBy"
[[nodiscard]] Relation inverse(Relation relation);

/// Why a dependency is there.
enum class DependencySource : std::uint8_t {
    File,       ///< a directive of the unit
    Directory,  ///< a link in NAME.wants/, NAME.requires/, NAME.upholds/
    Implicit,   ///< its type, its slice, its mounts
    Default,    ///< DefaultDependencies=
    /// A target is ordered after what it pulls in, by default: only where the other unit has
    /// DefaultDependencies=yes too and the two aren't ordered the other way round.
    DefaultOfTarget,
};

struct Dependency {
    Relation relation{};
    std::string unit;
    DependencySource source = DependencySource::File;
    bool operator==(const Dependency&) const = default;
};
using Dependencies = std::vector<Dependency>;

struct Unit;

/// Links found beside the unit's file: NAME.wants/ and kin.
struct LinkedDependencies {
    std::vector<std::string> wants, requires_, upholds;
    bool operator==(const LinkedDependencies&) const = default;
};

/// All dependencies of a loaded unit, each pair once. `mounts`: the mount units that exist for the
/// paths that it names, of RequiresMountsFor= and WantsMountsFor=.
[[nodiscard]] Dependencies dependencies_of(
    const Unit& unit,
    const LinkedDependencies& links,
    const std::vector<std::string>& required_mounts,
    const std::vector<std::string>& wanted_mounts);

/// "a-b.slice" of "a-b-c.slice", "-.slice" of "a.slice"; empty for "-.slice".
[[nodiscard]] std::string parent_slice(std::string_view slice);

/// The slice that a unit runs in: Slice=, or system.slice; for an instance "system-PREFIX.slice".
[[nodiscard]] std::string slice_of(const Unit& unit);

/// "-.mount", "a.mount", "a-b.mount" for "/a/b".
[[nodiscard]] std::vector<std::string> mounts_above(std::string_view path);

}  // namespace hearth
