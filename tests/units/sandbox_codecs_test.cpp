// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/value_recorder.hpp"
#include "units/codecs.hpp"
#include "units/system_call_groups.hpp"

namespace hearth {

namespace {

constexpr std::uint64_t bit(unsigned number) {
    return std::uint64_t{1} << number;
}
constexpr unsigned cap_chown = 0;
constexpr unsigned cap_kill = 5;
constexpr unsigned cap_sys_admin = 21;

template <class T>
T assigned(const std::vector<std::string>& texts) {
    T value;
    for (const std::string& text : texts) {
        const Assigned result = Codec<T>::assign(value, text, {});
        EXPECT_TRUE(result) << text << ": " << result.error().what;
    }
    return value;
}

template <class T>
std::string error_of(const T& before, std::string_view text) {
    T value = before;
    const Assigned result = Codec<T>::assign(value, text, {});
    EXPECT_TRUE(value == before) << text;
    return result ? "no error"
                  : result.error().what +
                        (result.error().hint.empty() ? "" : "; " + result.error().hint);
}

template <class T>
std::string written(const T& value) {
    ValueRecorder recorder;
    Codec<T>::write(value, recorder);
    EXPECT_TRUE(recorder.signatures_match());
    EXPECT_EQ(recorder.signature(), Codec<T>::signature);
    return recorder.text();
}

SystemCallFilter filter(const std::vector<std::string>& texts) {
    return assigned<SystemCallFilter>(texts);
}

}  // namespace

TEST(CapabilityBoundingSet, MergesAsTheManualSays) {
    const std::pair<std::vector<std::string>, std::uint64_t> cases[] = {
        {{}, all_capabilities},
        {{""}, 0},
        {{"~"}, all_capabilities},
        {{"CAP_CHOWN CAP_KILL"}, bit(cap_chown) | bit(cap_kill)},
        {{"CAP_CHOWN", "CAP_KILL"}, bit(cap_chown) | bit(cap_kill)},
        {{"CAP_CHOWN CAP_KILL", "~CAP_KILL"}, bit(cap_chown)},
        {{"~CAP_SYS_ADMIN"}, ~bit(cap_sys_admin)},
        {{"~CAP_SYS_ADMIN", "~CAP_KILL"}, ~(bit(cap_sys_admin) | bit(cap_kill))},
        {{"CAP_CHOWN", ""}, 0},
        {{"", "CAP_CHOWN"}, bit(cap_chown)},
        {{"CAP_CHOWN", "~"}, all_capabilities},
        {{"cap_chown"}, bit(cap_chown)},
        {{"40 62"}, bit(40) | bit(62)},
    };
    for (const auto& [texts, mask] : cases) {
        EXPECT_EQ(assigned<BoundingSet>(texts).mask, mask) << (texts.empty() ? "" : texts.back());
    }
}

TEST(CapabilityBoundingSet, IsReadBackFromItsText) {
    for (const std::uint64_t mask :
         {all_capabilities,
          std::uint64_t{0},
          bit(cap_chown),
          ~bit(cap_kill),
          bit(50) | bit(62),
          ~(bit(62) | bit(1))}) {
        BoundingSet back;
        ASSERT_TRUE(Codec<BoundingSet>::assign(back, Codec<BoundingSet>::format({mask}), {}));
        EXPECT_EQ(back.mask, mask);
    }
    EXPECT_EQ(Codec<BoundingSet>::format({~bit(cap_kill)}), "~CAP_KILL");
    EXPECT_EQ(written(BoundingSet{33}), "t 33");
}

TEST(CapabilityBoundingSet, RefusesWhatItDoesNotKnow) {
    EXPECT_EQ(
        error_of(BoundingSet{5}, "CAP_CHOWN CAP_CHWON"),
        "'CAP_CHWON' is no capability; did you mean 'CAP_CHOWN'?");
}

TEST(AmbientCapabilities, BeginEmpty) {
    EXPECT_EQ(assigned<AmbientSet>({"CAP_CHOWN", "CAP_KILL"}).mask, bit(cap_chown) | bit(cap_kill));
    EXPECT_EQ(assigned<AmbientSet>({"CAP_CHOWN", ""}).mask, 0U);
    EXPECT_EQ(assigned<AmbientSet>({"~CAP_KILL"}).mask, ~bit(cap_kill));
}

TEST(SystemCallFilter, AllowListBringsTheDefaultCalls) {
    const SystemCallFilter value = filter({"getpid"});
    EXPECT_TRUE(value.allow_list);
    EXPECT_TRUE(value.calls.contains("getpid"));
    EXPECT_TRUE(value.calls.contains("execve"));
    EXPECT_TRUE(value.calls.contains("rt_sigreturn"));
    EXPECT_FALSE(value.calls.contains("read"));
}

TEST(SystemCallFilter, DenyListHasOnlyWhatIsNamed) {
    const SystemCallFilter value = filter({"~mount umount2"});
    EXPECT_FALSE(value.allow_list);
    EXPECT_EQ(value.calls.size(), 2U);
}

TEST(SystemCallFilter, TheFirstAssignmentDecidesTheKind) {
    // The example of systemd.exec(5): an allow-list for read() and write(), then a deny-list for
    // write().
    SystemCallFilter value = filter({"read write", "~write"});
    EXPECT_TRUE(value.allow_list);
    EXPECT_TRUE(value.calls.contains("read"));
    EXPECT_FALSE(value.calls.contains("write"));
    // And the other way round: what was refused is allowed again.
    value = filter({"~read write", "write"});
    EXPECT_FALSE(value.allow_list);
    EXPECT_TRUE(value.calls.contains("read"));
    EXPECT_FALSE(value.calls.contains("write"));
}

TEST(SystemCallFilter, OrderCounts) {
    EXPECT_TRUE(filter({"@system-service", "~chown", "chown"}).calls.contains("chown"));
    EXPECT_FALSE(filter({"@system-service", "chown", "~chown"}).calls.contains("chown"));
    EXPECT_TRUE(filter({"~chown", "chown", "~chown"}).calls.contains("chown"));
}

TEST(SystemCallFilter, GroupsAreExpandedWithTheirGroups) {
    const SystemCallFilter value = filter({"@system-service", "~@privileged"});
    EXPECT_TRUE(value.allow_list);
    EXPECT_TRUE(value.calls.contains("read"));
    EXPECT_FALSE(value.calls.contains("chown"));  // @privileged has @chown in it
    EXPECT_FALSE(value.calls.contains("setuid"));
}

TEST(SystemCallFilter, ErrorsBelongToRefusedCalls) {
    const SystemCallFilter value = filter({"~@swap:EPERM mount:kill umount2:0 reboot"});
    EXPECT_EQ(value.calls.at("swapon"), EPERM);
    EXPECT_EQ(value.calls.at("mount"), SystemCallFilter::kill_process);
    EXPECT_EQ(value.calls.at("umount2"), 0);
    EXPECT_EQ(value.calls.at("reboot"), std::nullopt);
    EXPECT_EQ(filter({"~mount:EPERM", "~mount:EACCES"}).calls.at("mount"), EACCES);
    EXPECT_EQ(
        written(filter({"~mount:EPERM reboot swapoff:kill"})),
        "(bas) (false,[\"mount:EPERM\",\"reboot\",\"swapoff:kill\"])");
    // An allowed call with an error is left out, as systemd does.
    SystemCallFilter allowed;
    ValueNotes notes;
    ASSERT_TRUE(Codec<SystemCallFilter>::assign(allowed, "mount:EPERM read", {nullptr, &notes}));
    EXPECT_EQ(notes.size(), 1U);
    EXPECT_FALSE(allowed.calls.contains("mount"));
}

TEST(SystemCallFilter, AnEmptyTextResetsAll) {
    EXPECT_EQ(filter({"read", ""}), SystemCallFilter{});
    const SystemCallFilter value = filter({"read", "", "~mount"});
    EXPECT_FALSE(value.allow_list);
    EXPECT_EQ(value.calls.size(), 1U);
}

TEST(SystemCallFilter, AnUnknownNameIsADoubtWhereItIsAllowedAndAnErrorWhereItIsRefused) {
    SystemCallFilter value;
    ValueNotes notes;
    ASSERT_TRUE(Codec<SystemCallFilter>::assign(value, "read wirte", {nullptr, &notes}));
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].what, "'wirte' is no system call, ignored");
    EXPECT_EQ(notes[0].hint, "did you mean 'write'?");
    EXPECT_EQ(notes[0].offset, 5U);
    EXPECT_FALSE(value.calls.contains("wirte"));
    EXPECT_EQ(
        error_of(filter({"~reboot"}), "~montu"),
        "'montu' is no system call; did you mean 'mount'?");
    EXPECT_EQ(
        error_of(SystemCallFilter{}, "~@privileges"),
        "'@privileges' is no group of system calls; did you mean '@privileged'?");
    EXPECT_NE(error_of(SystemCallFilter{}, "~mount:EFOO"), "no error");
    EXPECT_NE(error_of(SystemCallFilter{}, "~mount:4096"), "no error");
}

TEST(SystemCallFilter, IsReadBackFromItsText) {
    const SystemCallFilter value = filter({"@system-service", "~@privileged @resources", "chown"});
    SystemCallFilter back;
    for (const char* const line : {"@system-service", "~@privileged @resources", "chown"}) {
        ASSERT_TRUE(Codec<SystemCallFilter>::assign(back, line, {}));
    }
    EXPECT_EQ(
        Codec<SystemCallFilter>::format(value), "@system-service\n~@privileged @resources\nchown");
    EXPECT_EQ(back, value);
}

TEST(SystemCallErrorNumber, IsAnErrnoOrKill) {
    EXPECT_EQ(assigned<SystemCallError>({"EPERM"}), (SystemCallError{false, EPERM}));
    EXPECT_EQ(assigned<SystemCallError>({"13"}), (SystemCallError{false, EACCES}));
    EXPECT_EQ(assigned<SystemCallError>({"EPERM", "kill"}), SystemCallError{});
    EXPECT_EQ(assigned<SystemCallError>({"EPERM", ""}), SystemCallError{});
    EXPECT_EQ(written(SystemCallError{}), "i 2147483646");
    EXPECT_EQ(written(SystemCallError{false, EPERM}), "i 1");
    for (const std::string_view bad : {"0", "EFOO", "4096"}) {
        EXPECT_NE(error_of(SystemCallError{}, bad), "no error");
    }
}

TEST(SystemCallArchitectures, AreAKnownSet) {
    EXPECT_EQ(
        written(assigned<ArchitectureSet>({"native x86", "x32"})),
        "as [\"native\",\"x32\",\"x86\"]");
    EXPECT_EQ(assigned<ArchitectureSet>({"native", ""}), ArchitectureSet{});
    EXPECT_EQ(
        error_of(ArchitectureSet{}, "native x86_64"),
        "'x86_64' is no architecture; did you mean 'x86-64'?");
}

TEST(RestrictAddressFamilies, MergesAsTheManualSays) {
    using Names = std::set<std::string>;
    struct Case {
        std::vector<std::string> texts;
        bool allow_list;
        Names families;
    };
    const Case cases[] = {
        {{"AF_UNIX AF_INET"}, true, {"AF_UNIX", "AF_INET"}},
        {{"AF_UNIX", "AF_INET"}, true, {"AF_UNIX", "AF_INET"}},
        {{"AF_UNIX AF_INET", "~AF_INET"}, true, {"AF_UNIX"}},
        {{"~AF_PACKET"}, false, {"AF_PACKET"}},
        {{"~AF_PACKET AF_INET", "AF_INET"}, false, {"AF_PACKET"}},
        {{"~AF_PACKET", "AF_PACKET", "AF_UNIX"}, false, {}},
        {{"none"}, true, {}},
        {{"AF_UNIX", "none"}, true, {}},
        {{"none", "AF_UNIX"}, true, {"AF_UNIX"}},
        {{"none", "~AF_UNIX"}, false, {"AF_UNIX"}},
        {{"AF_UNIX", ""}, false, {}},
        {{"AF_LOCAL"}, true, {"AF_UNIX"}},
    };
    for (const Case& each : cases) {
        const auto value = assigned<AddressFamilies>(each.texts);
        EXPECT_EQ(value.allow_list, each.allow_list) << each.texts.back();
        EXPECT_EQ(value.families, each.families) << each.texts.back();
    }
    EXPECT_EQ(written(assigned<AddressFamilies>({"AF_UNIX"})), "(bas) (true,[\"AF_UNIX\"])");
    EXPECT_NE(error_of(AddressFamilies{}, "AF_UNIX AF_FOO"), "no error");
}

}  // namespace hearth
