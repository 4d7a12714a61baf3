// SPDX-License-Identifier: MIT
//
// complete: what the last word of a command line may become, for the shells (contrib/completions):
// one candidate a line, a tab before what it means. Verbs and options come from their own table,
// units from the running hearthd, unit files from its unit path. ":files" and ":directories" ask
// the shell for its own; nothing at all where the user's own command stands.
#include <algorithm>
#include <array>
#include <set>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

struct Candidate {
    std::string word, meaning;
};
using Candidates = std::vector<Candidate>;

/// What stands before the word to complete.
struct Before {
    std::string runtime_directory;
    const Verb* verb = nullptr;
    std::string option;    ///< the option just before, which may want this word as its value
    bool foreign = false;  ///< after "--": a command of the user's own
};

Before read_before(const Arguments& arguments, const std::vector<std::string>& words) {
    Before before{arguments.runtime_directory, nullptr, {}, false};
    for (std::size_t index = 0; index + 1 < words.size(); ++index) {
        const std::string& word = words[index];
        const bool is_value = before.option == "--runtime-dir";
        before.option = word.starts_with('-') && !is_value ? word : std::string();
        before.foreign = before.foreign || word == "--";
        if (is_value) {
            before.runtime_directory = word;
        } else if (word.starts_with("--runtime-dir=")) {
            before.runtime_directory = word.substr(word.find('=') + 1);
        } else if (!word.starts_with('-') && before.verb == nullptr) {
            before.verb = find_verb(word);
        }
    }
    return before;
}

Candidates rows(const Before& before, const char* method, bool only_active) {
    auto client = Client::connect(before.runtime_directory);
    if (!client) {
        return {};
    }
    auto reply = client->manager(method, "");
    const auto units = reply ? read_value(reply->get()) : Result<Value>(Value());
    Candidates found;
    for (const Value& row : units ? units->members : std::vector<Value>()) {
        const std::string& first = row.members[0].text;
        const bool is_file = row.members.size() < 4;
        if (!is_file && only_active && row.members[3].text == "inactive") {
            continue;
        }
        found.push_back({first.substr(first.rfind('/') + 1), row.members[1].text});
    }
    return found;
}

bool is_one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
    return std::ranges::find(verbs, verb) != verbs.end();
}

/// The units that the verb may be for.
Candidates units_for(const Before& before) {
    const std::string_view verb = before.verb->name;
    if (is_one_of(
            verb,
            {"enable",
             "disable",
             "reenable",
             "preset",
             "is-enabled",
             "mask",
             "unmask",
             "revert",
             "cat",
             "edit",
             "add-wants",
             "add-requires"})) {
        return rows(before, "ListUnitFiles", false);
    }
    if (verb == "start") {
        Candidates all = rows(before, "ListUnitFiles", false);
        std::ranges::move(rows(before, "ListUnits", false), std::back_inserter(all));
        return all;
    }
    const bool running = is_one_of(
        verb, {"stop", "restart", "reload", "kill", "freeze", "thaw", "attach", "confinement"});
    return rows(before, "ListUnits", running);
}

Candidates options_for(const Verb& verb) {
    Candidates found;
    for (const OptionHelp& each : options_of(verb)) {
        std::string_view names = each.names;
        while (!names.empty()) {
            const std::size_t end = std::min(names.find(','), names.size());
            const std::string_view name = names.substr(0, end);
            if (name.starts_with("--")) {
                found.push_back({std::string(name), each.help});
            }
            names.remove_prefix(std::min(end + 1, names.size()));
        }
    }
    return found;
}

Candidates verbs_and_options() {
    Candidates found = {
        {"--runtime-dir", "Where hearthd's socket is"},
        {"--user", "The user's own hearthd"},
        {"--help", "Show the verbs"},
        {"--version", "Show the version"}};
    for (const Verb& verb : verbs()) {
        found.push_back({std::string(verb.name), std::string(verb.summary)});
    }
    return found;
}

Candidates candidates(const Before& before, const std::string& word) {
    if (before.foreign) {
        return {};
    }
    if (before.option == "--runtime-dir" || before.option == "--root") {
        return {{":directories", ""}};
    }
    if (before.verb == nullptr) {
        return verbs_and_options();
    }
    if (word.starts_with('-')) {
        return options_for(*before.verb);
    }
    if (is_one_of(before.verb->name, {"lint", "link"})) {
        return {{":files", ""}};
    }
    return before.verb->count == Names::None ? Candidates() : units_for(before);
}

}  // namespace

int complete_verb(const Arguments& arguments) {
    const std::string word = arguments.names.empty() ? std::string() : arguments.names.back();
    const Before before = read_before(arguments, arguments.names);
    std::set<std::string> said;
    std::string text;
    Json all = Json::list();
    for (const Candidate& each : candidates(before, word)) {
        const bool asks_the_shell = each.word.starts_with(':');
        if ((!each.word.starts_with(word) && !asks_the_shell) || !said.insert(each.word).second) {
            continue;
        }
        text += each.word + "\t" + each.meaning + "\n";
        all.items.push_back({{"word", each.word}, {"meaning", each.meaning}});
    }
    print(arguments.json ? all.dump() + "\n" : text);
    return Done;
}

}  // namespace hearth::ctl
