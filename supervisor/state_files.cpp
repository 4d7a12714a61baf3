// SPDX-License-Identifier: MIT
#include "supervisor/state_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "supervisor/sys/file.hpp"
#include "units/state_versions.hpp"

namespace hearth {

namespace {

constexpr std::size_t max_state = std::size_t{1} << 20U;
/// What the first line begins with; then the version, a blank, and the binding.
constexpr std::string_view header = "hearth-state=";
/// Short: a unit's name may be as long as a file's.
constexpr const char* temporary = "/.new";

/// The version of a first line that belongs to this boot and PID namespace; 0: to another.
unsigned version_of(std::string_view line, std::string_view binding) {
    if (!line.starts_with(header)) {
        return 0;
    }
    line.remove_prefix(header.size());
    unsigned version = 0;
    const auto [end, error] = std::from_chars(line.begin(), line.end(), version);
    line.remove_prefix(static_cast<std::size_t>(end - line.begin()));
    return error == std::errc() && line.starts_with(' ') && line.substr(1) == binding ? version : 0;
}

}  // namespace

StateFiles::StateFiles(std::string directory, std::string binding, bool only_read)
    : directory_(std::move(directory)),
      binding_(std::move(binding)),
      version_(newest_state_version()),
      only_read_(only_read) {}

Result<std::string> StateFiles::binding_of_now() {
    std::string boot = HEARTH_TRY(sys::read_file("/proc/sys/kernel/random/boot_id", 64));
    while (boot.ends_with('\n')) {
        boot.pop_back();
    }
    return boot + " " + HEARTH_TRY(sys::readlink("/proc/self/ns/pid"));
}

Result<StateFiles> StateFiles::open(std::string directory) {
    HEARTH_TRY(sys::make_directories(directory, 0700));
    HEARTH_TRY(sys::chmod(directory, 0700));
    return StateFiles(std::move(directory), HEARTH_TRY(binding_of_now()), false);
}

Result<StateFiles> StateFiles::open_to_read(std::string directory) {
    return StateFiles(std::move(directory), HEARTH_TRY(binding_of_now()), true);
}

void StateFiles::set_version(unsigned version) {
    if (version != version_) {
        version_ = version;
        written_.clear();  // the same state is another text now
    }
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
        HEARTH_TRY(sys::write_all(file.number(), first_line() + text, path));
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

Result<StateText> StateFiles::read(const std::string& unit) const {
    const std::string path = directory_ + "/" + unit;
    const std::string content = HEARTH_TRY(sys::read_file(path, max_state));
    StateText text = HEARTH_TRY(parse(content, path));
    if (text.version == 0 && !only_read_) {
        HEARTH_TRY(sys::unlink(path));
    }
    return text;
}

Result<StateText> StateFiles::parse(const std::string& text, const std::string& where) const {
    const std::size_t end = text.find('\n');
    if (end == std::string::npos) {
        return failure(where + ": its first line is cut off");
    }
    const unsigned version = version_of(std::string_view(text).substr(0, end), binding_);
    return version == 0 ? StateText() : StateText{version, text.substr(end + 1)};
}

std::string StateFiles::first_line() const {
    return std::string(header) + std::to_string(version_) + " " + binding_ + "\n";
}

Result<sys::Descriptor> StateFiles::in_memory(const std::string& text) const {
    sys::Descriptor file = HEARTH_TRY(sys::memfd_create("hearth-state"));
    HEARTH_TRY(sys::write_all(file.number(), first_line() + text, "memfd"));
    return file;
}

Result<StateText> StateFiles::read(const sys::Descriptor& in_memory) const {
    if (::lseek(in_memory.number(), 0, SEEK_SET) < 0) {
        return sys::call_failure("lseek", "memfd", errno);
    }
    const std::string text = HEARTH_TRY(sys::read_all(in_memory.number(), max_state, "memfd"));
    return parse(text, "memfd");
}

std::vector<std::pair<std::string, Result<StateText>>> StateFiles::read() const {
    std::vector<std::pair<std::string, Result<StateText>>> found;
    for (const std::string& unit :
         sys::read_directory(directory_).value_or(std::vector<std::string>{})) {
        if (unit.starts_with('.')) {
            continue;
        }
        auto text = read(unit);
        if (!text || text->version != 0) {
            found.emplace_back(unit, std::move(text));
        }
    }
    return found;
}

}  // namespace hearth
