// SPDX-License-Identifier: MIT
//
// docs/systemctl.md names tests; each of them is there.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "places.hpp"

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> known_tests() {
    const fs::path tests = fs::path(HEARTH_SOURCE_DIR) / "tests";
    const std::regex definition(R"(TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\))");
    std::set<std::string> known;
    for (const char* const folder : {"integration", "supervisor"}) {
        for (const auto& file : fs::directory_iterator(tests / folder)) {
            const std::string text =
                file.path().extension() == ".cpp" ? text_of(file.path()) : std::string();
            for (std::sregex_iterator each(text.begin(), text.end(), definition), end; each != end;
                 ++each) {
                known.insert((*each)[1].str() + "." + (*each)[2].str());
            }
        }
    }
    for (const auto& file : fs::directory_iterator(tests / "vendor/cases")) {
        known.insert("vendor/" + file.path().stem().string());
    }
    return known;
}

TEST(DocsSystemctl, NameTestsThatExist) {
    const std::set<std::string> known = known_tests();
    const std::string page = text_of(fs::path(HEARTH_SOURCE_DIR) / "docs/systemctl.md");
    const std::regex named(R"re(`([A-Z]\w+\.\w+|vendor/[\w-]+)`)re");
    std::size_t count = 0;
    for (std::sregex_iterator each(page.begin(), page.end(), named), end; each != end; ++each) {
        const std::string name = (*each)[1];
        if (name == "Suite.Name" || name == "vendor/CASE") {
            continue;
        }
        EXPECT_TRUE(known.contains(name)) << name;
        ++count;
    }
    EXPECT_GT(count, 40U);
}

}  // namespace
