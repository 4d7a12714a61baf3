// SPDX-License-Identifier: MIT
//
// The verbs that end a machine, or bring it into another of its states. In order: a target is
// started, and hearthd stops all that is against it. --force: the manager's own method. --force
// --force: reboot(2) from here, only where hearth-init is the first process of a machine.
#include "supervisor/ctl/ending.hpp"

#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>
#include <utmpx.h>

#include <array>
#include <charconv>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"

namespace hearth::ctl {

namespace {

struct Ending {
    const char* target;
    const char* method;  ///< null: the target alone
    const char* said;    ///< "The system will ... now!"
    unsigned command;    ///< reboot(2)'s; 0: none
};
constexpr Ending poweroff{"poweroff.target", "PowerOff", "power off", RB_POWER_OFF};
constexpr Ending reboot{"reboot.target", "Reboot", "reboot", RB_AUTOBOOT};
constexpr Ending halt{"halt.target", "Halt", "halt", RB_HALT_SYSTEM};
constexpr Ending kexec{"kexec.target", "KExec", "reboot with kexec", RB_KEXEC};
constexpr Ending leave{"exit.target", "Exit", "exit", 0};
constexpr Ending by_default{"default.target", nullptr, "", 0};
constexpr Ending rescue{"rescue.target", nullptr, "enter rescue mode", 0};
constexpr Ending emergency{"emergency.target", nullptr, "enter emergency mode", 0};

/// The machine's own init, and not a host that hearthd is a guest of.
bool is_our_machine() {
    std::error_code error;
    const std::string init = std::filesystem::read_symlink("/proc/1/exe", error).filename();
    const std::string space = std::filesystem::read_symlink("/proc/self/ns/pid", error);
    return init == "hearth-init" && space == "pid:[4026531836]";
}

int end_at_once(const Ending& ending) {
    if (ending.command == 0) {
        return complain("there is nothing to do at once: leave one --force out");
    }
    if (!is_our_machine()) {
        return complain(
            "refused: hearth-init is not the first process of this machine, so its end is not "
            "hearth's business");
    }
    ::sync();
    (void)::reboot(static_cast<int>(ending.command));
    return complain(std::string("reboot(2): ") + std::strerror(errno));
}

std::string user_name() {
    const char* const name = std::getenv("SUDO_USER");
    const char* const login = name != nullptr ? name : ::getlogin();
    return login != nullptr ? login : "root";
}

void announce(const Ending& ending, const EndingArguments& arguments) {
    if (arguments.no_wall || *ending.said == '\0') {
        return;
    }
    tell_everybody(
        arguments.message + (arguments.message.empty() ? "" : "\n\n") + "The system will " +
        ending.said + " now!");
}

Result<Message, CallError> start_target(Client& client, const Ending& ending) {
    const char* const mode = ending.method == nullptr ? "isolate" : "replace-irreversibly";
    return client.manager("StartUnit", "ss", ending.target, mode);
}

int end_by(const Arguments& arguments, const Ending& ending) {
    if (!arguments.ending.when.empty()) {
        return complain("--when= is not built: 'hearthctl shutdown TIME' waits for a time");
    }
    if (arguments.ending.force > 1) {
        return end_at_once(ending);
    }
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const bool at_once = arguments.ending.force > 0 && ending.method != nullptr;
    if (!at_once) {
        announce(ending, arguments.ending);
    }
    const auto reply = at_once ? client->manager(ending.method, "") : start_target(*client, ending);
    if (!reply) {
        complain(
            std::string(at_once ? "Failed to call " : "Failed to start ") +
            (at_once ? ending.method : ending.target) + ": " + reply.error().message);
        return exit_code(reply.error());
    }
    const char* path = nullptr;
    if (ending.method != nullptr || arguments.no_block ||
        sd_bus_message_read(reply->get(), "o", &path) < 0) {
        return Done;  // nobody waits for the end of his own machine
    }
    return wait_for_job(*client, arguments, path, ending.target);
}

}  // namespace

void tell_everybody(const std::string& text) {
    const std::time_t at = std::time(nullptr);
    std::array<char, 64> time{};
    std::tm parts{};
    (void)std::strftime(
        time.data(), time.size(), "%a %Y-%m-%d %H:%M:%S %Z", ::localtime_r(&at, &parts));
    std::string line =
        "\r\n\aBroadcast message from " + user_name() + " (" + time.data() + "):\r\n\r\n";
    for (const char each : text) {
        line += each == '\n' ? std::string("\r\n") : std::string(1, each);
    }
    line += "\r\n\r\n";
    ::setutxent();
    while (const utmpx* const entry = ::getutxent()) {
        if (entry->ut_type != USER_PROCESS || entry->ut_line[0] == '\0') {
            continue;
        }
        const std::string name(entry->ut_line, ::strnlen(entry->ut_line, sizeof entry->ut_line));
        const int terminal =
            ::open(("/dev/" + name).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (terminal >= 0) {
            (void)!::write(terminal, line.data(), line.size());
            ::close(terminal);
        }
    }
    ::endutxent();
}

int poweroff_verb(const Arguments& arguments) {
    return end_by(arguments, poweroff);
}

int reboot_verb(const Arguments& arguments) {
    if (arguments.names.size() > 1) {
        return complain("hearthctl reboot: one argument at most");
    }
    if (!arguments.names.empty()) {  // where systemctl(1) leaves it, and hearthd looks
        const int file =
            ::open("/run/systemd/reboot-param", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const std::string& text = arguments.names.front();
        if (!is_our_machine() || file < 0 ||
            ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            return complain(
                "the argument of the reboot can't be kept in /run/systemd/reboot-param");
        }
        ::close(file);
    }
    return end_by(arguments, reboot);
}

int halt_verb(const Arguments& arguments) {
    return end_by(arguments, halt);
}

int kexec_verb(const Arguments& arguments) {
    return end_by(arguments, kexec);
}

int exit_verb(const Arguments& arguments) {
    if (!arguments.names.empty()) {
        unsigned code = 0;
        const std::string& text = arguments.names.front();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
        if (error != std::errc() || end != text.data() + text.size() || code > UINT8_MAX) {
            return complain("'" + text + "' is no exit status: expected 0 to 255");
        }
        auto client = connect(arguments);
        const auto set = client ? client->manager("SetExitCode", "y", static_cast<int>(code))
                                : Result<Message, CallError>(Unexpected(CallError{}));
        if (!set) {
            return complain("Failed to set the exit status: " + set.error().message);
        }
    }
    return end_by(arguments, leave);
}

int default_verb(const Arguments& arguments) {
    return end_by(arguments, by_default);
}

int rescue_verb(const Arguments& arguments) {
    return end_by(arguments, rescue);
}

int emergency_verb(const Arguments& arguments) {
    return end_by(arguments, emergency);
}

int switch_root_verb(const Arguments& arguments) {
    if (arguments.names.size() > 2) {
        return complain("hearthctl switch-root: expected ROOT and at most INIT");
    }
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const std::string init = arguments.names.size() > 1 ? arguments.names[1] : "";
    const auto reply =
        client->manager("SwitchRoot", "ss", arguments.names.front().c_str(), init.c_str());
    if (!reply) {
        complain("Failed to switch root: " + reply.error().message);
        return exit_code(reply.error());
    }
    return Done;
}

// ---- names of hearthctl -------------------------------------------------------------------------

namespace {

/// halt(8), poweroff(8), reboot(8).
int run_halt(std::string_view name, const std::vector<std::string>& words, Arguments arguments) {
    Ending ending = name == "halt" ? halt : name == "reboot" ? reboot : poweroff;
    for (const std::string& word : words) {
        if (word == "-f" || word == "--force") {
            ++arguments.ending.force;
        } else if (word == "-p" || word == "--poweroff") {
            ending = poweroff;
        } else if (word == "--halt") {
            ending = halt;
        } else if (word == "--reboot") {
            ending = reboot;
        } else if (word == "--no-wall") {
            arguments.ending.no_wall = true;
        } else if (word == "-d" || word == "--no-wtmp" || word == "-n" || word == "--no-sync") {
            // no record of logins is written, and hearth-init syncs in any case
        } else if (word == "-w" || word == "--wtmp-only") {
            return Done;
        } else if (!word.starts_with('-') && name == "reboot") {
            arguments.names.push_back(word);
        } else {
            return complain(
                std::string(name) + ": '" + word +
                "' is not understood: expected -f, -p, --halt, --poweroff, --reboot, --no-wall, -d "
                "or -w");
        }
    }
    if (arguments.ending.force == 1 && name != "shutdown") {
        return end_by(arguments, ending);
    }
    return ending.command == RB_AUTOBOOT ? reboot_verb(arguments) : end_by(arguments, ending);
}

/// telinit(8): a runlevel, or what it asks of the manager.
int run_telinit(const std::vector<std::string>& words, const Arguments& arguments) {
    const std::string word = words.size() == 1 ? words.front() : "";
    if (word == "0" || word == "6") {
        return end_by(arguments, word == "0" ? poweroff : reboot);
    }
    if (word == "q" || word == "Q") {
        return daemon_reload_verb(arguments);
    }
    Arguments isolating = arguments;
    if (word == "1" || word == "s" || word == "S") {
        return end_by(arguments, rescue);
    }
    if (word.size() == 1 && word >= "2" && word <= "5") {
        isolating.names = {word == "5" ? "graphical.target" : "multi-user.target"};
        isolating.no_block = true;
        return isolate_verb(isolating);
    }
    return complain("telinit: expected 0 to 6, s or q");
}

/// runlevel(8): nothing is known of the one before.
int run_runlevel(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    for (const auto& [unit, level] :
         {std::pair("graphical.target", "5"), {"multi-user.target", "3"}, {"rescue.target", "1"}}) {
        if (unit_property(*client, unit, unit_interface, "ActiveState") == "active") {
            print(std::string("N ") + level + "\n");
            return Done;
        }
    }
    print("unknown\n");
    return Failure;
}

}  // namespace

std::optional<int> run_as(const std::string& program, const std::vector<std::string>& words) {
    const std::string name = std::filesystem::path(program).filename();
    Arguments arguments;
    const char* const directory = std::getenv("HEARTH_RUNTIME_DIR");
    arguments.runtime_directory =
        directory == nullptr || *directory == '\0' ? "/run/hearth" : directory;
    if (name == "halt" || name == "poweroff" || name == "reboot") {
        return run_halt(name, words, std::move(arguments));
    }
    if (name == "shutdown") {
        arguments.names = words;
        return shutdown_verb(arguments);
    }
    if (name == "telinit") {
        return run_telinit(words, arguments);
    }
    if (name == "runlevel") {
        return run_runlevel(arguments);
    }
    return std::nullopt;
}

}  // namespace hearth::ctl
