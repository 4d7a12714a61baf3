// SPDX-License-Identifier: MIT
//
// Raw system calls on aarch64: the number in x8, arguments in x0 to x5, the result or -errno in x0.
// Never touches errno. Only for the child (child_raw.hpp).
#pragma once

namespace {

[[gnu::always_inline]] inline long raw_call(
    long number, long a, long b, long c, long d, long e, long f) {
    register long x8 asm("x8") = number;
    register long x0 asm("x0") = a;
    register long x1 asm("x1") = b;
    register long x2 asm("x2") = c;
    register long x3 asm("x3") = d;
    register long x4 asm("x4") = e;
    register long x5 asm("x5") = f;
    asm volatile("svc #0"
                 : "+r"(x0)
                 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                 : "memory");
    return x0;
}

/// clone3. The child comes out of the system call on a new, empty stack: it may not return into
/// this frame, so it calls `function` right here.
[[gnu::always_inline]] inline long raw_clone(
    long number,
    const void* arguments,
    unsigned long size,
    void (*function)(void*),
    void* argument) {
    register long x8 asm("x8") = number;
    register const void* x0 asm("x0") = arguments;
    register unsigned long x1 asm("x1") = size;
    register long result asm("x0");
    asm volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x30, xzr\n\t"
        "mov x0, %[argument]\n\t"
        "blr %[function]\n\t"
        "brk #0\n\t"
        "1:"
        : "=r"(result)
        : "r"(x8), "r"(x0), "r"(x1), [function] "r"(function), [argument] "r"(argument)
        : "x30", "memory", "cc");
    return result;
}

}  // namespace
