// SPDX-License-Identifier: MIT
//
// compile(): everything in a unit that filters system calls -> ONE program (struct sock_filter, 8
// bytes each, native order). One, because stacked filters tax every call that looks at an argument
// and each costs a load; in the parent, because building takes milliseconds and loading 70 us.
// Pure: the names come from libseccomp's tables, the instructions from seccomp_emitter.hpp, since
// libseccomp has one default per filter and can't say "allowed, unless the argument is this" beside
// an allow-list.
//
// SeccompProfile='s own program, libseccomp's, stands before it (oci_profile.hpp). Calls that an
// allow-list's @known doesn't have get ENOSYS: they are refused as well, and programs fall back.
//
// Where directives disagree about a call the strictest verdict counts (kill, then error, then
// allow), as with stacked filters; of two errors SystemCallFilter='s. Without
// SystemCallArchitectures= the same rules hold for each ABI of this machine; with it, calls of the
// others kill. Limits, all systemd's too: pointers can't be followed (openat2 fails with ENOSYS
// under RestrictSUIDSGID=, sched_setattr with EPERM under RestrictRealtime=), 32-bit x86 can't be
// held to address families (socketcall), io_uring opens past RestrictSUIDSGID=. A call that
// libseccomp doesn't know gets the filter's default, with a note.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "parser/diagnostic.hpp"
#include "parser/result.hpp"
#include "units/settings.hpp"

namespace hearth::launch {

using SeccompProgram = std::vector<std::uint64_t>;

/// SeccompProfile='s file, read by the caller, and what its conditions are judged by.
struct ProfileText {
    std::string_view text;
    std::uint64_t capabilities = 0;
    unsigned kernel_major = 0, kernel_minor = 0;
};

/// Whether anything in `sandbox` needs a program.
[[nodiscard]] bool asks_for_seccomp(const SandboxSettings& sandbox);

/// The program; empty where nothing asks for one. Calls that can't be resolved are told in `notes`.
/// Fails when the program would be longer than the kernel takes (4096 instructions), or when
/// `profile` (with SeccompProfile= only) is none: the error then begins with that directive.
[[nodiscard]] Result<SeccompProgram> compile(
    const SandboxSettings& sandbox,
    Diagnostics* notes = nullptr,
    const ProfileText* profile = nullptr);

/// Programs by content: units that ask for the same share one. A program stays where it is until
/// keep_only() drops it.
class SeccompCache {
public:
    /// The program for `sandbox`, compiled at most once; null where nothing asks for one.
    [[nodiscard]] Result<const SeccompProgram*> program(
        const SandboxSettings& sandbox, const ProfileText* profile = nullptr);

    /// Drops what none of `used` asks for (after a reload).
    void keep_only(const std::vector<const SandboxSettings*>& used);

    [[nodiscard]] std::size_t size() const { return programs_.size(); }

private:
    std::map<std::string, std::unique_ptr<SeccompProgram>> programs_;
};

}  // namespace hearth::launch
