// SPDX-License-Identifier: MIT
#include "units/boot_units.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/specifiers.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

struct Target {
    std::string_view name, description;
    std::string_view more = {};  ///< lines of [Unit]
};

/// As systemd's own files have them.
constexpr auto targets = std::to_array<Target>({
    {"basic.target",
     "Basic System",
     "Requires=sysinit.target\n"
     "Wants=sockets.target timers.target paths.target slices.target tmp.mount\n"
     "After=sysinit.target sockets.target paths.target slices.target tmp.mount\n"
     "RequiresMountsFor=/var /var/tmp\n"},
    {"boot-complete.target",
     "Boot Completion Check",
     "Requires=sysinit.target\n"
     "After=sysinit.target\n"},
    {"cryptsetup-pre.target",
     "Local Encrypted Volumes (Pre)",
     "RefuseManualStart=yes\n"
     "Before=cryptsetup.target\n"},
    {"cryptsetup.target", "Local Encrypted Volumes"},
    {"emergency.target",
     "Emergency Mode",
     "Requires=emergency.service\nAfter=emergency.service\nAllowIsolate=yes\n"},
    {"exit.target",
     "Exit the container",
     "DefaultDependencies=no\nRequires=systemd-exit.service\nAfter=systemd-exit.service\n"
     "AllowIsolate=yes\n"},
    {"final.target",
     "Late Shutdown Services",
     "DefaultDependencies=no\nRefuseManualStart=yes\nAfter=shutdown.target umount.target\n"},
    {"first-boot-complete.target",
     "First Boot Complete",
     "RefuseManualStart=yes\n"
     "ConditionFirstBoot=yes\n"},
    {"getty-pre.target",
     "Preparation for Logins",
     "RefuseManualStart=yes\n"
     "Before=getty.target\n"},
    {"getty.target", "Login Prompts"},
    {"graphical.target",
     "Graphical Interface",
     "Requires=multi-user.target\nWants=display-manager.service\n"
     "Conflicts=rescue.service rescue.target\n"
     "After=multi-user.target rescue.service rescue.target display-manager.service\n"
     "AllowIsolate=yes\n"},
    {"halt.target",
     "System Halt",
     "DefaultDependencies=no\nRequires=systemd-halt.service\nAfter=systemd-halt.service\n"
     "AllowIsolate=yes\n"},
    {"kexec.target",
     "Reboot via kexec",
     "DefaultDependencies=no\nRequires=systemd-kexec.service\nAfter=systemd-kexec.service\n"
     "AllowIsolate=yes\n"},
    {"local-fs-pre.target", "Preparation for Local File Systems", "RefuseManualStart=yes\n"},
    {"local-fs.target",
     "Local File Systems",
     "DefaultDependencies=no\nConflicts=shutdown.target\nAfter=local-fs-pre.target\n"
     "OnFailure=emergency.target\nOnFailureJobMode=replace-irreversibly\n"},
    {"machines.target", "Containers", "Before=multi-user.target\n"},
    {"multi-user.target",
     "Multi-User System",
     "Requires=basic.target\nConflicts=rescue.service rescue.target\n"
     "Wants=getty.target remote-fs.target\n"
     "After=basic.target rescue.service rescue.target\nAllowIsolate=yes\n"},
    {"network-online.target", "Network is Online", "After=network.target\n"},
    {"network-pre.target", "Preparation for Network", "RefuseManualStart=yes\n"},
    {"network.target", "Network", "After=network-pre.target\nRefuseManualStart=yes\n"},
    {"nss-lookup.target", "Host and Network Name Lookups", "RefuseManualStart=yes\n"},
    {"nss-user-lookup.target", "User and Group Name Lookups", "RefuseManualStart=yes\n"},
    {"paths.target", "Path Units"},
    {"poweroff.target",
     "System Power Off",
     "DefaultDependencies=no\nRequires=systemd-poweroff.service\n"
     "After=systemd-poweroff.service\nAllowIsolate=yes\n"
     "JobTimeoutSec=30min\nJobTimeoutAction=poweroff-force\n"},
    {"reboot.target",
     "System Reboot",
     "DefaultDependencies=no\nRequires=systemd-reboot.service\n"
     "After=systemd-reboot.service\nAllowIsolate=yes\n"
     "JobTimeoutSec=30min\nJobTimeoutAction=reboot-force\n"},
    {"remote-cryptsetup.target", "Remote Encrypted Volumes", "After=remote-fs-pre.target\n"},
    {"remote-fs-pre.target", "Preparation for Remote File Systems", "RefuseManualStart=yes\n"},
    {"remote-fs.target",
     "Remote File Systems",
     "After=remote-fs-pre.target\nDefaultDependencies=no\nConflicts=shutdown.target\n"},
    {"remote-veritysetup.target", "Remote Verity Protected Volumes"},
    {"rescue.target",
     "Rescue Mode",
     "Requires=sysinit.target rescue.service\nAfter=sysinit.target rescue.service\n"
     "AllowIsolate=yes\n"},
    {"rpcbind.target", "RPC Port Mapper", "RefuseManualStart=yes\n"},
    {"shutdown.target", "System Shutdown", "DefaultDependencies=no\nRefuseManualStart=yes\n"},
    {"sigpwr.target", "Power Failure"},
    {"slices.target", "Slice Units", "Wants=-.slice system.slice\nAfter=-.slice system.slice\n"},
    {"sockets.target", "Socket Units"},
    {"swap.target", "Swaps"},
    {"sysinit.target",
     "System Initialization",
     "Conflicts=emergency.service emergency.target\n"
     "Wants=local-fs.target swap.target\nAfter=local-fs.target swap.target\n"
     "After=emergency.service emergency.target\n"},
    {"time-set.target",
     "System Time Set",
     "RefuseManualStart=yes\n"
     "DefaultDependencies=no\nConflicts=shutdown.target\n"},
    {"time-sync.target",
     "System Time Synchronized",
     "RefuseManualStart=yes\n"
     "After=time-set.target\n"
     "Wants=time-set.target\n"},
    {"timers.target", "Timer Units", "DefaultDependencies=no\nConflicts=shutdown.target\n"},
    {"umount.target", "Unmount All Filesystems", "DefaultDependencies=no\nRefuseManualStart=yes\n"},
    {"veritysetup-pre.target",
     "Local Verity Protected Volumes (Pre)",
     "RefuseManualStart=yes\nBefore=veritysetup.target\n"},
    {"veritysetup.target", "Local Verity Protected Volumes"},
});

/// What ends a run: a unit without a command, whose end is an action; there is no action for the
/// other two, so they ask hearthd.
struct Ending {
    std::string_view name, description, action, verb;
};
constexpr auto endings = std::to_array<Ending>({
    {"systemd-exit.service", "Exit the container", "exit-force", ""},
    {"systemd-halt.service", "System Halt", "", "halt"},
    {"systemd-kexec.service", "Reboot via kexec", "", "kexec"},
    {"systemd-poweroff.service", "System Power Off", "poweroff-force", ""},
    {"systemd-reboot.service", "System Reboot", "reboot-force", ""},
});

std::string unit_section(std::string_view description, std::string_view more) {
    return "# Built into hearthd: a file of this name elsewhere in the unit path wins.\n[Unit]\n"
           "Description=" +
           std::string(description) + "\nDocumentation=man:systemd.special(7)\n" +
           std::string(more);
}

std::string shell_command(const BootPrograms& programs) {
    const std::string& program = programs.sulogin.empty() ? programs.shell : programs.sulogin;
    if (programs.control.empty() || programs.shell.empty()) {
        return "-" + program;
    }
    const std::string words = program == programs.shell ? program + " -l" : program;
    return "-" + programs.shell + " -c '" + words + "; exec " + programs.control +
           " isolate --no-block default.target'";
}

GeneratedUnit ending_unit(const Ending& ending, const BootPrograms& programs) {
    std::string more =
        "DefaultDependencies=no\nRequires=shutdown.target umount.target final.target\n"
        "After=shutdown.target umount.target final.target\n";
    if (!ending.action.empty()) {
        more += "SuccessAction=" + std::string(ending.action) + "\n";
    } else {
        more += "\n[Service]\nType=oneshot\nExecStart=" + programs.control + " --force " +
                std::string(ending.verb) + "\n";
    }
    return {std::string(ending.name), unit_section(ending.description, more), {}};
}

GeneratedUnit shell_unit(
    const std::string& name,
    std::string_view description,
    std::string_view more,
    const BootPrograms& programs) {
    return {
        name,
        unit_section(
            description,
            "DefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target\n" +
                std::string(more)) +
            "\n[Service]\nEnvironment=HOME=/root\nWorkingDirectory=-/root\nType=idle\n"
            "ExecStart=" +
            shell_command(programs) +
            "\nStandardInput=tty-force\nStandardOutput=inherit\nStandardError=inherit\n"
            "KillMode=process\nIgnoreSIGPIPE=no\nSendSIGHUP=yes\n",
        {}};
}

GeneratedUnit getty_template(
    const std::string& name, std::string_view more, std::string command, std::string_view service) {
    return {
        name,
        unit_section(
            name.starts_with("serial") ? "Serial Getty on %I" : "Getty on %I",
            "After=getty-pre.target\nBefore=getty.target\nIgnoreOnIsolate=yes\n"
            "Conflicts=rescue.service\nBefore=rescue.service\n" +
                std::string(more)) +
            "\n[Service]\nExecStart=-" + std::move(command) +
            "\nType=idle\nRestart=always\nUtmpIdentifier=%I\nStandardInput=tty\n"
            "StandardOutput=tty\nTTYPath=/dev/%I\nTTYReset=yes\nTTYVHangup=yes\n"
            "IgnoreSIGPIPE=no\nSendSIGHUP=yes\n" +
            std::string(service) + "\n[Install]\nWantedBy=getty.target\n",
        {}};
}

void add_gettys(std::vector<GeneratedUnit>& units, const BootPrograms& programs) {
    const bool own = !programs.agetty.empty();
    if (!own && programs.getty.empty()) {
        return;
    }
    units.push_back(getty_template(
        "serial-getty@.service",
        "BindsTo=dev-%i.device\nAfter=dev-%i.device\n",
        own ? programs.agetty + " -o '-p -- \\\\u' --keep-baud 115200,57600,38400,9600 - $TERM"
            : programs.getty + " -L 115200,57600,38400,9600 %I $TERM",
        ""));
    units.push_back(getty_template(
        "getty@.service",
        "ConditionPathExists=/dev/tty0\n",
        own ? programs.agetty + " -o '-p -- \\\\u' --noclear - $TERM"
            : programs.getty + " 38400 %I $TERM",
        "RestartSec=0\nTTYVTDisallocate=yes\n"));
}

/// One that sysinit.target wants and that ends before it.
GeneratedUnit early_unit(
    const std::string& name,
    std::string_view description,
    std::string_view more,
    const std::string& command) {
    return {
        name,
        unit_section(
            description,
            "DefaultDependencies=no\nConflicts=shutdown.target\n"
            "Before=sysinit.target shutdown.target\n" +
                std::string(more)) +
            "\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=" + command + "\n",
        {"sysinit.target.wants/" + name}};
}

/// " \"a\" \"b\"": words of a command line.
std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += " \"";
        for (const char byte : escape_specifiers(word)) {
            text += byte == '"' || byte == '\\' ? std::string("\\") + byte
                    : byte == '$'               ? std::string("$$")
                                                : std::string(1, byte);
        }
        text += '"';
    }
    return text;
}

/// Under the names of systemd's own, so that these win where they are, and ordering against them
/// holds.
void add_tools(std::vector<GeneratedUnit>& units, const BootPrograms& programs) {
    if (!programs.modprobe.empty() && !programs.modules.empty()) {
        units.push_back(early_unit(
            "systemd-modules-load.service",
            "Load Kernel Modules",
            "Wants=local-fs-pre.target\nBefore=local-fs-pre.target\n"
            "ConditionCapability=CAP_SYS_MODULE\n",
            programs.modprobe + " -a -b" + joined(programs.modules)));
    }
    if (!programs.sysctl.empty() && !programs.sysctl_files.empty()) {
        // By their names: busybox knows no --system.
        units.push_back(early_unit(
            "systemd-sysctl.service",
            "Apply Kernel Variables",
            "After=systemd-modules-load.service\nConditionPathIsReadWrite=/proc/sys/net/\n",
            programs.sysctl + " -e -q -p" + joined(programs.sysctl_files)));
    }
    if (!programs.fsck.empty()) {
        // fsck(8): 1 says that all is mended.
        units.push_back(
            {"systemd-fsck@.service",
             unit_section(
                 "File System Check on %f",
                 "DefaultDependencies=no\nBindsTo=%i.device\nConflicts=shutdown.target\n"
                 "After=%i.device local-fs-pre.target\nBefore=shutdown.target\n") +
                 "\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=" + programs.fsck +
                 " -a -T %f\nSuccessExitStatus=1\nTimeoutSec=infinity\n",
             {}});
    }
    if (!programs.tmpfiles.empty()) {
        units.push_back(early_unit(
            "systemd-tmpfiles-setup.service",
            "Create Volatile Files and Directories",
            "After=local-fs.target\nRefuseManualStop=yes\n",
            programs.tmpfiles + " --create --remove --boot --exclude-prefix=/dev"));
    }
}

bool is_serial(std::string_view console) {
    // tty0 and tty1 ... are virtual terminals, and "tty" stands for those.
    constexpr std::string_view virtual_terminal = "tty";
    if (console == "null" || console == "hvc" || console.empty()) {
        return false;
    }
    if (!console.starts_with(virtual_terminal)) {
        return true;
    }
    const std::string_view number = console.substr(virtual_terminal.size());
    return !number.empty() && number.find_first_not_of("0123456789") != std::string_view::npos;
}

}  // namespace

std::vector<std::string> modules_of(std::string_view text) {
    std::vector<std::string> modules;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && line.front() != '#' && line.front() != ';') {
            modules.emplace_back(line);
        }
    }
    return modules;
}

std::vector<GeneratedUnit> boot_units(const BootPrograms& programs) {
    std::vector<GeneratedUnit> units;
    for (const Target& target : targets) {
        units.push_back(
            {std::string(target.name), unit_section(target.description, target.more), {}});
    }
    for (const Ending& ending : endings) {
        if (!ending.action.empty() || !programs.control.empty()) {
            units.push_back(ending_unit(ending, programs));
        }
    }
    if (!programs.sulogin.empty() || !programs.shell.empty()) {
        units.push_back(
            shell_unit("rescue.service", "Rescue Shell", "After=sysinit.target\n", programs));
        units.push_back(shell_unit(
            "emergency.service",
            "Emergency Shell",
            "Conflicts=rescue.service\nBefore=rescue.service\n",
            programs));
    }
    add_gettys(units, programs);
    add_tools(units, programs);
    // systemd.special(7): names for others.
    units.push_back({"multi-user.target", {}, {"default.target", "runlevel3.target"}});
    units.push_back({"reboot.target", {}, {"ctrl-alt-del.target", "runlevel6.target"}});
    units.push_back({"poweroff.target", {}, {"runlevel0.target"}});
    units.push_back({"rescue.target", {}, {"runlevel1.target"}});
    units.push_back({"graphical.target", {}, {"runlevel5.target"}});
    return units;
}

std::vector<GeneratedUnit> units_beside_systemd() {
    const std::string made = "# Made by hearthd\n";
    return {
        {"/dev/null", {}, {"systemd-journald.service", "systemd-journal-flush.service"}},
        {"systemd-udevd.service.d/50-hearth.conf",
         made + "[X-Hearth]\nRelaxConfinement=Sockets\n",
         {}},
        {"systemd-logind.service.d/50-hearth.conf",
         made + "[Unit]\nConditionPathExists=/run/dbus/system_bus_socket\n",
         {}},
    };
}

std::vector<GeneratedUnit> getty_units(
    const std::vector<std::string>& consoles, bool has_virtual_terminals) {
    std::vector<GeneratedUnit> units;
    for (const std::string& console : consoles) {
        const std::string name = "serial-getty@" + console + ".service";
        if (is_serial(console)) {
            units.push_back({name, {}, {"getty.target.wants/" + name}});
        }
    }
    if (has_virtual_terminals) {
        units.push_back({"getty@tty1.service", {}, {"getty.target.wants/getty@tty1.service"}});
    }
    return units;
}

}  // namespace hearth
