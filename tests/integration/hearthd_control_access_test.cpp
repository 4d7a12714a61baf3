// SPDX-License-Identifier: MIT
//
// A service that runs as root must not undo its confinement over the bus (DESIGN 4): each case asks
// from inside a service, with hearthctl itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::HearthdProcess;

struct Case {
    const char* name;
    const char* lines;
    bool allowed;
};

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ControlAccess, OnlyWhoKeepsTheCapabilityOrIsGrantedItChangesThings) {
    SKIP_WITHOUT_ROOT();
    constexpr Case cases[] = {
        {"whole", "", true},
        {"bounded", "CapabilityBoundingSet=~CAP_SYS_ADMIN\n", false},
        {"none", "CapabilityBoundingSet=\n", false},
        {"granted",
         "CapabilityBoundingSet=CAP_DAC_OVERRIDE\n[X-Hearth]\nControlAccess=yes\n",
         true},
        {"denied", "[X-Hearth]\nControlAccess=no\n", false},
    };
    const HearthdProcess hearthd;
    hearthd.add("target.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    for (const Case& each : cases) {
        const std::string answer = hearthd.place() + "/" + each.name;
        const std::string call = std::string(HEARTH_BINARY_DIR) + "/hearthctl --runtime-dir " +
                                 hearthd.place() + "/runtime ";
        hearthd.add(
            std::string(each.name) + ".service",
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c '" + call + "start target.service >" +
                answer + " 2>&1; echo $? >>" + answer + "; " + call +
                "is-active target.service >>" + answer + "; true'\n" + each.lines);
        ASSERT_EQ(hearthd.ctl({"start", std::string(each.name) + ".service"}).status, 0)
            << hearthd.log();
        const std::string said = text_of(answer);
        if (each.allowed) {
            EXPECT_EQ(said, "0\nactive\n") << each.name;
        } else {
            EXPECT_NE(said.find("a confined service may not change"), std::string::npos)
                << each.name << ": " << said;
            EXPECT_NE(said.find("\ninactive\n"), std::string::npos) << each.name << ": " << said;
        }
        EXPECT_EQ(hearthd.ctl({"stop", "target.service"}).status, 0);
    }
}

}  // namespace
