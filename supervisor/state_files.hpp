// SPDX-License-Identifier: MIT
//
// RUNTIME/units: a file per unit with what must outlive this process (DESIGN 1, units/state.hpp).
// Each is written whole under another name and then renamed, so that a reader never sees half of
// one. The first line binds it to this boot and this PID namespace: of another one nothing is true
// any more. The directory is 0700 and its files 0600. Never blocks for long: RUNTIME is on tmpfs.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "parser/result.hpp"

namespace hearth {

class StateFiles {
public:
    /// Makes the directory.
    [[nodiscard]] static Result<StateFiles> open(std::string directory);

    /// Nothing is done where `text` is what the file holds.
    Result<void> write(const std::string& unit, const std::string& text);
    void remove(const std::string& unit);
    /// Those of a manager before this one, by unit; what belongs to another boot is removed. An
    /// error is about one file.
    [[nodiscard]] std::vector<std::pair<std::string, Result<std::string>>> read() const;

private:
    StateFiles(std::string directory, std::string binding)
        : directory_(std::move(directory)), binding_(std::move(binding)) {}
    [[nodiscard]] Result<std::string> read(const std::string& unit) const;

    std::string directory_;
    std::string binding_;  ///< the first line
    std::map<std::string, std::string, std::less<>> written_;
};

}  // namespace hearth
