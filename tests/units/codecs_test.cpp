// SPDX-License-Identifier: MIT
#include "units/codecs.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include "tests/support/value_recorder.hpp"

namespace hearth {

namespace {

/// Applies the assignments in order; then what format() gives and what the bus gets.
template <class T>
void check(
    const std::vector<std::string>& assignments,
    const std::string& formatted,
    const std::string& written) {
    T value{};
    for (const std::string& text : assignments) {
        const Assigned assigned = Codec<T>::assign(value, text, {});
        ASSERT_TRUE(assigned) << text << ": " << assigned.error().what;
    }
    EXPECT_EQ(Codec<T>::format(value), formatted);
    ValueRecorder recorder;
    Codec<T>::write(value, recorder);
    EXPECT_EQ(recorder.text(), written);
    EXPECT_EQ(recorder.signature(), Codec<T>::signature);
    EXPECT_TRUE(recorder.signatures_match());
}

/// Each text is refused and leaves `before` as it was.
template <class T>
void check_refused(const T& before, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        T value = before;
        const Assigned assigned = Codec<T>::assign(value, text, {});
        EXPECT_FALSE(assigned) << text;
        EXPECT_TRUE(value == before) << text;
        if (!assigned) {
            EXPECT_FALSE(assigned.error().what.empty());
            EXPECT_LE(assigned.error().offset, text.size());
        }
    }
}

/// What is left out of `text` with a note, by how many notes there are.
template <class T>
std::size_t notes_of(T& value, std::string_view text) {
    ValueNotes notes;
    ValueContext context;
    context.notes = &notes;
    const Assigned assigned = Codec<T>::assign(value, text, context);
    EXPECT_TRUE(assigned);
    return notes.size();
}

}  // namespace

TEST(Codecs, EnumerationsUseSystemdsWords) {
    check<ServiceType>({"notify-reload"}, "notify-reload", "s \"notify-reload\"");
    check<Restart>({"on-abnormal"}, "on-abnormal", "s \"on-abnormal\"");
    check<KillMode>({"mixed"}, "mixed", "s \"mixed\"");
    check_refused<Restart>(Restart::Always, {"onfailure", "yes", "On-Failure"});
}

TEST(Codecs, BooleansThatGrewReadBooleans) {
    check<ProtectSystem>({"true"}, "yes", "s \"yes\"");
    check<ProtectSystem>({"strict"}, "strict", "s \"strict\"");
    check<ProtectSystem>({"strict", "off"}, "no", "s \"no\"");
    check<ProtectHome>({"1"}, "yes", "s \"yes\"");
    check<ProtectHome>({"read-only"}, "read-only", "s \"read-only\"");
    check_refused<ProtectHome>(ProtectHome::Tmpfs, {"full", "readonly"});
}

TEST(Codecs, Streams) {
    check<StreamTarget<StandardOutput>>({"append:/var/log/x"}, "append:/var/log/x", "s \"append\"");
    check<StreamTarget<StandardOutput>>({"syslog"}, "journal", "s \"journal\"");
    check<StreamTarget<StandardOutput>>({"fd:out"}, "fd:out", "s \"fd\"");
    check<StreamTarget<StandardInput>>({"file:/dev/zero"}, "file:/dev/zero", "s \"file\"");
    check_refused<StreamTarget<StandardOutput>>(
        {}, {"file", "file:", "file:relative", "null:x", "nul", "append"});
}

TEST(Codecs, WorkingDirectories) {
    check<WorkingDirectory>({"-/srv//x/"}, "-/srv/x", "s \"!/srv/x\"");
    check<WorkingDirectory>({"~"}, "~", "s \"~\"");
    check<WorkingDirectory>({"-~"}, "-~", "s \"!~\"");
    check_refused<WorkingDirectory>({"/a", false, false}, {"relative", "-", "~/x", "/a/../b"});
}

TEST(Codecs, EnvironmentsQuoteAndReplace) {
    check<Environment>(
        {"A=1 'B=two words' C=", "A=3"},
        "A=3\n\"B=two words\"\nC=",
        "as [\"A=3\",\"B=two words\",\"C=\"]");
    check<Environment>({"A=1", ""}, "", "as []");
    Environment value;
    EXPECT_EQ(notes_of(value, "A=1 nothing 2B=x B-C=x B=2"), 3U);
    EXPECT_EQ(Codec<Environment>::format(value), "A=1\nB=2");
}

TEST(Codecs, EnvironmentsStayFastWhenLong) {
    Environment value;
    constexpr int count = 5'000;
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < count; ++i) {
            ASSERT_TRUE(Codec<Environment>::assign(
                value, "V" + std::to_string(i) + "=" + std::to_string(round), {}));
        }
    }
    ASSERT_EQ(value.variables.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(value.variables[7].first, "V7");
    EXPECT_EQ(value.variables[count - 1].second, "1");
}

TEST(Codecs, EnvironmentFiles) {
    check<std::vector<EnvironmentFile>>(
        {"-/etc/a", "/etc/b c"},
        "-/etc/a\n/etc/b c",
        "a(sb) [(\"/etc/a\",true),(\"/etc/b c\",false)]");
    check_refused<std::vector<EnvironmentFile>>({{"/a", true}}, {"relative", "-"});
}

TEST(Codecs, UnitNames) {
    check<UnitNames>(
        {"a.service b.target", "c.socket"},
        "a.service b.target c.socket",
        "as [\"a.service\",\"b.target\",\"c.socket\"]");
    UnitNames value;
    EXPECT_EQ(notes_of(value, "a.service b c.d"), 2U);
    EXPECT_EQ(value.names.size(), 1U);
}

TEST(Codecs, Signals) {
    check<Signal>({"INT"}, "SIGINT", "i 2");
    check<Signal>({"SIGRTMIN+3"}, "SIGRTMIN+3", "i " + std::to_string(SIGRTMIN + 3));
    check_refused<Signal>({9}, {"0", "65", "SIGNOT", "9 10"});
}

TEST(Codecs, ExitStatusSetsMergeNamesNumbersAndSignals) {
    check<ExitStatusSet>(
        {"TEMPFAIL 250 SIGKILL", "1"}, "1 75 250 SIGKILL", "(aiai) ([1,75,250],[9])");
    check<ExitStatusSet>({"1", ""}, "", "(aiai) ([],[])");
    ExitStatusSet value;
    EXPECT_EQ(notes_of(value, "1 256 nonsense -1"), 3U);
    EXPECT_EQ(value.codes, std::set<int>{1});
}

TEST(Codecs, PathLists) {
    using Paths = std::vector<PathEntry>;
    check<Paths>(
        {"/a -/b +/c", "-+/d"}, "/a\n-/b\n+/c\n-+/d", "as [\"/a\",\"-/b\",\"+/c\",\"-+/d\"]");
    check<Paths>({"'/with space'"}, "\"/with space\"", "as [\"/with space\"]");
    check<Paths>({"/a", "", "/b"}, "/b", "as [\"/b\"]");
    check_refused<Paths>(
        {{"/a", false, false}}, {"relative", "/b relative", "-", "+-/a", "/a/../b"});
}

TEST(Codecs, Binds) {
    using Binds = std::vector<BindEntry>;
    check<Binds>(
        {"/a /b:/c -/d:/e:norbind /f::rbind"},
        "/a:/a\n/b:/c\n-/d:/e:norbind\n/f:/f",
        "a(ssbt) [(\"/a\",\"/a\",false,16384),(\"/b\",\"/c\",false,16384),(\"/d\",\"/e\",true,0),"
        "(\"/f\",\"/f\",false,16384)]");
    check_refused<Binds>({}, {"a:/b", "/a:b", "/a:/b:ro", "/a:/b:rbind:x", ":/b"});
    const Binds with_colon{{"/a:b", "/c", false, true}};
    Binds back;
    ASSERT_TRUE(Codec<Binds>::assign(back, Codec<Binds>::format(with_colon), {}));
    EXPECT_EQ(back, with_colon);
}

TEST(Codecs, TemporaryFileSystems) {
    using List = std::vector<TmpfsEntry>;
    check<List>(
        {"/var:ro,mode=0700 /srv"},
        "/var:ro,mode=0700\n/srv",
        "a(ss) [(\"/var\",\"ro,mode=0700\"),(\"/srv\",\"\")]");
    check_refused<List>({}, {"var", "var:ro"});
}

TEST(Codecs, Limits) {
    check<CountLimit>({"1024:4096"}, "1024:4096", "t 4096");
    check<CountLimit>({"infinity"}, "infinity", "t 18446744073709551615");
    check<CountLimit>({"5:infinity"}, "5:infinity", "t 18446744073709551615");
    check<SizeLimit>({"64K"}, "64K", "t 65536");
    check<SizeLimit>({"1M:1G"}, "1M:1G", "t 1073741824");
    check<SecondsLimit>({"1min:2min"}, "60s:120s", "t 120");
    check<SecondsLimit>({"1500ms"}, "2s", "t 2");
    check<MicrosecondsLimit>({"200"}, "200us", "t 200");
    check<MicrosecondsLimit>({"1s"}, "1000000us", "t 1000000");
    check<NiceLimit>({"+5"}, "15", "t 15");
    check<NiceLimit>({"-5"}, "25", "t 25");
    check<NiceLimit>({"40"}, "40", "t 40");
    check_refused<CountLimit>({}, {"2:1", ":5", "5:", "x", "-1", "1:2:3", "infinity:5"});
    check<NiceLimit>({"0"}, "1", "t 1");
    check_refused<NiceLimit>({}, {"41", "+20", "-21", "+-1"});
    check_refused<SecondsLimit>({}, {"1foo"});
}

TEST(Codecs, MemoryAndTasks) {
    check<MemoryLimit>({"64M"}, "64M", "t 67108864");
    check<MemoryLimit>({"infinity"}, "infinity", "t 18446744073709551615");
    check<MemoryLimit>({"12.5%"}, "12.5%", "t 18446744073709551615");
    check<TasksLimit>({"16"}, "16", "t 16");
    check<TasksLimit>({"100%"}, "100%", "t 18446744073709551615");
    check_refused<MemoryLimit>({}, {"0", "0%", "101%", "-1", "64Q", "x%"});
    check_refused<TasksLimit>({}, {"0", "1K", "-5"});
}

TEST(Codecs, CpuTime) {
    check<CpuQuota>({"20%"}, "20%", "t 200000");
    check<CpuQuota>({"250.5%"}, "250.5%", "t 2505000");
    check<CpuQuota>({"20%", ""}, "", "t 18446744073709551615");
    check<CpuWeight>({"idle"}, "idle", "t 0");
    check<CpuWeight>({"10000"}, "10000", "t 10000");
    check_refused<CpuQuota>({}, {"20", "0%", "-1%", "%"});
    check_refused<CpuWeight>({}, {"0", "10001", "lazy"});
}

}  // namespace hearth
