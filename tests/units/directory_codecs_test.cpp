// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/value_recorder.hpp"
#include "units/codecs.hpp"

namespace hearth {
namespace {

template <class T>
Assigned read(T& field, std::string_view text, ValueNotes* notes = nullptr) {
    return Codec<T>::assign(field, text, ValueContext{nullptr, notes});
}

TEST(DirectoryCodecs, ReadsPathsWithLinksAndMergesThem) {
    ServiceDirectories field;
    ASSERT_TRUE(read(field, "heat heat/inner//x:warm foo:bar"));
    ASSERT_TRUE(read(field, "foo:baz foo:bar foo"));
    const std::vector<ServiceDirectory> expected = {
        {"heat", {}}, {"heat/inner/x", {"warm"}}, {"foo", {"bar", "baz"}}};
    EXPECT_EQ(field.entries, expected);
    EXPECT_EQ(
        Codec<ServiceDirectories>::format(field), "heat\nheat/inner/x:warm\nfoo:bar\nfoo:baz");
    ASSERT_TRUE(read(field, ""));
    EXPECT_TRUE(field.entries.empty());
}

TEST(DirectoryCodecs, RefusesWhatLeadsElsewhere) {
    for (const char* const bad :
         {"/etc", "..", "a/../b", ".", "private", "private/x", "a:/b", "a:"}) {
        ServiceDirectories field{{{"kept", {}}}};
        EXPECT_FALSE(read(field, bad)) << bad;
        EXPECT_EQ(field.entries.size(), 1U) << bad;
    }
    ConfigurationDirectories configuration;
    EXPECT_FALSE(read(configuration, "a:b"));
    EXPECT_TRUE(read(configuration, "a b"));
}

TEST(DirectoryCodecs, LeavesOutOneBadWordAndTellsIt) {
    ServiceDirectories field;
    ValueNotes notes;
    ASSERT_TRUE(read(field, "good /bad fine", &notes));
    EXPECT_EQ(field.entries.size(), 2U);
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes.front().offset, 5U);
}

TEST(DirectoryCodecs, KeepsAColonThatABackslashPrecedes) {
    ServiceDirectories field;
    ASSERT_TRUE(read(field, "a\\:b:c"));
    EXPECT_EQ(field.entries, (std::vector<ServiceDirectory>{{"a:b", {"c"}}}));
    ServiceDirectories back;
    ASSERT_TRUE(read(back, Codec<ServiceDirectories>::format(field)));
    EXPECT_EQ(back, field);
}

TEST(CredentialCodecs, ReadsWhereTheyComeFrom) {
    std::vector<LoadedCredential> field;
    ASSERT_TRUE(read(field, "a:/etc/a"));
    ASSERT_TRUE(read(field, "b"));
    ASSERT_TRUE(read(field, "c:d"));
    ASSERT_TRUE(read(field, "a:/etc/other"));
    EXPECT_EQ(field, (std::vector<LoadedCredential>{{"a", "/etc/other"}, {"b", "b"}, {"c", "d"}}));
    for (const char* const bad : {"a/b:/x", "..", "a:b/c", "a b", ":x"}) {
        EXPECT_FALSE(read(field, bad)) << bad;
    }
}

TEST(CredentialCodecs, DecodesEscapesAndPrintsThemBack) {
    std::vector<InlineCredential> field;
    ASSERT_TRUE(read(field, "a:x\\ny\\x00z\\101\\u20ac:%h"));
    ASSERT_EQ(field.size(), 1U);
    EXPECT_EQ(field.front().data, std::string("x\ny\0zA\xe2\x82\xac:%h", 12));
    std::vector<InlineCredential> back;
    ASSERT_TRUE(read(back, Codec<std::vector<InlineCredential>>::format(field)));
    EXPECT_EQ(back, field);
    for (const char* const bad : {"a", "a:\\", "a:\\x1", "a:\\q", "a:\\ud800", "a:\\777"}) {
        EXPECT_FALSE(read(field, bad)) << bad;
    }
}

TEST(CredentialCodecs, NeverQuotesTheValueInAnErrorOrSendsIt) {
    std::vector<InlineCredential> field;
    const Assigned bad = read(field, "a:hunter2\\q");
    ASSERT_FALSE(bad);
    EXPECT_EQ((bad.error().what + bad.error().hint).find("hunter2"), std::string::npos);
    EXPECT_EQ(bad.error().offset, 9U);
    ASSERT_TRUE(read(field, "a:hunter2"));
    ValueRecorder recorder;
    Codec<std::vector<InlineCredential>>::write(field, recorder);
    EXPECT_EQ(recorder.signature(), "a(say)");
    EXPECT_EQ(recorder.text().find("104"), std::string::npos) << recorder.text();  // its first byte
}

TEST(SearchPathCodec, AppendsAndResets) {
    SearchPath field;
    ASSERT_TRUE(read(field, "/opt/a:/opt//b"));
    ASSERT_TRUE(read(field, "/c"));
    EXPECT_EQ(field.directories, (std::vector<std::string>{"/opt/a", "/opt/b", "/c"}));
    EXPECT_FALSE(read(field, "relative"));
    ASSERT_TRUE(read(field, ""));
    EXPECT_TRUE(field.directories.empty());
}

}  // namespace
}  // namespace hearth
