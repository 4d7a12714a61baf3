// SPDX-License-Identifier: MIT
#include "supervisor/launch/launcher_credentials.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <map>
#include <string_view>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth::launch {
namespace {

constexpr int poll_milliseconds = 100;
constexpr int deepest = 16;

class Loader {
public:
    Loader(const std::string& unit, const std::function<bool()>& stop) : unit_(unit), stop_(stop) {}

    Result<void> load(const MakeCredentials::Source& source) {
        for (const std::string& path : source.paths) {
            const Result<void> loaded = load_path(source.id, path);
            if (loaded || loaded.error().code != ENOENT) {
                return loaded;
            }
        }
        return source.optional ? Result<void>()
                               : failure("credential " + source.id + " is nowhere", ENOENT);
    }

    /// Where nothing of the name was loaded.
    Result<void> add_default(const std::string& id, const std::string& data) {
        return found_.contains(id) ? Result<void>() : add(id, data);
    }

    [[nodiscard]] const std::map<std::string, std::string>& found() const { return found_; }

private:
    Result<void> add(const std::string& id, std::string data) {
        size_ += id.size() + data.size();
        if (size_ > max_credentials_size) {
            return failure("the credentials together are larger than 1M", E2BIG);
        }
        found_.emplace(id, std::move(data));
        return {};
    }

    Result<void> load_path(const std::string& id, const std::string& path) {
        auto opened = sys::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (!opened && opened.error().code == ENXIO) {
            std::string data = HEARTH_TRY(receive(id, path));
            return add(id, std::move(data));
        }
        const sys::Descriptor file = HEARTH_TRY(std::move(opened));
        const auto status = HEARTH_TRY(sys::fstat(file.number()));
        if (S_ISDIR(status.st_mode)) {
            return load_directory(id, file, path, 0);
        }
        return load_file(id, file, status, path);
    }

    Result<void> load_file(
        const std::string& id,
        const sys::Descriptor& file,
        const struct stat& status,
        const std::string& path) {
        if (!S_ISREG(status.st_mode)) {
            return failure(path + " is no file, directory or socket", EINVAL);
        }
        auto data = sys::read_all(file.number(), max_credentials_size, path);
        if (!data && data.error().code == EFBIG) {
            return failure(path + " is larger than 1M", E2BIG);
        }
        std::string content = HEARTH_TRY(std::move(data));
        return add(id, std::move(content));
    }

    /// Each file of it, as ID_NAME; links are passed over, as systemd does.
    Result<void> load_directory(
        const std::string& id,
        const sys::Descriptor& directory,
        const std::string& path,
        int depth) {
        if (depth > deepest) {
            return failure(path + " is nested too deeply", ELOOP);
        }
        for (const std::string& name : HEARTH_TRY(
                 sys::read_directory("/proc/self/fd/" + std::to_string(directory.number())))) {
            const std::string inner = id + "_" + name;
            const auto entry = sys::openat2(
                directory.number(),
                name,
                O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
                0,
                sys::ResolveNoSymlinks);
            if (!entry && (entry.error().code == ELOOP || entry.error().code == ENXIO)) {
                continue;
            }
            if (!entry) {
                return Unexpected(entry.error());
            }
            const auto status = HEARTH_TRY(sys::fstat(entry->number()));
            if (S_ISDIR(status.st_mode)) {
                HEARTH_TRY(load_directory(inner, *entry, path + "/" + name, depth + 1));
            } else if (S_ISREG(status.st_mode) && inner.size() <= NAME_MAX) {
                HEARTH_TRY(load_file(inner, *entry, status, path + "/" + name));
            }
        }
        return {};
    }

    /// The service behind the socket learns by our own address who asks for what.
    Result<std::string> receive(const std::string& id, const std::string& path) {
        const sys::Descriptor socket =
            HEARTH_TRY(sys::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK));
        sockaddr_un own{};
        own.sun_family = AF_UNIX;
        const std::string name = HEARTH_TRY(sys::random_hex(8)) + "/unit/" + unit_ + "/" + id;
        const std::size_t length = std::min(name.size(), sizeof own.sun_path - 1);
        std::memcpy(own.sun_path + 1, name.data(), length);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
        if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&own), size) < 0) {
            return sys::call_failure("bind", "for " + path, errno);
        }
        // A path may be longer than an address holds; a descriptor's is not.
        const sys::Descriptor place = HEARTH_TRY(sys::open(path, O_PATH));
        sockaddr_un peer{};
        peer.sun_family = AF_UNIX;
        const std::string through = "/proc/self/fd/" + std::to_string(place.number());
        std::memcpy(peer.sun_path, through.c_str(), through.size() + 1);
        while (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) <
               0) {
            if (errno != EAGAIN && errno != EINTR) {  // EAGAIN: its queue is full
                return sys::call_failure("connect", path, errno);
            }
            if (stop_()) {
                return failure("the launch was aborted", ECANCELED);
            }
            ::poll(nullptr, 0, poll_milliseconds);
        }
        return read_socket(socket, path);
    }

    Result<std::string> read_socket(const sys::Descriptor& socket, const std::string& path) {
        std::string data;
        char buffer[4096];
        while (!stop_()) {
            pollfd wait{socket.number(), POLLIN, 0};
            ::poll(&wait, 1, poll_milliseconds);
            const ssize_t count = ::read(socket.number(), buffer, sizeof buffer);
            if (count == 0) {
                return data;
            }
            if (count < 0 && errno != EAGAIN && errno != EINTR) {
                return sys::call_failure("read", path, errno);
            }
            if (count > 0) {
                data.append(buffer, static_cast<std::size_t>(count));
            }
            if (data.size() > max_credentials_size) {
                return failure(path + " sends more than 1M", E2BIG);
            }
        }
        return failure("the launch was aborted", ECANCELED);
    }

    const std::string& unit_;
    const std::function<bool()>& stop_;
    std::map<std::string, std::string> found_;
    std::size_t size_ = 0;
};

Result<void> write_file(
    const sys::Descriptor& directory,
    const std::string& id,
    const std::string& data,
    const MakeCredentials& wanted) {
    const sys::Descriptor file =
        HEARTH_TRY(sys::openat(directory, id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0400));
    HEARTH_TRY(sys::write_all(file.number(), data, id));
    HEARTH_TRY(sys::fchmod(file.number(), 0400));
    return sys::fchown(file.number(), wanted.owner, wanted.group);
}

Result<void> fill(
    const sys::Descriptor& directory,
    const std::map<std::string, std::string>& found,
    const MakeCredentials& wanted) {
    for (const auto& [id, data] : found) {
        HEARTH_TRY(write_file(directory, id, data, wanted));
    }
    HEARTH_TRY(sys::fchown(directory.number(), wanted.owner, wanted.group));
    return sys::fchmod(directory.number(), 0500);
}

/// ramfs is never swapped out.
Result<sys::Descriptor> fresh_file_system() {
    constexpr std::uint64_t closed = sys::MountNoSetuid | sys::MountNoDevices | sys::MountNoExecute;
    auto made = sys::detached_mount("ramfs", "mode=0700", closed);
    return made ? std::move(made) : sys::detached_mount("tmpfs", "mode=0700,size=2m", closed);
}

}  // namespace

Result<void> make_credentials(
    const MakeCredentials& wanted,
    const std::string& unit,
    const std::function<bool()>& stop,
    const Asked*& failed) {
    Loader loader(unit, stop);
    for (const MakeCredentials::Source& source : wanted.sources) {
        failed = &source.asked;
        HEARTH_TRY(loader.load(source));
    }
    failed = nullptr;
    for (const MakeCredentials::Literal& literal : wanted.literals) {
        HEARTH_TRY(loader.add_default(literal.id, literal.data));
    }
    HEARTH_TRY(remove_credentials(wanted.place));  // of a hearthd that was killed
    HEARTH_TRY(sys::make_directories(wanted.place.substr(0, wanted.place.rfind('/')), 0755));
    HEARTH_TRY(sys::mkdir(wanted.place, 0700));
    if (!wanted.mounted) {
        const sys::Descriptor place =
            HEARTH_TRY(sys::open(wanted.place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        return fill(place, loader.found(), wanted);
    }
    const sys::Descriptor tree = HEARTH_TRY(fresh_file_system());
    const sys::Descriptor top = HEARTH_TRY(sys::openat(tree, ".", O_RDONLY | O_DIRECTORY));
    HEARTH_TRY(fill(top, loader.found(), wanted));
    HEARTH_TRY(sys::mount_setattr(
        tree.number(),
        "",
        sys::AtEmptyPath,
        sys::MountAttributesRequest{.set = sys::MountReadOnly}));
    return sys::move_mount(tree.number(), "", AT_FDCWD, wanted.place, sys::MoveMountFromEmptyPath);
}

Result<void> remove_credentials(const std::string& place) {
    while (::umount2(place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
    }
    return sys::remove_tree(place);
}

}  // namespace hearth::launch
