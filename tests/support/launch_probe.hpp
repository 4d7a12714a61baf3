// SPDX-License-Identifier: MIT
//
// Runs a plan of a test's own and looks at what came of it. LaunchProbe builds a Plan around
// `/bin/sh -c SCRIPT` whose standard output is a pipe, launches it on this thread, and collects
// what it wrote and how it ended. Steps may be added in any order: they are sorted by stage as a
// planner's are. Everything is reaped and closed; nothing is left of a probe.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/launch/launcher.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::testing_support {

struct ProbeResult {
    launch::LaunchResult launch;
    std::string output;
    std::optional<sys::ExitStatus> exit;

    /// The line `NAME:\tVALUE` of a /proc/PID/status that was written to the output.
    [[nodiscard]] std::string field(const std::string& name) const {
        const std::string key = name + ":\t";
        std::size_t start = output.starts_with(key) ? 0 : output.find("\n" + key);
        if (start == std::string::npos) {
            return "(no " + name + ")";
        }
        start = output.find('\t', start) + 1;
        return output.substr(start, output.find('\n', start) - start);
    }
    [[nodiscard]] std::string failure() const {
        return launch.failure ? message(*launch.failure) : "";
    }
};

/// Waits for the end of a launched process and reaps it.
inline std::optional<sys::ExitStatus> reap(const sys::Descriptor& pidfd) {
    if (!pidfd) {
        return std::nullopt;
    }
    auto status = sys::waitid(pidfd.number(), 0);
    EXPECT_TRUE(status.has_value());
    return status ? *status : std::nullopt;
}

inline bool is_root() {
    return ::geteuid() == 0;
}

class LaunchProbe {
public:
    explicit LaunchProbe(const std::string& script) {
        plan.unit = "probe.service";
        plan.executable = "/bin/sh";
        plan.argv = {"sh", "-c", script};
        plan.environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
        plan.executable_asked = {"ExecStart", "/bin/sh", {"probe.service", 3, 1}};
        add(Stage::Descriptors, launch::UseDescriptor{"out", 1});
        add(Stage::SignalMask, launch::ResetSignalMask{});
        add(Stage::CloseDescriptors, launch::CloseDescriptors{});
    }

    LaunchProbe& add(Stage stage, launch::Action action, launch::Asked asked = {}, int status = 1) {
        plan.steps.push_back(launch::Step{stage, std::move(action), std::move(asked), status});
        return *this;
    }
    /// A private mount namespace, cut off from the host's.
    LaunchProbe& with_mounts(bool read_only = false) {
        add(Stage::Namespaces, launch::NewNamespaces{0x00020000});  // CLONE_NEWNS
        return add(Stage::Mounts, launch::MountPropagation{read_only});
    }
    LaunchProbe& give(const std::string& slot, sys::Descriptor descriptor) {
        descriptors[slot] = std::move(descriptor);
        return *this;
    }

    /// The request, with the write end of `output`'s pipe in slot "out".
    [[nodiscard]] launch::LaunchRequest request(sys::Descriptor& output) {
        auto pipe = sys::pipe2();
        EXPECT_TRUE(pipe.has_value());
        output = std::move(pipe->read);
        descriptors["out"] = std::move(pipe->write);
        std::ranges::stable_sort(plan.steps, {}, &launch::Step::stage);
        launch::LaunchRequest made;
        made.id = 1;
        made.plan = plan;
        made.descriptors = std::move(descriptors);
        made.activation = std::move(activation);
        return made;
    }

    [[nodiscard]] ProbeResult run(const cgroup::Tree& tree = cgroup::Tree()) {
        sys::Descriptor output;
        launch::LaunchRequest made = request(output);
        ProbeResult result;
        result.launch = launch::launch_now(std::move(made), tree);
        // The launch closed our copies of the write end: end of file means that nobody has one.
        auto text = sys::read_all(output.number(), 1 << 20, "the probe's output");
        EXPECT_TRUE(text.has_value());
        result.output = text ? *text : "";
        result.exit = reap(result.launch.pidfd);
        activation = std::move(result.launch.activation);
        return result;
    }

    launch::Plan plan;
    std::map<std::string, sys::Descriptor> descriptors;
    launch::Activation activation;
};

}  // namespace hearth::testing_support

/// These tests change ids, namespaces and mounts.
#define HEARTH_NEEDS_ROOT()                                 \
    if (!::hearth::testing_support::is_root()) {            \
        GTEST_SKIP() << "needs root, runs as another user"; \
    }                                                       \
    static_assert(true)
