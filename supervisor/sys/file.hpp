// SPDX-License-Identifier: MIT
//
// Files, directories and descriptors: one function per system call, under the call's own name, with
// a Result. An error says the call, the path and strerror; its code is the errno value. Calls are
// repeated after EINTR (never close). O_CLOEXEC is always set. Reads are bounded by the caller, so
// that a hostile or endless file can't fill memory; nothing here logs or keeps state.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::sys {

/// `open /srv/x: No such file or directory`, with errno's value as the code.
[[nodiscard]] Unexpected<Error> call_failure(
    std::string_view call, std::string_view subject, int code);

// ---- opening

Result<Descriptor> open(const std::string& path, int flags, mode_t mode = 0);
Result<Descriptor> openat(
    const Descriptor& directory, const std::string& path, int flags, mode_t mode = 0);
/// `resolve`: RESOLVE_* bits of openat2(2).
Result<Descriptor> openat2(
    int directory, const std::string& path, int flags, mode_t mode, std::uint64_t resolve);
Result<Descriptor> memfd_create(const std::string& name, unsigned flags = 0);
/// EFD_CLOEXEC | EFD_NONBLOCK.
Result<Descriptor> eventfd();
struct Pipe {
    Descriptor read, write;
};
/// `flags` beside O_CLOEXEC: O_NONBLOCK.
Result<Pipe> pipe2(int flags = 0);
/// A duplicate with a number of at least `minimum`, close-on-exec.
Result<Descriptor> duplicate(int descriptor, int minimum = 3);

// ---- reading and writing

/// The whole file, at most `maximum` bytes; longer is an error (EFBIG).
Result<std::string> read_file(const std::string& path, std::size_t maximum);
/// From the current position to the end. `subject` names the descriptor in errors.
Result<std::string> read_all(int descriptor, std::size_t maximum, const std::string& subject);
/// One read(2). 0 bytes: end of file.
Result<std::size_t> read(
    int descriptor, void* buffer, std::size_t size, const std::string& subject);
/// Opens (never creates) and writes in one write(2), as cgroup and proc files want it.
Result<void> write_file(const std::string& path, std::string_view content);
/// All of it, in as many writes as it takes.
Result<void> write_all(int descriptor, std::string_view content, const std::string& subject);
/// Writes a temporary file beside `path`, then renames it: readers see the old or the new whole.
Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode);

// ---- names

Result<void> mkdir(const std::string& path, mode_t mode);
/// mkdir -p: existing directories are fine and keep their mode.
Result<void> make_directories(const std::string& path, mode_t mode);
Result<void> rmdir(const std::string& path);
Result<void> unlink(const std::string& path);
Result<void> rename(const std::string& from, const std::string& to);
Result<void> symlink(const std::string& target, const std::string& path);
Result<std::string> readlink(const std::string& path);
struct DirectoryEntry {
    std::string name;
    unsigned char type = 0;  ///< DT_REG ...; DT_UNKNOWN where the file system doesn't tell
};
/// What is in a directory, without "." and "..", sorted by name.
Result<std::vector<DirectoryEntry>> list_directory(const std::string& path);
/// The names alone.
Result<std::vector<std::string>> read_directory(const std::string& path);
/// rm -r that follows no symlink and crosses no mount point. A missing path is fine. `stop`, asked
/// at each entry, ends it with ECANCELED.
Result<void> remove_tree(const std::string& path, const std::function<bool()>& stop = {});

// ---- attributes

Result<struct stat> stat(const std::string& path);
Result<struct stat> lstat(const std::string& path);
Result<struct stat> fstat(int descriptor);
Result<void> chmod(const std::string& path, mode_t mode);
Result<void> fchmod(int descriptor, mode_t mode);
Result<void> chown(const std::string& path, uid_t user, gid_t group);
Result<void> fchown(int descriptor, uid_t user, gid_t group);
Result<std::string> getxattr(const std::string& path, const std::string& name);
Result<void> setxattr(const std::string& path, const std::string& name, std::string_view value);
/// LOCK_SH, LOCK_EX, LOCK_UN, with LOCK_NB: EWOULDBLOCK where somebody else holds it.
Result<void> flock(int descriptor, int operation);
Result<void> set_nonblocking(int descriptor, bool nonblocking);

}  // namespace hearth::sys
