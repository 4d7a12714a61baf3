// SPDX-License-Identifier: MIT
//
// Building sd-bus vtables. Every method is UNPRIVILEGED for sd-bus, because who may call it is
// judged before it gets here, in one place (policy.hpp). Handlers are plain functions `int
// f(Request&)` that return what sd-bus wants (negative errno or >= 0 with a reply sent); one
// noexcept trampoline makes the Request.
#pragma once

#include <systemd/sd-bus.h>

#include <exception>

#include "supervisor/bus/request.hpp"

namespace hearth::bus {

template <int (*handler)(Request&)>
int call_handler(sd_bus_message* message, void* userdata, sd_bus_error* error) noexcept {
    try {
        Request request(*static_cast<Connection*>(userdata), message, error);
        return handler(request);
    } catch (const std::exception& exception) {
        return sd_bus_error_set(error, SD_BUS_ERROR_FAILED, exception.what());
    }
}

template <int (*handler)(Request&)>
sd_bus_vtable method(const char* name, const char* in, const char* out) {
    return SD_BUS_METHOD(name, in, out, &call_handler<handler>, SD_BUS_VTABLE_UNPRIVILEGED);
}

inline sd_bus_vtable signal(const char* name, const char* signature) {
    return SD_BUS_SIGNAL(name, signature, 0);
}

inline sd_bus_vtable property(
    const char* name,
    const char* signature,
    sd_bus_property_get_t getter,
    std::uint64_t flags = 0) {
    return SD_BUS_PROPERTY(name, signature, getter, 0, flags & 0xff'ffff'ffff'ffffU);  // 56 bits
}

inline sd_bus_vtable start() {
    return SD_BUS_VTABLE_START(0);
}

inline sd_bus_vtable end() {
    return SD_BUS_VTABLE_END;
}

}  // namespace hearth::bus
