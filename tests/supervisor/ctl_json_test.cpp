// SPDX-License-Identifier: MIT
//
// --json of every verb there is: each line on standard output is a JSON value, and there is one.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "supervisor/ctl/json_text.hpp"
#include "tests/support/ctl_fixture.hpp"

namespace hearth::test {
namespace {

class CtlJson : public CtlFixture {
protected:
    void SetUp() override {
        CtlFixture::SetUp();
        control.add("heat.service", ServiceState::Running).status.main_pid = getpid();
        UnitRecord& broken = control.add("broken.service", ServiceState::Failed);
        broken.status.result = ServiceResult::ExitCode;
        serve();
        std::ofstream(file()) << "[Service]\nExecStart=/bin/true\n";
    }
    [[nodiscard]] std::string file() const { return directory.path() + "/given.service"; }

    /// What a verb is given beside --json.
    [[nodiscard]] std::vector<std::string> words_for(const ctl::Verb& verb) const {
        const std::map<std::string_view, std::vector<std::string>> own = {
            {"lint", {file()}},
            {"link", {file()}},
            {"security", {"--offline", file()}},
            {"cancel", {"17"}},
            {"set-property", {"heat.service", "TasksMax=5"}},
            {"add-wants", {"a.target", "heat.service"}},
            {"add-requires", {"a.target", "heat.service"}},
            {"set-default", {"a.target"}},
            {"set-environment", {"A=b"}},
            {"unset-environment", {"A"}},
            {"import-environment", {"PATH"}},
            {"edit", {"--stdin", "heat.service"}},
            {"run", {"/bin/true"}},
            {"complete", {"--", "sta"}},
            {"top", {"--once"}},
            {"switch-root", {"/nonexistent"}},
        };
        if (ctl::has(verb, ctl::Option::Ending)) {
            return {"--no-wall"};
        }
        const auto found = own.find(verb.name);
        if (found != own.end()) {
            return found->second;
        }
        const bool takes_units = verb.names.find("UNIT") != std::string_view::npos;
        return takes_units ? std::vector<std::string>{"heat.service"} : std::vector<std::string>();
    }
};

TEST_F(CtlJson, IsPrintedByEveryVerb) {
    for (const ctl::Verb& verb : ctl::verbs()) {
        // attach: its standard output is that of the command inside. shutdown(8) has options of its
        // own. The others end the hearthd that would answer.
        constexpr std::string_view others[] = {"attach", "shutdown", "daemon-reexec", "upgrade"};
        if (std::ranges::find(others, verb.name) != std::end(others)) {
            continue;
        }
        std::vector<std::string> words = words_for(verb);
        words.insert(words.begin(), "--json");
        const Ended ended = hearthctl(std::string(verb.name), words);
        EXPECT_LT(ended.status, 90) << verb.name << " does not take --json: " << ended.err;
        std::istringstream lines(ended.out);
        std::size_t values = 0;
        for (std::string line; std::getline(lines, line);) {
            EXPECT_TRUE(ctl::Json::parse(line)) << verb.name << " prints: " << line;
            ++values;
        }
        const bool may_be_silent = verb.name == "logs" || ended.status != 0;
        EXPECT_TRUE(values > 0 || may_be_silent) << verb.name << ": " << ended.err;
    }
}

TEST_F(CtlJson, OfWhatChangesTellsHowItEnded) {
    const Ended started = hearthctl("start", {"--json", "broken.service", "nothing.service"});
    const auto outcome = ctl::Json::parse(started.out);
    ASSERT_TRUE(outcome) << started.out;
    EXPECT_EQ(outcome->at("verb").text, "start");
    EXPECT_EQ(static_cast<int>(outcome->at("status").number), started.status);
    ASSERT_EQ(outcome->at("jobs").items.size(), 1U) << started.out;
    EXPECT_EQ(outcome->at("jobs").items[0].at("unit").text, "broken.service");
    EXPECT_EQ(outcome->at("jobs").items[0].at("result").text, "done");
    ASSERT_EQ(outcome->at("messages").items.size(), 1U) << started.out;
    const Ended asked = hearthctl("is-active", {"--json", "heat", "broken"});
    EXPECT_EQ(
        asked.out,
        R"([{"state":"active","unit":"heat.service"},{"state":"active","unit":"broken.service"}])"
        "\n");
}

}  // namespace
}  // namespace hearth::test
