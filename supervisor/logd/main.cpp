// SPDX-License-Identifier: MIT
//
// hearth-logd: the log writer. Started by hearthd, which passes it the read ends of the services'
// pipes over the socket `--control-fd`. See daemon.hpp and protocol.hpp.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/logd/daemon.hpp"

namespace {

constexpr const char* usage =
    "hearth-logd --control-fd N [--account-fd N] --log-dir DIR [--stdout plain|json]\n"
    "Writes the output of hearth's services to DIR/UNIT.log, and to its standard output if asked.\n"
    "DIR \"-\": to no file. Started by hearthd, not by hand.\n"
    "  --version, --help\n";

struct Arguments {
    int control = -1;
    int account = -1;
    std::string directory;
    std::optional<hearth::logd::EchoForm> echo;
    bool good = true;
};

Arguments parse(int count, char** words) {
    Arguments arguments;
    for (int i = 1; i < count && arguments.good; i += 2) {
        const std::string_view option = words[i];
        const std::string_view value = i + 1 < count ? words[i + 1] : "";
        if (option == "--control-fd" || option == "--account-fd") {
            int& number = option == "--control-fd" ? arguments.control : arguments.account;
            const auto [end, error] =
                std::from_chars(value.data(), value.data() + value.size(), number);
            arguments.good = error == std::errc() && end == value.data() + value.size();
        } else if (option == "--log-dir") {
            arguments.directory = value;
        } else if (option == "--stdout" && (value == "plain" || value == "json")) {
            arguments.echo =
                value == "json" ? hearth::logd::EchoForm::Json : hearth::logd::EchoForm::Plain;
        } else {
            arguments.good = false;
        }
    }
    arguments.good = arguments.good && arguments.control > 2 && !arguments.directory.empty();
    return arguments;
}

/// A pipe per service: as many descriptors as we may have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/// What a burst took goes back to the kernel: the allocator neither learns to keep large blocks nor
/// makes a heap for the second thread.
void keep_memory_small() {
    ::mallopt(M_MMAP_THRESHOLD, 512 * 1024);
    ::mallopt(M_ARENA_MAX, 1);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view first = argc > 1 ? argv[1] : "";
    if (first == "--version") {
        std::puts("hearth-logd " HEARTH_VERSION);
        return 0;
    }
    if (first == "--help") {
        std::fputs(usage, stdout);
        return 0;
    }
    const Arguments arguments = parse(argc, argv);
    if (!arguments.good) {
        std::fprintf(stderr, "hearth-logd: expected --control-fd N --log-dir DIR\n%s", usage);
        return 2;
    }
    ::umask(0027);
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    keep_memory_small();
    auto daemon = hearth::logd::Daemon::create(
        hearth::sys::Descriptor(arguments.control),
        arguments.directory,
        arguments.account < 0 ? hearth::sys::Descriptor()
                              : hearth::sys::Descriptor(arguments.account));
    if (!daemon) {
        std::fprintf(stderr, "hearth-logd: %s\n", daemon.error().what.c_str());
        return 1;
    }
    if (arguments.echo) {
        (*daemon)->echo_to_stdout(*arguments.echo);
    }
    return (*daemon)->run();
}
