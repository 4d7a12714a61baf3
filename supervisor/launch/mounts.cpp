// SPDX-License-Identifier: MIT
#include "supervisor/launch/mounts.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace hearth::launch {
namespace {

using Kind = MountWish::Kind;

/// Parents before what is below them: '/' comes before every other byte.
bool path_less(std::string_view left, std::string_view right) {
    return std::ranges::lexicographical_compare(left, right, [](char a, char b) {
        const auto weight = [](char byte) {
            return byte == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(byte));
        };
        return weight(a) < weight(b);
    });
}

/// One wish per path: the strongest, read-only and without execution if any of them says so.
std::vector<MountWish> merged(std::vector<MountWish> sorted) {
    std::vector<MountWish> result;
    for (MountWish& wish : sorted) {
        if (!result.empty() && result.back().path == wish.path) {
            MountWish& kept = result.back();
            kept.read_only = kept.read_only || wish.read_only ||
                             (kept.replaces() && wish.kind == Kind::ReadOnly);
            kept.execution = std::max(kept.execution, wish.execution);
            kept.unless_mounted = kept.unless_mounted && wish.unless_mounted;
            if (kept.kind == Kind::Processes && wish.kind == Kind::Processes &&
                !wish.options.empty()) {
                // ProtectProc= and ProcSubset= are options of the one /proc.
                if (kept.options.empty()) {
                    kept.asked = wish.asked;
                }
                kept.options += (kept.options.empty() ? "" : ",") + wish.options;
            }
        } else {
            result.push_back(std::move(wish));
        }
    }
    return result;
}

struct Placed {
    MountWish wish;
    int layer = 0;

    /// A bind of the path to itself, with less allowed than around it.
    [[nodiscard]] bool closes() const { return wish.kind <= Kind::ReadOnly && !wish.opens(); }
};

constexpr int last_layer = std::numeric_limits<int>::max();

/// What is true at the wish's path, given what is true around it.
MountWish::Holds held(const MountWish& wish, const MountWish::Holds& around) {
    MountWish::Holds holds;
    holds.read_only = wish.kind == Kind::Keep        ? around.read_only
                      : wish.kind == Kind::ReadWrite ? false
                      : wish.kind == Kind::ReadOnly  ? true
                                                     : wish.read_only;
    holds.no_execution = wish.execution == MountWish::Execution::Inherited
                             ? around.no_execution
                             : wish.execution == MountWish::Execution::Forbidden;
    if (!wish.replaces()) {
        holds.opens_writing = around.read_only && !holds.read_only;
        holds.opens_execution = around.no_execution && !holds.no_execution;
    }
    return holds;
}

/// Contents and holes are layer 0, what is read-only around or in them 1, holes in that 2, and so
/// on.
int layer_of(const MountWish& wish, const Placed* ancestor) {
    if (wish.kind == Kind::Inaccessible) {
        return last_layer;
    }
    if (wish.kind <= Kind::ReadOnly && !wish.opens()) {
        return wish.path == "/" ? -1 : (ancestor == nullptr ? 1 : ancestor->layer + 1);
    }
    if (ancestor == nullptr) {
        return 0;
    }
    return ancestor->layer + (ancestor->closes() ? 1 : 0);
}

/// Whether `wish` changes anything below the nearest path with a wish above it.
bool says_something_new(const MountWish& wish, const MountWish::Holds& around) {
    return wish.kind > Kind::ReadOnly || wish.holds.read_only != around.read_only ||
           wish.holds.no_execution != around.no_execution;
}

}  // namespace

bool is_below(std::string_view inner, std::string_view outer) {
    if (outer == "/") {
        return inner.starts_with('/');
    }
    return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '/');
}

std::vector<MountWish> normalised(std::vector<MountWish> wishes) {
    std::ranges::stable_sort(wishes, [](const MountWish& left, const MountWish& right) {
        return left.path != right.path ? path_less(left.path, right.path) : left.kind > right.kind;
    });
    std::vector<Placed> kept;
    std::vector<std::size_t> above;  // indices into `kept` of the paths around the present one
    for (MountWish& wish : merged(std::move(wishes))) {
        while (!above.empty() && !is_below(wish.path, kept[above.back()].wish.path)) {
            above.pop_back();
        }
        const Placed* const ancestor = above.empty() ? nullptr : &kept[above.back()];
        if (ancestor != nullptr && ancestor->wish.kind == Kind::Inaccessible) {
            continue;
        }
        const MountWish::Holds around =
            ancestor == nullptr ? MountWish::Holds() : ancestor->wish.holds;
        wish.holds = held(wish, around);
        if (says_something_new(wish, around)) {
            const int layer = layer_of(wish, ancestor);
            kept.push_back({std::move(wish), layer});
            above.push_back(kept.size() - 1);
        }
    }
    std::ranges::stable_sort(kept, {}, &Placed::layer);
    std::vector<MountWish> result;
    result.reserve(kept.size());
    for (Placed& placed : kept) {
        result.push_back(std::move(placed.wish));
    }
    return result;
}

}  // namespace hearth::launch
