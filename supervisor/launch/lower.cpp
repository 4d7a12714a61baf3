// SPDX-License-Identifier: MIT
#include "supervisor/launch/lower.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <utility>

#include "supervisor/launch/lowering.hpp"

namespace hearth::launch {
namespace {

template <class T>
constexpr bool MakesMounts =
    std::is_same_v<T, MountPropagation> || std::is_same_v<T, KeepTree> ||
    std::is_same_v<T, BindMount> || std::is_same_v<T, MountAttributes> ||
    std::is_same_v<T, MountFileSystem> || std::is_same_v<T, HidePath> ||
    std::is_same_v<T, MakeDirectory> || std::is_same_v<T, MakeMountPoint> ||
    std::is_same_v<T, MakeSymlink> || std::is_same_v<T, MakeDevice> ||
    std::is_same_v<T, BindDevices> || std::is_same_v<T, PivotRoot>;

bool makes_mounts(const Step& step) {
    return std::visit([]<class T>(const T&) { return MakesMounts<T>; }, step.action);
}

}  // namespace

LoweredPlan::LoweredPlan()
    : arena_(std::make_unique<std::pmr::monotonic_buffer_resource>(32 * 1024)),
      program_(new(arena_->allocate(sizeof(ChildProgram), alignof(ChildProgram))) ChildProgram()) {}

LoweredPlan::LoweredPlan(LoweredPlan&& other) noexcept
    : arena_(std::move(other.arena_)),
      program_(std::exchange(other.program_, nullptr)),
      shared_(std::exchange(other.shared_, false)) {}

LoweredPlan::~LoweredPlan() {
    if (shared_) {
        ::munmap(program_, sizeof(ChildProgram));
    }
}

bool LoweredPlan::share() {
    void* const page = ::mmap(
        nullptr, sizeof(ChildProgram), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        return false;
    }
    program_ = std::construct_at(static_cast<ChildProgram*>(page), *program_);
    shared_ = true;
    return true;
}

Result<LoweredPlan, LoweringFailure> Lowering::run() {
    find_positions();
    for (index_ = 0; index_ < plan_.steps.size(); ++index_) {
        lower_step(plan_.steps[index_]);
        if (failure_) {
            return Unexpected(LoweringFailure{index_, *failure_});
        }
    }
    finish();
    if (failure_) {
        return Unexpected(LoweringFailure{index_, *failure_});
    }
    return std::move(lowered_);
}

void Lowering::find_positions() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
        const Step& step = plan_.steps[i];
        if (const auto* pivot = std::get_if<PivotRoot>(&step.action)) {
            root_ = pivot->root;
            root_position_ = i;
        }
        if (const auto* propagation = std::get_if<MountPropagation>(&step.action)) {
            switch (propagation->finally) {
                case MountPropagation::Final::Slave:
                    break;
                case MountPropagation::Final::Shared:
                    final_propagation_ = PropagationShared;
                    break;
                case MountPropagation::Final::Private:
                    final_propagation_ = PropagationPrivate;
                    break;
            }
        }
        has_devices_ = has_devices_ || std::holds_alternative<MakeDevice>(step.action);
        if (makes_mounts(step)) {
            first_mount_ = std::min(first_mount_, i);
            last_mount_ = i;
        }
    }
}

void Lowering::lower_step(const Step& step) {
    if (step.stage > Stage::Descriptors) {
        pass_descriptors(step);
    }
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
    if (index_ == last_mount_ && final_propagation_ != 0 && makes_mounts(step)) {
        begin(step, Opcode::MountPropagation);
        step_.second = final_propagation_;
        steps_.push_back(step_);
    }
}

void Lowering::begin(const Step& step, Opcode opcode) {
    step_ = ChildStep();
    step_.opcode = opcode;
    step_.plan_step = static_cast<std::uint32_t>(index_);
    step_.exit_status = step.exit_status;
}

void Lowering::pass_descriptors(const Step& step) {
    if (std::exchange(passed_done_, true)) {
        return;
    }
    constexpr int first_passed = 3;  // SD_LISTEN_FDS_START
    constexpr std::size_t widest_pid = 10;
    std::string names;
    for (const Passed& passed : plan_.passed) {
        if (slots_.absent.contains(passed.slot)) {
            continue;
        }
        const int number = first_passed + static_cast<int>(passed_.size());
        begin(step, Opcode::UseDescriptor);
        step_.descriptor = descriptor(passed.slot);
        step_.first = static_cast<std::uint64_t>(number);
        steps_.push_back(step_);
        names += (passed_.empty() ? "" : ":") + passed.name;
        passed_.push_back(number);
    }
    std::vector<std::string> own_pid = plan_.own_pid_variables;
    if (!passed_.empty()) {
        extra_.push_back(text("LISTEN_FDS=" + std::to_string(passed_.size())));
        extra_.push_back(text("LISTEN_FDNAMES=" + names));
        own_pid.emplace_back("LISTEN_PID");
    }
    std::vector<const char*> places;
    for (const std::string& variable : own_pid) {
        extra_.push_back(text(variable + "=" + std::string(widest_pid, ' ')));
        places.push_back(extra_.back() + variable.size() + 1);
    }
    if (!places.empty()) {
        begin(step, Opcode::OwnPid);
        list(places);
        steps_.push_back(step_);
    }
}

void Lowering::finish() {
    if (!plan_.steps.empty()) {
        pass_descriptors(plan_.steps.back());
    }
    if (needs_own_memory(plan_) && !lowered_.share()) {
        fail(ENOMEM, "no page for the child's report");
    }
    ChildProgram& program = lowered_.program();
    program.steps = array(steps_);
    program.step_count = static_cast<std::uint32_t>(steps_.size());
    // Empty: searched and not found. execve says so, with the status that systemd has for it.
    program.executable = plan_.executable.empty() ? text("") : absolute(plan_.executable);
    if (!plan_.executable_slot.empty()) {
        program.executable = text("");
        program.executable_descriptor = descriptor(plan_.executable_slot);
    }
    program.arguments = texts(plan_.argv);
    program.environment = texts(plan_.environment, extra_);
    program.inaccessible = slots_.inaccessible;
    program.kept_trees = static_cast<int*>(
        lowered_.arena_->allocate(sizeof(int) * (kept_.size() + 1), alignof(int)));
    if (plan_.argv.empty()) {
        fail(EINVAL, "the command has no arguments, not even its name");
    }
}

const char* Lowering::text(std::string_view value) {
    if (const std::size_t zero = value.find('\0'); zero != std::string_view::npos) {
        fail(EINVAL, "a zero byte in '" + std::string(value.substr(0, zero)) + "'");
    }
    char* memory = static_cast<char*>(lowered_.arena_->allocate(value.size() + 1, 1));
    value.copy(memory, value.size());
    memory[value.size()] = '\0';
    return memory;
}

const char* const* Lowering::texts(
    const std::vector<std::string>& values, const std::vector<const char*>& more) {
    std::vector<const char*> pointers;
    pointers.reserve(values.size() + 1);
    for (const std::string& value : values) {
        pointers.push_back(text(value));
    }
    pointers.insert(pointers.end(), more.begin(), more.end());
    pointers.push_back(nullptr);
    return array(pointers);
}

const char* Lowering::absolute(std::string_view path) {
    if (path.empty() || path.front() != '/') {
        fail(EINVAL, "'" + std::string(path) + "' is not an absolute path");
    }
    return text(path);
}

ChildPath Lowering::located(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') {
        path.remove_suffix(1);
    }
    if (!root_.empty() && index_ < root_position_ && path.size() > root_.size() &&
        path.starts_with(root_) && path[root_.size()] == '/') {
        return ChildPath{text(root_), text(path.substr(root_.size() + 1))};
    }
    return ChildPath{nullptr, absolute(path)};
}

void Lowering::place(std::string_view path, ChildPath& parent, const char*& name) {
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

int Lowering::descriptor(const std::string& slot) {
    const auto found = slots_.descriptors.find(slot);
    if (found == slots_.descriptors.end()) {
        fail(EBADF, "no descriptor was given for '" + slot + "'");
        return -1;
    }
    return found->second;
}

void Lowering::fail(int code, std::string what) {
    if (!failure_) {
        failure_ = Error{std::move(what), code};
    }
}

void Lowering::flag(bool set, std::uint8_t bit) {
    if (set) {
        step_.flags = static_cast<std::uint8_t>(step_.flags | bit);
    }
}

Result<LoweredPlan, LoweringFailure> lower(const Plan& plan, const Slots& slots) {
    return Lowering(plan, slots).run();
}

int first_free_number(const Plan& plan) {
    int free = 3 + static_cast<int>(plan.passed.size());
    for (const Step& step : plan.steps) {
        if (const auto* used = std::get_if<UseDescriptor>(&step.action)) {
            free = std::max(free, used->number + 1);
        }
    }
    return free;
}

}  // namespace hearth::launch
