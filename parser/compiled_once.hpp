// SPDX-License-Identifier: MIT
//
// Large values - variants of many alternatives, structs of many fields - whose copies, moves, end
// and comparison are compiled in one file instead of in each that touches them. Without this they
// are most of what the compiler does here: one file that copied a launch's steps took 20 s and 40
// MB under sanitizers.
#pragma once

/// In the struct: what HEARTH_COMPILED_HERE defines.
#define HEARTH_COMPILED_ONCE(Type)    \
    Type();                           \
    Type(const Type&);                \
    Type(Type&&) noexcept;            \
    Type& operator=(const Type&);     \
    Type& operator=(Type&&) noexcept; \
    ~Type();                          \
    bool operator==(const Type&) const

/// In one .cpp, in the type's namespace.
#define HEARTH_COMPILED_HERE(Type)                    \
    Type::Type() = default;                           \
    Type::Type(const Type&) = default;                \
    Type::Type(Type&&) noexcept = default;            \
    Type& Type::operator=(const Type&) = default;     \
    Type& Type::operator=(Type&&) noexcept = default; \
    Type::~Type() = default;                          \
    bool Type::operator==(const Type&) const = default
