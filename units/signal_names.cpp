// SPDX-License-Identifier: MIT
#include <array>
#include <csignal>
#include <string>

#include "parser/values.hpp"
#include "units/names.hpp"

namespace hearth {

namespace {

struct Entry {
    int number;
    std::string_view name;  // without SIG
};

constexpr auto entries = std::to_array<Entry>({
    {SIGHUP, "HUP"},       {SIGINT, "INT"},   {SIGQUIT, "QUIT"},   {SIGILL, "ILL"},
    {SIGTRAP, "TRAP"},     {SIGABRT, "ABRT"}, {SIGBUS, "BUS"},     {SIGFPE, "FPE"},
    {SIGKILL, "KILL"},     {SIGUSR1, "USR1"}, {SIGSEGV, "SEGV"},   {SIGUSR2, "USR2"},
    {SIGPIPE, "PIPE"},     {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},   {SIGCHLD, "CHLD"},
    {SIGCONT, "CONT"},     {SIGSTOP, "STOP"}, {SIGTSTP, "TSTP"},   {SIGTTIN, "TTIN"},
    {SIGTTOU, "TTOU"},     {SIGURG, "URG"},   {SIGXCPU, "XCPU"},   {SIGXFSZ, "XFSZ"},
    {SIGVTALRM, "VTALRM"}, {SIGPROF, "PROF"}, {SIGWINCH, "WINCH"}, {SIGIO, "IO"},
    {SIGPWR, "PWR"},       {SIGSYS, "SYS"},
#ifdef SIGSTKFLT
    {SIGSTKFLT, "STKFLT"},
#endif
});

// What the C library leaves to programs: it keeps 32 and 33 for its threads. A system call would
// say the same (SIGRTMIN is a function), but this part of hearth makes none.
constexpr int first_real_time = 34;
constexpr int last_real_time = 64;

std::optional<int> offset_from(std::string_view text, char sign, int base, int direction) {
    if (text.empty()) {
        return base;
    }
    if (text.front() != sign || text.size() < 2) {
        return std::nullopt;
    }
    const Result<std::uint64_t, ValueError> offset =
        read_unsigned(text.substr(1), 0, last_real_time - first_real_time);
    if (!offset) {
        return std::nullopt;
    }
    return base + direction * static_cast<int>(*offset);
}

}  // namespace

std::optional<int> signal_number(std::string_view name) {
    if (name.empty()) {
        return std::nullopt;
    }
    if (name.front() >= '0' && name.front() <= '9') {
        const Result<std::uint64_t, ValueError> number = read_unsigned(name, 1, last_real_time);
        return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
    }
    if (name.starts_with("SIG")) {
        name.remove_prefix(3);
    }
    if (name.starts_with("RTMIN")) {
        return offset_from(name.substr(5), '+', first_real_time, 1);
    }
    if (name.starts_with("RTMAX")) {
        return offset_from(name.substr(5), '-', last_real_time, -1);
    }
    for (const Entry& entry : entries) {
        if (entry.name == name) {
            return entry.number;
        }
    }
    return std::nullopt;
}

std::string signal_name(int number) {
    for (const Entry& entry : entries) {
        if (entry.number == number) {
            return "SIG" + std::string(entry.name);
        }
    }
    if (number == first_real_time) {
        return "SIGRTMIN";
    }
    if (number > first_real_time && number <= last_real_time) {
        return "SIGRTMIN+" + std::to_string(number - first_real_time);
    }
    return std::to_string(number);
}

}  // namespace hearth
