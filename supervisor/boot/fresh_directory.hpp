// SPDX-License-Identifier: MIT
//
// A directory that is written anew beside the one in use and then takes its place at once, so that
// who reads meanwhile, or dies meanwhile, has the whole of what was there before. What is written
// may name the fresh directory (generators are given its path): links and texts are changed to the
// name that it gets.
#pragma once

#include <string>
#include <vector>

#include "parser/result.hpp"

namespace hearth::boot {

class FreshDirectory {
public:
    /// `path`: where it will be. Nothing is made yet.
    explicit FreshDirectory(std::string path) : path_(std::move(path)), fresh_(path_ + ".new") {}

    /// Where to write until settle().
    [[nodiscard]] const std::string& fresh() const { return fresh_; }
    /// Makes it, empty, in place of what a write that was cut short left.
    [[nodiscard]] Result<void> make() const;
    /// What the directory in use has and this one lacks, by its path below it, is taken over: for
    /// when not all who write could.
    [[nodiscard]] Result<std::vector<std::string>> keep_what_is_missing() const;
    /// Puts it in place; the one before is removed.
    [[nodiscard]] Result<void> settle() const;

private:
    std::string path_, fresh_;
};

}  // namespace hearth::boot
