// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Sandbox = Unbuilt<Section::Service, Context::Sandbox>;

constexpr auto rows = std::to_array<Row>({
    Sandbox::refused<"RestrictFileSystems">(
        Nature::Confines, "The kinds of file systems that the service can use.", "ext4 tmpfs"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_sandbox_rows() {
    return rows;
}

}  // namespace hearth::directives
