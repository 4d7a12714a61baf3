// SPDX-License-Identifier: MIT
#include "units/number_lists.hpp"

#include <vector>

namespace hearth {

std::string format_numbers(const std::set<std::uint32_t>& numbers, std::string_view separator) {
    std::string text;
    for (auto at = numbers.begin(); at != numbers.end();) {
        const std::uint32_t first = *at;
        std::uint32_t last = first;
        for (++at; at != numbers.end() && *at == last + 1; ++at) {
            last = *at;
        }
        text += (text.empty() ? "" : std::string(separator)) + std::to_string(first);
        text += first == last ? "" : "-" + std::to_string(last);
    }
    return text;
}

void write_numbers(const std::set<std::uint32_t>& numbers, ValueSink& sink) {
    std::vector<std::uint8_t> bytes(numbers.empty() ? 0 : *numbers.rbegin() / 8 + 1);
    for (const std::uint32_t number : numbers) {
        bytes[number / 8] = static_cast<std::uint8_t>(bytes[number / 8] | 1U << (number % 8));
    }
    sink.bytes(bytes);
}

}  // namespace hearth
