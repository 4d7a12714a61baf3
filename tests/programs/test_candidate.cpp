// SPDX-License-Identifier: MIT
//
// A program that is asked to take hearthd's place: it answers --check-state as a hearthd does, and
// when it is started, waits for ever, or exits with 3 where a file `exits` stands beside it.
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>
#include <string>

int main(int argc, char** argv) {
    for (int index = 1; index < argc; ++index) {
        if (std::strcmp(argv[index], "--check-state") == 0) {
            std::puts("version 99\nstate-version 1\nunits 0");
            return 0;
        }
    }
    char own[PATH_MAX] = {};
    if (::readlink("/proc/self/exe", own, sizeof own - 1) > 0) {
        std::string beside = own;
        beside.replace(beside.rfind('/') + 1, std::string::npos, "exits");
        if (::access(beside.c_str(), F_OK) == 0) {
            return 3;
        }
    }
    while (true) {
        ::pause();
    }
}
