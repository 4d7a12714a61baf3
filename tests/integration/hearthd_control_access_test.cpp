// SPDX-License-Identifier: MIT
//
// A service that runs as root must not undo its confinement over the bus (DESIGN 4): each case asks
// from inside a service, with hearthctl itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <tuple>

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

/// Every way of asking for more, from inside: the stock client's socket is the same one, and
/// reading stays allowed.
TEST(ControlAccess, AConfinedServiceIsRefusedEveryWay) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("target.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    const std::string answers = hearthd.place() + "/answers";
    const std::string call = std::string(HEARTH_BINARY_DIR) + "/hearthctl --runtime-dir " +
                             hearthd.place() + "/runtime ";
    std::string script;
    constexpr const char* changes[] = {
        "start target",
        "run -q true",
        "run -q --scope true",
        "set-property bounded CapabilityBoundingSet=~",
        "set-property --runtime target TasksMax=5",
        "set-environment LD_PRELOAD=/tmp/x.so",
        "enable target",
        "link /etc/passwd.service",
        "mask target",
        "daemon-reload",
        "kill target",
        "attach --privileged target -- true",
        "log-level debug",
        "service-watchdogs no",
    };
    for (const char* const change : changes) {
        script += call + change + " >/dev/null 2>>" + answers + ".why </dev/null; echo $? >>" +
                  answers + "\n";
    }
    script += call + "is-active target >>" + answers + "\ntrue\n";
    std::ofstream(hearthd.place() + "/script") << script;
    hearthd.add(
        "bounded.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh " + hearthd.place() +
            "/script\nCapabilityBoundingSet=~CAP_SYS_ADMIN\n");
    ASSERT_EQ(hearthd.ctl({"start", "bounded"}).status, 0) << hearthd.log();
    std::istringstream lines(text_of(answers));
    for (const char* const change : changes) {
        std::string status;
        ASSERT_TRUE(std::getline(lines, status)) << change;
        EXPECT_NE(status, "0") << change << "\n" << text_of(answers + ".why");
    }
    std::string state;
    std::getline(lines, state);
    EXPECT_EQ(state, "inactive") << "reading is allowed";
    std::size_t refusals = 0;
    const std::string why = text_of(answers + ".why");
    for (std::size_t at = 0;
         (at = why.find("you are a process of bounded.service", at)) != std::string::npos;
         ++at) {
        ++refusals;
    }
    EXPECT_EQ(refusals, std::size(changes)) << why;
}

/// The user's own hearthd has no capability to go by: whatever confines forbids.
TEST(ControlAccess, UnderAUsersHearthdAnyConfinementForbids) {
    SKIP_WITHOUT_ROOT();
    constexpr unsigned nobody = 65534;
    const HearthdProcess hearthd(
        {},
        {"--user"},
        {{"/usr/bin/setpriv",
          "--reuid=65534",
          "--regid=65534",
          "--clear-groups",
          "/usr/bin/env",
          "HOME=/"},
         nobody});
    hearthd.add("target.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    const std::string call =
        hearthd.program("hearthctl") + " --runtime-dir " + hearthd.place() + "/runtime ";
    for (const auto& [name, line, allowed] :
         {std::tuple("plain", "", true),
          std::tuple("confined", "NoNewPrivileges=yes\n", false),
          std::tuple("granted", "NoNewPrivileges=yes\n[X-Hearth]\nControlAccess=yes\n", true)}) {
        const std::string answer = hearthd.place() + "/runtime/" + name;
        hearthd.add(
            std::string(name) + ".service",
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c '" + call + "start target >" + answer +
                " 2>&1; echo $? >>" + answer + "'\n" + line);
        ASSERT_EQ(hearthd.ctl({"start", name}).status, 0) << hearthd.log();
        const std::string said = text_of(answer);
        if (allowed) {
            EXPECT_EQ(said, "0\n") << name;
        } else {
            EXPECT_NE(said.find("which is confined"), std::string::npos) << name << ": " << said;
        }
        EXPECT_EQ(hearthd.ctl({"stop", "target"}).status, 0);
    }
}

}  // namespace
