// SPDX-License-Identifier: MIT
//
// The proof of the proof (DESIGN 3.2): units are launched for real, and every row of their report
// is `verified`; then each part of the plan is left out in turn, and exactly the rows of that part
// must turn red. Parts that change nothing by themselves stand in the tables too, with the reason.
#include "places.hpp"
#include "tests/integration/report_mutation_support.hpp"

namespace hearth::mutation {
namespace {

TEST(ReportMutation, HeatServiceTurnsExactlyTheRowsRedThatLoseTheirPart) {
    check_every_mutation(
        "heat.service",
        file_text(std::string(HEARTH_SOURCE_DIR) + "/examples/heat.service"),
        with_common({
            {"CPUQuota join-cgroups", {"CPUQuota", "MemoryMax", "TasksMax"}},
            {"CPUQuota knob cpu.cfs_quota_us", {"CPUQuota"}},
            {"CPUQuota knob cpu.cfs_period_us", {}, "the kernel's default is the same"},
            {"CPUQuota knob cpu.max", {"CPUQuota"}},
            {"MemoryMax knob", {"MemoryMax"}},
            {"TasksMax knob", {"TasksMax"}},
            {"PrivateNetwork enter-namespace", {"PrivateNetwork"}},
            {"PrivateNetwork make-namespace", {}, fails},
            {"ProtectSystem new-namespaces",
             {"PrivateDevices", "PrivateTmp", "ProtectHome", "ProtectSystem"},
             busy},
            {"ProtectSystem mount-propagation",
             {"PrivateDevices", "PrivateTmp", "ProtectHome", "ProtectSystem"}},
            {"ProtectSystem bind-mount tree:writable:", {}, more_or_less},
            {"ProtectSystem clone-tree", {}, fails},
            {"PrivateDevices make-devices", {}, fails},
            {"PrivateDevices bind-devices", {"PrivateDevices"}},
            {"DevicePolicy filter-cgroup", {"DevicePolicy"}},
            {"PrivateTmp bind-mount", {"PrivateTmp"}},
            {"PrivateTmp make-private-tmp", {}, fails},
            {"ProtectHome hide-path", {"ProtectHome"}},
            {"NoNewPrivileges mount-attributes", {"NoNewPrivileges"}},
            {"NoNewPrivileges no-new-privileges", {}, fails},
            {"CapabilityBoundingSet drop-bounding-set",
             {"CapabilityBoundingSet", "PrivateDevices"}},
            {"User set-groups", {"User"}},
            {"User set-user", {"User"}},
            {"User set-capabilities", {}, "the change of the uid has cleared them already"},
            {"SystemCallFilter load-seccomp",
             {"PrivateDevices",
              "SystemCallArchitectures",
              "SystemCallErrorNumber",
              "SystemCallFilter"}},
            {"- new-session-keyring", {}, not_shown},
        }));
}

// What heat.service doesn't ask for. The filter serves many, and so do the bounding set and /proc.
TEST(ReportMutation, EverythingElseTurnsExactlyItsRowsRed) {
    const Scratch scratch;
    for (const char* below : {"ro/rw", "secret", "source", "bound", "bound-ro", "scratch"}) {
        scratch.make(below);
    }
    const std::string& at = scratch.path();
    const std::string text =
        "[Service]\nExecStart=/bin/sleep "
        "infinity\nUser=daemon\nGroup=tty\nSupplementaryGroups=games\n"
        "UMask=0027\nNice=5\nOOMScoreAdjust=500\nLimitNOFILE=64:128\nLimitCORE=0\n"
        "CapabilityBoundingSet=CAP_CHOWN "
        "CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
        "CPUQuota=50%\nCPUQuotaPeriodSec=50ms\nCPUWeight=50\n"
        "PrivateIPC=yes\nPrivateMounts=yes\nProtectHostname=yes\nProtectKernelTunables=yes\n"
        "ProtectKernelModules=yes\nProtectKernelLogs=yes\nProtectControlGroups=yes\nProtectClock="
        "yes\n"
        "ProtectSystem=full\nProtectHome=read-only\nLockPersonality=yes\nRestrictRealtime=yes\n"
        "RestrictSUIDSGID=yes\nMemoryDenyWriteExecute=yes\nRestrictAddressFamilies=AF_UNIX\n"
        "ReadOnlyPaths=" +
        at + "/ro\nReadWritePaths=" + at + "/ro/rw\nInaccessiblePaths=" + at +
        "/secret\n"
        "BindPaths=" +
        at + "/source:" + at + "/bound\nBindReadOnlyPaths=" + at + "/source:" + at +
        "/bound-ro\n"
        "TemporaryFileSystem=" +
        at + "/scratch:ro\n";
    const Rows mounted = {
        "BindPaths",
        "BindReadOnlyPaths",
        "InaccessiblePaths",
        "PrivateMounts",
        "ProtectControlGroups",
        "ProtectHome",
        "ProtectKernelTunables",
        "ProtectSystem",
        "ReadOnlyPaths",
        "ReadWritePaths",
        "TemporaryFileSystem"};
    const std::string propagating =
        "also the rows of what was arranged in it: all of it shows on the host";
    check_every_mutation(
        "everything.service",
        text,
        with_common({
            {"CPUQuotaPeriodSec join-cgroups", {"CPUQuota", "CPUQuotaPeriodSec", "CPUWeight"}},
            {"CPUQuotaPeriodSec knob cpu.cfs_period_us", {"CPUQuota", "CPUQuotaPeriodSec"}},
            {"CPUQuota knob cpu.cfs_quota_us", {"CPUQuota"}},
            {"CPUQuota knob cpu.max", {"CPUQuota", "CPUQuotaPeriodSec"}},
            {"CPUWeight knob", {"CPUWeight"}},
            {"UMask set-umask", {"UMask"}},
            {"Nice set-nice", {"Nice"}},
            {"OOMScoreAdjust set-oom-score-adjust", {"OOMScoreAdjust"}},
            {"PrivateIPC enter-namespace", {"PrivateIPC"}},
            {"PrivateIPC make-namespace", {}, fails},
            {"PrivateIPC mount-file-system mqueue", {"PrivateIPC"}},
            {"ProtectHostname new-namespaces", {"ProtectHostname"}},
            {"PrivateMounts new-namespaces", mounted, propagating},
            {"PrivateMounts mount-propagation", mounted, propagating},
            {"BindPaths make-mount-point", {}, more_or_less},
            {"BindPaths bind-mount", {"BindPaths"}},
            {"BindPaths clone-tree", {}, fails},
            {"BindReadOnlyPaths make-mount-point", {}, more_or_less},
            {"BindReadOnlyPaths bind-mount", {"BindReadOnlyPaths"}},
            {"BindReadOnlyPaths clone-tree", {}, fails},
            {"TemporaryFileSystem make-mount-point", {}, more_or_less},
            {"TemporaryFileSystem mount-file-system", {"TemporaryFileSystem"}},
            {"TemporaryFileSystem mount-attributes", {"TemporaryFileSystem"}},
            {"ProtectSystem bind-mount", {"ProtectSystem"}},
            {"ProtectHome bind-mount", {"ProtectHome"}},
            {"ProtectKernelTunables bind-mount /proc/sys ro",
             {"ProtectHostname", "ProtectKernelTunables"}},
            {"ProtectKernelTunables bind-mount /sys ro",
             {"ProtectControlGroups", "ProtectKernelTunables"}},
            {"ProtectKernelTunables bind-mount", {"ProtectKernelTunables"}},
            {"ProtectKernelTunables hide-path", {"ProtectKernelTunables"}},
            {"ProtectKernelLogs hide-path", {"ProtectKernelLogs"}},
            {"ProtectKernelModules hide-path",
             {"ProtectKernelModules"},
             depends},  // /lib may be a link
            {"ReadOnlyPaths bind-mount", {"ReadOnlyPaths"}},
            {"ReadWritePaths bind-mount", {"ReadWritePaths"}},
            {"ReadWritePaths clone-tree", {}, fails},
            {"InaccessiblePaths hide-path", {"InaccessiblePaths"}},
            {"LimitCORE set-resource-limit", {"LimitCORE"}, depends},
            {"LimitNOFILE set-resource-limit", {"LimitNOFILE"}},
            {"CapabilityBoundingSet drop-bounding-set",
             {"CapabilityBoundingSet",
              "ProtectClock",
              "ProtectKernelLogs",
              "ProtectKernelModules"}},
            {"AmbientCapabilities raise-ambient", {"AmbientCapabilities"}},
            {"AmbientCapabilities", {}, fails},
            {"Group set-groups", {"Group", "SupplementaryGroups"}},
            {"User set-user", {"User"}},
            {"RestrictAddressFamilies no-new-privileges", {}, fails},
            {"RestrictAddressFamilies load-seccomp",
             {"LockPersonality",
              "MemoryDenyWriteExecute",
              "ProtectClock",
              "ProtectHostname",
              "ProtectKernelLogs",
              "ProtectKernelModules",
              "ProtectKernelTunables",
              "RestrictAddressFamilies",
              "RestrictRealtime",
              "RestrictSUIDSGID"}},
            {"- new-session-keyring", {}, not_shown},
        }));
}

TEST(ReportMutation, SchedulingTurnsExactlyItsRowsRed) {
    const std::string start = "[Service]\nExecStart=/bin/sleep infinity\n";
    check_every_mutation(
        "scheduling.service",
        start +
            "CPUAffinity=0\nCPUSchedulingResetOnFork=yes\nIOSchedulingClass=idle\n"
            "IOSchedulingPriority=7\nTimerSlackNSec=1ms\nCoredumpFilter=private-anonymous\n"
            "RestrictNamespaces=yes\n",
        with_common({
            {"CPUAffinity set-cpu-affinity", {"CPUAffinity"}, depends},  // one CPU
            {"CPUSchedulingResetOnFork set-scheduler", {"CPUSchedulingResetOnFork"}},
            {"IOSchedulingClass set-io-priority", {"IOSchedulingClass", "IOSchedulingPriority"}},
            {"TimerSlackNSec set-timer-slack", {"TimerSlackNSec"}},
            {"CoredumpFilter set-coredump-filter", {"CoredumpFilter"}},
            {"RestrictNamespaces load-seccomp", {"RestrictNamespaces"}},
            {"- new-session-keyring", {}, not_shown},
        }));
    check_every_mutation(
        "policy.service",
        start + "CPUSchedulingPolicy=batch\n",
        with_common({
            {"CPUSchedulingPolicy set-scheduler", {"CPUSchedulingPolicy"}},
            {"- new-session-keyring", {}, not_shown},
        }));
}

TEST(ReportMutation, ARootDirectoryTurnsRedWithoutItsPivot) {
    const Scratch scratch;
    for (const char* below :
         {"root/usr",
          "root/bin",
          "root/lib",
          "root/lib64",
          "root/proc",
          "root/sys",
          "root/dev",
          "root/run",
          "root/tmp",
          "root/home",
          "root/opt"}) {
        scratch.make(below);
    }
    const std::string root = scratch.path() + "/root";
    const std::string text =
        "[Service]\nExecStart=/bin/sleep infinity\nUser=daemon\nRootDirectory=" + root +
        "\nBindReadOnlyPaths=/usr /bin /lib "
        "-/lib64\nMountAPIVFS=yes\nProtectSystem=strict\nProtectHome=tmpfs\n"
        "PrivateTmp=yes\nReadWritePaths=" +
        root + "/opt\n";
    const Rows mounted = {
        "BindReadOnlyPaths",
        "MountAPIVFS",
        "PrivateTmp",
        "ProtectHome",
        "ProtectSystem",
        "ReadWritePaths",
        "RootDirectory"};
    Rows pivoted = mounted;
    pivoted.erase("ReadWritePaths");  // the host's /opt is writable too
    check_every_mutation(
        "rooted.service",
        text,
        with_common({
            {"RootDirectory new-namespaces", mounted},
            {"RootDirectory mount-propagation", {}, fails},
            {"RootDirectory bind-mount", {"ProtectSystem"}},
            {"RootDirectory pivot-root", pivoted},
            {"BindReadOnlyPaths make-mount-point", {}, more_or_less},
            {"BindReadOnlyPaths bind-mount tree:bind:/usr ", {"BindReadOnlyPaths"}, depends},
            {"BindReadOnlyPaths bind-mount", {}, fails},
            {"BindReadOnlyPaths clone-tree", {}, fails},
            {"MountAPIVFS make-mount-point", {}, more_or_less},
            {"MountAPIVFS bind-mount", {"MountAPIVFS"}},
            {"MountAPIVFS mount-file-system", {"MountAPIVFS"}},
            {"MountAPIVFS clone-tree", {}, fails},
            {"PrivateTmp make-mount-point", {}, more_or_less},
            {"PrivateTmp bind-mount", {"PrivateTmp"}},
            {"PrivateTmp make-private-tmp", {}, fails},
            {"ProtectHome mount-file-system", {"ProtectHome"}},
            {"ProtectHome mount-attributes", {"ProtectHome", "ProtectSystem"}},
            {"ReadWritePaths bind-mount", {"ReadWritePaths"}},
            {"ReadWritePaths clone-tree", {}, fails},
            {"User set-groups", {"User"}},
            {"User set-user", {"User"}},
            {"User set-capabilities", {}, "the change of the uid has cleared them already"},
            {"- new-session-keyring", {}, not_shown},
        }));
}

}  // namespace
}  // namespace hearth::mutation
