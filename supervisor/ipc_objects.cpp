// SPDX-License-Identifier: MIT
#include "supervisor/ipc_objects.hpp"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth {
namespace {

constexpr std::size_t max_table = std::size_t{16} << 20U;

struct Owner {
    uid_t user;
    gid_t group;

    [[nodiscard]] bool has(uid_t its_user, gid_t its_group) const {
        return (user != 0 && its_user == user) || (group != 0 && its_group == group);
    }
};

/// Positions of the fields in the lines of /proc/sysvipc/NAME (proc(5)).
struct Table {
    const char* name;
    std::size_t user, group;
    int (*remove)(int);
};
const Table tables[] = {
    {"shm", 7, 8, [](int id) { return ::shmctl(id, IPC_RMID, nullptr); }},
    {"sem", 4, 5, [](int id) { return ::semctl(id, 0, IPC_RMID); }},
    {"msg", 7, 8, [](int id) { return ::msgctl(id, IPC_RMID, nullptr); }},
};

void remove_system_v(const Table& table, const Owner& owner, std::vector<std::string>& failures) {
    const auto text = sys::read_file(std::string("/proc/sysvipc/") + table.name, max_table);
    if (!text) {
        return;  // a kernel without System V IPC
    }
    std::istringstream lines(*text);
    std::string line;
    std::getline(lines, line);  // the titles
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::vector<unsigned long> fields;
        for (std::string word; words >> word;) {
            fields.push_back(std::strtoul(word.c_str(), nullptr, 10));
        }
        if (fields.size() <= table.group ||
            !owner.has(
                static_cast<uid_t>(fields[table.user]), static_cast<gid_t>(fields[table.group]))) {
            continue;
        }
        if (table.remove(static_cast<int>(fields[1])) < 0 && errno != EINVAL && errno != EIDRM) {
            failures.push_back(
                sys::call_failure("remove", std::string(table.name) + " object", errno)
                    .error()
                    .what);
        }
    }
}

/// What lies in a directory that anybody may write to: /dev/shm, or the message queues.
void remove_files(const sys::Descriptor& directory, const Owner& owner, int depth) {
    constexpr int deepest = 16;
    const auto names = sys::read_directory("/proc/self/fd/" + std::to_string(directory.number()));
    if (!names || depth > deepest) {
        return;
    }
    for (const std::string& name : *names) {
        struct stat status{};
        if (::fstatat(directory.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
            continue;
        }
        const bool theirs = owner.has(status.st_uid, status.st_gid);
        if (S_ISDIR(status.st_mode)) {
            const auto inner = sys::openat2(
                directory.number(),
                name,
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                0,
                sys::ResolveNoSymlinks | 0x01);  // RESOLVE_NO_XDEV
            if (inner) {
                remove_files(*inner, owner, depth + 1);
            }
            if (theirs) {
                ::unlinkat(directory.number(), name.c_str(), AT_REMOVEDIR);
            }
        } else if (theirs) {
            ::unlinkat(directory.number(), name.c_str(), 0);
        }
    }
}

}  // namespace

std::vector<std::string> remove_ipc_objects(uid_t user, gid_t group) {
    const Owner owner{user, group};
    std::vector<std::string> failures;
    if (user == 0 && group == 0) {
        return failures;
    }
    for (const Table& table : tables) {
        remove_system_v(table, owner, failures);
    }
    if (const auto memory = sys::open("/dev/shm", O_RDONLY | O_DIRECTORY)) {
        remove_files(*memory, owner, 0);
    }
    // Whether or not somebody has mounted them: this namespace has one such file system.
    auto queues = sys::detached_mount("mqueue", "", 0);
    if (queues) {
        if (const auto top = sys::openat(*queues, ".", O_RDONLY | O_DIRECTORY)) {
            remove_files(*top, owner, 0);
        }
    }
    return failures;
}

}  // namespace hearth
