// SPDX-License-Identifier: MIT
#include "supervisor/launch/lower.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>

namespace hearth::launch {
namespace {

constexpr std::uint64_t MountReadOnly = 1;            // MOUNT_ATTR_RDONLY
constexpr std::uint64_t PropagationShared = 1U << 20;  // MS_SHARED
constexpr std::uint64_t PropagationSlave = 1U << 19;   // MS_SLAVE
constexpr std::size_t LongestFilter = 4096;            // BPF_MAXINSNS

/// mount(2)'s flags as fsmount's attributes.
constexpr struct {
    std::uint64_t flag, attribute;
} MountFlags[] = {
    {1, MountReadOnly},  // MS_RDONLY
    {2, 2},              // MS_NOSUID
    {4, 4},              // MS_NODEV
    {8, 8},              // MS_NOEXEC
    {1U << 10, 0x10},    // MS_NOATIME
    {1U << 11, 0x80},    // MS_NODIRATIME
    {1U << 21, 0},       // MS_RELATIME, the default
    {1U << 24, 0x20},    // MS_STRICTATIME
};

template <class T>
constexpr bool MakesMounts =
    std::is_same_v<T, MountPropagation> || std::is_same_v<T, BindMount> ||
    std::is_same_v<T, MountAttributes> || std::is_same_v<T, MountFileSystem> ||
    std::is_same_v<T, HidePath> || std::is_same_v<T, MakeDirectory> ||
    std::is_same_v<T, MakeMountPoint> || std::is_same_v<T, MakeSymlink> ||
    std::is_same_v<T, MakeDevice> || std::is_same_v<T, PivotRoot>;

bool makes_mounts(const Step& step) {
    return std::visit(
        []<class T>(const T&) { return MakesMounts<T>; }, step.action
    );
}

}  // namespace

LoweredPlan::LoweredPlan()
    : arena_(std::make_unique<std::pmr::monotonic_buffer_resource>(32 * 1024)),
      program_(new (arena_->allocate(sizeof(ChildProgram), alignof(ChildProgram))) ChildProgram()) {}

/// The visitor: one overload per action writes `step_`. What goes wrong is kept in `failure_`.
class Lowering {
public:
    Lowering(const Plan& plan, const Slots& slots) : plan_(plan), slots_(slots) {}

    Result<LoweredPlan, LoweringFailure> run() {
        find_positions();
        for (index_ = 0; index_ < plan_.steps.size() && !failure_; ++index_) {
            lower_step(plan_.steps[index_]);
        }
        if (!failure_) {
            finish();
        }
        if (failure_) {
            return Unexpected(LoweringFailure{index_, *failure_});
        }
        return std::move(lowered_);
    }

private:
    void find_positions() {
        for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
            const Step& step = plan_.steps[i];
            if (const auto* pivot = std::get_if<PivotRoot>(&step.action)) {
                root_ = pivot->root;
                root_position_ = i;
            }
            if (const auto* propagation = std::get_if<MountPropagation>(&step.action)) {
                shared_after_ = shared_after_ || propagation->shared_after;
            }
            has_devices_ = has_devices_ || std::holds_alternative<MakeDevice>(step.action);
            if (makes_mounts(step)) {
                first_mount_ = std::min(first_mount_, i);
                last_mount_ = i;
            }
        }
    }

    void lower_step(const Step& step) {
        if (index_ == first_mount_ && has_devices_) {
            begin(step, Opcode::HostDevices);
            steps_.push_back(step_);
        }
        begin(step, Opcode::NewSession);
        skipped_ = false;
        std::visit([this](const auto& action) { lower(action); }, step.action);
        if (!skipped_) {
            steps_.push_back(step_);
        }
        if (index_ == last_mount_ && shared_after_ && makes_mounts(step)) {
            begin(step, Opcode::MountPropagation);
            step_.second = PropagationShared;
            steps_.push_back(step_);
        }
    }

    void begin(const Step& step, Opcode opcode) {
        step_ = ChildStep();
        step_.opcode = opcode;
        step_.plan_step = static_cast<std::uint32_t>(index_);
        step_.exit_status = step.exit_status;
    }

    void finish() {
        ChildProgram& program = lowered_.program();
        program.steps = array(steps_);
        program.step_count = static_cast<std::uint32_t>(steps_.size());
        program.executable = absolute(plan_.executable);
        program.arguments = texts(plan_.argv);
        program.environment = texts(plan_.environment);
        program.inaccessible = slots_.inaccessible;
        if (plan_.argv.empty()) {
            fail(EINVAL, "the command has no arguments, not even its name");
        }
    }

    // ---- the arena

    template <class T>
    const T* array(const std::vector<T>& values) {
        static_assert(std::is_trivially_copyable_v<T>);
        void* memory =
            lowered_.arena_->allocate(std::max<std::size_t>(1, sizeof(T) * values.size()), alignof(T));
        if (!values.empty()) {
            std::memcpy(memory, values.data(), sizeof(T) * values.size());
        }
        return static_cast<const T*>(memory);
    }

    const char* text(std::string_view value) {
        if (value.find('\0') != std::string_view::npos) {
            fail(EINVAL, "a zero byte in '" + std::string(value.data()) + "'");
        }
        char* memory = static_cast<char*>(lowered_.arena_->allocate(value.size() + 1, 1));
        value.copy(memory, value.size());
        memory[value.size()] = '\0';
        return memory;
    }

    const char* const* texts(const std::vector<std::string>& values) {
        std::vector<const char*> pointers;
        pointers.reserve(values.size() + 1);
        for (const std::string& value : values) {
            pointers.push_back(text(value));
        }
        pointers.push_back(nullptr);
        return array(pointers);
    }

    // ---- paths

    const char* absolute(std::string_view path) {
        if (path.empty() || path.front() != '/') {
            fail(EINVAL, "'" + std::string(path) + "' is not an absolute path");
        }
        return text(path);
    }

    /// Below the new root, as long as that is not yet "/", a path is one within it.
    ChildPath located(std::string_view path) {
        while (path.size() > 1 && path.back() == '/') {
            path.remove_suffix(1);
        }
        if (!root_.empty() && index_ < root_position_ && path.size() > root_.size() &&
            path.starts_with(root_) && path[root_.size()] == '/') {
            return ChildPath{text(root_), text(path.substr(root_.size() + 1))};
        }
        return ChildPath{nullptr, absolute(path)};
    }

    /// The directory that `path` is made in, and its name there.
    void place(std::string_view path, ChildPath& parent, const char*& name) {
        while (path.size() > 1 && path.back() == '/') {
            path.remove_suffix(1);
        }
        const std::size_t slash = path.rfind('/');
        const std::string_view last =
            slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
        if (last.empty() || last == "." || last == "..") {
            fail(EINVAL, "'" + std::string(path) + "' names nothing that can be made");
            return;
        }
        parent = located(slash == 0 ? "/" : path.substr(0, slash));
        name = text(last);
    }

    // ---- slots

    int descriptor(const std::string& slot) {
        const auto found = slots_.descriptors.find(slot);
        if (found == slots_.descriptors.end()) {
            fail(EBADF, "no descriptor was given for '" + slot + "'");
            return -1;
        }
        return found->second;
    }

    void fail(int code, std::string what) {
        if (!failure_) {
            failure_ = Error{std::move(what), code};
        }
    }

    void flag(bool set, std::uint8_t bit) {
        if (set) {
            step_.flags = static_cast<std::uint8_t>(step_.flags | bit);
        }
    }

    template <class T>
    void list(const std::vector<T>& values) {
        step_.list = array(values);
        step_.count = static_cast<std::uint32_t>(values.size());
    }

    // ---- one overload per action

    void lower(const JoinCgroups&) {
        step_.opcode = Opcode::JoinCgroups;
        list(slots_.tasks);
    }
    void lower(const DefaultSignals& action) {
        step_.opcode = Opcode::DefaultSignals;
        for (const int number : action.ignored) {
            if (number < 1 || number > 64) {
                fail(EINVAL, "there is no signal " + std::to_string(number));
                return;
            }
            step_.first |= std::uint64_t{1} << (number - 1);
        }
    }
    void lower(const NewSession&) { step_.opcode = Opcode::NewSession; }
    void lower(const ControllingTerminal& action) {
        step_.opcode = Opcode::ControllingTerminal;
        step_.descriptor = action.number;
    }
    void lower(const UseDescriptor& action) {
        step_.opcode = Opcode::UseDescriptor;
        step_.descriptor = descriptor(action.slot);
        step_.first = static_cast<std::uint64_t>(action.number);
    }
    void lower(const SetUmask& action) {
        step_.opcode = Opcode::SetUmask;
        step_.first = action.mask;
    }
    void lower(const SetNice& action) {
        step_.opcode = Opcode::SetNice;
        step_.first = static_cast<std::uint64_t>(static_cast<std::int64_t>(action.nice));
        flag(action.soft, ChildStep::Soft);
    }
    void lower(const SetOomScoreAdjust& action) {
        step_.opcode = Opcode::WriteFile;
        const std::string value = std::to_string(action.value);
        step_.source.text = text("/proc/self/oom_score_adj");
        step_.name = text(value);
        step_.first = value.size();
        flag(action.soft, ChildStep::Soft);
    }
    void lower(const NewSessionKeyring&) { step_.opcode = Opcode::NewSessionKeyring; }
    void lower(const EnterNamespace& action) {
        step_.opcode = Opcode::EnterNamespace;
        step_.descriptor = descriptor(action.slot);
    }
    void lower(const NewNamespaces& action) {
        step_.opcode = Opcode::NewNamespaces;
        step_.first = action.flags;
    }
    void lower(const MountPropagation& action) {
        step_.opcode = Opcode::MountPropagation;
        step_.first = action.read_only ? MountReadOnly : 0;
        step_.second = PropagationSlave;
    }
    void lower(const BindMount& action);
    void lower(const MountAttributes& action) {
        step_.opcode = Opcode::MountAttributes;
        step_.path = located(action.path);
        step_.first = action.set;
        step_.second = action.clear;
        flag(action.recursive, ChildStep::Recursive);
        flag(action.optional, ChildStep::Optional);
    }
    void lower(const MountFileSystem& action);
    void lower(const HidePath& action) {
        step_.opcode = Opcode::HidePath;
        step_.path = located(action.path);
        flag(action.optional, ChildStep::Optional);
    }
    void lower(const MakeDirectory& action) {
        step_.opcode = Opcode::MakeDirectory;
        place(action.path, step_.path, step_.name);
        step_.first = action.mode;
    }
    void lower(const MakeMountPoint& action);
    void lower(const MakeSymlink& action) {
        step_.opcode = Opcode::MakeSymlink;
        place(action.path, step_.path, step_.name);
        step_.source.text = text(action.target);
    }
    void lower(const MakeDevice& action);
    void lower(const PivotRoot& action) {
        step_.opcode = Opcode::PivotRoot;
        step_.path = located(action.root);
    }
    void lower(const SetHostname& action) {
        step_.opcode = Opcode::SetHostname;
        step_.name = text(action.name);
        step_.first = action.name.size();
    }
    void lower(const SetResourceLimit& action) {
        step_.opcode = Opcode::SetResourceLimit;
        step_.first = static_cast<std::uint64_t>(action.resource);
        step_.second = action.soft;
        step_.third = action.hard;
        flag(action.soft_failure, ChildStep::Soft);
    }
    void lower(const DropBoundingSet& action) {
        step_.opcode = Opcode::DropBoundingSet;
        step_.first = action.keep;
    }
    void lower(const KeepCapabilities&) { step_.opcode = Opcode::KeepCapabilities; }
    void lower(const SetGroups& action) {
        step_.opcode = Opcode::SetGroups;
        step_.first = action.gid;
        list(action.supplementary);
    }
    void lower(const SetUser& action) {
        step_.opcode = Opcode::SetUser;
        step_.first = action.uid;
    }
    void lower(const SetCapabilities& action) {
        step_.opcode = Opcode::SetCapabilities;
        step_.first = action.effective;
        step_.second = action.permitted;
        step_.third = action.inheritable;
    }
    void lower(const RaiseAmbient& action) {
        step_.opcode = Opcode::RaiseAmbient;
        step_.first = action.mask;
    }
    void lower(const ChangeDirectory& action) {
        step_.opcode = Opcode::ChangeDirectory;
        step_.path.text = absolute(action.path);
        flag(action.optional, ChildStep::Optional);
    }
    void lower(const NoNewPrivileges&) { step_.opcode = Opcode::NoNewPrivileges; }
    void lower(const CloseDescriptors&);
    void lower(const ResetSignalMask&) { step_.opcode = Opcode::ResetSignalMask; }
    void lower(const LoadSeccomp& action) {
        step_.opcode = Opcode::LoadSeccomp;
        if (action.program.empty() || action.program.size() > LongestFilter) {
            const std::string size = std::to_string(action.program.size());
            fail(EINVAL, "a filter has 1 to 4096 instructions, not " + size);
        }
        list(action.program);
    }

    const Plan& plan_;
    const Slots& slots_;
    LoweredPlan lowered_;
    std::vector<ChildStep> steps_;
    ChildStep step_;
    std::size_t index_ = 0;
    bool skipped_ = false;
    std::optional<Error> failure_;

    std::string root_;  ///< of PivotRoot, or empty
    std::size_t root_position_ = 0;
    std::size_t first_mount_ = static_cast<std::size_t>(-1);
    std::size_t last_mount_ = 0;
    bool has_devices_ = false, shared_after_ = false;
};

void Lowering::lower(const BindMount& action) {
    step_.opcode = Opcode::BindMount;
    const std::string_view source = action.source;
    if (source.starts_with("tree:")) {
        const std::string slot(source.substr(5));
        if (slots_.absent.contains(slot)) {
            skipped_ = true;
            return;
        }
        step_.descriptor = descriptor(slot);
    } else if (source.starts_with("slot:")) {
        const auto found = slots_.directories.find(std::string(source.substr(5)));
        if (found == slots_.directories.end()) {
            fail(ENOENT, "no directory was made for '" + action.source + "'");
            return;
        }
        step_.source = located(found->second);
    } else {
        step_.source = located(source);
    }
    step_.path = located(action.destination);
    step_.first = action.set;
    step_.second = action.clear;
    flag(action.recursive, ChildStep::Recursive);
    flag(action.optional, ChildStep::Optional);
}

void Lowering::lower(const MountFileSystem& action) {
    step_.opcode = Opcode::MountFileSystem;
    step_.name = text(action.type);
    step_.path = located(action.destination);
    flag(action.optional, ChildStep::Optional);
    std::uint64_t rest = action.flags;
    for (const auto& [bit, attribute] : MountFlags) {
        step_.first |= (action.flags & bit) != 0 ? attribute : 0;
        rest &= ~bit;
    }
    if (rest != 0) {
        fail(EINVAL, "mount flags " + std::to_string(rest) + " have no attribute of fsmount");
    }
    std::vector<ChildOption> options;
    for (std::string_view left = action.options; !left.empty();) {
        const std::string_view option = left.substr(0, left.find(','));
        left.remove_prefix(std::min(left.size(), option.size() + 1));
        const std::size_t equals = option.find('=');
        if (!option.empty()) {
            options.push_back(ChildOption{
                text(option.substr(0, equals)),
                equals == std::string_view::npos ? nullptr : text(option.substr(equals + 1)),
            });
        }
    }
    list(options);
}

void Lowering::lower(const MakeMountPoint& action) {
    step_.opcode = Opcode::MakeMountPoint;
    step_.path = located(action.path);
    if (!action.like.empty()) {
        step_.source.text = absolute(action.like);
    }
    std::vector<ChildEntry> entries;
    // Below the new root only what is below it is made, never the root itself.
    const std::size_t start = step_.path.root != nullptr ? root_.size() : 0;
    for (std::size_t end = action.path.find('/', start + 1); !failure_;
         end = action.path.find('/', end + 1)) {
        ChildEntry entry;
        place(std::string_view(action.path).substr(0, end), entry.parent, entry.name);
        entries.push_back(entry);
        if (end == std::string::npos || end + 1 == action.path.size()) {
            break;
        }
    }
    list(entries);
}

void Lowering::lower(const MakeDevice& action) {
    step_.opcode = Opcode::MakeDevice;
    place(action.path, step_.path, step_.name);
    step_.first = action.mode;
    step_.second = (action.minor & 0xffU) | (std::uint64_t{action.major} << 8) |
                   (std::uint64_t{action.minor & ~0xffU} << 12);
    // The host's node of that name, for where mknod is refused.
    const std::size_t devices = action.path.rfind("/dev/");
    step_.source.text = devices == std::string::npos
                            ? step_.name
                            : text(std::string_view(action.path).substr(devices + 5));
}

void Lowering::lower(const CloseDescriptors&) {
    step_.opcode = Opcode::CloseDescriptors;
    std::vector<int> kept;
    for (const Step& step : plan_.steps) {
        const auto* used = std::get_if<UseDescriptor>(&step.action);
        if (used != nullptr && used->number >= 3) {
            kept.push_back(used->number);
        }
    }
    list(kept);
}

Result<LoweredPlan, LoweringFailure> lower(const Plan& plan, const Slots& slots) {
    return Lowering(plan, slots).run();
}

int first_free_number(const Plan& plan) {
    int free = 3;
    for (const Step& step : plan.steps) {
        if (const auto* used = std::get_if<UseDescriptor>(&step.action)) {
            free = std::max(free, used->number + 1);
        }
    }
    return free;
}

}  // namespace hearth::launch
