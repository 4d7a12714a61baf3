// SPDX-License-Identifier: MIT
//
// The stock systemctl is the oracle: `hearthctl show` prints byte for byte what it prints, for a
// unit in which every directive that is built has a value, and for one that sets none.
#include <map>

#include "tests/support/ctl_fixture.hpp"
#include "tests/support/stock_client.hpp"
#include "units/directive.hpp"
#include "units/loader.hpp"

namespace hearth::test {
namespace {

class OneFile final : public UnitSource {
public:
    explicit OneFile(std::string text) : text_(std::move(text)) {}
    [[nodiscard]] Result<std::optional<File>> fragment(const std::string& name) const override {
        return std::optional(File{"/etc/systemd/system/" + name, text_, false});
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        return std::vector<File>();
    }

private:
    std::string text_;
};

bool has_effect(const Row& row) {
    return !std::holds_alternative<applied::Refused>(row.applied) &&
           !std::holds_alternative<applied::NoEffect>(row.applied);
}

/// A unit with the sample of every row that is built.
Unit unit_of_samples() {
    std::map<Section, std::string> sections;
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            if (has_effect(row)) {
                sections[row.section] +=
                    std::string(row.name) + "=" + std::string(row.sample) + "\n";
            }
        }
    }
    std::string text;
    for (const auto& [section, lines] : sections) {
        text += "[" + std::string(name(section)) + "]\n" + lines;
    }
    return load_unit("full.service", OneFile(text), LoadContext{});
}

class SystemctlShow : public CtlFixture {
protected:
    void SetUp() override {
        CtlFixture::SetUp();
        if (getuid() != 0) {
            GTEST_SKIP() << "needs root: a mount namespace is made for the stock client";
        }
        if (stock_systemctl().empty()) {
            GTEST_SKIP() << "no systemctl on this machine";
        }
        setenv("TZ", "UTC", 1);
        control.add("empty.service");
        UnitRecord& full = control.add("full.service", ServiceState::Running);
        full.unit = unit_of_samples();
        live(full);
        control.facts.control_group = "/hearth/system.slice/full.service";
        control.facts.usage.cpu_nanoseconds = 123'456'789;
        control.facts.usage.memory_current_bytes = 4096;
        serve();
    }
    static void live(UnitRecord& record) {
        ServiceStatus& status = record.status;
        status.main_pid = 4711;
        status.main = ProcessRecord{4711, {5, 1'700'000'000'123'456}, {}, 0, 0};
        status.restarts = 3;
        status.invocation_id = "0123456789abcdef0123456789abcdef";
        status.failure = "two\nlines";
        const ProcessRecord killed{
            12, {1, 1'700'000'000'000'000}, {2, 1'700'000'001'000'000}, CLD_KILLED, 9};
        for (std::size_t kind = 0; kind < exec_kinds; ++kind) {
            const std::size_t lines = commands(record.unit, static_cast<ExecKind>(kind)).size();
            status.history[kind].assign(lines, killed);
        }
        record.active_enter = record.state_change = {7, 1'700'000'002'000'000};
    }
    Ended systemctl(std::vector<std::string> words) {
        words.insert(words.begin(), stock_systemctl());
        return run([&] { return become_stock_client(socket_path(), words); });
    }
    void compare(const std::vector<std::string>& words) {
        std::vector<std::string> stock_words = words;
        stock_words.insert(stock_words.begin(), "show");
        const Ended stock = systemctl(stock_words);
        if (stock.status == 125) {
            GTEST_SKIP() << "no mount namespace can be made here";
        }
        const Ended ours = hearthctl("show", words);
        EXPECT_EQ(stock.status, ours.status) << stock.err << ours.err;
        EXPECT_EQ(stock.out, ours.out) << words.back();
        EXPECT_GT(ours.out.size(), 2U) << stock.err << ours.err;
    }
};

TEST_F(SystemctlShow, PrintsTheSameForAUnitWithEveryDirective) {
    const Settings& settings = control.state.units["full.service"].unit.settings;
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            if (has_effect(row)) {
                EXPECT_FALSE(row.is_default(settings)) << row.name;
            }
        }
    }
    compare({"full.service"});
    compare({"--all", "full.service"});
}

TEST_F(SystemctlShow, PrintsTheSameForAnEmptyUnit) {
    compare({"empty.service"});
    compare({"--all", "empty.service"});
}

TEST_F(SystemctlShow, PrintsTheSameForWhatDoesNotExist) {
    compare({"nothing.service"});
}

TEST_F(SystemctlShow, PrintsTheSameForTheManager) {
    compare({"--no-pager"});
    compare({"--all"});
}

TEST_F(SystemctlShow, PrintsTheSameForSeveralUnitsAndSingleProperties) {
    compare({"empty.service", "full.service"});
    compare({"-p", "ExecMainPID", "full.service"});
    compare({"-p", "ExecMainPID", "--value", "full.service"});
    compare(
        {"-p",
         "Environment,ExecStart,Job,Description",
         "-p",
         "Names",
         "full.service",
         "empty.service"});
    compare({"--value", "-p", "DropInPaths", "-p", "Id", "empty.service"});
}

TEST_F(SystemctlShow, PrintsTheSameForAJob) {
    control.finish_at_once = false;
    ASSERT_EQ(hearthctl("start", {"--no-block", "empty.service"}).status, 0);
    compare({"1"});
    compare({"-p", "Job", "empty.service"});
}

TEST_F(SystemctlShow, StartsStopsAndAsksAsWithSystemd) {
    struct Case {
        std::vector<std::string> words;
        int status;
        std::string out;
    };
    const std::vector<Case> cases = {
        {{"is-active", "full.service"}, 0, "active\n"},
        {{"is-active", "empty.service"}, 3, "inactive\n"},
        {{"is-active", "nothing.service"}, 3, "inactive\n"},
        {{"is-failed", "full.service"}, 1, "active\n"},
        {{"start", "empty.service"}, 0, ""},
        {{"is-active", "empty.service"}, 0, "active\n"},
        {{"stop", "empty.service"}, 0, ""},
        {{"start", "nothing.service"}, 5, ""},
        {{"kill", "-s", "USR1", "full.service"}, 0, ""},
        {{"daemon-reload"}, 0, ""},
        {{"reset-failed", "full.service"}, 0, ""},
        {{"list-jobs", "--no-legend"}, 0, ""},
        {{"status", "nothing.service"}, 4, ""},
        {{"is-system-running"}, 0, "running\n"},
        {{"list-units", "--plain", "--no-legend", "full.service"}, 0, "full.service"},
    };
    for (const Case& each : cases) {
        const Ended ended = systemctl(each.words);
        const std::string what = each.words[0] + " " + each.words.back();
        EXPECT_EQ(ended.status, each.status) << what << ": " << ended.err;
        EXPECT_TRUE(ended.out.starts_with(each.out)) << what << ": " << ended.out;
    }
    for (const char* call : {"kill full.service all 10", "reload", "reset-failed full.service"}) {
        EXPECT_TRUE(control.called(call)) << call;
    }
}

}  // namespace
}  // namespace hearth::test
