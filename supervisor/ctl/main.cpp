// SPDX-License-Identifier: MIT
//
// hearthctl: the client. Finds the verb in a constexpr table, parses what follows it, runs it.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "parser/edit_distance.hpp"
#include "supervisor/container_places.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/ending.hpp"
#include "supervisor/ctl/outcome.hpp"

namespace {

using namespace hearth::ctl;

/// What stands before the verb.
struct Preamble {
    std::string runtime_directory;
    std::size_t verb = 0;              ///< index of the verb's word
    std::vector<std::string> options;  ///< the verb's own, that stood before it
    std::optional<int> exit_code;      ///< nothing more to do
};

std::optional<std::string> user_runtime_directory() {
    const char* directory = std::getenv("XDG_RUNTIME_DIR");
    if (directory == nullptr || *directory == '\0') {
        return std::nullopt;
    }
    return std::string(directory) + "/hearth";
}

/// Where there is one: in a container hearthd may have had to go elsewhere.
std::string usual_runtime_directory() {
    const std::vector<std::string> places = hearth::container_runtime_directories();
    const auto found = std::ranges::find_if(places, [](const std::string& place) {
        struct stat status{};
        return ::stat((place + "/private").c_str(), &status) == 0 && S_ISSOCK(status.st_mode) &&
               (status.st_uid == ::geteuid() || status.st_uid == 0);
    });
    return found == places.end() ? places.front() : *found;
}

/// Options whose value is the next word: where the verb stands depends on them.
bool takes_next_word(std::string_view word) {
    constexpr auto known = std::to_array<std::string_view>({"-t",         "--type",
                                                            "--state",    "-p",
                                                            "--property", "-s",
                                                            "--signal",   "-n",
                                                            "--lines",    "-o",
                                                            "--output",   "--root",
                                                            "--what",     "--preset-mode",
                                                            "-d",         "--drop-in",
                                                            "--job-mode", "--kill-whom",
                                                            "--kill-who", "--kill-value",
                                                            "-P"});
    return std::ranges::find(known, word) != known.end();
}

bool is_remote(std::string_view word) {
    return word.starts_with("-H") || word.starts_with("-M") || word.starts_with("--host") ||
           word.starts_with("--machine");
}

Preamble read_preamble(const std::vector<std::string>& words) {
    Preamble preamble;
    const char* directory = std::getenv("HEARTH_RUNTIME_DIR");
    preamble.runtime_directory =
        directory == nullptr || *directory == '\0' ? usual_runtime_directory() : directory;
    for (; preamble.verb < words.size() && words[preamble.verb].starts_with('-'); ++preamble.verb) {
        const std::string& word = words[preamble.verb];
        if (word == "--version") {
            print("hearthctl " HEARTH_VERSION "\n");
            preamble.exit_code = Done;
        } else if (word == "--help" || word == "-h") {
            preamble.exit_code = help_verb({});
        } else if (word == "--user") {
            if (const auto user = user_runtime_directory()) {
                preamble.runtime_directory = *user;
            } else {
                preamble.exit_code = complain("--user needs XDG_RUNTIME_DIR in the environment");
            }
        } else if (word.starts_with("--runtime-dir=")) {
            preamble.runtime_directory = word.substr(word.find('=') + 1);
        } else if (word == "--runtime-dir" && preamble.verb + 1 < words.size()) {
            preamble.runtime_directory = words[++preamble.verb];
        } else if (is_remote(word)) {
            preamble.exit_code = complain(
                "hearthctl: " + word + ": hearthctl speaks with this machine's hearthd only");
        } else if (word != "--system") {
            preamble.options.push_back(word);
            if (takes_next_word(word) && preamble.verb + 1 < words.size()) {
                preamble.options.push_back(words[++preamble.verb]);
            }
        }
        if (preamble.exit_code) {
            break;
        }
    }
    return preamble;
}

int unknown_verb(const std::string& word) {
    std::vector<std::string_view> names;
    for (const Verb& verb : verbs()) {
        names.push_back(verb.name);
    }
    const std::string hint = hearth::did_you_mean(word, names);
    return complain(
        "hearthctl: unknown verb '" + word +
        "': " + (hint.empty() ? "'hearthctl help' lists them" : hint));
}

int run_verb(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (const auto status = run_as(argc > 0 ? argv[0] : "", words)) {
        return *status;
    }
    const Preamble preamble = read_preamble(words);
    if (preamble.exit_code) {
        return *preamble.exit_code;
    }
    const std::string word = preamble.verb < words.size() ? words[preamble.verb] : "list-units";
    const Verb* verb = find_verb(word);
    if (verb == nullptr) {
        return unknown_verb(word);
    }
    Arguments arguments;
    arguments.runtime_directory = preamble.runtime_directory;
    const auto first =
        words.begin() + static_cast<std::ptrdiff_t>(std::min(preamble.verb + 1, words.size()));
    std::vector<std::string> rest(preamble.options);
    rest.insert(rest.end(), first, words.end());
    if (verb->run == &shutdown_verb) {  // its options are shutdown(8)'s
        arguments.names = std::move(rest);
        return shutdown_verb(arguments);
    }
    if (const auto answer = parse(*verb, std::move(rest), arguments)) {
        if (answer->exit_code == Done) {
            print(answer->text);
        } else {
            complain(answer->text);
        }
        return answer->exit_code;
    }
    return perform(*verb, arguments);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run_verb(argc, argv);
    } catch (const std::exception& error) {  // no memory, for one
        std::fprintf(stderr, "hearthctl: %s\n", error.what());
        return 1;
    }
}
