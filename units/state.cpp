// SPDX-License-Identifier: MIT
//
// The fields are listed once, in fields(); the writer and the reader are two visitors of that list.
#include "units/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <deque>
#include <type_traits>
#include <utility>

#include "parser/words.hpp"
#include "units/codecs.hpp"

namespace hearth {

namespace {

constexpr auto notify_state_names = std::to_array<EnumName<NotifyState>>({
    {NotifyState::Unknown, "unknown"},
    {NotifyState::Ready, "ready"},
    {NotifyState::Reloading, "reloading"},
    {NotifyState::Stopping, "stopping"},
});

constexpr auto job_state_names = std::to_array<EnumName<JobState>>({
    {JobState::Waiting, "waiting"},
    {JobState::Running, "running"},
});

std::string_view name(NotifyState state) {
    return name_of(state, notify_state_names);
}

std::string_view name(JobState state) {
    return name_of(state, job_state_names);
}

std::string_view name(ServiceType type) {
    return name_of(type, service_type_names);
}

// ---- values -------------------------------------------------------------------------------------

template <class T>
concept Number = std::integral<T> && !std::same_as<T, bool>;

template <class T>
concept Named = std::is_enum_v<T>;

template <Number T>
std::string text_of(T value) {
    return std::to_string(value);
}

std::string text_of(bool value) {
    return value ? "yes" : "no";
}

std::string text_of(const std::string& value) {
    return state_text(value);
}

template <Named E>
std::string text_of(E value) {
    return std::string(name(value));
}

std::string text_of(const Timespan& value) {
    return value.is_infinite() ? "infinity" : std::to_string(value.microseconds);
}

std::string text_of(const Moment& value) {
    return fmt::format("{} {}", value.monotonic, value.realtime);
}

std::string text_of(const ProcessRecord& value) {
    return fmt::format(
        "{} {} {} {} {}",
        value.pid,
        text_of(value.started),
        text_of(value.exited),
        value.code,
        value.status);
}

std::string text_of(const StoredDescriptor& value) {
    return fmt::format("{} {}", value.id, state_text(value.name));
}

std::string text_of(const Change& change);

template <class List>
    requires requires(const List& list) { typename List::value_type; } &&
             (!std::same_as<List, std::string>)
std::string text_of(const List& list) {
    std::string text;
    for (const auto& each : list) {
        text += (text.empty() ? "" : "; ") + text_of(each);
    }
    return text;
}

/// Takes what stands before the next `separator`.
std::string_view next(std::string_view& rest, std::string_view separator) {
    const std::size_t end = std::min(rest.find(separator), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + separator.size(), rest.size()));
    return part;
}

template <Number T>
bool read(std::string_view text, T& value) {
    const auto [stopped, error] = std::from_chars(text.begin(), text.end(), value);
    return error == std::errc{} && stopped == text.end();
}

bool read(std::string_view text, bool& value) {
    value = text == "yes";
    return value || text == "no";
}

bool read(std::string_view text, std::string& value) {
    value = text_of_state(text);
    return true;
}

/// All of a small enumeration have a name.
template <Named E>
bool read(std::string_view text, E& value) {
    for (unsigned number = 0; number <= UINT8_MAX; ++number) {
        const auto candidate = static_cast<E>(number);
        const std::string_view called = name(candidate);
        if (called.empty()) {
            return false;
        }
        if (called == text) {
            value = candidate;
            return true;
        }
    }
    return false;
}

bool read(std::string_view text, Timespan& value) {
    if (text == "infinity") {
        value = Timespan::never();
        return true;
    }
    return read(text, value.microseconds);
}

bool read(std::string_view text, Moment& value) {
    return read(next(text, " "), value.monotonic) && read(text, value.realtime);
}

bool read(std::string_view text, ProcessRecord& value) {
    return read(next(text, " "), value.pid) && read(next(text, " "), value.started.monotonic) &&
           read(next(text, " "), value.started.realtime) &&
           read(next(text, " "), value.exited.monotonic) &&
           read(next(text, " "), value.exited.realtime) && read(next(text, " "), value.code) &&
           read(text, value.status);
}

bool read(std::string_view text, StoredDescriptor& value) {
    return read(next(text, " "), value.id) && read(text, value.name);
}

bool read(std::string_view text, Change& value);

template <class List>
    requires requires(List& list) { list.emplace_back(); } && (!std::same_as<List, std::string>)
bool read(std::string_view text, List& list) {
    list.clear();
    while (!text.empty()) {
        if (!read(next(text, "; "), list.emplace_back())) {
            return false;
        }
    }
    return true;
}

template <class T>
bool read(std::string_view text, std::optional<T>& value) {
    return read(text, value.emplace());
}

// ---- the list -----------------------------------------------------------------------------------

template <class Visitor>
void status_fields(Visitor& field, ServiceStatus& status) {
    field("state", status.state);
    field("result", status.result);
    field("reload-result", status.reload_result);
    field("launch", status.launch);
    field("launch-kind", status.launch_kind, ExecKind::Start);
    field("main-pid", status.main_pid);
    field("control-pid", status.control_pid);
    field("control-kind", status.control_kind, ExecKind::Start);
    field("command", status.command);
    field("main", status.main);
    for (std::size_t kind = 0; kind < exec_kinds; ++kind) {
        const std::string key = "history-" + std::string(name(static_cast<ExecKind>(kind)));
        field(key, status.history[kind]);
    }
    field("restarts", status.restarts);
    field("restarts-stale", status.restarts_stale);
    field("recent-starts", status.recent_starts);
    field("deadline", status.deadline);
    field("cgroup-populated", status.cgroup_populated);
    field("stop-requested", status.stop_requested);
    field("refused", status.refused);
    field("invocation-id", status.invocation_id);
    field("failure", status.failure);
    field("type", status.type);
    field("main-known", status.main_known);
    field("searching", status.searching);
    field("search-at", status.search_at);
    field("moving", status.moving);
    field("notify-state", status.notify_state);
    field("status-text", status.status_text);
    field("status-errno", status.status_errno);
    field("bus-error", status.bus_error);
    field("watchdog-override", status.watchdog_override);
    field("watchdog-at", status.watchdog_at);
    field("watchdog-deadline", status.watchdog_deadline);
    field("reload-began", status.reload_began);
    field("stored", status.stored);
    field("bus-name-owned", status.bus_name_owned);
    field("back-off", status.back_off);
    field("runtime-extra", status.runtime_extra);
    field("health-launch", status.health_launch);
    field("health-pid", status.health_pid);
    field("health-failures", status.health_failures);
    field("health-late", status.health_late);
    field("health-deadline", status.health_deadline);
    field("timer-last", status.timer.last_trigger);
    field("timer-spent", status.timer.spent);
    field("timer-monotonic", status.timer.next_monotonic);
    field("timer-realtime", status.timer.next_realtime);
    field("timer-wake", status.timer.wake_realtime);
    field("timer-reads-stamp", status.timer.reads_stamp);
    field("path-look", status.path.look);
    field("path-seen", status.path.seen);
    field("path-triggers", status.path.triggers);
    field("autofs-mount", status.automount.mount_tokens);
    field("autofs-expire", status.automount.expire_tokens);
    field("mounted-here", status.mounted_here);
    field("abandoned", status.abandoned);
    field("condition-met", status.condition_met);
    field("condition-asked", status.condition_asked);
}

template <class Visitor>
void job_fields(Visitor& field, Job& job) {
    field("job", job.id);
    field("job-type", job.type);
    field("job-mode", job.mode);
    field("job-state", job.state);
    field("job-queued", job.queued);
    field("job-why", job.why);
    field("job-deadline", job.deadline);
    JobCause& cause = job.cause;
    field("job-for", cause.unit);
    field("job-for-type", cause.type);
    field("job-cause", cause.why);
    field("job-of", cause.of);
    field("job-of-change", cause.change);
    field("job-of-failure", cause.failure);
    bool asked = cause.by.has_value();
    Requester by = cause.by.value_or(Requester{});
    field("job-asked", asked);
    field("job-by", by.command);
    field("job-by-pid", by.pid);
    field("job-by-uid", by.uid);
    cause.by = asked ? std::optional(std::move(by)) : std::nullopt;
}

template <class Visitor>
void change_fields(Visitor& field, Change& change, Job& job) {
    field("number", change.number);
    field("at", change.at);
    field("from", change.from);
    field("to", change.to);
    field("result", change.result);
    field("cause", change.cause);
    field("restart", change.restart);
    field("ended", change.ended);
    field("of", change.of);
    field("because", change.because);
    job_fields(field, job);
}

/// A key for each change, oldest first.
template <class Visitor>
void history_fields(Visitor& field, std::vector<Change>& changes) {
    changes.resize(kept_changes);
    for (std::size_t index = 0; index < kept_changes; ++index) {
        field(fmt::format("change-{:02}", index + 1), changes[index]);
    }
    std::erase_if(changes, [](const Change& change) { return change.number == 0; });
}

template <class Visitor>
void fields(Visitor& field, KeptUnit& unit, Job& job) {
    field("unit", unit.name);
    status_fields(field, unit.status);
    job_fields(field, job);
    field("checking", unit.checking);
    field("assert-met", unit.assert_met);
    field("resumes", unit.resumes);
    field("triggered-by", unit.activation.trigger_unit);
    field("triggered-path", unit.activation.path);
    field("triggered-at", unit.activation.timer);
    field("condition-results", unit.condition_results);
    field("assert-results", unit.assert_results);
    field("state-change", unit.state_change);
    field("active-enter", unit.active_enter);
    field("active-exit", unit.active_exit);
    field("inactive-enter", unit.inactive_enter);
    field("inactive-exit", unit.inactive_exit);
    field("next-job", unit.next_job, JobId{1});
    field("next-launch", unit.next_launch, LaunchId{1});
    field("next-change", unit.next_change, std::uint64_t{1});
    history_fields(field, unit.changes);
}

class Writer {
public:
    template <class T>
    void operator()(std::string_view key, const T& value, const T& usual = {}) {
        if (value != usual) {
            line(key, text_of(value));
        }
    }
    template <class T>
    void operator()(std::string_view key, const std::optional<T>& value) {
        if (value) {
            line(key, text_of(*value));
        }
    }
    void line(std::string_view key, std::string_view value) {
        text_.append(key).append("=").append(value).append("\n");
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
};

class Reader {
public:
    explicit Reader(StateLines& lines) : lines_(lines) {}

    template <class T>
    void operator()(std::string_view key, T& value, const T& = {}) {
        const auto found = lines_.find(key);
        if (found == lines_.end()) {
            return;
        }
        if (!read(found->second, value) && error_.empty()) {
            error_ = fmt::format("{}='{}' can't be read", key, found->second);
        }
        lines_.erase(found);
    }
    [[nodiscard]] const std::string& error() const { return error_; }

private:
    StateLines& lines_;
    std::string error_;
};

// ---- history ------------------------------------------------------------------------------------

std::string shortened(const std::string& text) {
    constexpr std::size_t longest_text = 400;
    return text.size() <= longest_text ? text : text.substr(0, longest_text) + "...";
}

/// `key=value`, separated by tabs.
std::string text_of(const Change& change) {
    Change copy = change;
    copy.cause = shortened(copy.cause);
    Job job = copy.job.value_or(Job{});
    Writer writer;
    change_fields(writer, copy, job);
    std::string text = writer.take();
    std::ranges::replace(text, '\n', '\t');
    if (!text.empty()) {
        text.pop_back();
    }
    return text;
}

/// Keys that aren't known are passed over.
bool read(std::string_view text, Change& value) {
    StateLines words;
    while (!text.empty()) {
        std::string_view rest = next(text, "\t");
        const std::string_view key = next(rest, "=");
        words.insert_or_assign(std::string(key), std::string(rest));
    }
    Reader reader(words);
    Job job;
    change_fields(reader, value, job);
    if (job.id != 0) {
        value.job = std::move(job);
    }
    return reader.error().empty() && value.number != 0;
}

StateLines lines_of(std::string_view text) {
    StateLines lines;
    while (!text.empty()) {
        std::string_view value = next(text, "\n");
        const std::string_view key = next(value, "=");
        lines.insert_or_assign(std::string(key), std::string(value));
    }
    return lines;
}

}  // namespace

std::string state_text(std::string_view text) {
    std::string line;
    for (const char byte : text) {
        switch (byte) {
            case '\\':
                line += "\\\\";
                break;
            case '\n':
                line += "\\n";
                break;
            case '\t':
                line += "\\t";  // separates the words of a change
                break;
            case ';':
                line += "\\x3b";  // separates the entries of lists
                break;
            default:
                line += byte;
        }
    }
    return line;
}

std::string text_of_state(std::string_view line) {
    return unescape(line, false).value_or(std::string(line));
}

bool is_over(ServiceState state) {
    return state == ServiceState::Dead || state == ServiceState::Failed ||
           state == ServiceState::AutoRestart;
}

KeptUnit kept(const World& world, const UnitRecord& record) {
    KeptUnit unit;
    unit.name = record.unit.name;
    unit.status = record.status;
    if (record.job) {
        unit.job = world.jobs.at(*record.job);
    }
    unit.checking = record.checking;
    unit.assert_met = record.assert_met;
    unit.resumes = record.resumes;
    unit.activation = record.activation;
    unit.condition_results = record.condition_results;
    unit.assert_results = record.assert_results;
    unit.state_change = record.state_change;
    unit.active_enter = record.active_enter;
    unit.active_exit = record.active_exit;
    unit.inactive_enter = record.inactive_enter;
    unit.inactive_exit = record.inactive_exit;
    unit.next_job = world.next_job;
    unit.next_launch = world.next_launch;
    unit.changes = record.changes;
    unit.next_change = world.next_change;
    return unit;
}

std::string write_state(const KeptUnit& unit, unsigned version) {
    Writer writer;
    KeptUnit copy = unit;  // the list of fields is the reader's, too
    Job job = unit.job.value_or(Job{});
    fields(writer, copy, job);
    for (const auto& [key, value] : unit.lines) {
        writer.line(key, value);
    }
    const unsigned newest = newest_state_version();
    if (version == newest && version == state_version_of_fields) {
        return writer.take();
    }
    // By way of the newest: what that adds is carried by the older ones.
    StateLines lines = lines_of(writer.take());
    Writer converted;
    if (convert_state(lines, state_version_of_fields, newest) &&
        convert_state(lines, newest, version)) {
        for (const auto& [key, value] : lines) {
            converted.line(key, value);
        }
    }
    return converted.take();
}

Result<KeptUnit> read_state(std::string_view text, unsigned version) {
    if (!text.empty() && !text.ends_with('\n')) {
        return failure("the last line is cut off", 0);
    }
    KeptUnit unit;
    unit.lines = lines_of(text);
    HEARTH_TRY(convert_state(unit.lines, version, state_version_of_fields));
    Reader reader(unit.lines);
    Job job;
    fields(reader, unit, job);
    if (!reader.error().empty()) {
        return failure(reader.error(), 0);
    }
    if (unit.name.empty()) {
        return failure("no unit= line", 0);
    }
    if (job.id != 0) {
        job.unit = unit.name;
        unit.job = std::move(job);
    }
    for (Change& change : unit.changes) {
        if (change.job) {
            change.job->unit = unit.name;
        }
    }
    return unit;
}

}  // namespace hearth
