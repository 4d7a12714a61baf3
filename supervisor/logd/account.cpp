// SPDX-License-Identifier: MIT
#include "supervisor/logd/account.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "supervisor/sys/file.hpp"

namespace hearth::logd {

namespace {

constexpr std::size_t slots = 16384;
constexpr std::uint64_t layout = 0x68656172746c6702;  // "heartlg", 2
constexpr char released = '.';                        // no unit's name begins so
constexpr int lowest_number = 10;                     // none of those that a child is given

/// One at a time: a hearth-logd that nobody took up before its hearthd died ends by itself, at
/// once.
bool lock(int memory) {
    constexpr int patience_milliseconds = 1000;
    struct flock whole{};
    whole.l_type = F_WRLCK;
    for (int waited = 0; ::fcntl(memory, F_SETLK, &whole) < 0; ++waited) {
        if ((errno != EAGAIN && errno != EACCES) || waited >= patience_milliseconds) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

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

bool Account::fits(const sys::Descriptor& memory) {
    const auto status = sys::fstat(memory.number());
    return status && static_cast<std::size_t>(status->st_size) == sizeof(Shared);
}

Result<std::unique_ptr<Account>> Account::open(sys::Descriptor memory) {
    if (!fits(memory)) {
        return failure("the account is another version's");
    }
    if (!lock(memory.number())) {
        return failure("the account is in use by another hearth-logd", EBUSY);
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
    return std::unique_ptr<Account>(new Account(shared, std::move(memory)));
}

Account::~Account() {
    ::munmap(shared_, sizeof(Shared));
}

std::vector<Account::Loss> Account::take_losses() {
    std::vector<Loss> losses;
    for (std::size_t index = 0; index < slots && shared_->units[index].unit[0] != '\0'; ++index) {
        Slot& slot = shared_->units[index];
        if (slot.unit[0] == released) {
            continue;
        }
        const std::uint64_t taken = slot.taken;
        const std::uint64_t stored = slot.stored;
        Loss loss;
        loss.unit = slot.unit.data();
        loss.lines = taken - std::min(taken, stored) + slot.untold + slot.partial;
        if (stored < slot.told_at) {
            loss.lines += slot.telling;
        }
        const bool reading = shared_->reading == index + 1;
        if (reading && taken == shared_->taken_before) {
            loss.lines += static_cast<std::uint64_t>(
                std::count(shared_->input.begin(), shared_->input.end(), '\n'));
        }
        // In this order: killed in between, the next one counts some twice, and none not at all.
        slot.untold = loss.lines;
        if (reading) {
            shared_->reading = 0;
        }
        slot.taken = slot.telling = slot.partial = 0;
        slot.stored = slot.told_at = 0;
        if (loss.lines > 0) {
            losses.push_back(std::move(loss));
        } else {
            release(&slot);
        }
    }
    shared_->input.fill('\0');
    return losses;
}

Account::Slot* Account::slot(std::string_view unit) {
    Slot* free = nullptr;
    for (Slot& each : shared_->units) {
        if (each.unit.data() == unit) {
            return &each;
        }
        if (each.unit[0] == '\0' || each.unit[0] == released) {
            free = free == nullptr ? &each : free;
            if (each.unit[0] == '\0') {
                break;  // none behind it was ever used
            }
        }
    }
    if (free == nullptr || unit.empty()) {
        return nullptr;
    }
    // The first letter last: until then the place is free, and never the end of those in use.
    std::fill(free->unit.begin() + 1, free->unit.end(), '\0');
    unit.copy(free->unit.data() + 1, free->unit.size() - 2, 1);
    free->unit[0] = unit[0];
    return free;
}

void Account::tell(Slot* slot, std::uint64_t lines) {
    const bool one_before = slot->stored < slot->told_at;
    slot->told_at = slot->taken + 1;
    slot->telling = (one_before ? slot->telling.load() : 0) + lines;
}

void Account::release(Slot* slot) {
    if (slot != nullptr) {
        slot->taken = slot->stored = slot->untold = slot->partial = 0;
        slot->telling = slot->told_at = 0;
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
