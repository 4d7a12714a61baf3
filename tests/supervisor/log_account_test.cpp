// SPDX-License-Identifier: MIT
//
// What a killed hearth-logd had, and the next one tells: never too little.
#include <gtest/gtest.h>

#include <cstring>

#include "supervisor/logd/account.hpp"

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
        auto opened = Account::open(memory);
        ASSERT_TRUE(opened.has_value()) << opened.error().what;
        account = std::move(*opened);
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
    again();
    EXPECT_EQ(account->take_losses(), Losses{}) << "told once";
}

TEST_F(LogAccount, WhatWasJustReadCountsUntilItIsTaken) {
    auto* const slot = account->slot("a.service");
    std::strcpy(account->reading(slot), "one\ntwo\nthr");
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 2}}));

    auto* const next = account->slot("a.service");
    std::strcpy(account->reading(next), "one\ntwo\n");
    next->taken += 2;  // killed between this and read_done()
    again();
    EXPECT_EQ(account->take_losses(), (Losses{{"a.service", 2}})) << "and not four";

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
