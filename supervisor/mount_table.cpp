// SPDX-License-Identifier: MIT
#include "supervisor/mount_table.hpp"

#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "parser/words.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr std::size_t most = 16 << 20;

std::string decoded(const std::string& text) {
    return unescape(text, false).value_or(text);
}

template <class Visit>
void for_each_line(const std::string& text, Visit visit) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::vector<std::string> fields;
        for (std::string word; words >> word;) {
            fields.push_back(std::move(word));
        }
        visit(fields);
    }
}

/// The options of the mount and of the file system, each once.
std::string joined(const std::string& of_mount, const std::string& of_system) {
    std::string text = of_mount;
    std::istringstream options(of_system);
    for (std::string option; std::getline(options, option, ',');) {
        if (("," + text + ",").find("," + option + ",") == std::string::npos && option != "rw") {
            text += "," + option;
        }
    }
    return text;
}

}  // namespace

std::vector<MountEntry> read_mount_table(const std::string& text) {
    std::vector<MountEntry> entries;
    for_each_line(text, [&](const std::vector<std::string>& fields) {
        const auto dash = std::ranges::find(fields, "-");
        if (fields.size() < 7 || fields.end() - dash < 4) {
            return;
        }
        MountEntry entry;
        unsigned major = 0, minor = 0;
        const std::string& device = fields[2];
        const std::size_t colon = std::min(device.find(':'), device.size());
        std::from_chars(device.data(), device.data() + colon, major);
        if (colon < device.size()) {
            std::from_chars(device.data() + colon + 1, device.data() + device.size(), minor);
        }
        entry.device = makedev(major, minor);
        entry.where = decoded(fields[4]);
        entry.type = decoded(dash[1]);
        entry.what = decoded(dash[2]);
        entry.options = joined(decoded(fields[5]), decoded(dash[3]));
        entries.push_back(std::move(entry));
    });
    return entries;
}

std::vector<MountEntry> mount_table() {
    return read_mount_table(sys::read_file("/proc/self/mountinfo", most).value_or(""));
}

std::vector<SwapEntry> read_swap_table(const std::string& text) {
    std::vector<SwapEntry> entries;
    for_each_line(text, [&](const std::vector<std::string>& fields) {
        if (fields.size() < 5 || !fields[0].starts_with('/')) {
            return;
        }
        SwapEntry entry{decoded(fields[0]), 0};
        std::from_chars(fields[4].data(), fields[4].data() + fields[4].size(), entry.priority);
        entries.push_back(std::move(entry));
    });
    return entries;
}

std::vector<SwapEntry> swap_table() {
    return read_swap_table(sys::read_file("/proc/swaps", most).value_or(""));
}

std::optional<SwapEntry> find_swap(const std::string& path) {
    std::error_code unknown;
    const std::string device = std::filesystem::canonical(path, unknown).string();
    for (const SwapEntry& each : swap_table()) {
        if (each.what == path || (!unknown && each.what == device)) {
            return each;
        }
    }
    return std::nullopt;
}

}  // namespace hearth
