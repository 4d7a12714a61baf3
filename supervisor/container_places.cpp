// SPDX-License-Identifier: MIT
#include "supervisor/container_places.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "supervisor/logd/protocol.hpp"

namespace hearth {

namespace {

/// Nobody else may have made it, or may write to it.
bool is_ours(const std::string& path) {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
           status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
           ::access(path.c_str(), W_OK | X_OK) == 0;
}

bool have(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) < 0 && errno == ENOENT) {
        (void)::mkdir(path.substr(0, path.rfind('/')).c_str(), 0755);
        (void)::mkdir(path.c_str(), mode);
    }
    return is_ours(path);
}

}  // namespace

Result<std::string> find_container_runtime_directory() {
    std::string tried;
    for (const std::string& path : container_runtime_directories()) {
        if (have(path, path == "/run/hearth" ? 0755 : 0700)) {
            return path;
        }
        tried += (tried.empty() ? "" : ", ") + path;
    }
    return failure(
        "no directory for sockets and state can be made (" + tried + ") as uid " +
            std::to_string(::geteuid()) +
            ": mount a tmpfs on /run that it may write to, or on /tmp with mode 1777, or name one "
            "with --runtime-dir",
        EROFS);
}

std::string find_container_log_directory() {
    const std::string usual = "/var/log/hearth";
    return have(usual, 0750) ? usual : std::string(logd::no_directory);
}

}  // namespace hearth
