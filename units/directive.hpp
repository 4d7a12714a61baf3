// SPDX-License-Identifier: MIT
//
// A directive is one row: its name, a sentence, where it takes effect, what kind of promise it is.
// From the rows come loading, `show`, the manual (docs/directives.md), unknown-name hints, lint,
// D-Bus properties, the confinement report and transient units; nothing else lists directive names.
//
// Rows are type-erased when they are compiled (a typed fold over 400 rows cost a minute per
// consumer): the consteval builder in units/directives/row.hpp stores plain function pointers, each
// context is one .cpp that exports a span, and consumers are loops.
//
// Invariants, each a test in tests/units/every_directive_test.cpp: names are unique per section and
// sorted per table; the summary is a sentence; the sample parses, differs from the default and
// round-trips; setting the sample changes what `applied` says it changes. No row is accepted and
// dead.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "parser/codec.hpp"
#include "units/settings.hpp"
#include "units/stage.hpp"

namespace hearth {

enum class Section : std::uint8_t {
    Unit,
    Service,
    Install,
    Hearth,
    Mount,
    Timer,
    Path,
    Automount,
    Swap,
    Socket
};
[[nodiscard]] std::string_view name(Section section);  // "Unit" ... "X-Hearth"

/// Which group of settings a row belongs to; a unit type lists its contexts.
enum class Context : std::uint8_t {
    Unit,
    Install,
    Service,
    Kill,
    Exec,
    Sandbox,
    Resources,
    Hearth,
    Mount,
    Timer,
    Path,
    Automount,
    Swap,
    Socket
};

/// Where a directive takes effect.
namespace applied {
/// how the unit is loaded or described
struct Loading {
    bool operator==(const Loading&) const = default;
};
/// jobs and their order
struct Graph {
    bool operator==(const Graph&) const = default;
};
/// what the service machine answers
struct Machine {
    bool operator==(const Machine&) const = default;
};
/// by the parent, before the clone
struct Preparation {
    bool operator==(const Preparation&) const = default;
};
/// by the child, at that stage
struct Child {
    Stage stage;
    bool operator==(const Child&) const = default;
};
struct Reporting {
    bool operator==(const Reporting&) const = default;
};
struct NoEffect {
    std::string_view reason;
    bool operator==(const NoEffect&) const = default;
};
struct Refused {
    std::string_view reason;
    bool operator==(const Refused&) const = default;
};
}  // namespace applied
using Applied = std::variant<
    applied::Loading,
    applied::Graph,
    applied::Machine,
    applied::Preparation,
    applied::Child,
    applied::Reporting,
    applied::NoEffect,
    applied::Refused>;

/// DESIGN 3.1: what happens when the host can't give it.
enum class Nature : std::uint8_t {
    Confines,  ///< refuse the start, by name and line
    Gives,     ///< give as far as possible, tell the shortfall
    Shares,    ///< weights, accounting, descriptions: never refuses
};

/// One assignment applied to a field, or why not.
using AssignFunction = Assigned (*)(Settings&, std::string_view text, const ValueContext&);
using FormatFunction = std::string (*)(const Settings&);
using WriteFunction = void (*)(const Settings&, ValueSink&);
using IsDefaultFunction = bool (*)(const Settings&);

/// A D-Bus property that a row stands for. Most rows have one, of their own name; `Sec` becomes
/// `USec`.
struct Property {
    std::string_view name;
    const char* signature = nullptr;
    WriteFunction write = nullptr;
};

struct Row {
    std::string_view name;
    Section section = Section::Unit;
    Context context = Context::Unit;
    std::string_view summary;
    Applied applied = applied::Loading{};
    Nature nature = Nature::Shares;
    std::string_view sample;
    std::string_view syntax;  ///< from the codec
    AssignFunction assign = nullptr;
    FormatFunction format = nullptr;  ///< file text, one line per assignment
    IsDefaultFunction is_default = nullptr;
    std::span<const Property> properties;
    bool secret = false;         ///< its value is told to nobody: no message, no report
    std::uint16_t exposure = 0;  ///< weight in the security score; 0: none, or its parts have them
};

// The tables, one .cpp each in units/directives/. Rows are sorted by name.
[[nodiscard]] std::span<const Row> unit_rows();
[[nodiscard]] std::span<const Row> condition_rows();
[[nodiscard]] std::span<const Row> install_rows();
[[nodiscard]] std::span<const Row> service_rows();
[[nodiscard]] std::span<const Row> kill_rows();
[[nodiscard]] std::span<const Row> exec_rows();
[[nodiscard]] std::span<const Row> scheduling_rows();
[[nodiscard]] std::span<const Row> terminal_rows();
[[nodiscard]] std::span<const Row> directory_rows();  ///< and credentials, dynamic users
[[nodiscard]] std::span<const Row> sandbox_rows();
[[nodiscard]] std::span<const Row> namespace_rows();
[[nodiscard]] std::span<const Row> root_rows();
[[nodiscard]] std::span<const Row> resource_rows();
[[nodiscard]] std::span<const Row> hearth_rows();
// Of one section alone, so no service has them (own_rows() in units/type_section.hpp).
[[nodiscard]] std::span<const Row> mount_rows();
[[nodiscard]] std::span<const Row> timer_rows();
[[nodiscard]] std::span<const Row> path_rows();
[[nodiscard]] std::span<const Row> automount_rows();
[[nodiscard]] std::span<const Row> swap_rows();
[[nodiscard]] std::span<const Row> socket_rows();
[[nodiscard]] std::span<const Row> refused_rows();  ///< known to systemd 252, not built yet

/// All tables that a .service file may use, in the order above.
[[nodiscard]] std::span<const std::span<const Row>> service_tables();

/// The row of `key` in [section] of a service, or null.
[[nodiscard]] const Row* find_row(std::string_view section, std::string_view key);

/// The row by name alone (for reports and relaxations), or null.
[[nodiscard]] const Row* find_row(std::string_view key);

/// Old names of directives and their present ones. TimeoutSec= stands for two.
struct OldName {
    std::string_view old_name, present;
};
[[nodiscard]] std::span<const OldName> old_names();
/// "ReadOnlyPaths" for "ReadOnlyDirectories"; else the name itself.
[[nodiscard]] std::string_view present_name(std::string_view directive);

/// A known name near `key` in [section] ("did you mean"), or empty. Also finds a key that stands in
/// the wrong section and then answers "[Service] ExecStart".
[[nodiscard]] std::string suggestion(std::string_view section, std::string_view key);

}  // namespace hearth
