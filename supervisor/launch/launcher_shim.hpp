// SPDX-License-Identifier: MIT
//
// A clone below a shim (child_shim.cpp), seen from the launcher: blocks as a plain one does, and
// leaves the launched process's pidfd in the InFlight's place. Internal to launcher*.cpp.
#pragma once

#include "supervisor/launch/child.hpp"
#include "supervisor/launch/launcher_run.hpp"

namespace hearth::launch {

class BelowShim {
public:
    /// `launched`: for the launched process, with the whole stack, of which the shim takes the top.
    BelowShim(const ShimRequest& request, const CloneArguments& launched, ChildProgram& program);
    void born_in(int pid_namespace) { shim_.pid_namespace = pid_namespace; }
    /// The launched process's number, or -errno. After it, nothing of ours is in use any more.
    [[nodiscard]] long run(InFlight& in_flight);
    /// The shim's; 0: there never was one.
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    const char* arguments_[3];
    const char* environment_[1] = {nullptr};
    Shim shim_;
    CloneArguments own_;
    pid_t pid_ = 0;
};

}  // namespace hearth::launch
