// SPDX-License-Identifier: MIT
#include "units/reference.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "places.hpp"

namespace hearth {

TEST(Reference, IsTheFileInTheRepository) {
    const std::string path = HEARTH_SOURCE_DIR "/docs/directives.md";
    if (std::getenv("HEARTH_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << reference_markdown();
    }
    const std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), reference_markdown())
        << "docs/directives.md is stale: run this test with HEARTH_UPDATE_GOLDEN=1";
}

TEST(Reference, NamesEveryRow) {
    const std::string text = reference_markdown();
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            EXPECT_NE(text.find("`" + std::string(row.name) + "=`"), std::string::npos) << row.name;
        }
    }
}

}  // namespace hearth
