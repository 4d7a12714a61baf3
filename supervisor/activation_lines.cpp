// SPDX-License-Identifier: MIT
#include "supervisor/activation_lines.hpp"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "supervisor/sys/file.hpp"

namespace hearth {

std::string take(StateLines& lines, std::string_view key) {
    const auto found = lines.find(key);
    if (found == lines.end()) {
        return {};
    }
    std::string value = std::move(found->second);
    lines.erase(found);
    return value;
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::vector<std::vector<std::string>> entries(const std::string& line) {
    std::vector<std::vector<std::string>> all;
    for (std::size_t begin = 0; begin < line.size();) {
        const std::size_t end = std::min(line.find("; ", begin), line.size());
        std::istringstream words(line.substr(begin, end - begin));
        all.emplace_back();
        for (std::string word; words >> word;) {
            all.back().push_back(text_of_state(word));
        }
        begin = end + 2;
    }
    return all;
}

/// One word of an entry.
static std::string word(std::string_view text) {
    std::string result;
    for (const char byte : state_text(text)) {
        result += byte == ' ' ? std::string("\\x20") : std::string(1, byte);
    }
    return result;
}

void append(std::string& line, const std::vector<std::string>& words) {
    line += line.empty() ? "" : "; ";
    for (std::size_t index = 0; index < words.size(); ++index) {
        line += (index == 0 ? "" : " ") + word(words[index]);
    }
}

void put(StateLines& lines, const std::string& key, const std::string& value) {
    if (!value.empty()) {
        lines.insert_or_assign(key, value);
    }
}

StateLines lines_of(const launch::Activation& activation, const std::string& prefix) {
    StateLines lines;
    std::string directories;
    std::string runtime;
    for (const auto& [slot, path] : activation.directories) {
        append(directories, {slot, path});
    }
    for (const auto& each : activation.runtime_directories) {
        std::vector<std::string> words = {
            each.until_stop ? "until-stop" : "until-exit",
            each.made.is_private ? "private" : "public",
            each.made.base,
            each.made.path};
        words.insert(words.end(), each.made.links.begin(), each.made.links.end());
        append(runtime, words);
    }
    put(lines, prefix + "directories", directories);
    put(lines, prefix + "runtime-directories", runtime);
    put(lines, prefix + "credentials", state_text(activation.credentials));
    return lines;
}

launch::Activation activation_of(StateLines& lines, const std::string& prefix) {
    launch::Activation activation;
    for (const auto& words : entries(take(lines, prefix + "directories"))) {
        if (words.size() == 2) {
            activation.directories.emplace(words[0], words[1]);
        }
    }
    for (const auto& words : entries(take(lines, prefix + "runtime-directories"))) {
        if (words.size() >= 4) {
            launch::MadeDirectory made{
                words[2], words[3], words[1] == "private", {words.begin() + 4, words.end()}};
            activation.runtime_directories.push_back({std::move(made), words[0] == "until-stop"});
        }
    }
    activation.credentials = text_of_state(take(lines, prefix + "credentials"));
    return activation;
}

void take_known(StateLines& lines) {
    for (const char* const prefix : {"", preserved, leaving}) {
        (void)activation_of(lines, prefix);
    }
    for (const char* const key :
         {"processes",
          "invocation",
          "cgroup",
          "memory-kills",
          "dynamic-uid",
          "user-range",
          "launch-mark",
          "launch-began",
          "given-up",
          "due"}) {
        lines.erase(key);
    }
}

void find_namespaces(launch::Activation& activation, const launch::Plan& plan, pid_t main) {
    const auto find = [&](const std::string& slot, const char* name) {
        auto opened = sys::open("/proc/" + std::to_string(main) + "/ns/" + name, O_RDONLY);
        if (opened) {
            activation.descriptors.insert_or_assign(slot, std::move(*opened));
        }
    };
    const auto name = [](launch::MakeNamespace::Kind kind) {
        return kind == launch::MakeNamespace::Kind::Network ? "net" : "ipc";
    };
    for (const launch::Prepared& prepared : plan.preparations) {
        if (const auto* made = std::get_if<launch::MakeNamespace>(&prepared.preparation)) {
            find(made->slot, name(made->kind));
        } else if (const auto* open = std::get_if<launch::OpenNamespace>(&prepared.preparation)) {
            find(open->slot, name(open->kind));
        } else if (
            const auto* user = std::get_if<launch::MakeUserNamespace>(&prepared.preparation)) {
            find(user->slot, "user");
            for (const launch::MakeNamespace& owned : user->owned) {
                find(owned.slot, name(owned.kind));
            }
        }
    }
}

void find_directories(
    launch::Activation& activation, const launch::Plan& plan, const std::string& mark) {
    for (const launch::Prepared& prepared : plan.preparations) {
        const auto* made = std::get_if<launch::MakePrivateTmp>(&prepared.preparation);
        if (made == nullptr || activation.directories.contains(made->slot)) {
            continue;
        }
        const std::string path = launch::private_directory(*made, plan.unit, mark);
        const std::string outer = path.substr(0, path.rfind('/'));
        if (sys::stat(path)) {
            activation.directories.emplace(made->slot, path);
        } else if (sys::stat(outer)) {
            (void)sys::rmdir(outer);
        }
    }
}

}  // namespace hearth
