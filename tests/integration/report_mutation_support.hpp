// SPDX-License-Identifier: MIT
//
// A real launch of a plan, its report, and the plans that lack one part each. Each launch is made
// by a process of its own in a mount namespace of its own, so that a plan without its namespace can
// touch nothing but that. The caller owns the cgroup root; what a launch leaves in it and on disk
// is removed.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "supervisor/host_facts.hpp"
#include "supervisor/launch/launcher.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/report/report.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "tests/integration/cgroup_support.hpp"
#include "units/loader.hpp"

namespace hearth::mutation {

using Rows = std::set<std::string>;

class OneFile final : public UnitSource {
public:
    explicit OneFile(std::string text) : text_(std::move(text)) {}
    [[nodiscard]] Result<std::optional<File>> fragment(const std::string& name) const override {
        return std::optional(File{"/units/" + name, text_, false});
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        return std::vector<File>{};
    }

private:
    std::string text_;
};

/// A directory of the test's own, with all below it removed at the end.
class Scratch {
public:
    Scratch() {
        char pattern[] = "/var/hearth-report-XXXXXX";
        path_ = ::mkdtemp(pattern) == nullptr ? "" : pattern;
        EXPECT_EQ(::chmod(path_.c_str(), 0755), 0);
    }
    ~Scratch() {
        const auto removed = sys::remove_tree(path_);
        EXPECT_TRUE(removed.has_value()) << (removed ? "" : removed.error().what);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Removes all below it.
    void clear() const {
        for (const std::string& entry :
             sys::read_directory(path_).value_or(std::vector<std::string>{})) {
            EXPECT_TRUE(sys::remove_tree(path_ + "/" + entry).has_value()) << entry;
        }
    }
    void make(const std::string& below) const {
        EXPECT_TRUE(sys::make_directories(path_ + "/" + below, 0755).has_value());
    }

private:
    std::string path_;
};

inline std::string file_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// ---- one launch and its report
// ----------------------------------------------------------------------

struct Ground {
    const cgroup::Tree& tree;
    const launch::Host& host;
    const Unit& unit;
    const launch::Plan& asked;
};

inline constexpr std::string_view made = "made ";

/// What the plan expects to be given: streams that go to the log.
inline std::map<std::string, sys::Descriptor> streams(const launch::Plan& plan) {
    std::set<std::string> opened;
    for (const launch::Prepared& prepared : plan.preparations) {
        if (const auto* file = std::get_if<launch::OpenFile>(&prepared.preparation)) {
            opened.insert(file->slot);
        }
    }
    std::map<std::string, sys::Descriptor> given;
    for (const launch::Step& step : plan.steps) {
        const auto* use = std::get_if<launch::UseDescriptor>(&step.action);
        if (use != nullptr && !opened.contains(use->slot) && !given.contains(use->slot)) {
            if (auto file = sys::open("/dev/null", O_RDWR)) {
                given.emplace(use->slot, std::move(*file));
            }
        }
    }
    return given;
}

/// "!MESSAGE" where the launch failed, else a line per row: "VERDICT DIRECTIVE: KERNEL | REASON".
/// Before that, a line for each directory that was made: in a view that was spoilt they can't be
/// removed.
inline std::string launch_and_report(const Ground& ground, launch::Plan plan) {
    launch::LaunchRequest request;
    request.descriptors = streams(plan);
    request.plan = std::move(plan);
    launch::LaunchResult result = launch::launch_now(std::move(request), ground.tree);
    std::string text;
    for (const auto& [slot, directory] : result.activation.directories) {
        text += std::string(made) + directory + "\n";
    }
    if (result.failure) {
        text += "!" + launch::message(*result.failure);
    } else {
        report::Question question{
            ground.unit, ground.asked, ground.host, result.pid, {}, ground.asked.cgroup};
        if (auto pidfd = sys::duplicate(result.pidfd.number())) {
            question.pidfd = std::move(*pidfd);
        }
        for (const report::Row& row : report::examine(question, ground.tree)) {
            text += std::string(report::name(row.verdict)) + " " + row.directive + ": " +
                    row.kernel + " | " + row.reason + "\n";
        }
    }
    if (result.pidfd) {
        (void)sys::pidfd_send_signal(result.pidfd.number(), SIGKILL);
        (void)sys::waitid(result.pidfd.number(), 0);
    }
    return text;
}

/// Removes the directories that `text` begins with; the rest of it.
inline std::string released(std::string text) {
    launch::Activation activation;
    while (text.starts_with(made)) {
        const std::size_t end = text.find('\n');
        activation.directories[std::to_string(text.size())] =
            text.substr(made.size(), end - made.size());
        text.erase(0, end + 1);
    }
    launch::release(activation);
    return text;
}

/// The same in a process with mounts of its own, which hand nothing on to the machine's, but, as on
/// most hosts, to namespaces made from them. There /run is a mount on every machine: a service that
/// was to have one of its own must not pass with the host's.
inline std::string in_own_process(const Ground& ground, const launch::Plan& plan) {
    auto pipe = sys::pipe2();
    if (!pipe) {
        return "!no pipe";
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const bool alone = ::unshare(CLONE_NEWNS) == 0 &&
                           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           ::mount("/run", "/run", nullptr, MS_BIND | MS_REC, nullptr) == 0 &&
                           ::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) == 0;
        const std::string text = alone ? launch_and_report(ground, plan) : "!no mount namespace";
        (void)sys::write_all(pipe->write.number(), text, "pipe");
        ::_exit(0);
    }
    pipe->write = {};
    const std::string text =
        released(sys::read_all(pipe->read.number(), 1U << 20U, "pipe").value_or("!no answer"));
    (void)testing_support::reap(child);
    const auto removed = ground.tree.remove(ground.asked.cgroup);
    EXPECT_TRUE(removed.has_value()) << (removed ? "" : removed.error().what);
    return text;
}

inline Rows rows_that_are(const std::string& verdict, const std::string& text) {
    Rows rows;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(verdict + " ")) {
            const std::size_t start = verdict.size() + 1;
            rows.insert(line.substr(start, line.find(':', start) - start));
        }
    }
    return rows;
}

// ---- what is left out
// ---------------------------------------------------------------------------------

struct Mutation {
    std::string left_out;
    launch::Plan plan;
};

/// Every step, preparation and knob by itself.
inline std::vector<Mutation> mutations(const launch::Plan& plan) {
    std::vector<Mutation> all;
    const auto named = [](const launch::Asked& asked, const std::string& what) {
        return (asked.directive.empty() ? "-" : asked.directive) + " " + what;
    };
    for (std::size_t index = 0; index < plan.steps.size(); ++index) {
        Mutation mutation{
            named(plan.steps[index].asked, launch::describe(plan.steps[index].action)), plan};
        mutation.plan.steps.erase(mutation.plan.steps.begin() + static_cast<std::ptrdiff_t>(index));
        all.push_back(std::move(mutation));
    }
    for (std::size_t index = 0; index < plan.preparations.size(); ++index) {
        const launch::Prepared& prepared = plan.preparations[index];
        if (const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation)) {
            for (std::size_t knob = 0; knob < cgroup->knobs.size(); ++knob) {
                Mutation mutation{
                    named(cgroup->knobs[knob].asked, "knob " + cgroup->knobs[knob].file), plan};
                auto& knobs =
                    std::get<launch::MakeCgroup>(mutation.plan.preparations[index].preparation)
                        .knobs;
                knobs.erase(knobs.begin() + static_cast<std::ptrdiff_t>(knob));
                all.push_back(std::move(mutation));
            }
            continue;
        }
        Mutation mutation{named(prepared.asked, launch::describe(prepared.preparation)), plan};
        mutation.plan.preparations.erase(
            mutation.plan.preparations.begin() + static_cast<std::ptrdiff_t>(index));
        all.push_back(std::move(mutation));
    }
    return all;
}

struct Expected {
    std::string left_out;  ///< how the part's name begins
    Rows red;              ///< none: nothing changes, or the launch fails, and why
    std::string why{};
};

inline const std::string fails = "the launch fails without it";
/// On hybrid the launcher has the cgroup's v1 files open for writing, and hearthd's own mounts
/// can't become read-only (EBUSY); on pure v2 nothing is open, and the report must tell.
inline const std::string busy = "the launch fails without it, or the view is hearthd's own";
inline const std::string ends = "the program ends at once without it";
inline const std::string not_shown = "no matter of confinement";
inline const std::string more_or_less = "what is missing makes the service's view smaller";

inline const std::string depends = "what this machine has decides whether it changes anything";

/// One of a list of paths, some of which this machine may not have: without effect there.
inline bool is_about_nothing(const std::string& left_out) {
    if (left_out.find("if it exists") == std::string::npos) {
        return false;
    }
    std::istringstream words(left_out.substr(0, left_out.find(',')));
    std::string path;
    for (std::string word; words >> word;) {
        path = word.starts_with('/') ? word : path;
    }
    return !sys::stat(path).has_value();
}

/// Launches the unit as it is, when every row must be verified, and once without each part of its
/// plan, when exactly the rows of that part's entry must be red. `directories`: where
/// StateDirectory= and kin are made; null: where the machine has them.
void check_every_mutation(
    const std::string& name,
    const std::string& text,
    const std::vector<Expected>& table,
    const Scratch* directories = nullptr);

/// `table` and what every launch does without being asked by a directive.
std::vector<Expected> with_common(std::vector<Expected> table);

}  // namespace hearth::mutation
