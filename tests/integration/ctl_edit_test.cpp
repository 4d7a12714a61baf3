// SPDX-License-Identifier: MIT
//
// hearthctl edit: what the editor is shown, what becomes of its text, and what is refused.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

class CtlEdit : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        hearthd.add("kiln.service", "[Unit]\nDescription=A kiln\n[Service]\nExecStart=/bin/true\n");
    }
    /// hearthctl edit WORDS with a shell script as editor; "$1" is the file.
    Output edit(const std::string& editor, const std::string& words) {
        const std::string script = hearthd.place() + "/editor";
        std::ofstream(script) << "#!/bin/sh\n" << editor << "\n";
        fs::permissions(script, fs::perms::owner_all);
        return run_program(
            {"/bin/sh",
             "-c",
             "SYSTEMD_EDITOR='" + script + "' " HEARTH_BINARY_DIR "/hearthctl --runtime-dir " +
                 hearthd.place() + "/runtime edit " + words});
    }
    static std::string adds(const std::string& line) {
        return "sed -i '/^### Anything/a " + line + "' \"$1\"";
    }
    [[nodiscard]] std::string drop_in(const std::string& name = "override") const {
        return hearthd.units() + "/kiln.service.d/" + name + ".conf";
    }
    HearthdProcess hearthd;
};

TEST_F(CtlEdit, MakesADropInOfWhatStandsBetweenTheComments) {
    const std::string seen = hearthd.place() + "/seen";
    const Output done = edit("cp \"$1\" " + seen + "; " + adds("[Service]\\nNice=5"), "kiln");
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(text_of(drop_in()), "[Service]\nNice=5\n");
    EXPECT_EQ(hearthd.show("kiln.service", "Nice"), "5") << "it was loaded again";
    const std::string shown = text_of(seen);
    EXPECT_EQ(shown.find("### Editing " + drop_in() + "\n"), 0U) << shown;
    EXPECT_NE(shown.find("# Description=A kiln\n"), std::string::npos) << shown;
    // The second time it is the text to change.
    EXPECT_EQ(edit("sed -i s/Nice=5/Nice=6/ \"$1\"", "kiln").status, 0);
    EXPECT_EQ(text_of(drop_in()), "[Service]\nNice=6\n");
}

TEST_F(CtlEdit, ChangesNothingWhereNothingWasWrittenOrTheEditorFails) {
    EXPECT_EQ(edit("true", "kiln").status, 0);
    EXPECT_FALSE(fs::exists(hearthd.units() + "/kiln.service.d"));
    EXPECT_EQ(edit("exit 1", "kiln").status, 1);
    EXPECT_FALSE(fs::exists(hearthd.units() + "/kiln.service.d"));
}

TEST_F(CtlEdit, RefusesWhatCouldNotBeStartedAndKeepsTheText) {
    const Output refused = edit("echo '[Service]' >\"$1\"", "--full kiln");
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("could not be started as written"), std::string::npos)
        << refused.err;
    EXPECT_EQ(hearthd.show("kiln.service", "Description"), "A kiln") << "the file is as it was";
    const std::size_t begin = refused.err.find("The text is in ") + 15;
    const std::string kept = refused.err.substr(begin, refused.err.find(';', begin) - begin);
    EXPECT_EQ(text_of(kept), "[Service]\n");
    EXPECT_EQ(edit("echo '[Service]' >\"$1\"", "--full --force kiln").status, 0);
    EXPECT_EQ(text_of(hearthd.units() + "/kiln.service"), "[Service]\n");
}

TEST_F(CtlEdit, MakesANewUnitWithForce) {
    const Output refused = edit("true", "newborn");
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("No files found for newborn.service"), std::string::npos);
    EXPECT_EQ(
        edit("printf '[Service]\\nExecStart=/bin/true\\n' >\"$1\"", "--full --force newborn")
            .status,
        0);
    EXPECT_EQ(hearthd.show("newborn.service", "LoadState"), "loaded");
}

TEST_F(CtlEdit, TakesTheTextFromStandardInput) {
    EXPECT_EQ(edit("exit 1", "--stdin --drop-in=nice kiln <<'X'\n[Service]\nNice=9\nX").status, 0);
    EXPECT_EQ(text_of(drop_in("nice")), "[Service]\nNice=9\n");
    EXPECT_EQ(edit("exit 1", "--stdin --runtime kiln <<'X'\n[Service]\nNice=8\nX").status, 0);
    EXPECT_TRUE(fs::exists(hearthd.place() + "/runtime/system/kiln.service.d/override.conf"));
    EXPECT_EQ(edit("exit 1", "--stdin --drop-in=../../x kiln </dev/null").status, 1);
}

}  // namespace
}  // namespace hearth::testing
