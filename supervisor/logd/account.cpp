// SPDX-License-Identifier: MIT
#include "supervisor/logd/account.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "supervisor/sys/file.hpp"

namespace hearth::logd {

namespace {

constexpr std::size_t slots = 16384;
constexpr std::uint64_t layout = 0x68656172746c6701;  // "heartlg", 1
constexpr char released = '.';                        // no unit's name begins so
constexpr int lowest_number = 10;                     // none of those that a child is given

}  // namespace

struct Account::Shared {
    std::uint64_t layout;
    std::atomic<std::uint64_t> reading;  ///< the slot's number and one; 0: no read is under way
    std::uint64_t taken_before;          ///< of that slot
    std::array<char, input_size + 1> input;
    std::array<Slot, slots> units;
};

Result<sys::Descriptor> Account::make() {
    const sys::Descriptor made(::memfd_create("hearth-logd-account", MFD_CLOEXEC));
    if (!made || ::ftruncate(made.number(), sizeof(Shared)) < 0) {
        return sys::call_failure("memfd_create", "hearth-logd's account", errno);
    }
    sys::Descriptor high(::fcntl(made.number(), F_DUPFD_CLOEXEC, lowest_number));
    if (!high) {
        return sys::call_failure("fcntl", "hearth-logd's account", errno);
    }
    return high;
}

Result<std::unique_ptr<Account>> Account::open(const sys::Descriptor& memory) {
    const auto status = HEARTH_TRY(sys::fstat(memory.number()));
    if (static_cast<std::size_t>(status.st_size) != sizeof(Shared)) {
        return failure("the account is another version's");
    }
    void* const mapped =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory.number(), 0);
    if (mapped == MAP_FAILED) {
        return sys::call_failure("mmap", "the account", errno);
    }
    auto* const shared = static_cast<Shared*>(mapped);
    if (shared->layout != 0 && shared->layout != layout) {
        ::munmap(mapped, sizeof(Shared));
        return failure("the account is another version's");
    }
    shared->layout = layout;
    return std::unique_ptr<Account>(new Account(shared));
}

Account::~Account() {
    ::munmap(shared_, sizeof(Shared));
}

std::vector<Account::Loss> Account::take_losses() {
    std::vector<Loss> losses;
    const std::uint64_t reading = shared_->reading;
    for (std::size_t index = 0; index < slots && shared_->units[index].unit[0] != '\0'; ++index) {
        Slot& slot = shared_->units[index];
        const std::uint64_t taken = slot.taken;
        Loss loss;
        loss.unit = slot.unit.data();
        loss.lines = taken - std::min<std::uint64_t>(taken, slot.stored);
        loss.lines += slot.untold + slot.partial;
        if (reading == index + 1 && taken == shared_->taken_before) {
            loss.lines += static_cast<std::uint64_t>(
                std::count(shared_->input.begin(), shared_->input.end(), '\n'));
        }
        if (loss.lines > 0) {
            losses.push_back(std::move(loss));
        }
    }
    // What was never touched costs no memory, and again none.
    const std::uint64_t kept = shared_->layout;
    (void)::madvise(shared_, sizeof(Shared), MADV_REMOVE);
    shared_->layout = kept;
    return losses;
}

Account::Slot* Account::slot(std::string_view unit) {
    for (Slot& each : shared_->units) {
        if (each.unit[0] != '\0' && each.unit[0] != released) {
            continue;
        }
        each.unit.fill('\0');
        unit.copy(each.unit.data(), each.unit.size() - 1);
        return &each;
    }
    return nullptr;
}

void Account::release(Slot* slot) {
    if (slot != nullptr) {
        slot->taken = slot->stored = slot->untold = slot->partial = 0;
        slot->unit[0] = released;
    }
}

char* Account::reading(const Slot* slot) {
    if (slot != nullptr) {
        shared_->taken_before = slot->taken;
        shared_->reading = static_cast<std::uint64_t>(slot - shared_->units.data()) + 1;
    }
    return shared_->input.data();
}

void Account::read_done(std::size_t used) {
    shared_->reading = 0;
    std::memset(shared_->input.data(), 0, std::min(used, input_size));
}

}  // namespace hearth::logd
