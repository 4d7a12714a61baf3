// SPDX-License-Identifier: MIT
#include "supervisor/ctl/outcome.hpp"

#include <algorithm>

#include "supervisor/ctl/console.hpp"

namespace hearth::ctl {

namespace {

std::vector<std::pair<std::string, Json>>& notes() {
    static std::vector<std::pair<std::string, Json>> made;
    return made;
}

}  // namespace

void note(std::string_view key, Json item) {
    auto& all = notes();
    auto found = std::ranges::find(all, key, &std::pair<std::string, Json>::first);
    if (found == all.end()) {
        found = all.emplace(all.end(), key, Json::list());
    }
    found->second.items.push_back(std::move(item));
}

int perform(const Verb& verb, const Arguments& arguments) {
    const int status = verb.run(arguments);
    if (arguments.json && !has(verb, Option::Json)) {
        Json outcome{
            {"verb", verb.name},
            {"status", static_cast<double>(status)},
            {"messages", json_list(complaints())}};
        outcome.members.insert(outcome.members.end(), notes().begin(), notes().end());
        print(outcome.dump() + "\n");
    }
    return status;
}

Json json_list(const std::vector<std::string>& texts) {
    Json list = Json::list();
    for (const std::string& text : texts) {
        list.items.emplace_back(text);
    }
    return list;
}

Json json_lines(std::string_view text) {
    Json list = Json::list();
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        list.items.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return list;
}

}  // namespace hearth::ctl
