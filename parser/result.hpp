// SPDX-License-Identifier: MIT
//
// Result<T, E>: either a value or an error, for everything that can fail. hearth throws nothing:
// loading collects diagnostics, running returns Results. The interface is a subset of C++23's
// std::expected, for the day it can be that. HEARTH_TRY unwraps a Result or returns its error from
// the enclosing function; it must never be used in launch/child, where returning is a defect.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace hearth {

/// What went wrong, for a person. `code` is an errno value, or 0 where none applies.
struct Error {
    std::string what;
    int code = 0;

    bool operator==(const Error&) const = default;
};

template <class E>
class Unexpected {
public:
    constexpr explicit Unexpected(E error) : error_(std::move(error)) {}
    [[nodiscard]] constexpr E& error() & noexcept { return error_; }
    [[nodiscard]] constexpr E&& error() && noexcept { return std::move(error_); }

private:
    E error_;
};

/// `return failure("cannot open " + path, errno);`
[[nodiscard]] inline Unexpected<Error> failure(std::string what, int code = 0) {
    return Unexpected<Error>(Error{std::move(what), code});
}

template <class T, class E = Error>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = E;

    constexpr Result(T value) : storage_(std::in_place_index<0>, std::move(value)) {}
    constexpr Result(Unexpected<E> error)
        : storage_(std::in_place_index<1>, std::move(error).error()) {}

    [[nodiscard]] constexpr bool has_value() const noexcept { return storage_.index() == 0; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value(); }

    /// Precondition of value(), * and ->: has_value().
    [[nodiscard]] constexpr T& value() & { return *std::get_if<0>(&storage_); }
    [[nodiscard]] constexpr const T& value() const& { return *std::get_if<0>(&storage_); }
    [[nodiscard]] constexpr T&& value() && { return std::move(*std::get_if<0>(&storage_)); }
    [[nodiscard]] constexpr T& operator*() & { return value(); }
    [[nodiscard]] constexpr const T& operator*() const& { return value(); }
    [[nodiscard]] constexpr T&& operator*() && { return std::move(*this).value(); }
    [[nodiscard]] constexpr T* operator->() { return std::get_if<0>(&storage_); }
    [[nodiscard]] constexpr const T* operator->() const { return std::get_if<0>(&storage_); }
    template <class U>
    [[nodiscard]] constexpr T value_or(U&& fallback) const& {
        return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
    }

    /// Precondition: !has_value().
    [[nodiscard]] constexpr E& error() & { return *std::get_if<1>(&storage_); }
    [[nodiscard]] constexpr const E& error() const& { return *std::get_if<1>(&storage_); }
    [[nodiscard]] constexpr E&& error() && { return std::move(*std::get_if<1>(&storage_)); }

private:
    std::variant<T, E> storage_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
public:
    using value_type = void;
    using error_type = E;

    constexpr Result() = default;
    constexpr Result(Unexpected<E> error) : error_(std::move(error).error()) {}

    [[nodiscard]] constexpr bool has_value() const noexcept { return !error_.has_value(); }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return has_value(); }
    constexpr void value() const {}
    [[nodiscard]] constexpr E& error() & { return *error_; }
    [[nodiscard]] constexpr const E& error() const& { return *error_; }
    [[nodiscard]] constexpr E&& error() && { return std::move(*error_); }

private:
    std::optional<E> error_;
};

}  // namespace hearth

/// `auto fd = HEARTH_TRY(sys::open(path, O_RDONLY));`  Returns the error to the caller, or unwraps.
#define HEARTH_TRY(expression)                                           \
    ({                                                                   \
        auto hearth_try_ = (expression);                                 \
        if (!hearth_try_.has_value()) {                                  \
            return ::hearth::Unexpected(std::move(hearth_try_).error()); \
        }                                                                \
        std::move(hearth_try_).value();                                  \
    })
