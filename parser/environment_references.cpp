// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <utility>

#include "parser/command_line.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

class Expander {
public:
    explicit Expander(std::span<const std::string> environment) {
        for (const std::string_view assignment : environment) {
            const std::size_t equals = assignment.find('=');
            if (equals != std::string_view::npos) {
                values_.insert_or_assign(
                    assignment.substr(0, equals), assignment.substr(equals + 1));
            }
        }
    }

    Result<ExpandedArguments> expand(std::span<const std::string> argv) {
        for (const std::string& argument : argv) {
            const bool is_reference = argument.starts_with('$') && !argument.starts_with("${") &&
                                      !argument.starts_with("$$") && argument.size() > 1;
            HEARTH_TRY(
                is_reference ? add_words(std::string_view(argument).substr(1))
                             : add_replaced(argument));
        }
        return std::move(out_);
    }

private:
    std::string_view value_of(std::string_view name) {
        const auto found = values_.find(name);
        if (found != values_.end()) {
            return found->second;
        }
        if (reported_.insert(name).second) {
            out_.unset.emplace_back(name);
        }
        return {};
    }

    Result<void> count(std::size_t bytes) {
        length_ += bytes;
        if (length_ > max_argv_length) {
            return failure(
                fmt::format(
                    "the arguments are longer than {} bytes with their variables replaced",
                    max_argv_length),
                E2BIG);
        }
        return {};
    }

    /// `$NAME` as a word of its own. A quote without end is an ordinary character here: the value
    /// may come from anywhere, and a launch is no place to refuse it.
    Result<void> add_words(std::string_view name) {
        const std::string_view value = value_of(name);
        auto words = split_words(value, Escapes::Keep);
        if (words) {
            for (Word& word : *words) {
                HEARTH_TRY(add(std::move(word.text)));
            }
            return {};
        }
        std::size_t at = 0;
        while (at < value.size()) {
            const std::size_t end = std::min(value.find_first_of(" \t\n\r", at), value.size());
            if (end > at) {
                HEARTH_TRY(add(std::string(value.substr(at, end - at))));
            }
            at = end + 1;
        }
        return {};
    }

    /// `${NAME}` and `$$` anywhere in a word.
    Result<void> add_replaced(std::string_view word) {
        std::string out;
        const std::size_t before = length_;
        const std::size_t last_brace = word.rfind('}');
        const char* const end =
            last_brace == std::string_view::npos ? word.data() : word.data() + last_brace;
        while (!word.empty()) {
            const std::size_t dollar = std::min(word.find('$'), word.size());
            std::string_view piece = word.substr(0, dollar);
            word.remove_prefix(dollar);
            if (!piece.empty()) {
                // the text up to the next reference
            } else if (word.starts_with("$$")) {
                piece = "$";
                word.remove_prefix(2);
            } else if (word.starts_with("${") && word.data() < end) {
                const std::string_view name = word.substr(2, word.find('}') - 2);
                piece = value_of(name);
                word.remove_prefix(name.size() + 3);
            } else {
                piece = "$";
                word.remove_prefix(1);
            }
            HEARTH_TRY(count(piece.size()));
            out += piece;
        }
        length_ = before;
        return add(std::move(out));
    }

    Result<void> add(std::string word) {
        HEARTH_TRY(count(word.size() + 1));
        out_.argv.push_back(std::move(word));
        return {};
    }

    // Views of the environment and of argv, which outlive this.
    std::map<std::string_view, std::string_view> values_;
    std::set<std::string_view> reported_;
    ExpandedArguments out_;
    std::size_t length_ = 0;
};

}  // namespace

Result<ExpandedArguments> expand_environment(
    std::span<const std::string> argv, std::span<const std::string> environment) {
    return Expander(environment).expand(argv);
}

}  // namespace hearth
