// SPDX-License-Identifier: MIT
//
// The visitor that turns a plan's actions into child steps: one overload per action
// (lower_steps.cpp) writes `step_`; arena, paths and slots are lower.cpp's. The first thing that
// goes wrong is kept in `failure_` and ends the run. Internal to lower*.cpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include "supervisor/launch/lower.hpp"

namespace hearth::launch {

inline constexpr std::uint64_t AttributeReadOnly = 1;          // MOUNT_ATTR_RDONLY
inline constexpr std::uint64_t AttributeNoExecution = 8;       // MOUNT_ATTR_NOEXEC
inline constexpr std::uint64_t PropagationPrivate = 1U << 18;  // MS_PRIVATE
inline constexpr std::uint64_t PropagationSlave = 1U << 19;    // MS_SLAVE
inline constexpr std::uint64_t PropagationShared = 1U << 20;   // MS_SHARED

class Lowering {
public:
    Lowering(const Plan& plan, const Slots& slots) : plan_(plan), slots_(slots) {}
    Result<LoweredPlan, LoweringFailure> run();

private:
    void find_positions();
    void lower_step(const Step& step);
    void begin(const Step& step, Opcode opcode);
    /// The descriptors of Plan::passed and what says so in the environment, once all of stdio is in
    /// place.
    void pass_descriptors(const Step& step);
    void finish();
    const char* text(std::string_view value);
    const char* const* texts(
        const std::vector<std::string>& values, const std::vector<const char*>& more = {});
    void write_to(std::string_view path, const std::string& value);
    const char* absolute(std::string_view path);
    /// Below the new root, as long as that is not yet "/", a path is one within it.
    ChildPath located(std::string_view path);
    /// The directory that `path` is made in, and its name there.
    void place(std::string_view path, ChildPath& parent, const char*& name);
    int descriptor(const std::string& slot);
    bool tree(std::string_view name);
    const std::string* directory(std::string_view source);
    void fail(int code, std::string what);
    void flag(bool set, std::uint8_t bit);
    template <class T>
    const T* array(const std::vector<T>& values) {
        static_assert(std::is_trivially_copyable_v<T>);
        void* memory = lowered_.arena_->allocate(
            std::max<std::size_t>(1, sizeof(T) * values.size()), alignof(T));
        if (!values.empty()) {
            std::memcpy(memory, values.data(), sizeof(T) * values.size());
        }
        return static_cast<const T*>(memory);
    }

    template <class T>
    void list(const std::vector<T>& values) {
        step_.list = array(values);
        step_.count = static_cast<std::uint32_t>(values.size());
    }

    void lower(const JoinCgroups& action);
    void lower(const DefaultSignals& action);
    void lower(const NewSession& action);
    void lower(const ControllingTerminal& action);
    void lower(const AcquireTerminal& action);
    void lower(const CopyDescriptor& action);
    void lower(const UseDescriptor& action);
    void lower(const SetUmask& action);
    void lower(const SetNice& action);
    void lower(const SetCpuAffinity& action);
    void lower(const SetScheduler& action);
    void lower(const SetMemoryPolicy& action);
    void lower(const SetIoPriority& action);
    void lower(const SetTimerSlack& action);
    void lower(const SetCoredumpFilter& action);
    void lower(const SetPersonality& action);
    void lower(const SetSecurityLabel& action);
    void lower(const SetSecureBits& action);
    void lower(const SetOomScoreAdjust& action);
    void lower(const NewSessionKeyring& action);
    void lower(const LinkUserKeyring& action);
    void lower(const EnterNamespace& action);
    void lower(const NewNamespaces& action);
    void lower(const MountPropagation& action);
    void lower(const MountAttributes& action);
    void lower(const HidePath& action);
    void lower(const MakeDirectory& action);
    void lower(const MakeSymlink& action);
    void lower(const PivotRoot& action);
    void lower(const SetHostname& action);
    void lower(const SetResourceLimit& action);
    void lower(const DropBoundingSet& action);
    void lower(const KeepCapabilities& action);
    void lower(const SetGroups& action);
    void lower(const SetUser& action);
    void lower(const SetCapabilities& action);
    void lower(const RaiseAmbient& action);
    void lower(const ChangeDirectory& action);
    void lower(const NoNewPrivileges& action);
    void lower(const ResetSignalMask& action);
    void lower(const LoadSeccomp& action);
    void lower(const KeepTree& action);
    void lower(const BindMount& action);
    void lower(const MountFileSystem& action);
    void lower(const MakeMountPoint& action);
    void lower(const MakeDevice& action);
    void lower(const BindDevices& action);
    void lower(const CloseDescriptors& action);

    const Plan& plan_;
    const Slots& slots_;
    LoweredPlan lowered_;
    std::vector<ChildStep> steps_;
    ChildStep step_;
    std::size_t index_ = 0;
    bool skipped_ = false;
    std::optional<Error> failure_;
    bool passed_done_ = false;
    std::vector<int> passed_;         ///< numbers
    std::vector<const char*> extra_;  ///< environment that is known only here

    std::string root_;  ///< of PivotRoot, or empty
    std::size_t root_position_ = 0;
    std::size_t first_mount_ = static_cast<std::size_t>(-1);
    std::size_t last_mount_ = 0;
    std::vector<std::string> kept_;  ///< slots of KeepTree, by index
    bool has_devices_ = false;
    std::uint64_t final_propagation_ = 0;  ///< MS_*, or 0: as at the beginning
};

}  // namespace hearth::launch
