// SPDX-License-Identifier: MIT
#include "supervisor/sys/file.hpp"

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "supervisor/sys/process.hpp"

namespace hearth::sys {
namespace {

/// Repeats `call` while a signal interrupts it.
template <class Call>
auto retried(Call call) {
    decltype(call()) result = 0;
    do {
        result = call();
    } while (result < 0 && errno == EINTR);
    return result;
}

Result<void> checked(long result, std::string_view call, std::string_view subject) {
    if (result < 0) {
        return call_failure(call, subject, errno);
    }
    return {};
}

Result<Descriptor> opened(long number, std::string_view call, std::string_view subject) {
    if (number < 0) {
        return call_failure(call, subject, errno);
    }
    return Descriptor(static_cast<int>(number));
}

std::string numbered(int descriptor) {
    return "descriptor " + std::to_string(descriptor);
}

}  // namespace

Unexpected<Error> call_failure(std::string_view call, std::string_view subject, int code) {
    std::string what(call);
    if (!subject.empty()) {
        what += ' ';
        what += subject;
    }
    what += ": ";
    char buffer[128];
    what += ::strerror_r(code, buffer, sizeof buffer);  // GNU form; strerror is not thread-safe
    return failure(std::move(what), code);
}

Result<Descriptor> open(const std::string& path, int flags, mode_t mode) {
    return opened(
        retried([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); }), "open", path);
}

Result<Descriptor> openat(
    const Descriptor& directory, const std::string& path, int flags, mode_t mode) {
    return opened(
        retried(
            [&] { return ::openat(directory.number(), path.c_str(), flags | O_CLOEXEC, mode); }),
        "openat",
        path);
}

Result<Descriptor> openat2(
    int directory, const std::string& path, int flags, mode_t mode, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
    how.mode = mode;
    how.resolve = resolve;
    return opened(
        // EAGAIN: a rename elsewhere made the kernel unsure whether ".." stayed below the root.
        retried([&] {
            long result = 0;
            int tries = 0;
            do {
                result = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
            } while (result < 0 && errno == EAGAIN && ++tries < 16);
            return result;
        }),
        "openat2",
        path);
}

Result<Descriptor> memfd_create(const std::string& name, unsigned flags) {
    return opened(::memfd_create(name.c_str(), flags | MFD_CLOEXEC), "memfd_create", name);
}

Result<Descriptor> eventfd() {
    return opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd", "");
}

Result<Pipe> pipe2(int flags) {
    int ends[2] = {-1, -1};
    HEARTH_TRY(checked(::pipe2(ends, flags | O_CLOEXEC), "pipe2", ""));
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<Descriptor> duplicate(int descriptor, int minimum) {
    return opened(::fcntl(descriptor, F_DUPFD_CLOEXEC, minimum), "fcntl", numbered(descriptor));
}

Result<std::string> read_file(const std::string& path, std::size_t maximum) {
    const Descriptor file = HEARTH_TRY(open(path, O_RDONLY | O_NOCTTY));
    return read_all(file.number(), maximum, path);
}

Result<std::string> read_all(int descriptor, std::size_t maximum, const std::string& subject) {
    std::string content;
    std::size_t filled = 0;
    while (true) {
        // One byte more than allowed tells a file that is too long from one that just fits.
        const std::size_t wanted =
            std::min<std::size_t>(std::max<std::size_t>(4096, filled), maximum + 1 - filled);
        content.resize(filled + wanted);
        const std::size_t count =
            HEARTH_TRY(read(descriptor, content.data() + filled, wanted, subject));
        filled += count;
        if (count == 0) {
            content.resize(filled);
            return content;
        }
        if (filled > maximum) {
            return call_failure("read", subject, EFBIG);
        }
    }
}

Result<std::size_t> read(
    int descriptor, void* buffer, std::size_t size, const std::string& subject) {
    const ssize_t count = retried([&] { return ::read(descriptor, buffer, size); });
    if (count < 0) {
        return call_failure("read", subject, errno);
    }
    return static_cast<std::size_t>(count);
}

Result<void> write_file(const std::string& path, std::string_view content) {
    const Descriptor file = HEARTH_TRY(open(path, O_WRONLY | O_NOCTTY));
    const ssize_t count =
        retried([&] { return ::write(file.number(), content.data(), content.size()); });
    if (count < 0) {
        return call_failure("write", path, errno);
    }
    if (static_cast<std::size_t>(count) != content.size()) {
        return call_failure(
            "write", path, EIO);  // a kernel file that took a part took nothing useful
    }
    return {};
}

Result<void> write_all(int descriptor, std::string_view content, const std::string& subject) {
    while (!content.empty()) {
        const ssize_t count =
            retried([&] { return ::write(descriptor, content.data(), content.size()); });
        if (count < 0) {
            return call_failure("write", subject, errno);
        }
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode) {
    const std::string temporary = path + ".new";
    const auto written = [&]() -> Result<void> {
        const Descriptor file =
            HEARTH_TRY(open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode));
        HEARTH_TRY(fchmod(file.number(), mode));
        HEARTH_TRY(write_all(file.number(), content, temporary));
        return rename(temporary, path);
    };
    Result<void> result = written();
    if (!result) {
        ::unlink(temporary.c_str());
    }
    return result;
}

Result<void> mkdir(const std::string& path, mode_t mode) {
    return checked(::mkdir(path.c_str(), mode), "mkdir", path);
}

Result<void> make_directories(const std::string& path, mode_t mode) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (!part.empty() && ::mkdir(part.c_str(), mode) < 0) {
            const int code = errno;
            struct stat status{};
            // EROFS and EACCES also come for a directory that is there already.
            if (::stat(part.c_str(), &status) < 0 || !S_ISDIR(status.st_mode)) {
                return call_failure("mkdir", part, code);
            }
        }
        if (end == std::string::npos) {
            return {};
        }
    }
}

Result<void> rmdir(const std::string& path) {
    return checked(::rmdir(path.c_str()), "rmdir", path);
}

Result<void> unlink(const std::string& path) {
    return checked(::unlink(path.c_str()), "unlink", path);
}

Result<void> rename(const std::string& from, const std::string& to) {
    return checked(::rename(from.c_str(), to.c_str()), "rename", from + " to " + to);
}

Result<void> symlink(const std::string& target, const std::string& path) {
    return checked(::symlink(target.c_str(), path.c_str()), "symlink", path);
}

Result<std::string> readlink(const std::string& path) {
    std::string target(256, '\0');
    while (true) {
        const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
        if (length < 0) {
            return call_failure("readlink", path, errno);
        }
        if (static_cast<std::size_t>(length) < target.size()) {
            target.resize(static_cast<std::size_t>(length));
            return target;
        }
        target.resize(target.size() * 2);
    }
}

namespace {

Result<std::vector<DirectoryEntry>> entries_in(Descriptor directory, const std::string& path) {
    DIR* stream = ::fdopendir(directory.number());
    if (stream == nullptr) {
        return call_failure("fdopendir", path, errno);
    }
    static_cast<void>(directory.release());  // closedir closes it
    std::vector<DirectoryEntry> entries;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view found = entry->d_name;
        if (found != "." && found != "..") {
            entries.push_back({std::string(found), entry->d_type});
        }
        errno = 0;
    }
    const int code = errno;
    ::closedir(stream);
    if (code != 0) {
        return call_failure("readdir", path, code);
    }
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    return entries;
}

Result<std::vector<std::string>> names_in(Descriptor directory, const std::string& path) {
    std::vector<std::string> names;
    for (DirectoryEntry& entry : HEARTH_TRY(entries_in(std::move(directory), path))) {
        names.push_back(std::move(entry.name));
    }
    return names;
}

/// RESOLVE_NO_XDEV, no symlinks: an entry swapped for a link or covered by a mount ends the
/// removal.
constexpr std::uint64_t StayInside = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;

constexpr int MaximumDepth = 64;  // one descriptor is open per level

/// Removes what is in `directory`. A tree deeper than MaximumDepth (a hostile service can make one)
/// is moved up into `top`, whose caller looks again until it is empty.
Result<void> empty_directory(
    const Descriptor& directory,
    const Descriptor& top,
    const std::string& path,
    int depth,
    const std::function<bool()>& stop) {
    Descriptor copy = HEARTH_TRY(openat(directory, ".", O_RDONLY | O_DIRECTORY));
    for (const std::string& entry : HEARTH_TRY(names_in(std::move(copy), path))) {
        const std::string full = path + "/" + entry;
        if (stop && stop()) {
            return call_failure("remove", full, ECANCELED);
        }
        if (::unlinkat(directory.number(), entry.c_str(), 0) == 0 || errno == ENOENT) {
            continue;
        }
        if (errno != EISDIR && errno != EPERM) {
            return call_failure("unlink", full, errno);
        }
        if (::unlinkat(directory.number(), entry.c_str(), AT_REMOVEDIR) == 0) {
            continue;
        }
        if (depth == MaximumDepth) {
            const std::string moved = HEARTH_TRY(random_hex(16));
            if (::renameat(directory.number(), entry.c_str(), top.number(), moved.c_str()) < 0) {
                return call_failure("rename", full, errno);
            }
            continue;
        }
        const Descriptor below = HEARTH_TRY(
            openat2(directory.number(), entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, StayInside));
        HEARTH_TRY(empty_directory(below, top, full, depth + 1, stop));
        if (::unlinkat(directory.number(), entry.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) {
            return call_failure("rmdir", full, errno);
        }
    }
    return {};
}

}  // namespace

Result<std::vector<std::string>> read_directory(const std::string& path) {
    return names_in(HEARTH_TRY(open(path, O_RDONLY | O_DIRECTORY)), path);
}

Result<std::vector<DirectoryEntry>> list_directory(const std::string& path) {
    return entries_in(HEARTH_TRY(open(path, O_RDONLY | O_DIRECTORY)), path);
}

Result<void> remove_tree(const std::string& path, const std::function<bool()>& stop) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) {
        return {};
    }
    if (errno != EISDIR && errno != EPERM) {
        return call_failure("unlink", path, errno);
    }
    const Descriptor top = HEARTH_TRY(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    // Again while deep trees come up, but not for ever against somebody who goes on filling it.
    for (int round = 0; round < 1000; ++round) {
        HEARTH_TRY(empty_directory(top, top, path, 0, stop));
        if (::rmdir(path.c_str()) == 0) {
            return {};
        }
        if (errno != ENOTEMPTY) {
            return call_failure("rmdir", path, errno);
        }
    }
    return call_failure("rmdir", path, ENOTEMPTY);
}

Result<struct stat> stat(const std::string& path) {
    struct stat status{};
    HEARTH_TRY(checked(::stat(path.c_str(), &status), "stat", path));
    return status;
}

Result<struct stat> lstat(const std::string& path) {
    struct stat status{};
    HEARTH_TRY(checked(::lstat(path.c_str(), &status), "lstat", path));
    return status;
}

Result<struct stat> fstat(int descriptor) {
    struct stat status{};
    HEARTH_TRY(checked(::fstat(descriptor, &status), "fstat", numbered(descriptor)));
    return status;
}

Result<void> chmod(const std::string& path, mode_t mode) {
    return checked(::chmod(path.c_str(), mode), "chmod", path);
}

Result<void> fchmod(int descriptor, mode_t mode) {
    return checked(::fchmod(descriptor, mode), "fchmod", numbered(descriptor));
}

Result<void> chown(const std::string& path, uid_t user, gid_t group) {
    return checked(::chown(path.c_str(), user, group), "chown", path);
}

Result<void> fchown(int descriptor, uid_t user, gid_t group) {
    return checked(::fchown(descriptor, user, group), "fchown", numbered(descriptor));
}

Result<std::string> getxattr(const std::string& path, const std::string& name) {
    std::string value(256, '\0');
    while (true) {
        const ssize_t size = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
        if (size >= 0) {
            value.resize(static_cast<std::size_t>(size));
            return value;
        }
        if (errno != ERANGE || value.size() > 65536) {
            return call_failure("getxattr", path, errno);
        }
        value.resize(value.size() * 4);
    }
}

Result<void> setxattr(const std::string& path, const std::string& name, std::string_view value) {
    return checked(
        ::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0), "setxattr", path);
}

Result<void> flock(int descriptor, int operation) {
    return checked(
        retried([&] { return ::flock(descriptor, operation); }), "flock", numbered(descriptor));
}

Result<void> set_nonblocking(int descriptor, bool nonblocking) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    HEARTH_TRY(checked(flags, "fcntl", numbered(descriptor)));
    const int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return checked(::fcntl(descriptor, F_SETFL, wanted), "fcntl", numbered(descriptor));
}

}  // namespace hearth::sys
