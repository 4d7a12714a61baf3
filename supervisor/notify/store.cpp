// SPDX-License-Identifier: MIT
#include "supervisor/notify/store.hpp"

#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/sys/file.hpp"

namespace hearth::notify {

std::string slot_of(std::uint64_t id) {
    return "stored-" + std::to_string(id);
}

/// Where the kernel has no kcmp(2) no two are the same: a double costs a place, nothing else.
bool DescriptorStore::has(const std::string& unit, int descriptor) const {
    const long self = ::getpid();
    return std::ranges::any_of(held_, [&](const auto& entry) {
        const Held& held = entry.second;
        return held.kept && held.unit == unit &&
               ::syscall(SYS_kcmp, self, self, KCMP_FILE, held.descriptor.number(), descriptor) ==
                   0;
    });
}

std::vector<std::uint64_t> DescriptorStore::offer(
    const std::string& unit, std::vector<sys::Descriptor> descriptors) {
    std::vector<std::uint64_t> ids;
    for (sys::Descriptor& descriptor : descriptors) {
        if (has(unit, descriptor.number())) {
            continue;
        }
        Held held;
        held.unit = unit;
        held.descriptor = std::move(descriptor);
        held_.emplace(next_, std::move(held));
        ids.push_back(next_++);
    }
    return ids;
}

void DescriptorStore::keep(std::uint64_t id, bool poll) {
    const auto found = held_.find(id);
    if (found == held_.end()) {
        return;
    }
    Held& held = found->second;
    held.kept = true;
    if (!poll) {
        return;
    }
    // A file that can't be polled (EPERM) never hangs up.
    auto source =
        loop_.on_io(held.descriptor.number(), 0, Priority::Io, [this, id](std::uint32_t events) {
            const auto present = held_.find(id);
            if (present != held_.end() && (events & (EPOLLHUP | EPOLLERR)) != 0) {
                present->second.source.enable(false);
                ended_(present->second.unit, id);
            }
        });
    if (source) {
        held.source = std::move(*source);
    }
}

void DescriptorStore::decline(const std::vector<std::uint64_t>& offered) {
    for (const std::uint64_t id : offered) {
        const auto found = held_.find(id);
        if (found != held_.end() && !found->second.kept) {
            held_.erase(found);
        }
    }
}

void DescriptorStore::close(std::uint64_t id) {
    held_.erase(id);
}

void DescriptorStore::restore(
    const std::string& unit, std::uint64_t id, sys::Descriptor descriptor, bool poll) {
    Held held;
    held.unit = unit;
    held.descriptor = std::move(descriptor);
    held_.insert_or_assign(id, std::move(held));
    next_ = std::max(next_, id + 1);
    keep(id, poll);
}

int DescriptorStore::number(std::uint64_t id) const {
    const auto found = held_.find(id);
    return found == held_.end() ? -1 : found->second.descriptor.number();
}

Result<sys::Descriptor> DescriptorStore::duplicate(std::uint64_t id) const {
    const auto found = held_.find(id);
    if (found == held_.end()) {
        return failure("stored descriptor " + std::to_string(id) + " is gone", EBADF);
    }
    return sys::duplicate(found->second.descriptor.number());
}

}  // namespace hearth::notify
