// SPDX-License-Identifier: MIT
//
// HostFacts: what a launch needs to know of this machine, kept fresh cheaply. The Host snapshot is
// read again when /etc/passwd or /etc/group changes (device, inode, mtime); environment files,
// executables and seccomp programs are looked up per launch, the last cached by content. Used by
// the event loop's thread only. Never NSS: a name service may need a service that we have not
// started.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/launch/host.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/launch/seccomp_program.hpp"
#include "supervisor/unit_files/environment_file.hpp"
#include "supervisor/unit_files/load_context.hpp"
#include "units/loader.hpp"

namespace hearth {

class HostFacts {
public:
    /// Where accounts are read from; tests have their own.
    struct AccountFiles {
        std::string passwd = "/etc/passwd", group = "/etc/group";
    };
    HostFacts() = default;
    explicit HostFacts(AccountFiles accounts) : accounts_(std::move(accounts)) {}

    /// Reads this machine, with what `tree` can do for services.
    static Result<HostFacts> gather(
        const cgroup::Tree& tree, std::string runtime_directory, bool user_manager = false);

    /// The snapshot, re-read where account files have changed.
    const launch::Host& host();
    /// The same without looking for changes.
    [[nodiscard]] const launch::Host& snapshot() const { return host_; }
    /// One merged program for the unit, or null where it asks for no filter.
    Result<const std::vector<std::uint64_t>*> seccomp(const Unit& unit);

    /// The command's path in the host's view: absolute ones as written, bare names searched for in
    /// ExecSearchPath=, else the default path, below `root`; empty where it isn't found.
    [[nodiscard]] std::string executable(
        const CommandLine& command, const std::string& root, const SearchPath& search = {}) const;

    /// Where the directories of services are: what the specifiers of `context` say.
    void set_directories(const LoadContext& context);

    /// The AppArmor profiles that are loaded now; nothing where the kernel doesn't tell.
    [[nodiscard]] static std::optional<std::set<std::string>> apparmor_profiles();
    /// NAME=VALUE pairs of EnvironmentFile=, in order; a missing file without `-` is an error.
    [[nodiscard]] static Result<std::vector<std::pair<std::string, std::string>>> environment_files(
        const Unit& unit);

private:
    struct Stamp {
        std::uint64_t device = 0, inode = 0;
        std::int64_t seconds = 0, nanoseconds = 0;
        bool operator==(const Stamp&) const = default;
    };
    static Stamp stamp(const std::string& path);

    AccountFiles accounts_;
    launch::Host host_;
    Stamp passwd_, group_;
    launch::SeccompCache seccomp_;
};

}  // namespace hearth
