// SPDX-License-Identifier: MIT
//
// BPFProgram=, IPIngressFilterPath=, IPEgressFilterPath=: programs that the test itself pins in a
// BPF file system of its own hold for the service, beside hearth's.
#include <linux/bpf.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <bit>

#include "limits_support.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::testing {
namespace {

class HearthdPrograms : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (::access("/bin/bash", X_OK) != 0) {
            GTEST_SKIP() << "there is no bash, whose /dev/udp sends";
        }
        if (::mount("bpf", scratch.path().c_str(), "bpf", 0, nullptr) != 0) {
            GTEST_SKIP() << "no BPF file system can be mounted here";
        }
        mounted_ = true;
    }
    void TearDown() override {
        if (mounted_) {
            EXPECT_EQ(::umount2(scratch.path().c_str(), MNT_DETACH), 0);
        }
    }

    /// A program for what `type` judges that always answers `verdict`, pinned at `name`.
    [[nodiscard]] bool pin(
        const std::string& name, bpf_prog_type type, bpf_attach_type hook, int verdict) const {
        std::array<bpf_insn, 2> code{};
        code[0] = {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict};
        code[1] = {BPF_JMP | BPF_EXIT, 0, 0, 0, 0};
        static const char license[] = "MIT";
        bpf_attr load{};
        load.prog_type = type;
        load.expected_attach_type = hook;
        load.insns = std::bit_cast<std::uintptr_t>(code.data());
        load.insn_cnt = code.size();
        load.license = std::bit_cast<std::uintptr_t>(&license[0]);
        const int program = static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load));
        const std::string path = scratch.path(name);
        bpf_attr pinned{};
        pinned.pathname = std::bit_cast<std::uintptr_t>(path.c_str());
        pinned.bpf_fd = static_cast<std::uint32_t>(program);
        const bool done =
            program >= 0 && ::syscall(SYS_bpf, BPF_OBJ_PIN, &pinned, sizeof pinned) == 0;
        ::close(program);
        return done;
    }

    static constexpr const char* sends = "ExecStart=/bin/bash -c 'echo x >/dev/udp/127.0.0.1/9'\n";
    testing_support::ScratchDirectory scratch;

private:
    bool mounted_ = false;
};

TEST_F(HearthdPrograms, JudgeWhatTheServiceSends) {
    if (!pin("drop", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 0) ||
        !pin("pass", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 1)) {
        GTEST_SKIP() << "no BPF program can be loaded here";
    }
    const HearthdProcess hearthd;
    const std::string drop = scratch.path("drop"), pass = scratch.path("pass");
    EXPECT_EQ(result_of(hearthd, "a.service", sends), "success");
    EXPECT_EQ(
        result_of(hearthd, "b.service", "IPEgressFilterPath=" + pass + "\n" + sends), "success")
        << hearthd.log();
    EXPECT_EQ(
        result_of(hearthd, "c.service", "IPEgressFilterPath=" + drop + "\n" + sends), "exit-code");
    EXPECT_EQ(
        result_of(
            hearthd,
            "d.service",
            "IPAddressDeny=203.0.113.0/24\nBPFProgram=egress:" + drop + "\n" + sends),
        "exit-code");
    // Of a slice, too.
    hearthd.add("kiln.slice", "[Slice]\nIPEgressFilterPath=" + drop + "\n");
    EXPECT_EQ(
        result_of(hearthd, "e.service", std::string("Slice=kiln.slice\n") + sends), "exit-code");
}

TEST_F(HearthdPrograms, AreVerifiedInTheReport) {
    if (!pin("pass", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 1) ||
        !pin("bind", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, 1)) {
        GTEST_SKIP() << "no BPF program can be loaded here";
    }
    const HearthdProcess hearthd;
    start(
        hearthd,
        "held.service",
        "IPIngressFilterPath=" + scratch.path("pass") +
            "\nIPEgressFilterPath=" + scratch.path("pass") +
            "\nBPFProgram=bind4:" + scratch.path("bind") + "\nExecStart=/bin/sleep 600\n");
    const Output report = hearthd.ctl({"confinement", "held.service"});
    EXPECT_EQ(report.status, 0) << report.out << report.err;
    for (const char* const directive :
         {"BPFProgram", "IPEgressFilterPath", "IPIngressFilterPath"}) {
        EXPECT_NE(report.out.find(directive), std::string::npos) << report.out;
    }
    EXPECT_EQ(report.out.find("cannot know"), std::string::npos) << report.out;
    // Attached once, however often the unit is started.
    EXPECT_EQ(hearthd.ctl({"restart", "held.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.ctl({"confinement", "held.service"}).status, 0);
}

TEST_F(HearthdPrograms, WhatIsNotPinnedOrDoesNotFitRefusesTheStart) {
    if (!pin("bind", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND, 1)) {
        GTEST_SKIP() << "no BPF program can be loaded here";
    }
    const HearthdProcess hearthd;
    for (const auto& [line, what] :
         {std::pair("IPIngressFilterPath=" + scratch.path("none"), std::string("is pinned at")),
          std::pair("BPFProgram=egress:" + scratch.path("bind"), std::string("hook egress"))}) {
        hearthd.add("bad.service", "[Service]\n" + line + "\nExecStart=/bin/sleep 600\n");
        static_cast<void>(hearthd.ctl({"daemon-reload"}));
        static_cast<void>(hearthd.ctl({"start", "bad.service"}));
        EXPECT_EQ(hearthd.show("bad.service", "ActiveState"), "failed");
        EXPECT_NE(hearthd.log().find("bad.service:2"), std::string::npos) << hearthd.log();
        EXPECT_NE(hearthd.log().find(what), std::string::npos) << hearthd.log();
        static_cast<void>(hearthd.ctl({"reset-failed", "bad.service"}));
    }
}

}  // namespace
}  // namespace hearth::testing
