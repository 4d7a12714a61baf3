// SPDX-License-Identifier: MIT
#include "units/security.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/units/unit_text.hpp"
#include "units/directive.hpp"

namespace hearth {
namespace {

Unit with(const std::string& directive, const std::string& value) {
    Unit unit;
    unit.name = "heat.service";
    const Row* const row = find_row(directive);
    EXPECT_NE(row, nullptr) << directive;
    EXPECT_TRUE(row->assign(unit.settings, value, ValueContext{}).has_value());
    unit.origins[directive] = {};
    return unit;
}

TEST(Security, AnUnconfinedServiceIsUnsafe) {
    const Exposure bare = exposure(Unit{});
    EXPECT_GT(bare.score, 9.0);
    EXPECT_TRUE(bare.level() == "UNSAFE" || bare.level() == "DANGEROUS") << bare.level();
    double sum = 0;
    for (const ExposureRow& row : bare.rows) {
        EXPECT_GT(row.weight, 0U) << row.name;
        sum += row.exposure;
    }
    EXPECT_NEAR(sum, bare.score, 0.06);
}

double whole(const Unit& unit) {
    double sum = 0;
    for (const ExposureRow& row : exposure(unit).rows) {
        sum += row.exposure;
    }
    return sum;
}

TEST(Security, EveryDirectiveWithAWeightLowersTheScore) {
    const double bare = whole(Unit{});
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            if (row.exposure > 0) {
                const Unit unit = with(std::string(row.name), std::string(row.sample));
                EXPECT_LT(whole(unit), bare) << row.name;
            }
        }
    }
}

TEST(Security, PartsOfADirectiveCountOneByOne) {
    const auto open = [](const Unit& unit) {
        std::map<std::string, double> all;
        for (const ExposureRow& row : exposure(unit).rows) {
            all[row.name] = row.open;
        }
        return all;
    };
    auto rows = open(with("CapabilityBoundingSet", "~CAP_SYS_ADMIN CAP_SETUID"));
    EXPECT_EQ(rows["CapabilityBoundingSet=~CAP_SYS_ADMIN"], 0.0);
    EXPECT_EQ(rows["CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)"], 1.0);
    rows = open(with("SystemCallFilter", "~@swap"));
    EXPECT_EQ(rows["SystemCallFilter=~@swap"], 0.0);
    EXPECT_EQ(rows["SystemCallFilter=~@mount"], 1.0);
    rows = open(with("SystemCallFilter", "@basic-io"));
    EXPECT_EQ(rows["SystemCallFilter=~@mount"], 0.0);
    rows = open(with("RestrictAddressFamilies", "AF_UNIX"));
    EXPECT_EQ(rows["RestrictAddressFamilies=~AF_UNIX"], 1.0);
    EXPECT_EQ(rows["RestrictAddressFamilies=~AF_PACKET"], 0.0);
    EXPECT_EQ(open(with("ProtectSystem", "full"))["ProtectSystem"], 0.3);
}

TEST(Security, WhatWasNotSeenToHoldCountsAsOpen) {
    const Unit unit = with("PrivateNetwork", "yes");
    EXPECT_LT(exposure(unit).score, exposure(unit, {"PrivateNetwork"}).score);
    const auto rows = exposure(unit, {"PrivateNetwork"}).rows;
    const auto row = std::ranges::find(rows, "PrivateNetwork", &ExposureRow::name);
    ASSERT_NE(row, rows.end());
    EXPECT_TRUE(row->unverified);
    EXPECT_EQ(row->open, 1.0);
}

}  // namespace
}  // namespace hearth
