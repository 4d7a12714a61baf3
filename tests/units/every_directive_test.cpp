// SPDX-License-Identifier: MIT
//
// What holds for every row of every table. That a row's sample changes the plan where `applied`
// says is shown in tests/supervisor, where there is a planner.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include "places.hpp"
#include "tests/support/value_recorder.hpp"
#include "units/codecs.hpp"
#include "units/directive.hpp"
#include "units/reference.hpp"

namespace hearth {

namespace {

std::vector<const Row*> all_rows() {
    std::vector<const Row*> rows;
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            rows.push_back(&row);
        }
    }
    return rows;
}

/// Each row is one case. Not a parameterised test of GoogleTest: CTest starts a process for each of
/// those, and there are hundreds of rows.
void for_each_row(void (*check)(const Row&)) {
    for (const Row* const row : all_rows()) {
        SCOPED_TRACE("[" + std::string(name(row->section)) + "] " + std::string(row->name));
        check(*row);
    }
}

void assign_lines(const Row& row, Settings& settings, const std::string& text) {
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const Assigned assigned = row.assign(settings, text.substr(begin, end - begin), {});
        EXPECT_TRUE(assigned) << text << ": " << assigned.error().what;
        begin = end + 1;
    }
}

}  // namespace

TEST(EveryDirective, SaysInASentenceWhatItDoes) {
    for_each_row([](const Row& row) {
        ASSERT_FALSE(row.summary.empty());
        EXPECT_TRUE(row.summary.front() >= 'A' && row.summary.front() <= 'Z') << row.summary;
        EXPECT_EQ(row.summary.back(), '.') << row.summary;
        EXPECT_EQ(row.summary.find(".."), std::string_view::npos) << row.summary;
        EXPECT_NE(row.summary.find(' '), std::string_view::npos) << row.summary;
        EXPECT_FALSE(row.syntax.empty());
        EXPECT_FALSE(fate(row).empty());
    });
}

TEST(EveryDirective, ReadsItsSampleWhichIsNotTheDefault) {
    for_each_row([](const Row& row) {
        ASSERT_FALSE(row.sample.empty());
        Settings settings;
        EXPECT_TRUE(row.is_default(settings));
        const Assigned assigned = row.assign(settings, row.sample, {});
        ASSERT_TRUE(assigned) << assigned.error().what;
        if (const auto* const none = std::get_if<applied::NoEffect>(&row.applied)) {
            EXPECT_FALSE(none->reason.empty());
            if (settings == Settings{}) {
                return;  // accepted, and its reason is told by lint
            }
        }
        EXPECT_FALSE(row.is_default(settings));
        EXPECT_FALSE(settings == Settings{});
    });
}

TEST(EveryDirective, PrintsItsValueSoThatItIsReadBack) {
    for_each_row([](const Row& row) {
        Settings settings;
        ASSERT_TRUE(row.assign(settings, row.sample, {}));
        Settings back;
        assign_lines(row, back, row.format(settings));
        EXPECT_TRUE(back == settings) << row.format(settings);
    });
}

TEST(EveryDirective, IsResetByAnEmptyText) {
    for_each_row([](const Row& row) {
        Settings settings;
        ASSERT_TRUE(row.assign(settings, row.sample, {}));
        ASSERT_TRUE(row.assign(settings, "", {}));
        if (row.syntax == Codec<DependencyNames>::syntax) {
            EXPECT_FALSE(row.is_default(settings));  // systemd.unit(5): they can't be reset
        } else if (row.name == "CapabilityBoundingSet") {
            EXPECT_EQ(
                settings.sandbox.capability_bounding_set.mask,
                0U);  // the empty set is what it says
        } else {
            EXPECT_TRUE(row.is_default(settings));
            EXPECT_TRUE(settings == Settings{});
        }
    });
}

TEST(EveryDirective, WritesItsPropertiesAsTheyAreDeclared) {
    for_each_row([](const Row& row) {
        for (const std::string_view value : {std::string_view(), row.sample}) {
            Settings settings;
            if (!value.empty()) {
                ASSERT_TRUE(row.assign(settings, value, {}));
            }
            for (const Property& property : row.properties) {
                ASSERT_FALSE(property.name.empty());
                ValueRecorder recorder;
                property.write(settings, recorder);
                EXPECT_EQ(recorder.signature(), property.signature) << property.name;
                EXPECT_TRUE(recorder.signatures_match()) << property.name;
            }
        }
    });
}

TEST(EveryDirective, IsFoundByItsNameAndSection) {
    for_each_row([](const Row& row) {
        EXPECT_EQ(find_row(name(row.section), row.name), &row);
        EXPECT_NE(find_row(row.name), nullptr);
    });
}

TEST(EveryDirective, LeavesTheSettingsAloneOnRubbish) {
    for_each_row([](const Row& row) {
        for (const std::string& rubbish :
             {std::string("\x01\xff\xfe"),
              std::string(5000, '~'),
              std::string("%"),
              std::string("'")}) {
            Settings settings;
            if (!row.assign(settings, rubbish, {})) {
                EXPECT_TRUE(settings == Settings{}) << row.name;
            }
        }
    });
}

TEST(Directives, AreSortedAndUniquePerSection) {
    std::set<std::pair<Section, std::string_view>> seen;
    for (const std::span<const Row> table : service_tables()) {
        const Row* before = nullptr;
        for (const Row& row : table) {
            EXPECT_TRUE(seen.emplace(row.section, row.name).second) << row.name << " stands twice";
            if (before != nullptr && before->section == row.section) {
                EXPECT_LT(before->name, row.name);
            }
            before = &row;
        }
    }
}

TEST(Directives, HaveOnePropertyOfEachNameOnly) {
    std::map<std::string_view, std::string_view> owners;
    for (const Row* const row : all_rows()) {
        for (const Property& property : row->properties) {
            const auto [owner, is_new] = owners.emplace(property.name, row->name);
            EXPECT_TRUE(is_new) << property.name << " is written by " << owner->second << " and "
                                << row->name;
        }
    }
}

/// Of later systemd, or written here before they came to it.
const std::set<std::string> later_directives = {
    "Service DelegateSubgroup",
    "Service MemoryPressureThresholdSec",
    "Service MemoryPressureWatch",
    "Service MemoryZSwapMax",
    "Service OpenFile",
    "Service PrivatePIDs",
    "Service ReloadSignal",
    "Service RestartMaxDelaySec",
    "Service RestartMode",
    "Service RestartSteps",
    "Service RootEphemeral",
    "Service SetLoginEnvironment"};

TEST(Directives, AreThoseOfSystemd252) {
    std::ifstream file(HEARTH_SOURCE_DIR "/tests/golden/units/systemd-252-directives.txt");
    ASSERT_TRUE(file) << "the list of names is missing";
    std::set<std::string> theirs;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with('#')) {
            theirs.insert(line);
        }
    }
    theirs.insert(later_directives.begin(), later_directives.end());
    std::set<std::string> ours;
    for (const Row* const row : all_rows()) {
        // Two that came later and that unit files of today use.
        const bool newer = row->name == "WantsMountsFor" || row->name == "UpheldBy";
        if (row->section != Section::Hearth && !newer) {
            ours.insert(std::string(name(row->section)) + " " + std::string(row->name));
        }
    }
    EXPECT_EQ(ours, theirs);
}

TEST(Directives, HavePropertiesOfSystemd252sNamesAndTypes) {
    std::ifstream file(HEARTH_SOURCE_DIR "/tests/golden/units/systemd-252-properties.txt");
    ASSERT_TRUE(file) << "the list of properties is missing";
    std::set<std::string> theirs;
    for (std::string line; std::getline(file, line);) {
        theirs.insert(line);
    }
    theirs.insert("Service MemoryZSwapMax t");  // of 253
    for (const Row* const row : all_rows()) {
        for (const Property& property : row->properties) {
            const std::string line =
                std::string(row->section == Section::Unit ? "Unit " : "Service ") +
                std::string(property.name) + " " + property.signature;
            EXPECT_TRUE(theirs.contains(line)) << line;
        }
    }
}

TEST(Directives, AreSuggestedForMistypedNames) {
    EXPECT_EQ(suggestion("Service", "ExecStrat"), "ExecStart");
    EXPECT_EQ(suggestion("Service", "PrivateTemp"), "PrivateTmp");
    EXPECT_EQ(suggestion("Unit", "ExecStart"), "[Service] ExecStart");
    EXPECT_EQ(suggestion("Service", "WantedBy"), "[Install] WantedBy");
    EXPECT_EQ(suggestion("Service", "Zzzzzzzzzzzzzz"), "");
}

// Whichever are refused by now: a directive that gets built must not break these.
std::vector<const Row*> refused_by_name() {
    std::vector<const Row*> rows = all_rows();
    std::erase_if(rows, [](const Row* row) {
        // AppArmorProfile= has a field of its own, which the planner judges.
        return !std::holds_alternative<applied::Refused>(row->applied) ||
               row->name == "AppArmorProfile";
    });
    return rows;
}

std::vector<RefusedDirective> recorded(const Row& row, const std::vector<std::string>& values) {
    Settings settings;
    for (const std::string& value : values) {
        EXPECT_TRUE(row.assign(settings, value, {})) << row.name;
    }
    return settings.refused;
}

TEST(Directives, ThatAreNotBuiltRefuseUnlessTheySayWhatIsSoAnyway) {
    using List = std::vector<RefusedDirective>;
    EXPECT_FALSE(refused_by_name().empty());
    for (const Row* const row : refused_by_name()) {
        const std::string name(row->name), sample(row->sample);
        EXPECT_EQ(recorded(*row, {sample}), (List{{name, sample}}));
        EXPECT_EQ(recorded(*row, {sample, ""}), List{}) << name;
        if (sample == "yes" && row->section == Section::Service) {
            EXPECT_EQ(recorded(*row, {"off"}), List{}) << name;
            EXPECT_EQ(recorded(*row, {"yes", "no"}), List{}) << name;
        }
    }
}

TEST(Directives, ThatAreNotBuiltTakeZeroForANumberNotForNo) {
    for (const Row* const row : refused_by_name()) {
        const bool number = row->name == "CPUAffinity" || row->name == "StartupAllowedCPUs";
        const bool condition = row->name == "ConditionACPower";
        if (number || condition) {
            EXPECT_EQ(recorded(*row, {number ? "0" : "false"}).size(), 1U) << row->name;
        }
    }
}

TEST(Directives, ConditionsAreResetAllAtOnce) {
    Settings settings;
    ASSERT_TRUE(find_row("Unit", "ConditionPathExists")->assign(settings, "/a", {}));
    ASSERT_TRUE(find_row("Unit", "ConditionUser")->assign(settings, "|!root", {}));
    ASSERT_TRUE(find_row("Unit", "AssertPathExists")->assign(settings, "/a", {}));
    EXPECT_EQ(
        settings.unit.conditions,
        (std::vector<Condition>{
            {ConditionType::PathExists, false, false, "/a"},
            {ConditionType::User, true, true, "root"}}));
    ASSERT_TRUE(find_row("Unit", "ConditionHost")->assign(settings, "", {}));
    EXPECT_TRUE(settings.unit.conditions.empty());
    EXPECT_EQ(settings.unit.asserts.size(), 1U);
}

}  // namespace hearth
