// SPDX-License-Identifier: MIT
//
// The proof of the proof for the directives that heat.service and its neighbours don't use.
#include <sched.h>
#include <unistd.h>

#include "tests/integration/report_mutation_support.hpp"

namespace hearth::mutation {
namespace {

const std::string start = "[Service]\nExecStart=/bin/sleep infinity\n";

TEST(ReportMutation, OwnProcessesAndMountsTurnExactlyTheirRowsRed) {
    // Without its namespace the service's name would be given to the machine.
    if (::geteuid() == 0) {
        ASSERT_EQ(::unshare(CLONE_NEWUTS), 0);
    }
    const Scratch scratch;
    scratch.make("noexec/bin");
    const std::string& at = scratch.path();
    check_every_mutation(
        "view.service",
        start +
            "User=daemon\nPrivatePIDs=yes\nProtectProc=invisible\nProcSubset=pid\n"
            "MountFlags=slave\nProtectControlGroups=private\nPrivateTmp=disconnected\n"
            "ProtectHostname=private:heat\nNoExecPaths=" +
            at + "/noexec\nExecPaths=" + at + "/noexec/bin\n",
        with_common({
            {"ProtectHostname new-namespaces uts", {"ProtectHostname"}},
            {"ProtectHostname set-hostname", {}, "the name is the service's to change"},
            {"ProtectControlGroups new-namespaces cgroup", {"ProtectControlGroups"}},
            {"ProtectControlGroups make-mount-point /sys/fs/cgroup/unified", {}, fails},
            {"ProtectControlGroups make-mount-point", {}, more_or_less},
            {"ProtectControlGroups mount-file-system", {"ProtectControlGroups"}},
            {"MountFlags new-namespaces mount", {}, ends},
            {"MountFlags mount-propagation", {}, ends},
            {"ProtectProc make-mount-point", {}, more_or_less},
            {"ProtectProc mount-file-system", {"PrivatePIDs", "ProcSubset", "ProtectProc"}},
            {"PrivateTmp make-mount-point", {}, more_or_less},
            {"PrivateTmp mount-file-system", {"PrivateTmp"}},
            {"NoExecPaths bind-mount", {"NoExecPaths"}},
            {"ExecPaths bind-mount", {"ExecPaths"}},
            {"ExecPaths clone-tree", {}, fails},
            {"User set-groups", {"User"}},
            {"User set-user", {"User"}},
            {"User set-capabilities", {}, "the change of the uid has cleared them already"},
            {"- new-session-keyring", {}, not_shown},
        }));
}

TEST(ReportMutation, AUserNamespaceTurnsExactlyItsRowRed) {
    check_every_mutation(
        "users.service",
        start + "PrivateUsers=identity\nPrivateNetwork=yes\n",
        with_common({
            {"PrivateNetwork enter-namespace", {"PrivateNetwork"}},
            {"PrivateNetwork make-namespace", {}, fails},
            {"PrivateUsers enter-namespace", {"PrivateUsers"}},
            {"PrivateUsers make-user-namespace", {}, fails},
            {"- new-session-keyring", {}, not_shown},
        }));
}

TEST(ReportMutation, DirectoriesAndCredentialsTurnExactlyTheirRowsRed) {
    const Scratch scratch;
    check_every_mutation(
        "directories.service",
        start +
            "User=daemon\nStateDirectory=heat:warm\nCacheDirectory=heat\nLogsDirectory=heat\n"
            "RuntimeDirectory=heat/a\nConfigurationDirectory=heat\nStateDirectoryMode=0700\n"
            "SetCredential=key:value\n",
        with_common({
            {"RuntimeDirectory make-service-directory", {"RuntimeDirectory"}},
            {"StateDirectory make-service-directory", {"StateDirectory", "StateDirectoryMode"}},
            {"CacheDirectory make-service-directory", {"CacheDirectory"}},
            {"LogsDirectory make-service-directory", {"LogsDirectory"}},
            {"ConfigurationDirectory make-service-directory", {"ConfigurationDirectory"}},
            {"SetCredential make-credentials", {"SetCredential"}},
            {"User set-groups", {"User"}},
            {"User set-user", {"User"}},
            {"User set-capabilities", {}, "the change of the uid has cleared them already"},
            {"- new-session-keyring", {}, not_shown},
        }),
        &scratch);
}

TEST(ReportMutation, CgroupFiltersTurnExactlyTheirRowsRed) {
    check_every_mutation(
        "network.service",
        start +
            "IPAddressDeny=any\nIPAddressAllow=localhost\nSocketBindDeny=any\n"
            "SocketBindAllow=tcp:8080\nRestrictNetworkInterfaces=lo\nDevicePolicy=closed\n"
            "DeviceAllow=/dev/full rw\n",
        with_common({
            {"DevicePolicy filter-cgroup",
             {"DeviceAllow",
              "DevicePolicy",
              "IPAddressAllow",
              "IPAddressDeny",
              "RestrictNetworkInterfaces",
              "SocketBindAllow",
              "SocketBindDeny"}},
            {"- new-session-keyring", {}, not_shown},
        }));
}

TEST(ReportMutation, MoreLimitsTurnExactlyTheirRowsRed) {
    check_every_mutation(
        "limits.service",
        start +
            "AllowedCPUs=0\nAllowedMemoryNodes=0\nMemorySwapMax=0\nMemoryMax=64M\nTasksMax=20\n"
            "CPUWeight=idle\n",
        with_common({
            {"CPUWeight join-cgroups",
             {"AllowedCPUs",
              "AllowedMemoryNodes",
              "CPUWeight",
              "MemoryMax",
              "MemorySwapMax",
              "TasksMax"}},
            {"CPUWeight knob", {"CPUWeight"}},
            {"MemoryMax knob memory.limit_in_bytes", {}, fails},
            {"MemoryMax knob memory.max", {"MemoryMax"}},
            {"MemorySwapMax knob", {"MemorySwapMax"}},
            {"TasksMax knob", {"TasksMax"}},
            {"AllowedCPUs knob", {"AllowedCPUs"}, depends},  // one CPU
            {"AllowedMemoryNodes knob", {"AllowedMemoryNodes"}, depends},
            {"- new-session-keyring", {}, not_shown},
        }));
}

}  // namespace
}  // namespace hearth::mutation
