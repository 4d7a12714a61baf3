// SPDX-License-Identifier: MIT
//
// What the console of a machine is shown.
#include "units/status_line.hpp"

#include <gtest/gtest.h>

#include "tests/units/unit_text.hpp"

namespace hearth {
namespace {

UnitRecord record_of(const std::string& name, const std::string& text) {
    UnitRecord record;
    record.unit = load_text(text, {}, name);
    record.status.condition_met = true;
    return record;
}

std::string plain(std::string text) {
    for (std::size_t at = text.find('\x1b'); at != std::string::npos; at = text.find('\x1b')) {
        text.erase(at, text.find('m', at) + 1 - at);
    }
    return text;
}

std::string said(
    const UnitRecord& record, JobType type, JobChange::What what, JobResult result = {}) {
    JobChange change;
    change.job.unit = record.unit.name;
    change.job.type = type;
    change.what = what;
    change.result = result;
    return plain(status_line(record, change).text);
}

TEST(StatusLine, SpeaksOfEachTypeInSystemdsWords) {
    using What = JobChange::What;
    const UnitRecord heat =
        record_of("heat.service", "[Unit]\nDescription=Heating\n[Service]\nExecStart=/bin/true\n");
    EXPECT_EQ(said(heat, JobType::Start, What::Queued), "");
    EXPECT_EQ(said(heat, JobType::Start, What::Running), "         Starting Heating...");
    EXPECT_EQ(said(heat, JobType::Start, What::Removed), "[  OK  ] Started Heating.");
    EXPECT_EQ(said(heat, JobType::Stop, What::Removed), "[  OK  ] Stopped Heating.");
    EXPECT_EQ(
        said(heat, JobType::Start, What::Removed, JobResult::Failed),
        "[FAILED] Failed to start Heating.\nSee 'hearthctl status heat.service' for details.");
    EXPECT_EQ(
        said(heat, JobType::Start, What::Removed, JobResult::Dependency),
        "[DEPEND] Dependency failed for Heating.");
    EXPECT_EQ(
        said(heat, JobType::Start, What::Removed, JobResult::Timeout),
        "[ TIME ] Timed out starting Heating.");
    EXPECT_EQ(said(heat, JobType::Start, What::Removed, JobResult::Canceled), "");
    const UnitRecord target = record_of("a.target", "[Unit]\nDescription=A\n");
    EXPECT_EQ(said(target, JobType::Start, What::Running), "");
    EXPECT_EQ(said(target, JobType::Start, What::Removed), "[  OK  ] Reached target A.");
    const UnitRecord once =
        record_of("o.service", "[Unit]\nDescription=O\n[Service]\nType=oneshot\nExecStart=/a\n");
    EXPECT_EQ(said(once, JobType::Start, What::Removed), "[  OK  ] Finished O.");
}

TEST(StatusLine, IsSilentOfWhatAConditionSkipped) {
    UnitRecord heat = record_of("heat.service", "[Service]\nExecStart=/bin/true\n");
    heat.condition_results = {1, -1};
    EXPECT_EQ(said(heat, JobType::Start, JobChange::What::Removed), "");
}

TEST(StatusLine, LetsNoDescriptionSteerTheTerminal) {
    UnitRecord heat = record_of("heat.service", "[Service]\nExecStart=/bin/true\n");
    heat.unit.settings.unit.description = "a\x1b[2Jb\nc";
    EXPECT_EQ(said(heat, JobType::Start, JobChange::What::Removed), "[  OK  ] Started a?[2Jb?c.");
}

}  // namespace
}  // namespace hearth
