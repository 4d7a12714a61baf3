// SPDX-License-Identifier: MIT
//
// The stock systemctl against a socket of ours: run in a mount namespace of its own whose /run is
// an empty tmpfs with /run/systemd/system and /run/systemd/private, so the machine's /run is never
// touched.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace hearth::test {

/// Where that program of the systemd package is; empty: nowhere.
inline std::string stock_client(const std::string& name) {
    for (const char* directory : {"/usr/bin/", "/bin/", "/opt/systemd-man/bin/"}) {
        if (::access((directory + name).c_str(), X_OK) == 0) {
            return directory + name;
        }
    }
    return {};
}

inline std::string stock_systemctl() {
    return stock_client("systemctl");
}

/// Never returns but for an error: 125 where the namespace can't be made, 127 without the program.
inline int become_stock_client(const std::string& socket, const std::vector<std::string>& words) {
    if (::unshare(CLONE_NEWNS) < 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0 ||
        ::mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0 ||
        ::mkdir("/run/systemd", 0755) < 0 || ::mkdir("/run/systemd/system", 0755) < 0 ||
        ::symlink(socket.c_str(), "/run/systemd/private") < 0) {
        return 125;
    }
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + socket).c_str(), 1);
    ::setenv("SYSTEMD_IGNORE_CHROOT", "1", 1);
    ::setenv("TZ", "UTC", 1);
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    return 127;
}

}  // namespace hearth::test
