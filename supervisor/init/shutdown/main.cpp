// SPDX-License-Identifier: MIT
//
// hearth-shutdown WORD [WATCHDOG [MILLISECONDS]]: what is left to do when hearthd has stopped all
// units of a machine and the first process waits to call reboot(2): ends all processes, unmounts
// all, runs the programs of systemd-halt.service(8). WORD is theirs: poweroff, reboot, halt or
// kexec; or switch-root, which ends processes only; or remove-old-root, for standard input.
// WATCHDOG is the number of the open device, or "none"; MILLISECONDS is the time from SIGTERM to
// SIGKILL: a hearth-init from before an upgrade doesn't say. Started by hearth-init alone; whoever
// else calls it ends his own machine's processes, so it wants to be a child of the first process.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/init/shutdown/system.hpp"

namespace {

constexpr int64_t usual_patience = 90'000;

}  // namespace

int main(int argc, char** argv) {
    using namespace hearth::shutdown;
    if (argc == 2 && ::strcmp(argv[1], "--version") == 0) {
        constexpr char version_line[] = "hearth-shutdown " HEARTH_VERSION "\n";
        return ::write(STDOUT_FILENO, version_line, sizeof version_line - 1) < 0 ? 1 : 0;
    }
    if (::getppid() != 1 || argc < 2) {
        say("only hearth-init starts this, as a machine ends");
        return 2;
    }
    const char* const word = argv[1];
    if (::strcmp(word, "remove-old-root") == 0) {
        remove_old_root(STDIN_FILENO);
        return 0;
    }
    if (argc > 2 && ::strcmp(argv[2], "none") != 0) {
        use_watchdog(::atoi(argv[2]));
    }
    end_processes(argc > 3 ? ::atoll(argv[3]) : usual_patience);
    if (::strcmp(word, "switch-root") == 0) {
        return 0;
    }
    const bool clean = release_storage();
    run_hooks(word);
    say(clean ? "all file systems are unmounted or read-only: " : "not all is unmounted: ", word);
    return clean ? 0 : 1;
}
