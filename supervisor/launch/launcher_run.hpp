// SPDX-License-Identifier: MIT
//
// One launch, from its request to its result, on the calling thread: prepare, lower, clone, read
// the report. Shared by the pool's threads and launch_now(). Blocks until the child has called
// execve or is dead; another thread may end it through InFlight::abort(). Internal to
// launcher*.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>

#include "supervisor/launch/child_step.hpp"
#include "supervisor/launch/launcher.hpp"
#include "supervisor/launch/lower.hpp"

namespace hearth::launch {

/// What other threads may see of a launch: enough to end it.
class InFlight {
public:
    InFlight() : started_(std::chrono::steady_clock::now()) {}
    /// The child dies at once, or refuses to begin, or is never made.
    void abort();
    [[nodiscard]] bool aborted() const { return __atomic_load_n(&aborted_, __ATOMIC_SEQ_CST) != 0; }
    [[nodiscard]] std::chrono::steady_clock::time_point started() const { return started_; }

    // For the launching thread.
    [[nodiscard]] const int* abort_flag() const { return &aborted_; }
    /// The kernel stores the pidfd here before the child runs.
    [[nodiscard]] int* pidfd_place() { return &pidfd_; }
    /// Takes the pidfd over; from now on abort() has nothing to signal.
    [[nodiscard]] sys::Descriptor take_pidfd();

private:
    std::chrono::steady_clock::time_point started_;
    std::mutex mutex_;  ///< a pidfd is not closed while abort() uses its number
    int aborted_ = 0;
    int pidfd_ = -1;
};

/// The child's stack: a mapping of its own with a guard page below.
class ChildStack {
public:
    ChildStack();
    ~ChildStack();
    ChildStack(const ChildStack&) = delete;
    ChildStack& operator=(const ChildStack&) = delete;
    [[nodiscard]] std::uint64_t base() const;  ///< lowest usable address
    [[nodiscard]] std::uint64_t size() const;
    [[nodiscard]] bool usable() const { return mapping_ != nullptr; }

private:
    void* mapping_ = nullptr;
};

/// Every signal blocked on this thread, glibc's internal ones too, until destruction.
class SignalsBlocked {
public:
    SignalsBlocked();
    ~SignalsBlocked();
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    std::uint64_t before_ = 0;
};

/// One network namespace, fresh and with its loopback up, made while a launcher has nothing else to
/// do: making one takes longer than the rest of a confined launch. Only from the first launch on
/// that needed one, and never more than one. Thread-safe.
class SpareNetwork {
public:
    /// The spare, or nothing; either way, another is wanted from now on.
    [[nodiscard]] sys::Descriptor take();
    /// Makes one where one is wanted. False: this thread could not go back to its own namespace.
    [[nodiscard]] bool refill();

private:
    std::mutex mutex_;
    sys::Descriptor kept_;
    bool wanted_ = false;
};

/// What a thread launches with. Borrowed.
struct LaunchMeans {
    const cgroup::Tree& tree;
    const ChildStack& stack;
    int inaccessible = -1;                  ///< see ChildProgram
    SpareNetwork* spare_network = nullptr;  ///< none: each is made when it is needed
};

struct LaunchOutcome {
    LaunchResult result;
    bool thread_usable = true;  ///< false: this thread could not go back to its own namespaces
};

[[nodiscard]] LaunchOutcome run_launch(
    LaunchRequest request, const LaunchMeans& means, InFlight& in_flight);

/// A detached tmpfs with `directory` and `file`, both mode 000, to hide paths behind; nothing where
/// this kernel can't clone out of a detached tree (before 6.15).
[[nodiscard]] sys::Descriptor make_inaccessible();

/// The result of a launch that was ended before it began.
[[nodiscard]] LaunchResult aborted_result(LaunchRequest request);

/// `No such file or directory`.
[[nodiscard]] std::string error_text(int code);

// ---- preparation (launcher_prepare.cpp)
// -----------------------------------------------------------

/// The parent's part of a launch. Descriptors that it opened live as long as it does.
class Preparing {
public:
    Preparing(LaunchRequest& request, const LaunchMeans& means, const InFlight& in_flight);
    [[nodiscard]] std::optional<LaunchFailure> run();
    /// Removes and remakes the unit's cgroup, which a cgroup.kill has spoilt for births (trap 1).
    [[nodiscard]] std::optional<LaunchFailure> remake_cgroup();
    [[nodiscard]] const Slots& slots() const { return slots_; }
    [[nodiscard]] int cgroup_directory() const { return cgroup_.directory.number(); }
    [[nodiscard]] bool thread_usable() const { return thread_usable_; }

private:
    Result<void> prepare(const MakeCgroup& preparation, const Prepared& prepared);
    Result<void> prepare(const FilterCgroup& preparation, const Prepared& prepared);
    Result<void> prepare(const AttachProgram& preparation, const Prepared& prepared);
    Result<void> prepare(const MakeInput& preparation, const Prepared& prepared);
    Result<void> prepare(const PrepareTerminal& preparation, const Prepared& prepared);
    Result<void> prepare(const OpenFile& preparation, const Prepared& prepared);
    Result<void> prepare(const MakePrivateTmp& preparation, const Prepared& prepared);
    Result<void> prepare(const MakeNamespace& preparation, const Prepared& prepared);
    Result<void> prepare(const OpenNamespace& preparation, const Prepared& prepared);
    Result<void> prepare(const MakeUserNamespace& preparation, const Prepared& prepared);
    Result<void> prepare(const LimitSlice&, const Prepared&);
    Result<void> prepare(const JoinActivation&, const Prepared&) { return {}; }  // the caller's
    Result<void> prepare(const CloneTree& preparation, const Prepared& prepared);
    Result<void> map_ids(const sys::Descriptor& tree, const CloneTree& preparation);
    Result<void> prepare(const MakeDevices& preparation, const Prepared& prepared);
    Result<void> prepare(const MountImage& preparation, const Prepared& prepared);
    Result<void> prepare(const MountLayers& preparation, const Prepared& prepared);
    Result<void> prepare(const MountEphemeral& preparation, const Prepared& prepared);
    Result<void> prepare(const MakeServiceDirectory& preparation, const Prepared& prepared);
    Result<void> prepare(const MakeCredentials& preparation, const Prepared& prepared);
    Result<void> prepare(const RemoveIpc& preparation, const Prepared& prepared);
    Result<sys::Descriptor> clone_tree(const CloneTree& preparation, unsigned recursion);
    [[nodiscard]] std::optional<LaunchFailure> enter_cgroup();
    [[nodiscard]] std::optional<LaunchFailure> number_slots();
    Result<void> number_all();
    Result<int> out_of_the_way(int number);

    LaunchRequest& request_;
    const LaunchMeans& means_;
    const InFlight& in_flight_;
    Slots slots_;
    cgroup::Handle cgroup_;
    std::map<std::string, sys::Descriptor> opened_;
    std::vector<sys::Descriptor> renumbered_;
    const Asked* knob_ = nullptr;  ///< whose limit or credential it was that failed
    bool thread_usable_ = true;
};

}  // namespace hearth::launch
