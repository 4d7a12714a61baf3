// SPDX-License-Identifier: MIT
#include "units/condition_parts.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "parser/values.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

enum class Operator : std::uint8_t { Less, LessEqual, Equal, Unequal, GreaterEqual, Greater };

struct Spelling {
    std::string_view text;
    Operator value;
};
// Longer ones first: `<=` is no `<`.
constexpr auto spellings = std::to_array<Spelling>({
    {"<=", Operator::LessEqual},
    {">=", Operator::GreaterEqual},
    {"!=", Operator::Unequal},
    {"<>", Operator::Unequal},
    {"==", Operator::Equal},
    {"<", Operator::Less},
    {">", Operator::Greater},
    {"=", Operator::Equal},
});

/// Takes an operator off the front of `text`.
std::optional<Operator> take_operator(std::string_view& text) {
    for (const Spelling& each : spellings) {
        if (text.starts_with(each.text)) {
            text.remove_prefix(each.text.size());
            text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
            return each.value;
        }
    }
    return std::nullopt;
}

bool compare(Operator how, int order) {
    switch (how) {
        case Operator::Less:
            return order < 0;
        case Operator::LessEqual:
            return order <= 0;
        case Operator::Equal:
            return order == 0;
        case Operator::Unequal:
            return order != 0;
        case Operator::GreaterEqual:
            return order >= 0;
        case Operator::Greater:
            return order > 0;
    }
    return false;
}

int order_of(std::uint64_t left, std::uint64_t right) {
    return left < right ? -1 : left > right ? 1 : 0;
}

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}
bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}
char lowered(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

template <class Test>
std::string_view take_while(std::string_view& text, Test test) {
    const auto* const end = std::ranges::find_if_not(text, test);
    const std::string_view taken = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(taken.size());
    return taken;
}

/// `[abc]`, `[!a-z]` at the front of `pattern` against `byte`; takes it off.
bool set_matches(std::string_view& pattern, char byte) {
    const std::size_t begin =
        pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^') ? 2 : 1;
    const std::size_t end = pattern.find(']', begin + 1);
    if (end == std::string_view::npos) {
        pattern.remove_prefix(1);
        return byte == '[';
    }
    bool found = false;
    for (std::size_t i = begin; i < end; ++i) {
        if (i + 2 < end && pattern[i + 1] == '-') {
            found = found || (byte >= pattern[i] && byte <= pattern[i + 2]);
            i += 2;
        } else {
            found = found || byte == pattern[i];
        }
    }
    pattern.remove_prefix(end + 1);
    return found == (begin == 1);
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    if (auto split = split_words(text, Escapes::Keep)) {
        for (Word& word : *split) {
            words.push_back(std::move(word.text));
        }
    }
    return words;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
    std::optional<std::pair<std::string_view, std::string_view>> star;  // where to go on after `*`
    for (;;) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            star.emplace(pattern, text);
            continue;
        }
        bool matched = text.empty() && pattern.empty();
        if (matched) {
            return true;
        }
        if (!text.empty() && !pattern.empty()) {
            if (pattern.front() == '[') {
                matched = set_matches(pattern, text.front());
            } else {
                matched = pattern.front() == '?' || pattern.front() == text.front() ||
                          (ignore_case && lowered(pattern.front()) == lowered(text.front()));
                pattern.remove_prefix(1);
            }
            text.remove_prefix(1);
        }
        if (matched) {
            continue;
        }
        if (!star || star->second.empty()) {
            return false;
        }
        star->second.remove_prefix(1);
        pattern = star->first;
        text = star->second;
    }
}

namespace {

/// -1 or 1 where only one of them begins with the mark, and so sorts before; else it is taken off.
int compare_mark(char mark, std::string_view& left, std::string_view& right) {
    const bool in_left = left.starts_with(mark);
    if (in_left != right.starts_with(mark)) {
        return in_left ? -1 : 1;
    }
    if (in_left) {
        left.remove_prefix(1);
        right.remove_prefix(1);
    }
    return 0;
}

/// The numbers or words at the front of both, which are taken off.
int compare_parts(std::string_view& left, std::string_view& right) {
    const auto begins_with_digit = [](std::string_view text) {
        return !text.empty() && is_digit(text.front());
    };
    if (!begins_with_digit(left) && !begins_with_digit(right)) {
        const std::string_view a = take_while(left, is_letter);
        const std::string_view b = take_while(right, is_letter);
        return a.compare(b);
    }
    std::string_view a = take_while(left, is_digit);
    std::string_view b = take_while(right, is_digit);
    if (a.empty() != b.empty()) {
        return a.empty() ? -1 : 1;  // digits sort after letters
    }
    a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
    b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
    return a.size() == b.size() ? a.compare(b) : a.size() < b.size() ? -1 : 1;
}

/// By what stands at the front of both; 0: equal so far.
int compare_fronts(std::string_view& left, std::string_view& right) {
    if (const int order = compare_mark('~', left, right); order != 0) {
        return order;
    }
    if (left.empty() || right.empty()) {
        return left.empty() == right.empty() ? 0 : left.empty() ? -1 : 1;
    }
    for (const char mark : {'-', '^', '.'}) {
        if (const int order = compare_mark(mark, left, right); order != 0) {
            return order;
        }
    }
    return compare_parts(left, right);
}

}  // namespace

int compare_versions(std::string_view left, std::string_view right) {
    const auto is_noise = [](char byte) {
        constexpr std::string_view marks = "~-^.";
        return !is_digit(byte) && !is_letter(byte) && marks.find(byte) == std::string_view::npos;
    };
    do {
        (void)take_while(left, is_noise);
        (void)take_while(right, is_noise);
        if (const int order = compare_fronts(left, right); order != 0) {
            return order < 0 ? -1 : 1;
        }
    } while (!left.empty() || !right.empty());
    return 0;
}

bool number_holds(std::string_view parameter, std::uint64_t fact) {
    const Operator how = take_operator(parameter).value_or(Operator::Equal);
    const auto wanted = parameter.empty()
                            ? Result<std::uint64_t, ValueError>(Unexpected(ValueError{}))
                            : read_unsigned(parameter, 0, UINT64_MAX);
    return wanted && compare(how, order_of(fact, *wanted));
}

bool size_holds(std::string_view parameter, std::uint64_t fact) {
    const Operator how = take_operator(parameter).value_or(Operator::Equal);
    if (parameter.empty()) {
        return false;
    }
    const auto wanted = read_bytes(parameter);
    return wanted && compare(how, order_of(fact, wanted->count));
}

bool versions_hold(std::string_view parameter, std::string_view fact) {
    const std::vector<std::string> words = words_of(parameter);
    for (std::size_t index = 0; index < words.size(); ++index) {
        std::string_view word = words[index];
        const std::optional<Operator> how = take_operator(word);
        if (!how) {
            if (!glob_matches(word, fact)) {
                return false;
            }
            continue;
        }
        if (word.empty()) {  // `>= 5.14`: the version is the next word
            if (++index >= words.size()) {
                return false;
            }
            word = words[index];
        }
        if (!compare(*how, compare_versions(fact, word))) {
            return false;
        }
    }
    return !words.empty();
}

bool os_release_holds(std::string_view parameter, const std::map<std::string, std::string>& fact) {
    const std::vector<std::string> words = words_of(parameter);
    for (const std::string& word : words) {
        const std::size_t at = word.find_first_of("=<>!");
        if (at == std::string::npos || at == 0) {
            return false;
        }
        const auto found = fact.find(word.substr(0, at));
        const std::string actual = found == fact.end() ? std::string() : found->second;
        std::string_view rest = std::string_view(word).substr(at);
        const bool as_text = rest.starts_with('=') && !rest.starts_with("==");
        const bool not_text = rest.starts_with("!=");
        const std::optional<Operator> how = take_operator(rest);
        if (!how) {
            return false;
        }
        const bool met = as_text    ? actual == rest
                         : not_text ? actual != rest
                                    : compare(*how, compare_versions(actual, rest));
        if (!met) {
            return false;
        }
    }
    return !words.empty();
}

std::string pressure_source(std::string_view resource, std::string_view parameter) {
    const std::size_t colon = parameter.find(':');
    std::string source(resource);
    if (colon != std::string_view::npos) {
        source += ":" + std::string(parameter.substr(0, colon));
    }
    return source;
}

bool pressure_holds(
    std::string_view resource, std::string_view parameter, const ConditionFacts& facts) {
    const auto found = facts.pressure.find(pressure_source(resource, parameter));
    if (found == facts.pressure.end()) {
        return true;  // systemd.unit(5): where the kernel doesn't measure it, there is none
    }
    if (const std::size_t colon = parameter.find(':'); colon != std::string_view::npos) {
        parameter.remove_prefix(colon + 1);
    }
    const std::size_t slash = parameter.find('/');
    std::string window = "5min";
    if (slash != std::string_view::npos) {
        window = parameter.substr(slash + 1);
        parameter = parameter.substr(0, slash);
    }
    const auto limit = parameter.empty() ? Result<Permyriad, ValueError>(Unexpected(ValueError{}))
                                         : read_permyriad(parameter);
    const auto measured = found->second.some.find(window);
    return limit && measured != found->second.some.end() && measured->second <= limit->permyriad;
}

bool firmware_holds(const std::string& parameter, const ConditionFacts& facts) {
    constexpr std::string_view smbios = "smbios-field(";
    if (!parameter.starts_with(smbios)) {
        return facts.firmware.contains(parameter);
    }
    std::string_view rest = std::string_view(parameter).substr(smbios.size());
    if (!rest.ends_with(')')) {
        return false;
    }
    rest.remove_suffix(1);
    const std::size_t at = rest.find_first_of(" \t=<>!");
    const auto found = facts.smbios.find(std::string(rest.substr(0, at)));
    if (at == std::string_view::npos || found == facts.smbios.end()) {
        return false;
    }
    rest.remove_prefix(at);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    const bool as_text = rest.starts_with('=') && !rest.starts_with("==");
    const bool not_text = rest.starts_with("!=");
    const std::optional<Operator> how = take_operator(rest);
    if (!how) {
        return false;
    }
    if (as_text || not_text) {
        return glob_matches(rest, found->second) == as_text;
    }
    return compare(*how, compare_versions(found->second, rest));
}

}  // namespace hearth
