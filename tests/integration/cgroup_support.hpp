// SPDX-License-Identifier: MIT
//
// A cgroup tree of a test's own, and processes born in it. The root is `hearth-test-PID`, below the
// test's own cgroup of each hierarchy; the destructor kills what is left in it and removes it.
// Processes are made as the launcher makes them, by CLONE_INTO_CGROUP and "0" into `tasks`, but
// with a copy of the memory, so the function given may be any that ends by returning an exit
// status.
#pragma once

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::testing_support {

inline const std::vector<std::string>& limiting() {
    static const std::vector<std::string> controllers{"cpu", "memory", "pids"};
    return controllers;
}

/// Waits until a line is in the cgroup.events of `path`; the file wakes us by POLLPRI.
inline void wait_for_event(
    const cgroup::Tree& tree, const std::string& path, const std::string& line) {
    const Result<sys::Descriptor> events = tree.events(path);
    ASSERT_TRUE(events.has_value()) << events.error().what;
    while (true) {
        char text[256] = {};
        ASSERT_GT(::pread(events->number(), text, sizeof text - 1, 0), 0);
        if (std::string(text).find(line) != std::string::npos) {
            return;
        }
        pollfd change{events->number(), POLLPRI, 0};
        ASSERT_EQ(::poll(&change, 1, 30'000), 1) << "no event, still waiting for " << line;
    }
}

class TestTree {
public:
    TestTree() : TestTree("hearth-test-" + std::to_string(::getpid())) {}
    explicit TestTree(const std::string& root) {
        cgroup::Tree::Options options;
        options.root = root;
        options.owner = "/run/" + root;
        Result<cgroup::Tree> opened = cgroup::Tree::open(options);
        if (!opened) {
            ADD_FAILURE() << opened.error().what;
            return;
        }
        tree_ = std::make_unique<cgroup::Tree>(std::move(*opened));
        if (tree_->layout() == launch::CgroupLayout::Hybrid) {
            v1_ = limiting();
        }
    }
    ~TestTree() {
        if (!tree_) {
            return;
        }
        for (const std::string& path : tree_->existing()) {
            EXPECT_TRUE(tree_->kill(path).has_value());
        }
        while (::waitpid(-1, nullptr, 0) > 0) {
        }
        if (*tree_->populated("")) {  // orphans of a test's process are reaped by another
            wait_for_event(*tree_, "", "populated 0");
        }
        const Result<void> removed = tree_->remove_root();
        EXPECT_TRUE(removed.has_value()) << (removed ? "" : removed.error().what);
    }
    TestTree(const TestTree&) = delete;
    TestTree& operator=(const TestTree&) = delete;

    [[nodiscard]] explicit operator bool() const { return tree_ != nullptr; }
    const cgroup::Tree& operator*() const { return *tree_; }
    const cgroup::Tree* operator->() const { return tree_.get(); }
    [[nodiscard]] const std::vector<std::string>& v1() const { return v1_; }
    [[nodiscard]] bool unified() const { return v1_.empty(); }

    void make(const std::string& path) const {
        const Result<void> made = tree_->make(path, v1_);
        ASSERT_TRUE(made.has_value()) << made.error().what;
    }

    /// A process born in `path` that runs `body` and exits with what it returns. -1: it could not
    /// be.
    [[nodiscard]] pid_t run(const std::string& path, const std::function<int()>& body) const {
        Result<cgroup::Handle> handle = tree_->enter(path, v1_);
        if (!handle) {
            ADD_FAILURE() << handle.error().what;
            return -1;
        }
        clone_args arguments{};
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.exit_signal = SIGCHLD;
        arguments.cgroup = static_cast<std::uint64_t>(handle->directory.number());
        const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
        if (pid == 0) {
            for (const sys::Descriptor& tasks : handle->tasks) {
                if (::write(tasks.number(), "0", 1) != 1) {
                    ::_exit(219);
                }
            }
            ::_exit(body());
        }
        return static_cast<pid_t>(pid);
    }

private:
    std::unique_ptr<cgroup::Tree> tree_;
    std::vector<std::string> v1_;
};

/// A value in memory that is shared with the processes forked later.
template <class T>
class Shared {
public:
    Shared() {
        memory_ =
            ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        value_ = new (memory_) T();
    }
    ~Shared() { ::munmap(memory_, sizeof(T)); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    T& operator*() const { return *value_; }
    T* operator->() const { return value_; }

private:
    void* memory_ = nullptr;
    T* value_ = nullptr;
};

/// The wait status of a process, reaped.
inline int reap(pid_t pid) {
    int status = -1;
    if (pid <= 0) {  // would wait for any
        ADD_FAILURE() << "there is no process to reap";
        return status;
    }
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return status;
}

}  // namespace hearth::testing_support
