// SPDX-License-Identifier: MIT
//
// A unit's own lines, planned for this machine and launched with a script in place of its program,
// whose output is collected. Without a cgroup: mounts need none. And images of file systems, made
// with Debian's tools. What a launch leaves is released.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "supervisor/launch/launcher.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/launch/seccomp_program.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "tests/support/hearthd_process.hpp"
#include "tests/support/launch_probe.hpp"
#include "units/loader.hpp"

namespace hearth::roots {

class OneUnit final : public UnitSource {
public:
    explicit OneUnit(std::string text) : text_(std::move(text)) {}
    [[nodiscard]] Result<std::optional<File>> fragment(const std::string& name) const override {
        return std::optional(File{"/units/" + name, text_, false});
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        return std::vector<File>{};
    }

private:
    std::string text_;
};

struct Shown {
    std::string output;   ///< the script's
    std::string failure;  ///< of the launch, or the refusals
    std::optional<sys::ExitStatus> exit;
};

class PlannedProbe {
public:
    PlannedProbe(const std::string& lines, std::string script, std::string shell = "/bin/sh")
        : script_(std::move(script)), shell_(std::move(shell)) {
        const OneUnit source("[Service]\nExecStart=" + shell_ + "\n" + lines);
        unit_ = load_unit("roots.service", source, LoadContext{});
        host_ = *launch::gather_host();
        // Where roots are put together; the directory for that is made by the child.
        host_.runtime_directory = "/run/hearth-roots-" + std::to_string(::getpid());
    }
    ~PlannedProbe() {
        launch::release(activation_);
        if (sys::stat(host_.runtime_directory)) {
            EXPECT_TRUE(sys::remove_tree(host_.runtime_directory).has_value());
        }
    }
    PlannedProbe(const PlannedProbe&) = delete;
    PlannedProbe& operator=(const PlannedProbe&) = delete;

    /// Until the program runs or has failed to.
    void launch() {
        launch::Invocation invocation;
        invocation.command = &unit_.settings.service.exec_start.front();
        invocation.invocation_id = std::string(32, '0');
        invocation.executable = shell_;
        static launch::SeccompCache cache;
        invocation.seccomp = cache.program(unit_.settings.sandbox).value_or(nullptr);
        auto planned = launch::plan(unit_, invocation, host_);
        if (!planned) {
            for (const Diagnostic& refusal : planned.error()) {
                shown_.failure += one_line(refusal) + "\n";
            }
            return;
        }
        planned->cgroup.clear();
        std::erase_if(planned->preparations, [](const launch::Prepared& each) {
            return std::holds_alternative<launch::MakeCgroup>(each.preparation) ||
                   std::holds_alternative<launch::FilterCgroup>(each.preparation);
        });
        std::erase_if(planned->steps, [](const launch::Step& each) {
            return std::holds_alternative<launch::JoinCgroups>(each.action);
        });
        planned->argv = {"sh", "-c", script_};
        planned->environment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
        launch::LaunchRequest request;
        request.id = 1;
        request.plan = std::move(*planned);
        auto pipe = sys::pipe2();
        request.descriptors["log"] = std::move(pipe->write);
        output_ = std::move(pipe->read);
        request.activation = std::move(activation_);
        launch::LaunchResult result = launch::launch_now(std::move(request), cgroup::Tree());
        activation_ = std::move(result.activation);
        pidfd_ = std::move(result.pidfd);
        shown_.failure = result.failure ? message(*result.failure) : "";
    }
    /// Until it ends.
    Shown finish() {
        if (output_) {
            shown_.output = sys::read_all(output_.number(), 1 << 20, "output").value_or("?");
        }
        shown_.exit = testing_support::reap(pidfd_);
        pidfd_.reset();
        return std::exchange(shown_, {});
    }
    Shown run() {
        launch();
        return finish();
    }
    [[nodiscard]] launch::Activation& activation() { return activation_; }
    [[nodiscard]] launch::Host& host() { return host_; }
    void script(std::string text) { script_ = std::move(text); }

private:
    std::string script_, shell_;
    Unit unit_;
    launch::Host host_;
    launch::Activation activation_;
    sys::Descriptor output_, pidfd_;
    Shown shown_;
};

inline bool have(const std::string& program) {
    return testing::run_program({"/bin/sh", "-c", "command -v " + program}).status == 0;
}
inline bool kernel_has(const std::string& file_system) {
    return sys::read_file("/proc/filesystems", 1 << 16)->find("\t" + file_system + "\n") !=
           std::string::npos;
}

/// A root with busybox, or an empty text where there is none.
inline bool fill_root(const std::string& root) {
    constexpr const char* busybox = "/bin/busybox";
    if (::access(busybox, X_OK) != 0) {
        return false;
    }
    return testing::run_program(
               {"/bin/sh",
                "-c",
                "set -e; cd " + root +
                    "; mkdir -p bin etc proc sys dev run tmp var/tmp usr/lib opt data; "
                    "cp /bin/busybox bin/busybox; "
                    "for name in sh cat ls touch stat mount grep test; do ln -s busybox bin/$name; "
                    "done; echo ID=image >etc/os-release; echo VERSION_ID=7 >>etc/os-release; "
                    "echo inside >etc/mark; chmod 755 ."})
               .status == 0;
}

/// An image of `directory`; false where the tool is missing.
inline bool make_image(
    const std::string& type, const std::string& directory, const std::string& image) {
    const std::map<std::string, std::pair<std::string, std::vector<std::string>>> tools = {
        {"squashfs",
         {"mksquashfs",
          {"/bin/sh", "-c", "mksquashfs " + directory + " " + image + " -quiet -noappend"}}},
        {"erofs", {"mkfs.erofs", {"/bin/sh", "-c", "mkfs.erofs " + image + " " + directory}}},
        {"ext4",
         {"mke2fs",
          {"/bin/sh", "-c", "mke2fs -q -t ext4 -d " + directory + " " + image + " 16M"}}}};
    const auto& [program, command] = tools.at(type);
    return have(program) && testing::run_program(command).status == 0;
}

}  // namespace hearth::roots
