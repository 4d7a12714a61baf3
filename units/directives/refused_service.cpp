// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Service = Unbuilt<Section::Service, Context::Service>;

constexpr auto rows = std::to_array<Row>({
    Service::refused<"Sockets">(
        Nature::Gives, "Socket units whose sockets the service gets.", "heat.socket"),
    Service::refused<"USBFunctionDescriptors">(
        Nature::Gives, "The file with the descriptors of a USB gadget function.", "/etc/usb"),
    Service::refused<"USBFunctionStrings">(
        Nature::Gives, "The file with the strings of a USB gadget function.", "/etc/usb"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_service_rows() {
    return rows;
}

}  // namespace hearth::directives
