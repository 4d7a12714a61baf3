// SPDX-License-Identifier: MIT
#include "units/names.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace hearth {

TEST(Names, ReadSignals) {
    const std::pair<std::string_view, std::optional<int>> cases[] = {
        {"SIGTERM", SIGTERM},
        {"TERM", SIGTERM},
        {"15", 15},
        {"SIGRTMIN", SIGRTMIN},
        {"RTMIN+3", SIGRTMIN + 3},
        {"SIGRTMAX", SIGRTMAX},
        {"RTMAX-1", SIGRTMAX - 1},
        {"64", 64},
        {"RTMIN+30", SIGRTMAX},
        {"RTMIN+31", std::nullopt},
        {"RTMIN-1", std::nullopt},
        {"RTMIN+", std::nullopt},
        {"0", std::nullopt},
        {"65", std::nullopt},
        {"", std::nullopt},
        {"sigterm", std::nullopt},
        {"SIGFOO", std::nullopt},
        {"-1", std::nullopt},
    };
    for (const auto& [text, number] : cases) {
        EXPECT_EQ(signal_number(text), number) << text;
    }
}

TEST(Names, NameEachSignalSoThatItIsReadBack) {
    for (int number = 1; number <= 64; ++number) {
        EXPECT_EQ(signal_number(signal_name(number)), number) << signal_name(number);
    }
    EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
    EXPECT_EQ(signal_name(SIGRTMIN + 3), "SIGRTMIN+3");
}

TEST(Names, KnowCapabilitiesByNameAndNumber) {
    EXPECT_EQ(capability_number("CAP_SYS_ADMIN"), 21U);
    EXPECT_EQ(capability_number("cap_sys_admin"), 21U);
    EXPECT_EQ(capability_number("CAP_CHECKPOINT_RESTORE"), 40U);
    EXPECT_EQ(capability_number("62"), 62U);
    EXPECT_EQ(capability_number("63"), std::nullopt);
    EXPECT_EQ(capability_number("SYS_ADMIN"), std::nullopt);
    EXPECT_EQ(capability_number(""), std::nullopt);
    EXPECT_EQ(capability_names().size(), 41U);
    for (unsigned number = 0; number < 63; ++number) {
        EXPECT_EQ(capability_number(capability_name(number)), number);
    }
}

TEST(Names, KnowErrnosAsTheirHeaderDoes) {
    EXPECT_EQ(errno_number("EPERM"), EPERM);
    EXPECT_EQ(errno_number("ENOTSUP"), ENOTSUP);
    EXPECT_EQ(errno_number("EUCLEAN"), EUCLEAN);
    EXPECT_EQ(errno_number("4095"), 4095);
    EXPECT_EQ(errno_number("0"), std::nullopt);
    EXPECT_EQ(errno_number("4096"), std::nullopt);
    EXPECT_EQ(errno_number("EFOO"), std::nullopt);
    EXPECT_EQ(errno_name(EAGAIN), "EAGAIN");
    EXPECT_EQ(errno_name(4000), "4000");
}

TEST(Names, KnowExitStatusesOfTheManual) {
    EXPECT_EQ(exit_status_number("TEMPFAIL"), 75);
    EXPECT_EQ(exit_status_number("NAMESPACE"), 226);
    EXPECT_EQ(exit_status_number("EXCEPTION"), 255);
    EXPECT_EQ(exit_status_number("75"), std::nullopt);
    EXPECT_EQ(exit_status_name(203), "EXEC");
    EXPECT_EQ(exit_status_name(9), std::nullopt);
}

TEST(Names, KnowAddressFamilies) {
    EXPECT_EQ(address_family_number("AF_UNIX"), 1);
    EXPECT_EQ(address_family_number("AF_LOCAL"), 1);
    EXPECT_EQ(address_family_number("AF_NETLINK"), 16);
    EXPECT_EQ(address_family_number("AF_VSOCK"), 40);
    EXPECT_EQ(address_family_number("UNIX"), std::nullopt);
    for (const std::string_view name : address_family_names()) {
        EXPECT_TRUE(address_family_number(name)) << name;
    }
}

}  // namespace hearth
