// SPDX-License-Identifier: MIT
//
// Any text is a time span, a size, a percentage, a number, a mode or a path; what is read is the
// same after it was printed and read again.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "parser/values.hpp"
#include "parser/words.hpp"
#include "tests/fuzz/require.hpp"

namespace hearth {
namespace {

template <class T>
void check(std::string_view text) {
    T value{};
    const Assigned assigned = Codec<T>::assign(value, text, {});
    if (!assigned) {
        require(assigned.error().offset <= text.size(), "an error lies within the text");
        require(value == T{}, "an error changes nothing");
        return;
    }
    T again{};
    require(Codec<T>::assign(again, Codec<T>::format(value), {}).has_value(), "it reads back");
    require(again == value, "as the same");
}

}  // namespace
}  // namespace hearth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hearth;
    const std::string_view text =
        trimmed(std::string_view(reinterpret_cast<const char*>(data), size));
    if (text.find('\0') != std::string_view::npos) {
        return 0;  // the reader lets no NUL through
    }
    check<Timespan>(text);
    check<Bytes>(text);
    check<Permyriad>(text);
    check<Percent>(text);
    check<Mode>(text);
    check<bool>(text);
    check<std::int32_t>(text);
    check<std::uint64_t>(text);
    check<AbsolutePath>(text);
    check<OptionalPath>(text);
    check<std::optional<Timespan>>(text);
    check<std::vector<std::string>>(text);
    check<std::vector<OptionalPath>>(text);
    return 0;
}
