// SPDX-License-Identifier: MIT
#include "supervisor/dynamic_users.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/launch/dynamic_user.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth {
namespace {

bool is_taken(const launch::Host& host, std::uint32_t uid) {
    return host.account_by_uid.contains(uid) ||
           std::ranges::any_of(host.groups, [&](const auto& group) { return group.second == uid; });
}

/// Whether some process runs as `uid`: its directory in /proc is its user's.
bool has_processes(std::uint32_t uid) {
    const auto names = sys::read_directory("/proc");
    return !names || std::ranges::any_of(*names, [&](const std::string& name) {
        if (name.front() < '0' || name.front() > '9') {
            return false;
        }
        const auto status = sys::stat("/proc/" + name);
        return status && status->st_uid == uid;
    });
}

}  // namespace

DynamicUsers::Claim& DynamicUsers::Claim::operator=(Claim&& other) noexcept {
    if (this != &other) {
        give_back();
        uid_ = other.uid_;
        path_ = std::move(other.path_);
        lock_ = std::move(other.lock_);
    }
    return *this;
}

/// Unlinked while locked: whoever opened it meanwhile sees that it is gone.
void DynamicUsers::Claim::give_back() {
    if (lock_) {
        ::unlink(path_.c_str());
        lock_.reset();
    }
}

Result<DynamicUsers::Claim> DynamicUsers::try_number(
    std::uint32_t uid, const std::string& name) const {
    const std::string number = std::to_string(uid);
    if (sys::lstat(others_ + "/" + number)) {
        return Claim();
    }
    const std::string path = directory_ + "/" + number;
    sys::Descriptor file = HEARTH_TRY(sys::open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (const auto locked = sys::flock(file.number(), LOCK_EX | LOCK_NB); !locked) {
        return locked.error().code == EWOULDBLOCK ? Result<Claim>(Claim())
                                                  : Unexpected(locked.error());
    }
    const auto status = HEARTH_TRY(sys::fstat(file.number()));
    if (status.st_nlink == 0) {
        return Claim();  // given back between our open and our lock; another number will do
    }
    if (status.st_size != 0 && has_processes(uid)) {
        return Claim();
    }
    if (::ftruncate(file.number(), 0) < 0) {
        return sys::call_failure("ftruncate", path, errno);
    }
    HEARTH_TRY(sys::write_all(file.number(), name + "\n", path));
    return Claim(uid, path, std::move(file));
}

Result<DynamicUsers::Claim> DynamicUsers::claim_again(std::uint32_t uid) const {
    const std::string path = directory_ + "/" + std::to_string(uid);
    sys::Descriptor file = HEARTH_TRY(sys::open(path, O_RDWR | O_NOFOLLOW));
    HEARTH_TRY(sys::flock(file.number(), LOCK_EX | LOCK_NB));
    return Claim(uid, path, std::move(file));
}

Result<DynamicUsers::Claim> DynamicUsers::claim(
    const std::string& name,
    const std::vector<std::string>& homes,
    const launch::Host& host) const {
    HEARTH_TRY(sys::make_directories(directory_, 0700));
    std::vector<std::uint32_t> candidates;
    for (const std::string& home : homes) {
        if (const auto status = sys::stat(home); status && launch::is_dynamic_uid(status->st_uid)) {
            candidates.push_back(status->st_uid);
        }
    }
    constexpr std::uint32_t count = launch::last_dynamic_uid - launch::first_dynamic_uid + 1;
    for (std::uint32_t attempt = 0; attempt < count + candidates.size(); ++attempt) {
        const std::uint32_t uid =
            attempt < candidates.size()
                ? candidates[attempt]
                : launch::dynamic_uid_candidate(
                      name, attempt - static_cast<std::uint32_t>(candidates.size()));
        if (is_taken(host, uid)) {
            continue;
        }
        Claim claim = HEARTH_TRY(try_number(uid, name));
        if (claim) {
            return claim;
        }
    }
    return failure("no number of 61184 to 65519 is free", EBUSY);
}

}  // namespace hearth
