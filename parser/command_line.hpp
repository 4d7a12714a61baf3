// SPDX-License-Identifier: MIT
//
// The command lines of Exec*= (systemd.service(5), COMMAND LINES): prefixes, several commands
// separated by ` ; `, words, specifiers. Environment references stay in argv as written and are
// expanded later, at launch, by expand_environment(). Whether the program exists is not judged
// here.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/codec.hpp"

namespace hearth {

struct CommandLine {
    std::string path{};               ///< absolute and normalised, or a bare name (is_bare_name())
    std::vector<std::string> argv{};  ///< argv[0] included; `$VAR`, `${VAR}` and `$$` as written
    bool ignore_failure = false;      ///< '-'
    bool argv0_given = false;         ///< '@': argv[0] was written by itself
    bool no_environment_expansion = false;  ///< ':'
    bool full_privileges = false;           ///< '+'
    bool no_setuid = false;                 ///< '!'
    bool ambient = false;                   ///< '!!'

    /// To be searched for in $PATH rather than opened.
    [[nodiscard]] bool is_bare_name() const { return !path.starts_with('/'); }

    bool operator==(const CommandLine&) const = default;
};

/// A command and where it stood in the value: the byte of its first prefix or path.
struct LocatedCommand {
    CommandLine command;
    std::size_t offset = 0;

    bool operator==(const LocatedCommand&) const = default;
};

/// The commands of one assignment, in order; none for an empty text.
[[nodiscard]] Result<std::vector<LocatedCommand>, ValueError> parse_command_lines(
    std::string_view text, const ValueContext& context = {});

/// Text that parse_command_lines() (without specifiers) reads back as the same command.
[[nodiscard]] std::string format_command_line(const CommandLine& command);

/// argv after environment references were replaced.
struct ExpandedArguments {
    std::vector<std::string> argv;
    std::vector<std::string> unset;  ///< names that had no value, each once, in order

    bool operator==(const ExpandedArguments&) const = default;
};

/// The most bytes that expand_environment() makes; above Linux's own limit for argv.
inline constexpr std::size_t max_argv_length = std::size_t{8} << 20U;

/// systemd's rules: `$VAR` as a word of its own becomes the words of its value, none if empty;
/// `${VAR}` anywhere becomes exactly its value; `$$` becomes `$`; any other `$` stays.
/// `environment` is NAME=VALUE, the last of a name counts. Fails (E2BIG) beyond max_argv_length.
[[nodiscard]] Result<ExpandedArguments> expand_environment(
    std::span<const std::string> argv, std::span<const std::string> environment);

/// Exec*=: appends its commands, an empty text drops all. File form: one line per command. Bus
/// form: the identity only, a(sas): path and argv (units/ writes systemd's a(sasbttttuii) with the
/// status).
template <>
struct Codec<std::vector<CommandLine>> {
    static constexpr std::string_view syntax = "command line";
    static constexpr const char* signature = "a(sas)";
    static Assigned assign(
        std::vector<CommandLine>& field, std::string_view text, const ValueContext& context);
    static std::string format(const std::vector<CommandLine>& value);
    static void write(const std::vector<CommandLine>& value, ValueSink& sink);
};

}  // namespace hearth
