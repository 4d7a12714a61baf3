// SPDX-License-Identifier: MIT
//
// CtlFixture: verbs of hearthctl, or any other client, in a process of their own, against the
// BusServer and FakeControl of this process, whose loop runs until the client has ended.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/ctl/arguments.hpp"
#include "supervisor/ctl/outcome.hpp"
#include "tests/support/bus_fixture.hpp"

namespace hearth::test {

struct Ended {
    int status = -1;  ///< exit status, 128 + N for a signal
    std::string out, err;
};

class CtlFixture : public BusFixture {
protected:
    /// Called between the iterations of the loop while a client runs.
    std::function<void()> meanwhile = [] {};

    /// Runs `body` in a child; its result is the exit status.
    Ended run(const std::function<int()>& body) {
        const std::string out = directory.path() + "/out", err = directory.path() + "/err";
        const pid_t child = fork();
        if (child == 0) {
            const int output = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            const int errors = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            const int input = ::open("/dev/null", O_RDONLY);
            dup2(input, 0);
            dup2(output, 1);
            dup2(errors, 2);
            _exit(body());
        }
        int status = 0;
        while (waitpid(child, &status, WNOHANG) == 0) {
            (void)loop->run_once(5'000);
            meanwhile();
        }
        Ended outcome;
        outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        outcome.out = sys::read_file(out, 1U << 24U).value_or(std::string());
        outcome.err = sys::read_file(err, 1U << 24U).value_or(std::string());
        return outcome;
    }
    Ended hearthctl(const std::string& verb, const std::vector<std::string>& words = {}) {
        return run([&] {
            ctl::Arguments arguments;
            arguments.runtime_directory = directory.path();
            const ctl::Verb* found = ctl::find_verb(verb);
            if (found == nullptr) {
                return 99;
            }
            const auto answer = ctl::parse(*found, words, arguments);
            return answer ? answer->exit_code + 90 : ctl::perform(*found, arguments);
        });
    }
};

}  // namespace hearth::test
