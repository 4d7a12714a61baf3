// SPDX-License-Identifier: MIT
#include "supervisor/state_files.hpp"

#include <fcntl.h>

#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr std::size_t max_state = std::size_t{1} << 20U;
/// What stands before the binding; the number goes up when a key's meaning changes.
constexpr std::string_view version = "hearth-state=1 ";
/// Short: a unit's name may be as long as a file's.
constexpr const char* temporary = "/.new";

}  // namespace

Result<StateFiles> StateFiles::open(std::string directory) {
    HEARTH_TRY(sys::make_directories(directory, 0700));
    HEARTH_TRY(sys::chmod(directory, 0700));
    std::string boot = HEARTH_TRY(sys::read_file("/proc/sys/kernel/random/boot_id", 64));
    while (boot.ends_with('\n')) {
        boot.pop_back();
    }
    const std::string pids = HEARTH_TRY(sys::readlink("/proc/self/ns/pid"));
    return StateFiles(std::move(directory), std::string(version) + boot + " " + pids);
}

Result<void> StateFiles::write(const std::string& unit, const std::string& text) {
    const auto last = written_.find(unit);
    if (last != written_.end() && last->second == text) {
        return {};
    }
    const std::string path = directory_ + "/" + unit;
    {
        const sys::Descriptor file =
            HEARTH_TRY(sys::open(directory_ + temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600));
        HEARTH_TRY(sys::write_all(file.number(), binding_ + "\n" + text, path));
    }
    HEARTH_TRY(sys::rename(directory_ + temporary, path));
    written_.insert_or_assign(unit, text);
    return {};
}

void StateFiles::remove(const std::string& unit) {
    if (written_.erase(unit) > 0) {
        (void)sys::unlink(directory_ + "/" + unit);
    }
}

Result<std::string> StateFiles::read(const std::string& unit) const {
    const std::string path = directory_ + "/" + unit;
    const std::string text = HEARTH_TRY(sys::read_file(path, max_state));
    const std::size_t end = text.find('\n');
    if (end == std::string::npos) {
        return failure(path + ": its first line is cut off");
    }
    if (text.compare(0, end, binding_) != 0) {
        HEARTH_TRY(sys::unlink(path));
        return std::string();
    }
    return text.substr(end + 1);
}

std::vector<std::pair<std::string, Result<std::string>>> StateFiles::read() const {
    std::vector<std::pair<std::string, Result<std::string>>> found;
    for (const std::string& unit :
         sys::read_directory(directory_).value_or(std::vector<std::string>{})) {
        if (unit.starts_with('.')) {
            continue;
        }
        auto text = read(unit);
        if (!text || !text->empty()) {
            found.emplace_back(unit, std::move(text));
        }
    }
    return found;
}

}  // namespace hearth
