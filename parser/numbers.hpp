// SPDX-License-Identifier: MIT
//
// The small pieces that time spans, sizes and percentages are read with: a scanner over one value,
// decimal numbers with fractions, arithmetic that says when it overflows. Only for parser/'s own
// sources; locale never matters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "parser/words.hpp"

namespace hearth {

[[nodiscard]] constexpr bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

[[nodiscard]] inline std::optional<std::uint64_t> checked_sum(
    std::optional<std::uint64_t> left, std::uint64_t right) {
    std::uint64_t sum = 0;
    if (!left || __builtin_add_overflow(*left, right, &sum)) {
        return std::nullopt;
    }
    return sum;
}

[[nodiscard]] inline std::optional<std::uint64_t> checked_product(
    std::uint64_t left, std::uint64_t right) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(left, right, &product)) {
        return std::nullopt;
    }
    return product;
}

/// `12`, `12.5` or `.5`, taken apart.
struct Decimal {
    std::string_view digits;
    std::string_view fraction;
    bool has_point = false;
    std::uint64_t whole = 0;
    bool fits = true;  ///< whole is what the digits say

    /// A point needs digits after it, and some digit there must be.
    [[nodiscard]] bool is_valid() const { return has_point ? !fraction.empty() : !digits.empty(); }
};

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
    [[nodiscard]] std::size_t position() const { return at_; }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }

    /// The position after the last decimal().
    [[nodiscard]] std::size_t number_end() const { return number_end_; }

    bool skip(char byte) {
        if (!at_end() && text_[at_] == byte) {
            ++at_;
            return true;
        }
        return false;
    }

    void skip_white_space() {
        take_until([](char byte) { return !is_white_space(byte); });
    }

    template <class Predicate>
    std::string_view take_until(Predicate ends) {
        const std::size_t begin = at_;
        while (!at_end() && !ends(text_[at_])) {
            ++at_;
        }
        return text_.substr(begin, at_ - begin);
    }

    Decimal decimal() {
        const auto is_other = [](char byte) { return !is_digit(byte); };
        Decimal number;
        number.digits = take_until(is_other);
        for (const char digit : number.digits) {
            const auto shifted = checked_product(number.whole, 10);
            const auto sum =
                shifted ? checked_sum(shifted, static_cast<std::uint64_t>(digit - '0')) : shifted;
            number.fits = number.fits && sum.has_value();
            number.whole = sum.value_or(0);
        }
        if (skip('.')) {
            number.has_point = true;
            number.fraction = take_until(is_other);
        }
        number_end_ = at_;
        return number;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t number_end_ = 0;
};

}  // namespace hearth
