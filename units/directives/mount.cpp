// SPDX-License-Identifier: MIT
//
// [Mount], systemd.mount(5): what is of mounts alone. What they share with services (kill, exec,
// resources) has its rows there (units/type_section.hpp). They become the commands of
// units/mount_unit.hpp.
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(std::string_view summary, std::string_view sample) {
    return directive<name, Section::Mount, Context::Mount, &Settings::mount, member>({
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
    });
}

/// systemd.mount(5): 0 is no timeout at all.
Assigned assign_timeout(Settings& settings, std::string_view text, const ValueContext&) {
    const Timespan span = text.empty() ? MountSettings{}.timeout : HEARTH_TRY(read_timespan(text));
    settings.mount.timeout = span.microseconds == 0 ? Timespan::never() : span;
    return {};
}

constexpr auto rows = std::to_array<Row>({
    row<"DirectoryMode", &MountSettings::directory_mode>(
        "The mode of directories that are made because the mount point is missing.", "0700"),
    row<"ForceUnmount", &MountSettings::force_unmount>(
        "Unmounts even where what is mounted can't be reached: umount -f.", "yes"),
    row<"LazyUnmount", &MountSettings::lazy_unmount>(
        "Takes the mount point away at once, and lets those who use it finish: umount -l.", "yes"),
    row<"Options", &MountSettings::options>(
        "The mount options, with commas between them.", "ro,nodev"),
    row<"ReadWriteOnly", &MountSettings::read_write_only>(
        "Fails rather than mounting read-only what can't be written: mount -w.", "yes"),
    row<"SloppyOptions", &MountSettings::sloppy_options>(
        "Lets the file system ignore options that it doesn't know: mount -s.", "yes"),
    directive<
        "TimeoutSec",
        Section::Mount,
        Context::Mount,
        &Settings::mount,
        &MountSettings::timeout>({
        .summary = "How long mounting and unmounting may take.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "20s",
        .assign = &assign_timeout,
    }),
    row<"Type", &MountSettings::type>("The file system's type; empty: mount finds out.", "tmpfs"),
    row<"What", &MountSettings::what>(
        "What is mounted: a device, a file, a directory or another resource.", "/dev/sda1"),
    directive<"Where", Section::Mount, Context::Mount, &Settings::mount, &MountSettings::where>({
        .summary = "The mount point; the unit's name says the same, escaped.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "/srv/x",
        .assign = &assign_path<&Settings::mount, &MountSettings::where>,
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> mount_rows() {
    return directives::rows;
}

}  // namespace hearth
