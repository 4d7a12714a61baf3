// SPDX-License-Identifier: MIT
#include "units/system_call_groups.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <string>

namespace hearth {

namespace {

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
    std::string text;
    std::array<char, 4096> buffer{};
    std::size_t length = 0;
    while (pipe && (length = fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0) {
        text.append(buffer.data(), length);
    }
    return text;
}

/// The lines below "@group" in `systemd-analyze syscall-filter @group`.
std::set<std::string> members_by_systemd(const std::string& group) {
    const std::string text = output_of(
        "SYSTEMD_COLORS=0 systemd-analyze --no-pager syscall-filter '" + group + "' 2>/dev/null");
    std::set<std::string> members;
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string line = text.substr(begin, end - begin);
        begin = end + 1;
        const std::size_t word = line.find_first_not_of(' ');
        if (word != std::string::npos && word > 0 && line[word] != '#') {
            members.insert(line.substr(word));
        }
    }
    return members;
}

}  // namespace

TEST(SystemCallGroups, AreSortedAndClosed) {
    for (const SystemCallGroup& group : system_call_groups()) {
        EXPECT_TRUE(std::ranges::is_sorted(group.members)) << group.name;
        for (const std::string_view member : group.members) {
            if (member.starts_with('@')) {
                EXPECT_NE(find_system_call_group(member), nullptr) << member;
            } else {
                EXPECT_TRUE(is_known_system_call(member)) << group.name << " has " << member;
            }
        }
    }
}

TEST(SystemCallGroups, AreFoundByTheirName) {
    for (const SystemCallGroup& group : system_call_groups()) {
        EXPECT_EQ(find_system_call_group(group.name), &group);
    }
    EXPECT_EQ(find_system_call_group("@nothing"), nullptr);
    EXPECT_EQ(find_system_call_group("aio"), nullptr);
}

TEST(SystemCallGroups, ContainTheirGroupsCalls) {
    std::set<std::string_view> calls;
    for_each_call(*find_system_call_group("@system-service"), [&](std::string_view call) {
        calls.insert(call);
    });
    for (const std::string_view call : {"read", "execve", "clock_gettime", "socket", "setuid"}) {
        EXPECT_TRUE(calls.contains(call)) << call;
    }
    for (const std::string_view call : {"mount", "reboot", "init_module", "swapon", "@aio"}) {
        EXPECT_FALSE(calls.contains(call)) << call;
    }
}

TEST(SystemCallGroups, AreThoseOfSystemd252) {
    if (output_of("systemd-analyze --version 2>/dev/null").find("systemd 252") ==
        std::string::npos) {
        GTEST_SKIP() << "systemd-analyze of systemd 252 is not installed";
    }
    for (const SystemCallGroup& group : system_call_groups()) {
        const std::set<std::string> ours(group.members.begin(), group.members.end());
        EXPECT_EQ(ours, members_by_systemd(std::string(group.name))) << group.name;
    }
}

}  // namespace hearth
