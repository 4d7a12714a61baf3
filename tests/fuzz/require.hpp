// SPDX-License-Identifier: MIT
//
// What a fuzzer demands of the code beside not crashing: a claim that ends the program, so that
// libFuzzer keeps the input. Only for fuzzers; it must not be compiled out as assert() is.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace hearth {

inline void require(bool claim, const char* what) {
    if (!claim) {
        std::fprintf(stderr, "does not hold: %s\n", what);
        std::abort();
    }
}

}  // namespace hearth
