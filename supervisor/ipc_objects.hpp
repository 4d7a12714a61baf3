// SPDX-License-Identifier: MIT
//
// Removes what a user leaves in the host's IPC namespace (RemoveIPC=): System V semaphores, shared
// memory and message queues, POSIX shared memory and message queues. Walks them all: worker only.
// Never for root (systemd.exec(5)).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace hearth {

/// Objects of this user or of this group; 0 stands for nobody. What could not be removed, in words.
std::vector<std::string> remove_ipc_objects(uid_t user, gid_t group);

}  // namespace hearth
