// SPDX-License-Identifier: MIT
//
// Controllers by name and pinned BPF programs: what is read, refused and reset.
#include <gtest/gtest.h>

#include "tests/units/unit_text.hpp"

namespace hearth {
namespace {

const ResourceSettings& resources(const Unit& unit) {
    return unit.settings.resources;
}

TEST(CgroupCodecs, ControllersAddUpAndAnEmptyListForgets) {
    const Unit unit = load_service("DisableControllers=cpu io\nDisableControllers=pids cpu");
    EXPECT_EQ(
        resources(unit).disable_controllers.names, (std::set<std::string>{"cpu", "io", "pids"}));
    const Unit reset = load_service("DisableControllers=cpu\nDisableControllers=");
    EXPECT_TRUE(resources(reset).disable_controllers.names.empty());
    const Unit doubtful = load_service("DisableControllers=cpu colour");
    EXPECT_EQ(resources(doubtful).disable_controllers.names, std::set<std::string>{"cpu"});
    EXPECT_NE(messages(doubtful.diagnostics).find("'colour' is no controller"), std::string::npos);
}

TEST(CgroupCodecs, ProgramsHaveAHookAndAPath) {
    const Unit unit = load_service(
        "BPFProgram=egress:/sys/fs/bpf/a\nBPFProgram=bind6:/sys/fs/bpf/b\n"
        "BPFProgram=egress:/sys/fs/bpf/a");
    EXPECT_EQ(
        resources(unit).bpf_program,
        (std::vector<PinnedProgram>{{"egress", "/sys/fs/bpf/a"}, {"bind6", "/sys/fs/bpf/b"}}));
    for (const char* const bad :
         {"BPFProgram=/sys/fs/bpf/a", "BPFProgram=colour:/sys/fs/bpf/a", "BPFProgram=egress:a"}) {
        EXPECT_EQ(load_service(bad).load_state, LoadState::BadSetting) << bad;
    }
    const Unit paths = load_service(
        "IPIngressFilterPath=/sys/fs/bpf/%p\nIPIngressFilterPath=/sys/fs/bpf/heat\n"
        "IPEgressFilterPath=/sys/fs/bpf/a\nIPEgressFilterPath=");
    EXPECT_EQ(
        resources(paths).ip_ingress_filter_path.paths,
        std::vector<std::string>{"/sys/fs/bpf/heat"});
    EXPECT_TRUE(resources(paths).ip_egress_filter_path.paths.empty());
}

TEST(CgroupCodecs, WeightsOfIoHaveBounds) {
    EXPECT_EQ(resources(load_service("IOWeight=500")).io_weight, 500U);
    EXPECT_EQ(resources(load_service("StartupBlockIOWeight=250")).startup_io_weight, 50U);
    for (const char* const bad : {"IOWeight=0", "IOWeight=10001", "StartupIOWeight=0"}) {
        EXPECT_FALSE(load_service(bad).diagnostics.empty()) << bad;
    }
}

}  // namespace
}  // namespace hearth
