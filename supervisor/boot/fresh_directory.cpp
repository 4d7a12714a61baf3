// SPDX-License-Identifier: MIT
#include "supervisor/boot/fresh_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "supervisor/sys/file.hpp"

namespace hearth::boot {

namespace {

constexpr std::size_t largest = std::size_t{4} << 20U;
constexpr unsigned exchange = 2;  // RENAME_EXCHANGE of linux/fs.h
constexpr int deepest = 8;        // unit directories have two levels

using Visit = std::function<Result<void>(const std::string& below, const struct stat& status)>;

/// All that is no directory, by its path below `top`.
Result<void> walk(
    const std::string& top, const std::string& below, const Visit& visit, int depth = 0) {
    for (const std::string& name : HEARTH_TRY(sys::read_directory(top + below))) {
        const std::string path = below + '/' + name;
        const struct stat status = HEARTH_TRY(sys::lstat(top + path));
        if (!S_ISDIR(status.st_mode)) {
            HEARTH_TRY(visit(path, status));
        } else if (depth < deepest) {
            HEARTH_TRY(walk(top, path, visit, depth + 1));
        }
    }
    return {};
}

/// Every `from` becomes `to`; false: there is none.
bool replace_path(std::string& text, const std::string& from, const std::string& to) {
    bool found = false;
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
        text.replace(at, from.size(), to);
        at += to.size();
        found = true;
    }
    return found;
}

Result<void> copy(const std::string& from, const std::string& to, const struct stat& status) {
    HEARTH_TRY(sys::make_directories(to.substr(0, to.rfind('/')), 0755));
    if (S_ISLNK(status.st_mode)) {
        const std::string target = HEARTH_TRY(sys::readlink(from));
        return sys::symlink(target, to);
    }
    if (!S_ISREG(status.st_mode)) {
        return {};
    }
    const std::string text = HEARTH_TRY(sys::read_file(from, largest));
    return sys::replace_file(to, text, status.st_mode & mode_t{07777});
}

}  // namespace

Result<void> FreshDirectory::make() const {
    HEARTH_TRY(sys::remove_tree(fresh_));
    return sys::make_directories(fresh_, 0755);
}

Result<std::vector<std::string>> FreshDirectory::keep_what_is_missing() const {
    std::vector<std::string> kept;
    if (!sys::lstat(path_)) {
        return kept;
    }
    const Visit keep = [&](const std::string& below, const struct stat& status) -> Result<void> {
        if (!sys::lstat(fresh_ + below)) {
            HEARTH_TRY(copy(path_ + below, fresh_ + below, status));
            kept.push_back(below.substr(1));
        }
        return {};
    };
    HEARTH_TRY(walk(path_, "", keep));
    return kept;
}

Result<void> FreshDirectory::settle() const {
    const Visit rename = [&](const std::string& below, const struct stat& status) -> Result<void> {
        const std::string path = fresh_ + below;
        if (S_ISLNK(status.st_mode)) {
            std::string target = HEARTH_TRY(sys::readlink(path));
            if (replace_path(target, fresh_, path_)) {
                HEARTH_TRY(sys::unlink(path));
                HEARTH_TRY(sys::symlink(target, path));
            }
        } else if (S_ISREG(status.st_mode)) {
            std::string text = HEARTH_TRY(sys::read_file(path, largest));
            if (replace_path(text, fresh_, path_)) {
                HEARTH_TRY(sys::replace_file(path, text, status.st_mode & mode_t{07777}));
            }
        }
        return {};
    };
    HEARTH_TRY(walk(fresh_, "", rename));
    if (::syscall(SYS_renameat2, AT_FDCWD, fresh_.c_str(), AT_FDCWD, path_.c_str(), exchange) ==
        0) {
        return sys::remove_tree(fresh_);
    }
    // There is none yet, or a file system that exchanges nothing.
    HEARTH_TRY(sys::remove_tree(path_));
    return sys::rename(fresh_, path_);
}

}  // namespace hearth::boot
