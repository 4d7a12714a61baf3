// SPDX-License-Identifier: MIT
//
// The child runs in the supervisor's memory, where any lock may be held for ever: it may call
// nothing but itself. Its objects are looked at with nm; whoever adds a call, a big copy (memcpy)
// or a template that is not inlined is told here. launch-path.md, trap 11.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "places.hpp"

namespace {

#if defined(HEARTH_BINARY_DIR)

std::string symbols(const std::string& object) {
    const std::string path = std::string(HEARTH_BINARY_DIR) +
                             "/../supervisor/launch/CMakeFiles/hearth_child.dir/" + object;
    const std::unique_ptr<FILE, int (*)(FILE*)> nm(
        ::popen(("nm " + path + " 2>&1").c_str(), "r"), ::pclose);
    std::string text;
    char line[512];
    while (nm && std::fgets(line, sizeof line, nm.get()) != nullptr) {
        text += line;
    }
    return text;
}

void check(
    const std::string& object,
    const std::set<std::string>& defined,
    const std::set<std::string>& used) {
    std::set<std::string> found_defined, found_used;
    std::istringstream lines(symbols(object));
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream words(line.size() > 17 ? line.substr(17) : line);
        char kind = '?';
        std::string name;
        words >> kind >> name;
        if (kind == 'U') {
            found_used.insert(name);
        } else if (kind == 'T') {
            found_defined.insert(name);
        } else {
            // Local code and constants. A weak symbol (W, V, u) would be shared with instrumented
            // objects; data (d, b, D, B) would be the supervisor's.
            EXPECT_TRUE(kind == 't' || kind == 'r') << object << ": " << line;
        }
    }
    EXPECT_EQ(found_defined, defined) << object;
    EXPECT_EQ(found_used, used) << object;
}

TEST(ChildSymbols, AreItsOwnAndNoOthers) {
    check("child.cpp.o", {"hearth_child_clone"}, {"hearth_child_mount_step"});
    check("child_mounts.cpp.o", {"hearth_child_mount_step"}, {});
    check("child_holder.cpp.o", {"hearth_child_hold"}, {});
    check("child_shim.cpp.o", {"hearth_child_clone_below"}, {"hearth_child_clone"});
}

#endif

}  // namespace
