// SPDX-License-Identifier: MIT
//
// contrib/completions/hearthctl in a real bash, against a running hearthd.
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {
namespace {

/// What bash offers for the last of these words.
std::vector<std::string> offered(const std::string& words) {
    const Output said = run_program(
        {"/bin/bash",
         "-c",
         "PATH=" HEARTH_BINARY_DIR ":$PATH; . " HEARTH_SOURCE_DIR
         "/contrib/completions/hearthctl; COMP_WORDS=(hearthctl " +
             words +
             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _hearthctl; "
             "printf '%s\\n' \"${COMPREPLY[@]}\""});
    EXPECT_EQ(said.err, "");
    std::istringstream lines(said.out);
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) {
        found.push_back(line);
    }
    std::ranges::sort(found);
    return found;
}

TEST(Completion, OffersVerbsOptionsAndUnits) {
    SKIP_WITHOUT_ROOT();
    if (::access("/bin/bash", X_OK) != 0) {
        GTEST_SKIP() << "there is no bash";
    }
    const HearthdProcess hearthd;
    hearthd.add("kettle.service", "[Service]\nExecStart=/bin/sleep 600\n");
    hearthd.add("kiln.service", "[Service]\nExecStart=/bin/sleep 600\n");
    ASSERT_EQ(hearthd.ctl({"start", "kiln.service"}).status, 0);
    const std::string where = "--runtime-dir " + hearthd.place() + "/runtime ";
    using Words = std::vector<std::string>;
    EXPECT_EQ(offered("sta"), (Words{"start", "status"}));
    EXPECT_EQ(offered("kill --sig"), Words{"--signal"});
    EXPECT_EQ(offered(where + "start ket"), Words{"kettle.service"});
    EXPECT_EQ(offered(where + "stop k"), Words{"kiln.service"}) << "what doesn't run isn't stopped";
    EXPECT_EQ(offered(where + "attach kiln.service -- ki"), Words{""}) << "a command's own words";
}

}  // namespace
}  // namespace hearth::testing
