// SPDX-License-Identifier: MIT
#include "supervisor/logd/reader.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

#include "supervisor/sys/file.hpp"

namespace hearth::logd {
namespace {

constexpr std::size_t block = std::size_t{64} * 1024;
constexpr std::size_t largest_batch = std::size_t{1} << 20;

Result<std::size_t> read_at(
    int file, char* into, std::size_t size, std::uint64_t position, const std::string& path) {
    ssize_t count = 0;
    do {
        count = ::pread(file, into, size, static_cast<off_t>(position));
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return sys::call_failure("read", path, errno);
    }
    return static_cast<std::size_t>(count);
}

/// The file, or none where it is missing.
Result<sys::Descriptor> open_existing(const std::string& path) {
    Result<sys::Descriptor> file = sys::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file && file.error().code == ENOENT) {
        return sys::Descriptor();
    }
    return file;
}

Result<sys::Descriptor> watch_folder(const std::string& path) {
    sys::Descriptor inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify) {
        return sys::call_failure("inotify_init1", "", errno);
    }
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    constexpr std::uint32_t events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
    if (::inotify_add_watch(inotify.number(), folder.c_str(), events | IN_ONLYDIR) < 0) {
        return sys::call_failure("watch", folder, errno);
    }
    return inotify;
}

}  // namespace

LogLine split_line(std::string_view line) {
    // TIME IDENTIFIER: text, or TIME IDENTIFIER+ text
    LogLine result;
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    const bool ours = second != std::string_view::npos && first == 27 && line[26] == 'Z' &&
                      second > first + 2 && (line[second - 1] == ':' || line[second - 1] == '+');
    if (!ours) {
        result.text = line;
        return result;
    }
    result.time = line.substr(0, first);
    result.identifier = line.substr(first + 1, second - first - 2);
    result.continues = line[second - 1] == '+';
    result.text = line.substr(second + 1);
    return result;
}

Result<std::uint64_t> position_of_last(const std::string& path, std::uint64_t count) {
    const sys::Descriptor file = HEARTH_TRY(open_existing(path));
    if (!file) {
        return std::uint64_t{0};
    }
    const struct stat status = HEARTH_TRY(sys::fstat(file.number()));
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (count == 0) {
        return size;
    }
    std::string buffer(block, '\0');
    std::uint64_t newlines = 0;
    for (std::uint64_t end = size; end > 0;) {
        const std::uint64_t begin = end - std::min<std::uint64_t>(end, block);
        const std::size_t read = HEARTH_TRY(read_at(
            file.number(), buffer.data(), static_cast<std::size_t>(end - begin), begin, path));
        for (std::size_t i = read; i-- > 0;) {
            // The newline at the very end closes the last line; it separates nothing.
            if (buffer[i] == '\n' && begin + i + 1 != size && ++newlines == count) {
                return begin + i + 1;
            }
        }
        end = begin;
    }
    return std::uint64_t{0};
}

Result<std::vector<std::string>> read_last(const std::string& path, std::uint64_t count) {
    const std::uint64_t position = HEARTH_TRY(position_of_last(path, count));
    Follower follower = HEARTH_TRY(Follower::open(path, position, false));
    std::vector<std::string> lines;
    while (true) {
        std::vector<std::string> more = HEARTH_TRY(follower.next());
        if (more.empty()) {
            break;
        }
        std::ranges::move(more, std::back_inserter(lines));
    }
    if (lines.size() > count) {  // written meanwhile
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
    }
    return lines;
}

Result<Follower> Follower::open(std::string path, std::uint64_t position, bool watch) {
    Follower follower;
    follower.path_ = std::move(path);
    if (watch) {
        follower.inotify_ = HEARTH_TRY(watch_folder(follower.path_));
    }
    HEARTH_TRY(follower.reopen());
    follower.position_ = position;
    return follower;
}

/// Opens what the name stands for now, if that is another file than the one we have. True if it is.
Result<bool> Follower::reopen() {
    sys::Descriptor file = HEARTH_TRY(open_existing(path_));
    if (!file) {
        return false;
    }
    const struct stat status = HEARTH_TRY(sys::fstat(file.number()));
    if (file_ && status.st_dev == device_ && status.st_ino == inode_) {
        return false;
    }
    if (inotify_) {
        // By descriptor, so that it is this file whatever happens to its name.
        const std::string itself = "/proc/self/fd/" + std::to_string(file.number());
        if (::inotify_add_watch(inotify_.number(), itself.c_str(), IN_MODIFY) < 0) {
            return sys::call_failure("watch", path_, errno);
        }
    }
    file_ = std::move(file);
    device_ = status.st_dev;
    inode_ = status.st_ino;
    position_ = 0;
    return true;
}

void Follower::drain_events() {
    std::array<char, 4096> events{};
    while (inotify_ && ::read(inotify_.number(), events.data(), events.size()) > 0) {
    }
}

/// Reads on behind position_, into partial_. False at the end.
Result<bool> Follower::read_block() {
    if (!file_) {
        return false;
    }
    const std::size_t held = partial_.size();
    partial_.resize(held + block);
    const Result<std::size_t> count =
        read_at(file_.number(), partial_.data() + held, block, position_, path_);
    partial_.resize(held + count.value_or(0));
    const std::size_t read = HEARTH_TRY(count);
    position_ += read;
    if (read > 0) {
        return true;
    }
    const struct stat status = HEARTH_TRY(sys::fstat(file_.number()));
    if (static_cast<std::uint64_t>(status.st_size) < position_) {  // cut short: begin again
        position_ = 0;
        partial_.clear();
        return status.st_size > 0;
    }
    return false;
}

Result<std::vector<std::string>> Follower::next() {
    // Before reading: a change that comes while we read makes the descriptor readable again.
    drain_events();
    std::vector<std::string> lines;
    for (std::size_t taken = 0; taken < largest_batch;) {
        const std::size_t before = partial_.size();
        if (!HEARTH_TRY(read_block())) {
            const bool ended = !inotify_ || HEARTH_TRY(reopen());
            if (ended && !partial_.empty()) {  // what never got its newline
                lines.push_back(std::exchange(partial_, {}));
            }
            if (!ended || !inotify_) {
                break;
            }
            continue;
        }
        taken += partial_.size() - std::min(before, partial_.size());
        std::size_t begin = 0;
        for (std::size_t end = partial_.find('\n', std::min(before, partial_.size()));
             end != std::string::npos;
             end = partial_.find('\n', begin)) {
            lines.push_back(partial_.substr(begin, end - begin));
            begin = end + 1;
        }
        partial_.erase(0, begin);
    }
    return lines;
}

}  // namespace hearth::logd
