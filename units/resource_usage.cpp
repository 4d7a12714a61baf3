// SPDX-License-Identifier: MIT
#include "units/resource_usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "units/amount_text.hpp"

namespace hearth {

namespace {

constexpr std::uint64_t millisecond = 1000;
constexpr std::string_view detail_key = " detail=";

struct Bite {
    std::string_view limit{};
    ResourceUsage::Number ResourceUsage::* count = nullptr;
    std::string_view what{};  ///< what it did, before "3 times"
};
constexpr auto bites = std::to_array<Bite>({
    {"CPUQuota", &ResourceUsage::throttled_periods, "made it wait"},
    {"MemoryHigh", &ResourceUsage::memory_high_hits, "slowed it down"},
    {"MemoryMax", &ResourceUsage::memory_max_hits, "made it give memory back"},
    {"OOMKill", &ResourceUsage::out_of_memory_kills, "ended a process"},
    {"TasksMax", &ResourceUsage::refused_forks, "refused it a new task"},
});

std::string capitalised(std::string text) {
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
        text.front() = static_cast<char>(text.front() - 'a' + 'A');
    }
    return text;
}

}  // namespace

ResourceUsage ResourceUsage::final_figures() const {
    ResourceUsage kept = *this;
    kept.memory_current_bytes.reset();
    kept.tasks_current.reset();
    return kept;
}

std::vector<std::string> LimitHits::note(const ResourceUsage& usage, Moment when) {
    std::vector<std::string> news;
    std::vector<LimitHit> present;
    for (const Bite& bite : bites) {
        const auto known = std::ranges::find(hits_, bite.limit, &LimitHit::limit);
        LimitHit hit = known == hits_.end() ? LimitHit{bite.limit, 0, {}, {}, {}} : *known;
        const std::uint64_t count = std::max((usage.*bite.count).value_or(0), hit.count);
        if (count > hit.count) {
            const bool is_first = hit.count == 0;
            hit.count = count;
            if (when != Moment{}) {
                hit.first = is_first ? when : hit.first;
                hit.last = when;
            }
            if (is_first) {
                news.push_back(describe(hit));
            }
        }
        if (hit.count != 0) {
            present.push_back(hit);
        }
    }
    hits_ = std::move(present);
    return news;
}

void LimitHits::explain(std::string_view limit, std::string detail) {
    const auto hit = std::ranges::find(hits_, limit, &LimitHit::limit);
    if (hit != hits_.end()) {
        hit->detail = std::move(detail);
    }
}

std::string describe(const LimitHit& hit) {
    const auto* const bite = std::ranges::find(bites, hit.limit, &Bite::limit);
    return fmt::format(
        "{} {} {}",
        hit.limit,
        bite == bites.end() ? std::string_view("bit") : bite->what,
        hit.count == 1 ? "once" : fmt::format("{} times", hit.count));
}

std::string to_text(const LimitHit& hit) {
    return fmt::format(
        "{} count={} first={} last={}{}{}",
        hit.limit,
        hit.count,
        hit.first.realtime,
        hit.last.realtime,
        hit.detail.empty() ? "" : detail_key,
        hit.detail);
}

std::optional<LimitHit> limit_hit(std::string_view text) {
    const auto* const bite = std::ranges::find(bites, text.substr(0, text.find(' ')), &Bite::limit);
    const std::size_t detail = std::min(text.find(detail_key), text.size());
    const std::string_view numbers = text.substr(0, detail);
    const auto value = [&](std::string_view key) {
        std::uint64_t number = 0;
        const std::size_t at = numbers.find(key);
        if (at != std::string_view::npos) {
            const char* const begin = text.data() + at + key.size();
            std::from_chars(begin, text.data() + text.size(), number);
        }
        return number;
    };
    if (bite == bites.end()) {
        return std::nullopt;
    }
    return LimitHit{
        bite->limit,
        value(" count="),
        {0, value(" first=")},
        {0, value(" last=")},
        std::string(text.substr(std::min(detail + detail_key.size(), text.size())))};
}

std::string consumption(const ResourceUsage& usage) {
    std::vector<std::string> parts;
    const auto size = [&](const ResourceUsage::Number& bytes, std::string_view format) {
        if (bytes && *bytes != 0) {
            parts.push_back(fmt::format(fmt::runtime(format), size_text(*bytes)));
        }
    };
    if (usage.cpu_nanoseconds) {
        const std::string time = timespan_text(*usage.cpu_nanoseconds / 1000, millisecond);
        parts.push_back("consumed " + time + " CPU time");
    }
    size(usage.memory_peak_bytes, "{} memory peak");
    size(usage.io_read_bytes, "read {} from disk");
    size(usage.io_write_bytes, "written {} to disk");
    size(usage.ip_ingress_bytes, "received {} IP traffic");
    size(usage.ip_egress_bytes, "sent {} IP traffic");
    return parts.empty() ? std::string() : capitalised(fmt::format("{}.", fmt::join(parts, ", ")));
}

}  // namespace hearth
