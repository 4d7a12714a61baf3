// SPDX-License-Identifier: MIT
#include "units/unit.hpp"

namespace hearth {

HEARTH_COMPILED_HERE(Settings);

std::string_view name(LoadState state) {
    switch (state) {
        case LoadState::Stub:
            return "stub";
        case LoadState::Loaded:
            return "loaded";
        case LoadState::NotFound:
            return "not-found";
        case LoadState::BadSetting:
            return "bad-setting";
        case LoadState::Error:
            return "error";
        case LoadState::Merged:
            return "merged";
        case LoadState::Masked:
            return "masked";
    }
    return "unknown";
}

Origin Unit::origin_of(std::string_view directive) const {
    const auto found = origins.find(directive);
    return found != origins.end() ? found->second : Origin{fragment_path, 0, 0};
}

}  // namespace hearth
