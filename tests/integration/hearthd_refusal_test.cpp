// SPDX-License-Identifier: MIT
//
// Bad input gets a clear error and loses nothing: each case names its line, and hearthd goes on.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::HearthdProcess;
using hearth::testing::Output;

class Refusal : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    /// Starting `text` fails, says `expected`, and hearthd still starts others.
    static void check(
        const HearthdProcess& hearthd,
        const std::string& text,
        const std::vector<std::string>& expected) {
        hearthd.add("bad.service", text);
        (void)hearthd.ctl({"daemon-reload"});
        const Output output = hearthd.ctl({"start", "bad.service"});
        EXPECT_NE(output.status, 0) << text.substr(0, 200);
        for (const std::string& part : expected) {
            EXPECT_NE((output.out + output.err).find(part), std::string::npos)
                << "expected: " << part << "\nsaid: " << output.out << output.err
                << "\nlog: " << hearthd.log();
        }
        (void)hearthd.ctl({"reset-failed"});
    }
};

TEST_F(Refusal, NamesTheLineOfEachCause) {
    const HearthdProcess hearthd;
    hearthd.add("good.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    const std::string exec = "[Service]\nType=exec\nExecStart=/bin/sleep infinity\n";
    check(hearthd, exec + "User=no-such-user\n", {"bad.service:4", "User=", "no-such-user"});
    check(hearthd, exec + "Group=no-such-group\n", {"bad.service:4", "Group=", "no-such-group"});
    check(
        hearthd,
        "[Service]\nType=exec\nExecStart=/bin/no-such-binary\n",
        {"bad.service:3", "/bin/no-such-binary", "No such file"});
    check(
        hearthd,
        "[Service]\nType=exec\nExecStart=no-such-binary\n",
        {"bad.service:3", "no-such-binary"});
    check(hearthd, "[Service]\nType=exec\nExecStart=bin/sleep 1\n", {"bin/sleep"});
    check(
        hearthd,
        "[Service]\nType=exec\nExecStart=/etc/passwd\n",
        {"bad.service:3", "Permission denied"});
    check(
        hearthd,
        exec + "ReadOnlyPaths=/srv/does-not-exist\n",
        {"bad.service:4", "ReadOnlyPaths=/srv/does-not-exist", "No such file"});
    check(
        hearthd,
        exec + "AppArmorProfile=nobody-loaded\n",
        {"bad.service:4", "AppArmorProfile=", "RelaxConfinement=AppArmorProfile"});
    check(hearthd, exec + "LoadCredential=a:/etc/b\n", {"bad.service:4", "LoadCredential="});
    check(
        hearthd,
        "[Service]\nType=dbus\nExecStart=/bin/sleep infinity\n",
        {"bad.service:2", "Type=dbus"});
    check(
        hearthd,
        exec + "WorkingDirectory=/no/such/place\n",
        {"bad.service:4", "WorkingDirectory=", "No such file"});
    check(
        hearthd,
        exec + "EnvironmentFile=/no/such/file\n",
        {"bad.service:4", "EnvironmentFile=", "No such file"});
    check(
        hearthd,
        exec + "RootDirectory=/no/such/root\n",
        {"bad.service:4", "RootDirectory=", "No such file"});
    check(
        hearthd,
        exec + "SystemCallFilter=~@no-such-group\n",
        {"bad.service:4", "SystemCallFilter"});
    check(hearthd, exec + "MemoryMax=lots\n", {"bad.service:4", "MemoryMax"});
    check(
        hearthd,
        exec + "StandardOutput=file:/no/such/place/log\n",
        {"bad.service:4", "StandardOutput=", "No such file"});
    EXPECT_EQ(hearthd.ctl({"start", "good.service"}).status, 0) << hearthd.log();
}

TEST_F(Refusal, RubbishNeverStopsTheManager) {
    const HearthdProcess hearthd;
    hearthd.add("good.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "good.service"}).status, 0);
    std::string rubbish;
    for (int index = 0; index < 4096; ++index) {
        rubbish += static_cast<char>(index * 131 + index / 256);
    }
    check(hearthd, rubbish, {});
    check(hearthd, std::string("[Service]\nExecStart=/bin/sleep infinity\0hidden\n", 46), {});
    check(hearthd, "[Service]\nExecStart=" + std::string(std::size_t{2} << 20U, 'x') + "\n", {});
    check(hearthd, std::string(std::size_t{50} << 20U, '#'), {});
    check(hearthd, "[Service]\nExecStart=/bin/echo %%%n%n%z\n", {"%z"});
    std::string many = "[Service]\n";
    for (int index = 0; index < 100'000; ++index) {
        many += "Environment=A" + std::to_string(index) + "=" + std::to_string(index) + "\n";
    }
    check(hearthd, many, {"bad.service"});
    EXPECT_EQ(hearthd.show("good.service", "ActiveState"), "active");
}

TEST_F(Refusal, AFileThatCannotBeReadIsAnErrorAndNotAMissingUnit) {
    const HearthdProcess hearthd;
    std::filesystem::create_symlink("loop.service", hearthd.units() + "/loop.service");
    const Output output = hearthd.ctl({"start", "loop.service"});
    EXPECT_NE(output.status, 0);
    EXPECT_NE((output.out + output.err).find("loop.service"), std::string::npos) << output.err;
    EXPECT_NE((output.out + output.err).find("symbolic links"), std::string::npos) << output.err;
}

TEST_F(Refusal, RelaxedByNameItStartsAndTells) {
    const HearthdProcess hearthd;
    hearthd.add(
        "relaxed.service",
        "[Service]\nType=exec\nExecStart=/bin/sleep "
        "infinity\nAppArmorProfile=nobody-loaded\n[X-Hearth]\nRelaxConfinement=AppArmorProfile\n");
    EXPECT_EQ(hearthd.ctl({"start", "relaxed.service"}).status, 0) << hearthd.log();
    EXPECT_NE(hearthd.log().find("AppArmorProfile"), std::string::npos) << hearthd.log();
}

TEST_F(Refusal, UnknownDirectivesWarnWithAHintAndStart) {
    const HearthdProcess hearthd;
    hearthd.add("typo.service", "[Service]\nExecStart=/bin/sleep infinity\nProtectHom=yes\n");
    EXPECT_EQ(hearthd.ctl({"start", "typo.service"}).status, 0);
    EXPECT_NE(
        hearthd.log().find(
            "typo.service:3: Unknown key 'ProtectHom' in section [Service], ignored"),
        std::string::npos)
        << hearthd.log();
    const Output lint = hearthd.ctl({"lint", hearthd.units() + "/typo.service"});
    EXPECT_NE((lint.out + lint.err).find("ProtectHome"), std::string::npos) << lint.out << lint.err;
}

TEST_F(Refusal, WithoutRootItSaysWhatIsMissing) {
    const Output output = hearth::testing::run_program(
        {"setpriv",
         "--reuid=65534",
         "--regid=65534",
         "--clear-groups",
         HEARTH_BINARY_DIR "/hearthd",
         "--runtime-dir",
         "/tmp/hearth-test-nobody-" + std::to_string(::getpid()),
         "--log-dir",
         "/tmp/hearth-test-nobody-" + std::to_string(::getpid()) + "/log"});
    std::filesystem::remove_all("/tmp/hearth-test-nobody-" + std::to_string(::getpid()));
    EXPECT_EQ(output.status, 1);
    EXPECT_NE(output.err.find("cgroup"), std::string::npos) << output.err;
}

}  // namespace
