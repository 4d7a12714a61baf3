// SPDX-License-Identifier: MIT
#include "supervisor/command_unit.hpp"

#include <algorithm>
#include <string_view>

#include "parser/command_line.hpp"
#include "parser/specifiers.hpp"
#include "parser/utf8.hpp"
#include "parser/words.hpp"
#include "supervisor/unit_files/environment_file.hpp"

namespace hearth {

namespace {

/// A unit file is UTF-8: other bytes of a command line are written as escapes.
std::string as_utf8(const std::string& text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string escaped;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t good = std::min(find_invalid_utf8(rest), rest.size());
        escaped += rest.substr(0, good);
        rest.remove_prefix(good);
        if (!rest.empty()) {
            const auto byte = static_cast<unsigned char>(rest.front());
            escaped += {'\\', 'x', digits[byte / 16], digits[byte % 16]};
            rest.remove_prefix(1);
        }
    }
    return escaped;
}

std::string command_line(const std::vector<std::string>& words, const std::string& directory) {
    CommandLine command;
    command.path = words.front();
    command.argv = words;
    command.no_environment_expansion = true;
    if (command.path.find('/') != std::string::npos && !command.path.starts_with('/')) {
        command.path = directory + "/" + command.path;
    }
    if (command.path != words.front()) {
        command.argv0_given = true;
    }
    return as_utf8(format_command_line(command));
}

}  // namespace

std::string command_unit_text(
    const std::vector<std::string>& words,
    const std::vector<std::string>& variables,
    const std::string& directory) {
    std::string text =
        "# Made by hearthd for `hearth-init -- COMMAND`. Its standard input, output and error are\n"
        "# those that hearth-init was started with.\n[Unit]\nDescription=" +
        escape_specifiers(as_utf8(join_words(words))) +
        "\n\n[Service]\nType=exec\nExecStart=" + escape_specifiers(command_line(words, directory)) +
        "\nWorkingDirectory=" + escape_specifiers(directory) + "\n";
    for (const std::string& variable : variables) {
        const std::string name = variable.substr(0, variable.find('='));
        if (is_environment_name(name)) {  // a shell may have others
            text += "PassEnvironment=" + name + "\n";
        }
    }
    return text + "\n[X-Hearth]\nEssential=yes\n";
}

}  // namespace hearth
