// SPDX-License-Identifier: MIT
#include "supervisor/own_settings.hpp"

#include <sys/capability.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <type_traits>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

Result<void> keep_capabilities(std::uint64_t mask) {
    const std::unique_ptr<std::remove_pointer_t<cap_t>, int (*)(void*)> own(
        ::cap_get_proc(), &::cap_free);
    for (cap_value_t each = 0; each < ::cap_max_bits(); ++each) {
        if ((mask >> static_cast<unsigned>(each) & 1U) != 0) {
            continue;
        }
        if (::cap_get_bound(each) > 0 && ::cap_drop_bound(each) < 0) {
            return sys::call_failure("cap_drop_bound", "CapabilityBoundingSet= of hearthd", errno);
        }
        for (const cap_flag_t set : {CAP_EFFECTIVE, CAP_PERMITTED, CAP_INHERITABLE}) {
            ::cap_set_flag(own.get(), set, 1, &each, CAP_CLEAR);
        }
    }
    if (::cap_set_proc(own.get()) < 0) {
        return sys::call_failure("cap_set_proc", "CapabilityBoundingSet= of hearthd", errno);
    }
    return {};
}

}  // namespace

Result<void> apply_own_settings(const Settings& own) {
    for (const auto& [name, value] : own.exec.environment.variables) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    if (own.sandbox.capability_bounding_set.mask != all_capabilities) {
        HEARTH_TRY(keep_capabilities(own.sandbox.capability_bounding_set.mask));
    }
    if (own.sandbox.no_new_privileges) {
        HEARTH_TRY(sys::prctl(PR_SET_NO_NEW_PRIVS, 1));
    }
    return {};
}

}  // namespace hearth
