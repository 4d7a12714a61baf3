// SPDX-License-Identifier: MIT
//
// Raw system calls on x86_64: the number in rax, arguments in rdi rsi rdx r10 r8 r9, the result or
// -errno in rax; rcx and r11 are lost. Never touches errno. Only for the child (child_raw.hpp).
#pragma once

namespace {

[[gnu::always_inline]] inline long raw_call(
    long number, long a, long b, long c, long d, long e, long f) {
    long result;
    // Not const: a compiler may put a constant elsewhere than in the register that it was given.
    // NOLINTBEGIN(misc-const-correctness)
    register long r10 asm("r10") = d;
    register long r8 asm("r8") = e;
    register long r9 asm("r9") = f;
    // NOLINTEND(misc-const-correctness)
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

/// clone3. The child comes out of the system call on a new, empty stack: it may not return into
/// this frame, so it calls `function` right here.
[[gnu::always_inline]] inline long raw_clone(
    long number,
    const void* arguments,
    unsigned long size,
    void (*function)(void*),
    void* argument) {
    long result;
    asm volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xor %%ebp, %%ebp\n\t"
        "mov %[argument], %%rdi\n\t"
        "call *%[function]\n\t"
        "ud2\n\t"
        "1:"
        : "=a"(result)
        : "a"(number), "D"(arguments), "S"(size), [function] "r"(function), [argument] "r"(argument)
        : "rcx", "r11", "memory", "cc");
    return result;
}

}  // namespace
