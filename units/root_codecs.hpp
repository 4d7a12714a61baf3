// SPDX-License-Identifier: MIT
//
// Codecs of what a service's file system is made of (RootSettings): images and their options,
// extensions, /proc, propagation. Grammar and merging of systemd.exec(5), bus forms of
// org.freedesktop.systemd1(5). Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "units/codecs.hpp"

namespace hearth {

inline constexpr auto protect_proc_names = std::to_array<EnumName<ProtectProc>>({
    {ProtectProc::Default, "default"},
    {ProtectProc::NoAccess, "noaccess"},
    {ProtectProc::Invisible, "invisible"},
    {ProtectProc::Ptraceable, "ptraceable"},
});
template <>
struct Codec<ProtectProc> : EnumCodec<protect_proc_names> {};

inline constexpr auto proc_subset_names = std::to_array<EnumName<ProcSubset>>({
    {ProcSubset::All, "all"},
    {ProcSubset::Pid, "pid"},
});
template <>
struct Codec<ProcSubset> : EnumCodec<proc_subset_names> {};

inline constexpr auto mount_flags_names = std::to_array<EnumName<MountFlags>>({
    {MountFlags::Shared, "shared"},
    {MountFlags::Slave, "slave"},
    {MountFlags::Private, "private"},
});

/// The partitions that an image may have (Discoverable Partitions Specification).
inline constexpr auto partition_names = std::to_array<std::string_view>(
    {"root", "usr", "home", "srv", "esp", "xbootldr", "tmp", "var"});

HEARTH_DECLARE_CODEC(MountFlags, "shared|slave|private", "t");
HEARTH_DECLARE_CODEC(PrivateTmp, "boolean or 'disconnected'", "b");
HEARTH_DECLARE_CODEC(ImageOptions, "list of [PARTITION:]OPTIONS", "a(ss)");
HEARTH_DECLARE_CODEC(
    std::vector<ImageEntry>, "list of SOURCE:DESTINATION[:OPTIONS]", "a(ssba(ss))");
HEARTH_DECLARE_CODEC(std::vector<ExtensionEntry>, "list of SOURCE[:OPTIONS]", "a(sba(ss))");
HEARTH_DECLARE_CODEC(
    std::vector<DirectoryEntry>,
    "list of absolute paths, '-' before them if they may be missing",
    "as");

}  // namespace hearth
