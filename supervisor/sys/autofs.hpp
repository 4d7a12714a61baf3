// SPDX-License-Identifier: MIT
//
// The kernel's automounter, autofs of protocol 5, as Results: its mounts, the requests that come
// out of its pipe, and the answers, which go through /dev/autofs (linux/auto_dev-ioctl.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::sys {

/// Mounts autofs on `where`, with `pipe` as the kernel's end; processes of this process group pass
/// without being held up.
Result<void> mount_autofs(const std::string& where, int pipe, const std::string& extra_options);

/// A descriptor of the autofs mount on `where` (its st_dev), also where something is mounted over
/// it.
Result<Descriptor> open_autofs(std::uint64_t device, const std::string& where);
/// Another end of a pipe, and this process group as the one that passes. Whoever waits at that
/// moment gets an error: the kernel takes another daemon only once it has given up the old one.
Result<void> take_over_autofs(int mount, int pipe);
/// After how many seconds without use it may be asked to go; 0: never.
Result<void> set_autofs_timeout(int mount, std::uint64_t seconds);
/// `error` 0: the request with that token is fulfilled; else it failed for that errno.
Result<void> answer_autofs(int mount, std::uint32_t token, int error);
/// Asks whether something there is idle. If so a request follows, and this returns when that has
/// been answered; false: nothing is idle. Blocks.
Result<bool> expire_autofs(int mount);

struct AutofsRequest {
    std::uint32_t token = 0;
    bool expires = false;
    std::uint32_t pid = 0;
};
/// The next request of the non-blocking pipe, which stays there; nothing: none waits. An error with
/// code 0: the mount is gone.
Result<std::optional<AutofsRequest>> peek_autofs(int pipe);
/// Takes it out.
Result<void> take_autofs(int pipe);

}  // namespace hearth::sys
