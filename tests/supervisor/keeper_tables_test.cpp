// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>

#include "supervisor/init/tables.hpp"

namespace {

using hearth::keeper::Descriptors;
using hearth::keeper::Process;
using hearth::keeper::Processes;

bool is_open(int number) {
    return ::fcntl(number, F_GETFD) >= 0;
}

int some_file() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST(KeeperDescriptors, AreHeldByNameAndToldToTheNextOne) {
    const auto held = std::make_unique<Descriptors>();
    const int first = some_file();
    ASSERT_TRUE(held->hold("notify", first));
    EXPECT_EQ(held->untold(), nullptr) << "whoever gave it has it";
    held->tell_again();
    auto* const entry = held->untold();
    ASSERT_NE(entry, nullptr);
    EXPECT_STREQ(entry->name, "notify");
    EXPECT_EQ(entry->number, first);
    EXPECT_EQ(held->number("notify"), first);
    EXPECT_EQ(held->number("nothing"), -1);
    entry->told = true;
    EXPECT_EQ(held->untold(), nullptr);
    const int second = some_file();
    ASSERT_TRUE(held->hold("notify", second));
    EXPECT_FALSE(is_open(first));
    held->drop("notify");
    EXPECT_FALSE(is_open(second));
    held->tell_again();
    EXPECT_EQ(held->untold(), nullptr);
    held->drop("notify");
}

TEST(KeeperDescriptors, AFullTableRefuses) {
    const auto held = std::make_unique<Descriptors>();
    // Numbers that are none: nothing is closed by accident.
    for (unsigned index = 0; index < Descriptors::capacity; ++index) {
        ASSERT_TRUE(held->hold(std::to_string(index).c_str(), -1));
    }
    EXPECT_FALSE(held->hold("one-more", -1));
    EXPECT_TRUE(held->hold("17", -1));
    held->drop("17");
    EXPECT_TRUE(held->hold("one-more", -1));
}

TEST(KeeperProcesses, RegisteredOnesAreKeptUntilForgotten) {
    const auto table = std::make_unique<Processes>();
    ASSERT_TRUE(table->watch(7, 100));
    EXPECT_EQ(table->untold(), nullptr);
    EXPECT_TRUE(table->ended(7, 100, CLD_EXITED, 3, false));
    table->forget_strangers();
    for (int next = 0; next < 2; ++next) {
        Process* const process = table->untold();
        ASSERT_NE(process, nullptr);
        EXPECT_EQ(process->status, 3);
        process->told = true;
        EXPECT_EQ(table->untold(), nullptr);
        table->tell_again();
    }
    table->forget(7, 99);  // another process that had that pid
    EXPECT_NE(table->untold(), nullptr);
    table->forget(7, 100);
    EXPECT_EQ(table->untold(), nullptr);
}

TEST(KeeperProcesses, StrangersAreKeptWhereNobodyCouldRegisterThem) {
    const auto table = std::make_unique<Processes>();
    EXPECT_FALSE(table->ended(1, 1, CLD_EXITED, 0, false)) << "not for the hearthd of now";
    EXPECT_EQ(table->untold(), nullptr);
    table->tell_again();
    ASSERT_NE(table->untold(), nullptr);
    EXPECT_EQ(table->untold()->pid, 1);
    table->forget_strangers();
    EXPECT_EQ(table->untold(), nullptr);
    for (int pid = 1; pid <= static_cast<int>(Processes::strangers) + 1; ++pid) {
        EXPECT_TRUE(table->ended(pid, 5, CLD_KILLED, SIGTERM, true));
    }
    unsigned known = 0;
    bool oldest = false;
    while (Process* const process = table->untold()) {
        process->told = true;
        oldest = oldest || process->pid == 1;
        ++known;
    }
    EXPECT_EQ(known, Processes::strangers);
    EXPECT_FALSE(oldest);
    ASSERT_TRUE(table->watch(2, 5));  // its registration was on the way
    table->forget_strangers();
    table->tell_again();
    ASSERT_NE(table->untold(), nullptr);
    EXPECT_EQ(table->untold()->pid, 2);
}

TEST(KeeperProcesses, AFullTableRefuses) {
    const auto table = std::make_unique<Processes>();
    for (unsigned index = 1; index <= Processes::capacity; ++index) {
        ASSERT_TRUE(table->watch(static_cast<int32_t>(index), 1));
    }
    EXPECT_FALSE(table->watch(100'000, 1));
    EXPECT_FALSE(table->ended(100'000, 1, CLD_EXITED, 0, true));
    EXPECT_TRUE(table->watch(5, 1)) << "is in it";
    table->forget(5, 1);
    EXPECT_TRUE(table->watch(100'000, 1));
}

}  // namespace
