// SPDX-License-Identifier: MIT
//
// Standard input, output and error: systemd.exec(5), Logging and Standard Input/Output. Files are
// opened as root in the host's view; the pipe to the log is the caller's and comes in the slot
// "log".
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "units/codecs.hpp"

namespace hearth::launch {
namespace {

/// Instead of a slot: the terminal that the child itself has opened as descriptor 0.
constexpr std::string_view acquired_terminal = "0";

/// Where TTYPath='s terminal is.
std::string terminal_path(const ExecSettings& exec) {
    return exec.terminal.path.empty() ? "/dev/console" : exec.terminal.path;
}

class Streams {
public:
    explicit Streams(Planning& planning) : planning_(planning), exec_(planning.settings.exec) {}

    void open() {
        const auto& input = exec_.standard_input;
        const auto& output = exec_.standard_output;
        const auto& error = exec_.standard_error;
        const auto& given = planning_.invocation.given_streams;
        const std::string in = given[0] ? given_stream(0) : input_slot(input);
        const std::string out =
            given[1] ? given_stream(1)
                     : output_slot("StandardOutput", "stdout", output, in, output_status);
        const bool same_file = error == output && !error.argument.empty();
        const std::string err =
            given[2] ? given_stream(2)
            : error.kind == StandardOutput::Inherit || same_file
                ? out
                : output_slot("StandardError", "stderr", error, in, error_status);
        use(in,
            0,
            asked("StandardInput", Codec<StreamTarget<StandardInput>>::format(input)),
            input_status);
        if (given[0]) {  // what systemd-run --pty passes, or a container's terminal
            planning_.add(Stage::Descriptors, ControllingTerminal{0}, {}, input_status);
        }
        use(out,
            1,
            asked("StandardOutput", Codec<StreamTarget<StandardOutput>>::format(output)),
            output_status);
        use(err,
            2,
            asked("StandardError", Codec<StreamTarget<StandardOutput>>::format(error)),
            error_status);
    }

private:
    [[nodiscard]] Asked asked(std::string_view directive, std::string value) const {
        // A default has no place; naming the whole file for it would only be in the way.
        return planning_.unit.origins.contains(directive)
                   ? planning_.asked(directive, std::move(value))
                   : Asked{};
    }

    void use(const std::string& slot, int number, Asked who, int status) {
        if (slot == acquired_terminal) {
            if (number != 0) {
                planning_.add(
                    Stage::Descriptors, CopyDescriptor{0, number}, std::move(who), status);
            }
        } else if (!slot.empty()) {
            planning_.add(Stage::Descriptors, UseDescriptor{slot, number}, std::move(who), status);
        }
    }

    std::string open_file(std::string slot, std::string path, int flags, Asked who, int status) {
        const std::uint32_t mode = (flags & O_CREAT) != 0 ? 0666 & ~exec_.umask.bits : 0;
        planning_.prepare(
            OpenFile{slot, std::move(path), flags | O_NOCTTY, mode}, std::move(who), status);
        return slot;
    }

    /// One /dev/null for all that want it.
    std::string null_slot(int status) {
        if (!std::exchange(null_opened_, true)) {
            open_file("null", "/dev/null", O_RDWR, {}, status);
        }
        return "null";
    }

    /// By the child, which must be the leader of its session for it, and may have to wait.
    std::string acquire_terminal(AcquireTerminal::Mode mode) {
        planning_.add(
            Stage::Descriptors,
            AcquireTerminal{terminal_path(exec_), mode},
            asked(
                "StandardInput", Codec<StreamTarget<StandardInput>>::format(exec_.standard_input)),
            input_status);
        return std::string(acquired_terminal);
    }

    std::string input_slot(const StreamTarget<StandardInput>& input) {
        const auto same = [&](const StreamTarget<StandardOutput>& other) {
            return other.kind == StandardOutput::File && other.argument == input.argument;
        };
        switch (input.kind) {
            case StandardInput::Null:
                return null_slot(input_status);
            case StandardInput::File: {
                const bool both = same(exec_.standard_output) || same(exec_.standard_error);
                return open_file(
                    "stdin",
                    input.argument,
                    both ? O_RDWR | O_CREAT : O_RDONLY,
                    asked("StandardInput", "file:" + input.argument),
                    input_status);
            }
            case StandardInput::Tty:
                return acquire_terminal(AcquireTerminal::Mode::Wait);
            case StandardInput::TtyForce:
                return acquire_terminal(AcquireTerminal::Mode::Force);
            case StandardInput::TtyFail:
                return acquire_terminal(AcquireTerminal::Mode::Fail);
            case StandardInput::Data:
                planning_.prepare(
                    MakeInput{"stdin", exec_.terminal.input_data.bytes},
                    asked("StandardInput", "data"),
                    input_status);
                return "stdin";
            case StandardInput::Socket:
            case StandardInput::Fd:
                break;
        }
        return unbuilt("StandardInput", Codec<StreamTarget<StandardInput>>::format(input));
    }

    std::string output_slot(
        std::string_view directive,
        const std::string& slot,
        const StreamTarget<StandardOutput>& output,
        const std::string& in,
        int status) {
        const std::string text = Codec<StreamTarget<StandardOutput>>::format(output);
        const auto file = [&](int flags) {
            return open_file(
                slot, output.argument, O_WRONLY | O_CREAT | flags, asked(directive, text), status);
        };
        const StreamTarget<StandardInput>& input = exec_.standard_input;
        switch (output.kind) {
            case StandardOutput::Inherit:
                return in;
            case StandardOutput::Null:
                return null_slot(status);
            case StandardOutput::Journal:
                return "log";
            case StandardOutput::File:
                // The file that is read too is opened once, for both.
                return input.kind == StandardInput::File && input.argument == output.argument
                           ? in
                           : file(0);
            case StandardOutput::Append:
                return file(O_APPEND);
            case StandardOutput::Truncate:
                return file(O_TRUNC);
            case StandardOutput::Tty:
                // Only for output it is neither acquired nor waited for (systemd.exec(5)).
                return in == acquired_terminal ? in
                                               : open_file(
                                                     slot,
                                                     terminal_path(exec_),
                                                     O_WRONLY,
                                                     asked(directive, text),
                                                     status);
            case StandardOutput::JournalConsole:
            case StandardOutput::Kmsg:
            case StandardOutput::KmsgConsole:
            case StandardOutput::Socket:
            case StandardOutput::Fd:
                break;
        }
        return unbuilt(directive, text);
    }

    /// The loader has refused it, unless it is relaxed: then nothing is read, and what is written
    /// is kept.
    std::string unbuilt(std::string_view directive, const std::string& text) {
        const std::string start = fmt::format("{}=", directive);
        const bool told = std::ranges::any_of(planning_.refusals, [&](const Diagnostic& refusal) {
            return refusal.message.starts_with(start);
        });
        if (!told) {
            planning_.falls_short(directive, text, "hearth doesn't build it yet");
        }
        return directive == "StandardInput" ? null_slot(input_status) : "log";
    }

    Planning& planning_;
    const ExecSettings& exec_;
    bool null_opened_ = false;
};

/// Best effort, as in systemd: a terminal that isn't there fails where it is opened, if it is.
void prepare_terminal(Planning& planning) {
    const TerminalSettings& terminal = planning.settings.exec.terminal;
    PrepareTerminal work = terminal_work(planning.settings.exec);
    if (work.asks_for_anything()) {
        const std::string_view directive = terminal.reset            ? "TTYReset"
                                           : terminal.vhangup        ? "TTYVHangup"
                                           : terminal.vt_disallocate ? "TTYVTDisallocate"
                                           : terminal.rows != 0      ? "TTYRows"
                                                                     : "TTYColumns";
        const Asked who = planning.asked(directive);
        planning.prepare(std::move(work), who, input_status);
    }
}

}  // namespace

std::string given_stream(std::size_t number) {
    return fmt::format("given-{}", number);
}

PrepareTerminal terminal_work(const ExecSettings& exec) {
    const TerminalSettings& terminal = exec.terminal;
    return {
        terminal_path(exec),
        terminal.reset,
        terminal.vhangup,
        terminal.vt_disallocate,
        terminal.rows,
        terminal.columns};
}

void open_streams(Planning& planning) {
    if (!planning.invocation.attach) {
        prepare_terminal(planning);
        Streams(planning).open();
        return;
    }
    for (int number = 0; number <= 2; ++number) {
        planning.add(Stage::Descriptors, UseDescriptor{"terminal", number}, {}, input_status);
    }
    planning.add(Stage::Descriptors, ControllingTerminal{0}, {}, input_status);
}

}  // namespace hearth::launch
