// SPDX-License-Identifier: MIT
//
// RUNTIME/units: a file per unit with what must outlive this process (DESIGN 1, units/state.hpp).
// Each is written whole under another name and then renamed, so that a reader never sees half of
// one. The first line binds it to this boot and this PID namespace: of another one nothing is true
// any more. The directory is 0700 and its files 0600. Never blocks for long: RUNTIME is on tmpfs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth {

/// What stood behind the first line, and the version that line states (units/state_versions.hpp).
struct StateText {
    unsigned version = 0;
    std::string text;
    bool operator==(const StateText&) const = default;
};

/// Microseconds: what is no transition (WATCHDOG=1, STATUS=) is written at most once in so many.
inline constexpr std::uint64_t signs_of_life_lag = 250'000;

class StateFiles {
public:
    /// Makes the directory.
    [[nodiscard]] static Result<StateFiles> open(std::string directory);
    /// To look only: nothing is made or removed.
    [[nodiscard]] static Result<StateFiles> open_to_read(std::string directory);

    /// Nothing is done where `text`, of version(), is what the file holds.
    Result<void> write(const std::string& unit, const std::string& text);
    /// What write() would have written, where there is no room for it: a file without a name.
    [[nodiscard]] Result<sys::Descriptor> in_memory(const std::string& text) const;
    /// Its text; of another boot: version 0.
    [[nodiscard]] Result<StateText> read(const sys::Descriptor& in_memory) const;
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
    [[nodiscard]] Result<StateText> parse(const std::string& text, const std::string& where) const;
    [[nodiscard]] std::string first_line() const;

    std::string directory_;
    std::string binding_;  ///< of the first line: boot and PID namespace
    unsigned version_;
    bool only_read_;
    std::map<std::string, std::string, std::less<>> written_;
};

}  // namespace hearth
