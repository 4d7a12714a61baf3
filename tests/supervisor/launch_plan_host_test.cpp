// SPDX-License-Identifier: MIT
//
// The host's facts: account files read by hand, and that this machine's can be read at all.
#include <unistd.h>

#include <string>

#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

TEST(HostAccounts, AreReadAsGetpwnamWould) {
    Host host;
    read_accounts(
        host,
        "root:x:0:0:root:/root:/bin/bash\n# a comment\nbroken\nalso:x:broken:1::/:/bin/sh\n"
        "toor:x:0:0::/root:/bin/csh\nplain:x:1000:1000:,,,:/home/plain:\nhuge:x:4294967296:1::/:/"
        "bin/sh\n"
        "last:x:1001:1000::/home/last:/bin/zsh",
        "root:x:0:\nplain:x:1000:plain\nwheel:x:10:plain,last,nosuch\nbroken:x\nwheel2:x:11:last");
    EXPECT_EQ(host.accounts.size(), 4U);
    EXPECT_EQ(host.account_by_uid.at(0), "root") << "the first of several names";
    EXPECT_EQ(host.accounts.at("plain").shell, "/bin/sh");
    EXPECT_EQ(host.accounts.at("plain").groups, std::vector<std::uint32_t>{10})
        << "without its own group";
    EXPECT_EQ(host.accounts.at("last").groups, (std::vector<std::uint32_t>{10, 11}));
    EXPECT_EQ(host.groups.size(), 4U);
}

TEST(HostAccounts, RubbishIsNoAccount) {
    Host host;
    read_accounts(host, std::string("\0\xff:::::::\n:x:1:1::/:/bin/sh\n\n\n", 30), ":::\n");
    EXPECT_TRUE(host.accounts.empty());
    EXPECT_TRUE(host.groups.empty());
}

TEST(HostFacts, OfThisMachineAreThere) {
    const auto host = gather_host();
    ASSERT_TRUE(host.has_value());
    EXPECT_EQ(host->own_uid, geteuid());
    EXPECT_TRUE(host->accounts.contains("root"));
    EXPECT_GT(host->memory_bytes, 0U);
    EXPECT_GT(host->tasks_maximum, 0U);
    EXPECT_GE(host->last_capability, 40U);
    EXPECT_EQ(host->capabilities >> (host->last_capability + 1), 0U);
    EXPECT_EQ(host->bounding_set >> (host->last_capability + 1), 0U);
    EXPECT_FALSE(host->resource_limits.empty());
    EXPECT_TRUE(host->environment.contains("PATH"));
    EXPECT_TRUE(host->seccomp);
}

}  // namespace
}  // namespace hearth::launch::testing
