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

/// What stood behind the first line, and the version that line states (units/state_versions.hpp).
struct StateText {
    unsigned version = 0;
    std::string text;
    bool operator==(const StateText&) const = default;
};

class StateFiles {
public:
    /// Makes the directory.
    [[nodiscard]] static Result<StateFiles> open(std::string directory);
    /// To look only: nothing is made or removed.
    [[nodiscard]] static Result<StateFiles> open_to_read(std::string directory);

    /// Nothing is done where `text`, of version(), is what the file holds.
    Result<void> write(const std::string& unit, const std::string& text);
    void remove(const std::string& unit);
    /// Those of a manager before this one, by unit; what belongs to another boot is removed. An
    /// error is about one file.
    [[nodiscard]] std::vector<std::pair<std::string, Result<StateText>>> read() const;

    /// What write() states. At first the newest; a hearthd that has yet to prove itself goes on in
    /// the version that it found, for the one before may come back.
    [[nodiscard]] unsigned version() const { return version_; }
    void set_version(unsigned version);

private:
    StateFiles(std::string directory, std::string binding, bool only_read);
    [[nodiscard]] static Result<std::string> binding_of_now();
    [[nodiscard]] Result<StateText> read(const std::string& unit) const;

    std::string directory_;
    std::string binding_;  ///< of the first line: boot and PID namespace
    unsigned version_;
    bool only_read_;
    std::map<std::string, std::string, std::less<>> written_;
};

}  // namespace hearth
