// SPDX-License-Identifier: MIT
//
// hearth-init: PID 1 of a machine or a container, or the parent of everything in a place that has
// another PID 1.
// See keeper.hpp; DESIGN 1, "Keeper contract". All memory is taken here: static tables, and the
// words of hearthd's command line on the stack.
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "supervisor/init/keeper.hpp"
#include "supervisor/init/machine.hpp"
#include "supervisor/init/shim.hpp"

namespace {

using namespace hearth::keeper;

/// The path of the program of that name beside this one. False: it doesn't fit, or isn't known.
bool beside(const char* program, char (&path)[PATH_MAX]) {
    const long size = ::readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0) {
        return false;
    }
    path[size] = '\0';
    char* const last = ::strrchr(path, '/');
    if (last == nullptr || last + 2 + ::strlen(program) > path + sizeof path) {
        return false;
    }
    ::strcpy(last + 1, program);
    return true;
}

bool has_command(int argc, char** argv) {
    for (int index = 1; index < argc; ++index) {
        if (::strcmp(argv[index], "--") == 0) {
            return true;
        }
    }
    return false;
}

constinit OomScore score;
constinit Descriptors descriptors;
constinit Processes processes;

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && ::strcmp(argv[1], "--shim") == 0) {
        return hearth::shim::run();
    }
    const Role own = role();
    if (own == Role::Machine) {
        prepare_machine();
    }
    prepare_descriptors();
    if (argc == 2 && ::strcmp(argv[1], "--version") == 0) {
        constexpr char version_line[] = "hearth-init " HEARTH_VERSION "\n";
        return ::write(STDOUT_FILENO, version_line, sizeof version_line - 1) < 0 ? 1 : 0;
    }
    static char program[PATH_MAX];
    if (!beside("hearthd", program)) {
        say("my own path is not known, so hearthd's isn't either: is /proc mounted?");
        return 1;
    }
    // hearthd --keeper-fd 3 --role R, and all that was given to us: a machine's kernel gives what
    // it doesn't know itself, and hearthd passes over what isn't an option.
    char channel[] = {static_cast<char>('0' + channel_number), '\0'};
    char* words[] = {
        program,
        const_cast<char*>("--keeper-fd"),
        channel,
        const_cast<char*>("--role"),
        const_cast<char*>(name(own))};
    constexpr unsigned long added = sizeof words / sizeof words[0];
    auto** const command = static_cast<char**>(
        __builtin_alloca((added + static_cast<unsigned long>(argc)) * sizeof(char*)));
    ::memcpy(command, words, sizeof words);
    ::memcpy(command + added, argv + 1, static_cast<unsigned long>(argc) * sizeof(char*));

    // To the command that is to have it. What is typed while there is none, Ctrl-C, is for us.
    if (own == Role::Container && has_command(argc, argv)) {
        give_up_terminal();
    }
    static char shutdown_program[PATH_MAX];
    (void)beside("hearth-shutdown", shutdown_program);  // it was possible with hearthd
    const int signals = open_signals(own);
    if (signals < 0 || (own == Role::Guest && ::prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)) {
        say("this kernel refuses what a keeper needs: ", ::strerror(errno));
        return 1;
    }
    score.lower();
    if (own == Role::Machine) {
        take_the_keyboard();
    }
    return Keeper(own, command, shutdown_program, signals, score, descriptors, processes).run();
}
