// SPDX-License-Identifier: MIT
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "supervisor/report/probe.hpp"
#include "units/directive.hpp"

namespace hearth::report {

namespace {

std::string shown(const Answer& answer) {
    if (answer.kind == Answer::Kind::None) {
        return "no answer";
    }
    if (answer.kind == Answer::Kind::Killed) {
        return "killed";
    }
    if (answer.value >= 0) {
        return "done: " + std::to_string(answer.value);
    }
    const char* const name = ::strerrorname_np(static_cast<int>(-answer.value));
    return name != nullptr ? name : std::to_string(answer.value);
}

Verdict judge_filtered(std::uint32_t expected, const Answer& answer) {
    const bool is_error = (expected & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
    if (!is_error) {
        return answer.kind == Answer::Kind::Killed ? Verdict::Verified : Verdict::Mismatch;
    }
    const long error = -static_cast<long>(expected & SECCOMP_RET_DATA);
    return answer.kind == Answer::Kind::Value && answer.value == error ? Verdict::Verified
                                                                       : Verdict::Mismatch;
}

Verdict judge_value(Expect expect, long value) {
    const auto either = [](bool good) { return good ? Verdict::Verified : Verdict::Mismatch; };
    switch (expect) {
        case Expect::Refused:
            return value == -ENOENT ? Verdict::CannotKnow : either(value < 0);
        case Expect::Absent:
            return either(value < 0);
        case Expect::Empty:
            return value == -ENOENT ? Verdict::CannotKnow : either(value <= 0);
        case Expect::Reached:
            return value == -EROFS ? Verdict::Mismatch
                                   : (value >= 0 ? Verdict::Verified : Verdict::CannotKnow);
        case Expect::Zero:
            return either(value <= 0);
        case Expect::One:
            return either(value == 1);
    }
    return Verdict::CannotKnow;
}

Verdict judge(const Try& attempt, const Answer& answer) {
    if (answer.kind == Answer::Kind::None) {
        return Verdict::CannotKnow;
    }
    if (attempt.filtered) {
        return judge_filtered(*attempt.filtered, answer);
    }
    if (answer.kind == Answer::Kind::Killed) {
        const bool wants_success =
            attempt.expect == Expect::One || attempt.expect == Expect::Reached;
        return wants_success ? Verdict::CannotKnow : Verdict::Verified;
    }
    return judge_value(attempt.expect, answer.value);
}

void conclude(ProbeRow& row) {
    const auto count = [&](Verdict verdict) {
        return std::ranges::count(row.tries, verdict, &TryResult::verdict);
    };
    if (row.tries.empty()) {
        row.verdict = Verdict::CannotKnow;
        row.reason = "there is nothing to try for it";
    } else if (const auto bad =
                   std::ranges::find(row.tries, Verdict::Mismatch, &TryResult::verdict);
               bad != row.tries.end()) {
        row.verdict = Verdict::Mismatch;
        row.reason = bad->what + ": the kernel answered " + bad->answer;
    } else if (count(Verdict::Verified) > 0) {
        row.verdict = Verdict::Verified;
    } else {
        row.verdict = Verdict::CannotKnow;
        row.reason =
            "no try told anything: " + row.tries.front().what + ": " + row.tries.front().answer;
    }
}

}  // namespace

std::vector<ProbeRow> judge_tries(
    const Unit& unit,
    const std::vector<Try>& tries,
    const std::vector<Answer>& answers,
    const std::string& forbidden) {
    std::vector<ProbeRow> rows;
    for (const std::span<const hearth::Row> directives : service_tables()) {
        for (const hearth::Row& directive : directives) {
            const bool asked =
                is_matter_of_proof(directive) && directive.context != Context::Resources &&
                !directive.is_default(unit.settings) && unit.origins.contains(directive.name) &&
                std::ranges::find(rows, directive.name, &ProbeRow::directive) == rows.end();
            if (!asked) {
                continue;
            }
            ProbeRow row;
            row.directive = directive.name;
            row.asked = directive.format(unit.settings);
            std::ranges::replace(row.asked, '\n', ' ');
            row.origin = unit.origin_of(directive.name);
            for (std::size_t index = 0; index < tries.size(); ++index) {
                if (tries[index].directive == directive.name) {
                    const Answer answer = index < answers.size() ? answers[index] : Answer{};
                    row.tries.push_back(
                        {tries[index].what, shown(answer), judge(tries[index], answer)});
                }
            }
            conclude(row);
            if (!forbidden.empty() && row.verdict == Verdict::CannotKnow) {
                row.reason = forbidden;
            }
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

}  // namespace hearth::report
