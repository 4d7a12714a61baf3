// SPDX-License-Identifier: MIT
//
// A unit file given by hand, for verbs that need no hearthd (lint, security --offline).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "supervisor/sys/file.hpp"
#include "units/loader.hpp"

namespace hearth::ctl {

inline constexpr std::size_t largest_unit_file = std::size_t{64} << 20U;

/// One file given by hand, and the drop-ins that stand beside it in NAME.d.
class GivenFile final : public UnitSource {
public:
    GivenFile(std::string path, std::string text)
        : path_(std::move(path)), text_(std::move(text)) {}

    [[nodiscard]] Result<std::optional<File>> fragment(const std::string&) const override {
        return std::optional(File{path_, text_, false});
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        std::vector<File> files;
        const auto names = sys::read_directory(path_ + ".d");
        for (const std::string& name : names.value_or(std::vector<std::string>())) {
            if (name.ends_with(".conf")) {
                const std::string path = path_ + ".d/" + name;
                files.push_back({path, HEARTH_TRY(sys::read_file(path, largest_unit_file)), false});
            }
        }
        return files;
    }

private:
    std::string path_, text_;
};

}  // namespace hearth::ctl
