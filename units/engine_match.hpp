// SPDX-License-Identifier: MIT
//
// `match(event)(arm, arm, ...)`: one arm per alternative of a variant. An arm that answers several
// alternatives with nothing says which: Ignored<A, B>{}. There is no arm for "the rest", so a new
// alternative breaks every place that has not decided about it.
#pragma once

#include <utility>
#include <variant>

namespace hearth {

template <class... Arms>
struct Overloaded : Arms... {
    using Arms::operator()...;
};
template <class... Arms>
Overloaded(Arms...) -> Overloaded<Arms...>;

template <class Alternative>
struct IgnoredOne {
    void operator()(const Alternative&) const {}
};
template <class... Alternatives>
struct Ignored : IgnoredOne<Alternatives>... {
    using IgnoredOne<Alternatives>::operator()...;
};

template <class Variant>
[[nodiscard]] auto match(const Variant& variant) {
    return [&variant](auto&&... arms) {
        return std::visit(Overloaded{std::forward<decltype(arms)>(arms)...}, variant);
    };
}

}  // namespace hearth
