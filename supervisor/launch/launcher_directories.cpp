// SPDX-License-Identifier: MIT
#include "supervisor/launch/launcher_directories.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth::launch {
namespace {

constexpr int look = O_PATH | O_DIRECTORY, work = O_RDONLY | O_DIRECTORY;
constexpr std::uint64_t beneath = 0x08, no_crossing = 0x01;  // RESOLVE_BENEATH, RESOLVE_NO_XDEV
constexpr mode_t parent_mode = 0755, private_mode = 0700;
constexpr int deepest = 256;  ///< each level holds a descriptor

std::vector<std::string> names_of(std::string_view path) {
    std::vector<std::string> names;
    while (!path.empty()) {
        const std::string_view name = path.substr(0, path.find('/'));
        names.emplace_back(name);
        path.remove_prefix(std::min(path.size(), name.size() + 1));
    }
    return names;
}

/// Whether nobody but root and we can put a name into that directory.
bool is_ours_alone(const struct stat& status) {
    const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
    const bool closed = (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 || S_ISLNK(status.st_mode);
    return ours && closed;
}

/// `name` in `directory`, never by a link that a stranger can have made.
Result<sys::Descriptor> enter(
    const sys::Descriptor& directory, const std::string& name, int flags) {
    auto found = sys::openat2(
        directory.number(), name, flags | O_NOFOLLOW, 0, beneath | sys::ResolveNoSymlinks);
    if (found || (found.error().code != ELOOP && found.error().code != ENOTDIR)) {
        return found;
    }
    struct stat link{};
    const auto holder = HEARTH_TRY(sys::fstat(directory.number()));
    if (::fstatat(directory.number(), name.c_str(), &link, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISLNK(link.st_mode)) {
        return found;
    }
    if (!is_ours_alone(link) || !is_ours_alone(holder)) {
        return failure("'" + name + "' is a symbolic link that a stranger can have made", ELOOP);
    }
    return sys::openat(directory, name, flags);
}

struct Entered {
    sys::Descriptor directory;
    bool made = false;
};

Result<Entered> enter_or_make(
    const sys::Descriptor& directory, const std::string& name, mode_t mode) {
    auto found = enter(directory, name, work);
    if (found || found.error().code != ENOENT) {
        return Entered{HEARTH_TRY(std::move(found)), false};
    }
    const bool made = ::mkdirat(directory.number(), name.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) {
        return sys::call_failure("mkdirat", name, errno);
    }
    Entered entered{HEARTH_TRY(enter(directory, name, work)), made};
    if (made) {
        HEARTH_TRY(sys::fchmod(entered.directory.number(), mode));  // whatever our umask is
    }
    return entered;
}

/// The directory that the last of `names` stands in, made with its parents.
Result<sys::Descriptor> make_parents(
    const sys::Descriptor& top, const std::vector<std::string>& names) {
    sys::Descriptor from = HEARTH_TRY(sys::duplicate(top.number()));
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
        from = HEARTH_TRY(enter_or_make(from, names[i], parent_mode)).directory;
    }
    return from;
}

Result<sys::Descriptor> find_parent(
    const sys::Descriptor& top, const std::vector<std::string>& names) {
    sys::Descriptor from = HEARTH_TRY(sys::duplicate(top.number()));
    for (std::size_t i = 0; i + 1 < names.size(); ++i) {
        from = HEARTH_TRY(enter(from, names[i], look));
    }
    return from;
}

/// An own cursor: `directory` itself may be O_PATH.
Result<std::vector<std::string>> list(const sys::Descriptor& directory) {
    sys::Descriptor again = HEARTH_TRY(sys::openat(directory, ".", work));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(again.number()), ::closedir);
    if (!stream) {
        return sys::call_failure("fdopendir", "directory", errno);
    }
    static_cast<void>(again.release());
    std::vector<std::string> names;
    for (errno = 0; const dirent* entry = ::readdir(stream.get()); errno = 0) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    return errno == 0 ? Result<std::vector<std::string>>(std::move(names))
                      : sys::call_failure("readdir", "directory", errno);
}

/// All that is in it, on this file system; then itself, so that a half-done change is done again.
Result<void> change_owner(const sys::Descriptor& directory, uid_t owner, gid_t group, int depth) {
    if (depth > deepest) {
        return failure("it is nested too deeply to change its owner", ELOOP);
    }
    for (const std::string& name : HEARTH_TRY(list(directory))) {
        auto inner = sys::openat2(
            directory.number(),
            name,
            work | O_NOFOLLOW,
            0,
            beneath | sys::ResolveNoSymlinks | no_crossing);
        if (inner) {
            HEARTH_TRY(change_owner(*inner, owner, group, depth + 1));
            continue;
        }
        const int code = inner.error().code;
        if (code == EXDEV || code == ENOENT) {
            continue;  // another file system is not the service's; what is gone is gone
        }
        if (code != ENOTDIR && code != ELOOP) {
            return Unexpected(inner.error());
        }
        if (::fchownat(directory.number(), name.c_str(), owner, group, AT_SYMLINK_NOFOLLOW) < 0 &&
            errno != ENOENT) {
            return sys::call_failure("fchownat", name, errno);
        }
    }
    return sys::fchown(directory.number(), owner, group);
}

/// "../private/a/b" for the link a/b.
std::string target_between(const std::string& link, const std::string& target) {
    std::string text;
    for (std::size_t i = 1; i < names_of(link).size(); ++i) {
        text += "../";
    }
    return text + target;
}

std::string link_in(const sys::Descriptor& directory, const std::string& name) {
    char target[4096];
    const ssize_t length = ::readlinkat(directory.number(), name.c_str(), target, sizeof target);
    return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : std::string();
}

Result<void> make_link(
    const sys::Descriptor& base, const std::string& link, const std::string& target_path) {
    const std::vector<std::string> names = names_of(link);
    const std::string target = target_between(link, target_path);
    const sys::Descriptor parent = HEARTH_TRY(make_parents(base, names));
    if (::symlinkat(target.c_str(), parent.number(), names.back().c_str()) == 0) {
        return {};
    }
    if (errno == EEXIST && link_in(parent, names.back()) == target) {
        return {};
    }
    return sys::call_failure("symlinkat", link + ", where something else is already", errno);
}

/// Between a life with DynamicUser= and one without, the content moves along.
Result<void> migrate(const sys::Descriptor& base, const MakeServiceDirectory& wanted) {
    const std::vector<std::string> names = names_of(wanted.path);
    const auto kept = sys::openat2(
        base.number(), "private", look | O_NOFOLLOW, 0, beneath | sys::ResolveNoSymlinks);
    if (wanted.is_private) {
        const auto parent = find_parent(base, names);
        struct stat old{};
        if (!parent || !kept ||
            ::fstatat(parent->number(), names.back().c_str(), &old, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISDIR(old.st_mode)) {
            return {};
        }
        const sys::Descriptor into = HEARTH_TRY(make_parents(*kept, names));
        if (::renameat(
                parent->number(), names.back().c_str(), into.number(), names.back().c_str()) < 0) {
            return sys::call_failure("renameat", wanted.path + " to private", errno);
        }
        return {};
    }
    const auto parent = find_parent(base, names);
    if (!parent ||
        link_in(*parent, names.back()) != target_between(wanted.path, "private/" + wanted.path)) {
        return {};
    }
    if (::unlinkat(parent->number(), names.back().c_str(), 0) < 0) {
        return sys::call_failure("unlinkat", wanted.path, errno);
    }
    if (!kept) {
        return {};
    }
    const auto from = find_parent(*kept, names);
    if (from &&
        ::renameat(from->number(), names.back().c_str(), parent->number(), names.back().c_str()) <
            0 &&
        errno != ENOENT) {
        return sys::call_failure("renameat", "private/" + wanted.path, errno);
    }
    return {};
}

Result<sys::Descriptor> make_at(const sys::Descriptor& top, const MakeServiceDirectory& wanted) {
    const std::vector<std::string> names = names_of(wanted.path);
    const sys::Descriptor parent = HEARTH_TRY(make_parents(top, names));
    Entered entered = HEARTH_TRY(enter_or_make(parent, names.back(), 0700));
    const sys::Descriptor& made = entered.directory;
    const auto status = HEARTH_TRY(sys::fstat(made.number()));
    const bool other = status.st_uid != wanted.owner || status.st_gid != wanted.group;
    if (other && wanted.owned) {
        HEARTH_TRY(change_owner(made, wanted.owner, wanted.group, 0));
    } else if (other && entered.made) {
        HEARTH_TRY(sys::fchown(made.number(), wanted.owner, wanted.group));
    }
    HEARTH_TRY(sys::fchmod(made.number(), wanted.mode));
    return std::move(entered.directory);
}

Result<void> remove_link(const sys::Descriptor& base, const std::string& link) {
    const std::vector<std::string> names = names_of(link);
    const auto parent = find_parent(base, names);
    if (!parent || link_in(*parent, names.back()).empty()) {
        return {};
    }
    if (::unlinkat(parent->number(), names.back().c_str(), 0) < 0 && errno != ENOENT) {
        return sys::call_failure("unlinkat", link, errno);
    }
    return {};
}

}  // namespace

Result<sys::Descriptor> make_service_directory(const MakeServiceDirectory& wanted) {
    HEARTH_TRY(sys::make_directories(wanted.base, parent_mode));
    const sys::Descriptor base = HEARTH_TRY(sys::open(wanted.base, look));
    sys::Descriptor top = HEARTH_TRY(sys::duplicate(base.number()));
    if (wanted.is_private) {
        top = HEARTH_TRY(enter_or_make(base, "private", private_mode)).directory;
        HEARTH_TRY(sys::fchown(top.number(), ::geteuid(), ::getegid()));
        HEARTH_TRY(sys::fchmod(top.number(), private_mode));
    }
    HEARTH_TRY(migrate(base, wanted));
    sys::Descriptor made = HEARTH_TRY(make_at(top, wanted));
    if (wanted.is_private) {
        HEARTH_TRY(make_link(base, wanted.path, "private/" + wanted.path));
    }
    for (const std::string& link : wanted.links) {
        HEARTH_TRY(make_link(base, link, wanted.path));
    }
    return made;
}

Result<void> remove_service_directory(const MadeDirectory& made, const Stop& stop) {
    auto opened = sys::open(made.base, look);
    if (!opened) {
        return opened.error().code == ENOENT ? Result<void>() : Unexpected(opened.error());
    }
    const sys::Descriptor& base = *opened;
    for (const std::string& link : made.links) {
        HEARTH_TRY(remove_link(base, link));
    }
    HEARTH_TRY(remove_link(base, made.path));  // of a dynamic user's, or to it in an earlier life
    const std::string path = made.is_private ? "private/" + made.path : made.path;
    const std::vector<std::string> names = names_of(path);
    const auto parent = find_parent(base, names);
    if (!parent) {
        const int code = parent.error().code;
        return code == ENOENT || code == ENOTDIR ? Result<void>() : Unexpected(parent.error());
    }
    // By the descriptor's own name: the path above can't be swapped any more.
    return sys::remove_tree(
        "/proc/self/fd/" + std::to_string(parent->number()) + "/" + names.back(), stop);
}

}  // namespace hearth::launch
