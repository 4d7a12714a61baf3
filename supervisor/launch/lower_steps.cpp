// SPDX-License-Identifier: MIT
//
// What each action becomes. The meaning of a step's fields is told beside its Opcode.
#include <cerrno>

#include "supervisor/launch/lowering.hpp"

namespace hearth::launch {
namespace {

constexpr std::string_view Tree = "tree:";
constexpr std::size_t LongestFilter = 4096;  // BPF_MAXINSNS

/// mount(2)'s flags as fsmount's attributes.
constexpr struct {
    std::uint64_t flag, attribute;
} MountFlags[] = {
    {1, AttributeReadOnly},  // MS_RDONLY
    {2, 2},                  // MS_NOSUID
    {4, 4},                  // MS_NODEV
    {8, 8},                  // MS_NOEXEC
    {1U << 10, 0x10},        // MS_NOATIME
    {1U << 11, 0x80},        // MS_NODIRATIME
    {1U << 21, 0},           // MS_RELATIME, the default
    {1U << 24, 0x20},        // MS_STRICTATIME
};

}  // namespace

void Lowering::lower(const JoinCgroups&) {
    step_.opcode = Opcode::JoinCgroups;
    list(slots_.tasks);
}

void Lowering::lower(const DefaultSignals& action) {
    step_.opcode = Opcode::DefaultSignals;
    for (const int number : action.ignored) {
        if (number < 1 || number > 64) {
            fail(EINVAL, "there is no signal " + std::to_string(number));
            return;
        }
        step_.first |= std::uint64_t{1} << (number - 1);
    }
}

void Lowering::lower(const NewSession&) {
    step_.opcode = Opcode::NewSession;
}

void Lowering::lower(const ControllingTerminal& action) {
    step_.opcode = Opcode::ControllingTerminal;
    step_.descriptor = action.number;
}

void Lowering::lower(const UseDescriptor& action) {
    step_.opcode = Opcode::UseDescriptor;
    step_.descriptor = descriptor(action.slot);
    step_.first = static_cast<std::uint64_t>(action.number);
}

void Lowering::lower(const SetUmask& action) {
    step_.opcode = Opcode::SetUmask;
    step_.first = action.mask;
}

void Lowering::lower(const SetNice& action) {
    step_.opcode = Opcode::SetNice;
    step_.first = static_cast<std::uint64_t>(static_cast<std::int64_t>(action.nice));
    flag(action.soft, ChildStep::Soft);
}

void Lowering::lower(const SetOomScoreAdjust& action) {
    step_.opcode = Opcode::WriteFile;
    const std::string value = std::to_string(action.value);
    step_.source.text = text("/proc/self/oom_score_adj");
    step_.name = text(value);
    step_.first = value.size();
    flag(action.soft, ChildStep::Soft);
}

void Lowering::lower(const NewSessionKeyring&) {
    step_.opcode = Opcode::NewSessionKeyring;
}

void Lowering::lower(const EnterNamespace& action) {
    step_.opcode = Opcode::EnterNamespace;
    step_.descriptor = descriptor(action.slot);
}

void Lowering::lower(const NewNamespaces& action) {
    step_.opcode = Opcode::NewNamespaces;
    step_.first = action.flags;
}

void Lowering::lower(const MountPropagation& action) {
    step_.opcode = Opcode::MountPropagation;
    step_.first = (action.read_only ? AttributeReadOnly : 0) |
                  (action.no_execution ? AttributeNoExecution : 0);
    step_.second = PropagationSlave;
}

void Lowering::lower(const MountAttributes& action) {
    step_.opcode = Opcode::MountAttributes;
    step_.path = located(action.path);
    step_.first = action.set;
    step_.second = action.clear;
    flag(action.recursive, ChildStep::Recursive);
    flag(action.optional, ChildStep::Optional);
}

void Lowering::lower(const HidePath& action) {
    step_.opcode = Opcode::HidePath;
    step_.path = located(action.path);
    flag(action.optional, ChildStep::Optional);
}

void Lowering::lower(const MakeDirectory& action) {
    step_.opcode = Opcode::MakeDirectory;
    place(action.path, step_.path, step_.name);
    step_.first = action.mode;
}

void Lowering::lower(const MakeSymlink& action) {
    step_.opcode = Opcode::MakeSymlink;
    place(action.path, step_.path, step_.name);
    step_.source.text = text(action.target);
}

void Lowering::lower(const PivotRoot& action) {
    step_.opcode = Opcode::PivotRoot;
    step_.path = located(action.root);
}

void Lowering::lower(const SetHostname& action) {
    step_.opcode = Opcode::SetHostname;
    step_.name = text(action.name);
    step_.first = action.name.size();
}

void Lowering::lower(const SetResourceLimit& action) {
    step_.opcode = Opcode::SetResourceLimit;
    step_.first = static_cast<std::uint64_t>(action.resource);
    step_.second = action.soft;
    step_.third = action.hard;
    flag(action.soft_failure, ChildStep::Soft);
}

void Lowering::lower(const DropBoundingSet& action) {
    step_.opcode = Opcode::DropBoundingSet;
    step_.first = action.keep;
}

void Lowering::lower(const KeepCapabilities&) {
    step_.opcode = Opcode::KeepCapabilities;
}

void Lowering::lower(const SetGroups& action) {
    step_.opcode = Opcode::SetGroups;
    step_.first = action.gid;
    list(action.supplementary);
}

void Lowering::lower(const SetUser& action) {
    step_.opcode = Opcode::SetUser;
    step_.first = action.uid;
}

void Lowering::lower(const SetCapabilities& action) {
    step_.opcode = Opcode::SetCapabilities;
    step_.first = action.effective;
    step_.second = action.permitted;
    step_.third = action.inheritable;
}

void Lowering::lower(const RaiseAmbient& action) {
    step_.opcode = Opcode::RaiseAmbient;
    step_.first = action.mask;
}

void Lowering::lower(const ChangeDirectory& action) {
    step_.opcode = Opcode::ChangeDirectory;
    step_.path.text = absolute(action.path);
    flag(action.optional, ChildStep::Optional);
}

void Lowering::lower(const NoNewPrivileges&) {
    step_.opcode = Opcode::NoNewPrivileges;
}

void Lowering::lower(const ResetSignalMask&) {
    step_.opcode = Opcode::ResetSignalMask;
}

void Lowering::lower(const LoadSeccomp& action) {
    step_.opcode = Opcode::LoadSeccomp;
    if (action.program.empty() || action.program.size() > LongestFilter) {
        const std::string size = std::to_string(action.program.size());
        fail(EINVAL, "a filter has 1 to 4096 instructions, not " + size);
    }
    list(action.program);
}

/// "tree:NAME". False: it is absent, and so is this step.
bool Lowering::tree(std::string_view name) {
    const std::string slot(name.substr(Tree.size()));
    if (const auto kept = std::ranges::find(kept_, slot); kept != kept_.end()) {
        step_.descriptor = ChildStep::FirstKept - static_cast<std::int32_t>(kept - kept_.begin());
        return true;
    }
    skipped_ = slots_.absent.contains(slot);
    if (!skipped_) {
        step_.descriptor = descriptor(slot);
    }
    return !skipped_;
}

void Lowering::lower(const KeepTree& action) {
    step_.opcode = Opcode::KeepTree;
    step_.first = kept_.size();
    kept_.push_back(action.slot);
    const bool within = !action.root.empty() && action.source.size() > action.root.size() &&
                        action.source.starts_with(action.root);
    if (within) {
        step_.source = {absolute(action.root), text(action.source.substr(action.root.size() + 1))};
    } else if (const auto* made = directory(action.source)) {
        step_.source.text = absolute(*made);
    } else {
        step_.source.text = absolute(action.source);
    }
    flag(action.recursive, ChildStep::Recursive);
    flag(action.optional, ChildStep::Optional);
}

/// What "slot:NAME" stands for; null for other sources.
const std::string* Lowering::directory(std::string_view source) {
    if (!source.starts_with("slot:")) {
        return nullptr;
    }
    const auto found = slots_.directories.find(std::string(source.substr(5)));
    if (found == slots_.directories.end()) {
        fail(ENOENT, "no directory was made for '" + std::string(source) + "'");
        return nullptr;
    }
    return &found->second;
}

void Lowering::lower(const BindMount& action) {
    step_.opcode = Opcode::BindMount;
    const std::string_view source = action.source;
    if (source.starts_with(Tree)) {
        if (!tree(source)) {
            return;
        }
    } else {
        const std::string* const made = directory(source);
        step_.source = located(made != nullptr ? std::string_view(*made) : source);
    }
    step_.path = located(action.destination);
    step_.first = action.set;
    step_.second = action.clear;
    flag(action.recursive, ChildStep::Recursive);
    flag(action.optional, ChildStep::Optional);
    flag(action.unless_mounted, ChildStep::UnlessMounted);
}

void Lowering::lower(const MountFileSystem& action) {
    step_.opcode = Opcode::MountFileSystem;
    step_.name = text(action.type);
    step_.path = located(action.destination);
    flag(action.optional, ChildStep::Optional);
    flag(action.unless_mounted, ChildStep::UnlessMounted);
    std::uint64_t rest = action.flags;
    for (const auto& [bit, attribute] : MountFlags) {
        step_.first |= (action.flags & bit) != 0 ? attribute : 0;
        rest &= ~bit;
    }
    if (rest != 0) {
        fail(EINVAL, "mount flags " + std::to_string(rest) + " have no attribute of fsmount");
    }
    // mountinfo shows the source; without one it would be "none".
    std::vector<ChildOption> options{{"source", step_.name}};
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
    if (action.like.starts_with(Tree)) {
        if (!tree(action.like)) {
            return;
        }
    } else if (!action.like.empty()) {
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

/// One bind for the tree, and one for each part that this kernel could not put into it.
void Lowering::lower(const BindDevices& action) {
    step_.opcode = Opcode::BindMount;
    step_.path = located(action.destination);
    step_.descriptor = descriptor(action.slot);
    step_.first = action.set;
    step_.flags = ChildStep::Recursive;
    steps_.push_back(step_);
    const std::string prefix = action.slot + "/";
    for (auto part = slots_.descriptors.lower_bound(prefix);
         part != slots_.descriptors.end() && part->first.starts_with(prefix);
         ++part) {
        step_.path = located(action.destination + "/" + part->first.substr(prefix.size()));
        step_.descriptor = part->second;
        steps_.push_back(step_);
    }
    skipped_ = true;  // all are there already
}

void Lowering::lower(const CloseDescriptors&) {
    step_.opcode = Opcode::CloseDescriptors;
    std::vector<int> kept = passed_;
    for (const Step& step : plan_.steps) {
        const auto* used = std::get_if<UseDescriptor>(&step.action);
        if (used != nullptr && used->number >= 3) {
            kept.push_back(used->number);
        }
    }
    list(kept);
}

}  // namespace hearth::launch
