// SPDX-License-Identifier: MIT
//
// What a service's file system is made of: images, layers, /proc, propagation, what may be run.
#include "units/directives/row.hpp"
#include "units/root_codecs.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Service, Context::Sandbox, &Settings::roots, member>(
        description);
}

constexpr auto rows = std::to_array<Row>({
    row<"ExecPaths", &RootSettings::exec_paths>({
        .summary = "Paths below NoExecPaths= from which programs may be run.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/usr -+/lib",
    }),
    row<"ExtensionDirectories", &RootSettings::extension_directories>({
        .summary = "Directories that are laid over /usr and /opt of the service's root.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "-/srv/extension",
    }),
    row<"ExtensionImages", &RootSettings::extension_images>({
        .summary = "Images that are laid over /usr and /opt of the service's root.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv/extension.raw:root:nosuid",
    }),
    row<"MountFlags", &RootSettings::mount_flags>({
        .summary = "How mounts go from the host to the service, and between its own namespaces.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "private",
    }),
    row<"MountImages", &RootSettings::mount_images>({
        .summary = "Images whose file system is mounted for the service.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "-/srv/x.raw:/mnt:root:ro",
    }),
    row<"NoExecPaths", &RootSettings::no_exec_paths>({
        .summary = "Paths from which no program can be run.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/tmp -/srv",
    }),
    row<"ProcSubset", &RootSettings::proc_subset>({
        .summary = "How much of /proc the service sees: all, or processes only.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "pid",
    }),
    row<"ProtectProc", &RootSettings::protect_proc>({
        .summary = "Which processes of other users the service sees in /proc.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "invisible",
    }),
    row<"RootEphemeral", &RootSettings::root_ephemeral>({
        .summary = "What the service changes in its own root is gone when it stops.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .properties = no_properties,  // of later systemd, unknown to its clients of 252
    }),
    row<"RootImage", &RootSettings::root_image>({
        .summary = "The image whose file system is the service's root.",
        .applied = applied::Child{Stage::Root},
        .nature = Nature::Confines,
        .sample = "/srv/root.raw",
        .assign = &assign_path<&Settings::roots, &RootSettings::root_image>,
        .syntax = "absolute path",
    }),
    row<"RootImageOptions", &RootSettings::root_image_options>({
        .summary = "The mount options of RootImage=.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "root:ro,noatime",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> root_rows() {
    return directives::rows;
}

}  // namespace hearth
