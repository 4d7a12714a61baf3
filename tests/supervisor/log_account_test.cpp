// SPDX-License-Identifier: MIT
//
// What a killed hearth-logd had, and the next one tells: never too little.
#include <gtest/gtest.h>

#include <cstring>

#include "supervisor/logd/account.hpp"
#include "supervisor/sys/file.hpp"

namespace {

using hearth::logd::Account;
using Losses = std::vector<Account::Loss>;

class LogAccount : public ::testing::Test {
protected:
    void SetUp() override {
        auto made = Account::make();
        ASSERT_TRUE(made.has_value()) << made.error().what;
        memory = std::move(*made);
        again();
    }
    /// As the next hearth-logd sees it.
    void again() {
        account.reset();
        auto copy = hearth::sys::duplicate(memory.number());
        ASSERT_TRUE(copy.has_value()) << copy.error().what;
        auto opened = Account::open(std::move(*copy));
        ASSERT_TRUE(opened.has_value()) << opened.error().what;
        account = std::move(*opened);
    }

    /// As it tells what the one before lost: a line of its own, and whether that is in the file.
    void tell(const std::string& unit, bool stored) {
        auto* const slot = account->slot(unit);
        Account::tell(slot, slot->untold);
        slot->taken += 1;
        slot->untold = 0;
        slot->stored += stored ? 1 : 0;
    }

    hearth::sys::Descriptor memory;
    std::unique_ptr<Account> account;
};

TEST_F(LogAccount, WhatIsStoredIsNotLost) {
    auto* const slot = account->slot("a.service");
    ASSERT_NE(slot, nullptr);
    slot->taken += 5;
    slot->stored += 5;
    again();
    EXPECT_EQ(account->take_losses(), Losses{});
}

TEST_F(LogAccount, WhatWasTakenAndNotStoredIsCountedForItsUnit) {
    account->slot("a.service")->taken += 5;
    auto* const slot = account->slot("b.service");
    slot->taken += 7;
    slot->stored += 4;
    slot->untold = 10;
    slot->partial += 1;
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 5}, {"b.service", 14}}));
    tell("a.service", true);
    tell("b.service", true);
    again();
    EXPECT_EQ(account->take_losses(), Losses{}) << "told once";
}

/// hearth-logd after hearth-logd is killed, each before it has told.
TEST_F(LogAccount, WhatNobodyHasToldYetIsNotForgotten) {
    account->slot("a.service")->taken += 5;
    for (int round = 0; round < 3; ++round) {
        again();
        EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 5}}));
    }
    tell("a.service", false);
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 6}})) << "with the line that told so";
    tell("a.service", false);
    account->slot("a.service")->untold = 3;
    tell("a.service", false);
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 11}}));
    tell("a.service", true);
    again();
    EXPECT_EQ(account->take_losses(), Losses{});
}

TEST_F(LogAccount, WhatWasJustReadCountsUntilItIsTaken) {
    auto* const slot = account->slot("a.service");
    std::strcpy(account->reading(slot), "one\ntwo\nthr");
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 2}}));
    tell("a.service", true);

    auto* const next = account->slot("a.service");
    std::strcpy(account->reading(next), "one\ntwo\n");
    next->taken += 2;  // killed between this and read_done()
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 2}})) << "and not four";
    tell("a.service", true);

    auto* const last = account->slot("a.service");
    std::strcpy(account->reading(last), "one\ntwo\n");
    last->taken += 2;
    last->stored += 2;
    account->read_done(8);
    (void)account->reading(last);
    again();
    EXPECT_EQ(account->take_losses(), Losses{}) << "the read brought nothing yet";
}

TEST_F(LogAccount, APlaceThatWasGivenBackIsUsedAgain) {
    auto* const slot = account->slot("a.service");
    slot->taken += 5;
    Account::release(slot);
    EXPECT_EQ(account->slot("b.service"), slot);
    slot->taken += 1;
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"b.service", 1}}));
}

TEST_F(LogAccount, OtherMemoryIsNoAccount) {
    EXPECT_FALSE(Account::open(hearth::sys::Descriptor()).has_value());
}

}  // namespace
