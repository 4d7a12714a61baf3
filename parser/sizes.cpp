// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>

#include "parser/diagnostic.hpp"
#include "parser/numbers.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

struct Suffix {
    char letter;
    unsigned shift;  ///< 1024 to the power of n
};

constexpr auto suffixes = std::to_array<Suffix>({
    {'E', 60},
    {'P', 50},
    {'T', 40},
    {'G', 30},
    {'M', 20},
    {'K', 10},
    {'B', 0},
});

constexpr std::string_view size_hint = "write bytes, with K, M, G, T, P or E (base 1024): 512M";

/// floor(0.digits * 2^shift), by long multiplication in units of 10^-18.
std::uint64_t fraction_of(std::string_view digits, unsigned shift) {
    constexpr std::uint64_t one = 1'000'000'000'000'000'000;
    std::uint64_t numerator = 0;
    std::uint64_t place = one;
    for (const char digit : digits) {
        place /= 10;
        numerator += place * static_cast<std::uint64_t>(digit - '0');
    }
    std::uint64_t result = 0;
    for (unsigned bit = 0; bit < shift; ++bit) {
        numerator *= 2;  // below 2 * 10^18, which fits
        result *= 2;
        if (numerator >= one) {
            numerator -= one;
            result += 1;
        }
    }
    return result;
}

std::optional<Suffix> take_suffix(Scanner& scan) {
    for (const Suffix& suffix : suffixes) {
        if (scan.skip(suffix.letter)) {
            return suffix;
        }
    }
    return std::nullopt;
}

}  // namespace

Result<Bytes, ValueError> read_bytes(std::string_view text) {
    const auto bad = [&](std::string_view why, std::size_t offset) {
        return bad_value(
            fmt::format("{} is not a size: {}", quoted(trimmed(text)), why),
            std::string(size_hint),
            offset);
    };
    if (trimmed(text) == "infinity") {
        return Bytes::unlimited();
    }
    Scanner scan(text);
    scan.skip_white_space();
    if (scan.at_end()) {
        return bad("it is empty", 0);
    }
    std::uint64_t total = 0;
    unsigned largest_shift = 64;  // '1G 512M' is a sum, from large to small units
    while (!scan.at_end()) {
        const std::size_t begin = scan.position();
        if (scan.peek() == '-') {
            return bad("it is negative", begin);
        }
        scan.skip('+');
        const Decimal number = scan.decimal();
        if (!number.is_valid()) {
            return bad("a number is missing", scan.position());
        }
        scan.skip_white_space();
        const auto suffix = take_suffix(scan);
        if (!suffix && !scan.at_end()) {
            return bad("unknown suffix", scan.position());
        }
        const unsigned shift = suffix ? suffix->shift : 0;
        if (shift >= largest_shift) {
            return bad("its units are not from large to small", begin);
        }
        largest_shift = shift;
        const auto whole = checked_product(number.whole, std::uint64_t{1} << shift);
        const std::uint64_t part = fraction_of(number.fraction, shift);
        const auto sum = whole ? checked_sum(checked_sum(total, *whole), part) : std::nullopt;
        if (!number.fits || !sum || *sum == infinity) {
            return bad("it is too large", begin);
        }
        total = *sum;
        scan.skip_white_space();
    }
    return Bytes{total};
}

std::string format_bytes(Bytes value) {
    if (value.is_infinite()) {
        return "infinity";
    }
    for (const Suffix& suffix : suffixes) {
        const std::uint64_t unit = std::uint64_t{1} << suffix.shift;
        if (suffix.shift != 0 && value.count != 0 && value.count % unit == 0) {
            return fmt::format("{}{}", value.count >> suffix.shift, suffix.letter);
        }
    }
    return fmt::format("{}", value.count);
}

Result<Permyriad, ValueError> read_permyriad(std::string_view text) {
    const auto bad = [&](std::string_view why, std::size_t offset) {
        return bad_value(
            fmt::format("{} is not a percentage: {}", quoted(trimmed(text)), why),
            "write it as 20% or 20.55%",
            offset);
    };
    struct Sign {
        std::string_view text;
        unsigned decimals;  ///< digits after the point that count
        std::uint64_t scale;
    };
    // per cent, per mille, per ten thousand
    constexpr auto signs =
        std::to_array<Sign>({{"%", 2, 100}, {"\xE2\x80\xB0", 1, 10}, {"\xE2\x80\xB1", 0, 1}});

    text = trimmed(text);
    Scanner scan(text);
    const Decimal number = scan.decimal();
    const std::string_view sign_text = text.substr(scan.position());
    for (const Sign& sign : signs) {
        if (sign_text != sign.text) {
            continue;
        }
        if (number.digits.empty() || !number.is_valid()) {
            return bad("a number is missing", 0);
        }
        if (number.fraction.size() > sign.decimals) {
            return bad("it has too many digits after the point", number.digits.size());
        }
        std::uint64_t part = 0;
        std::uint64_t place = sign.scale;
        for (const char digit : number.fraction) {
            place /= 10;
            part += place * static_cast<std::uint64_t>(digit - '0');
        }
        const auto whole = checked_product(number.whole, sign.scale);
        const auto sum = checked_sum(whole, part);
        if (!number.fits || !sum || *sum > std::numeric_limits<std::int32_t>::max()) {
            return bad("it is too large", 0);
        }
        return Permyriad{static_cast<std::uint32_t>(*sum)};
    }
    return bad("a '%' is missing", scan.position());
}

std::string format_permyriad(Permyriad value) {
    const std::uint32_t whole = value.permyriad / 100;
    const std::uint32_t part = value.permyriad % 100;
    if (part == 0) {
        return fmt::format("{}%", whole);
    }
    return part % 10 == 0 ? fmt::format("{}.{}%", whole, part / 10)
                          : fmt::format("{}.{:02}%", whole, part);
}

}  // namespace hearth
