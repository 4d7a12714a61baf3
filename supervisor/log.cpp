// SPDX-License-Identifier: MIT
#include "supervisor/log.hpp"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "parser/enum_codec.hpp"

namespace hearth::log {

namespace {

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::Debug:
            return spdlog::level::debug;
        case Level::Information:
        case Level::Notice:
            return spdlog::level::info;
        case Level::Warning:
            return spdlog::level::warn;
        case Level::Error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

/// Of the message that this thread is writing: spdlog has no level for a notice.
thread_local Level written = Level::Information;

/// One write(2) is one record; the kernel wants its level before it (syslog(2)).
class KernelLog final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit KernelLog(int file) : file_(file) {}
    ~KernelLog() override { ::close(file_); }
    KernelLog(const KernelLog&) = delete;
    KernelLog& operator=(const KernelLog&) = delete;

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        // Facility 3, daemon.
        const char* const level = message.level >= spdlog::level::err    ? "<27>"
                                  : message.level >= spdlog::level::warn ? "<28>"
                                  : written == Level::Notice             ? "<29>"
                                                                         : "<31>";
        std::string line = level;
        line += "hearthd: ";
        line.append(message.payload.data(), message.payload.size());
        line += '\n';
        (void)!::write(file_, line.data(), line.size());
    }
    void flush_() override {}

private:
    int file_;
};

}  // namespace

bool to_kernel_log() {
    const int file = ::open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0) {
        return false;
    }
    auto logger = std::make_shared<spdlog::logger>("hearthd", std::make_shared<KernelLog>(file));
    logger->set_level(spdlog::default_logger_raw()->level());
    spdlog::set_default_logger(std::move(logger));
    return true;
}

void start(Level minimum, bool timestamps) {
    auto logger = std::make_shared<spdlog::logger>(
        "hearthd", std::make_shared<spdlog::sinks::stderr_color_sink_st>());
    logger->set_pattern(timestamps ? "%Y-%m-%dT%H:%M:%S.%f hearthd: %^%v%$" : "hearthd: %^%v%$");
    logger->set_level(spdlog_level(minimum));
    logger->flush_on(spdlog::level::debug);
    spdlog::set_default_logger(std::move(logger));
}

bool set_level(std::string_view name) {
    constexpr auto names = std::to_array<EnumName<Level>>({
        {Level::Error, "emerg"},
        {Level::Error, "alert"},
        {Level::Error, "crit"},
        {Level::Error, "err"},
        {Level::Warning, "warning"},
        {Level::Notice, "notice"},
        {Level::Information, "info"},
        {Level::Debug, "debug"},
    });
    const auto level = value_of(name, names);
    if (level) {
        spdlog::default_logger_raw()->set_level(spdlog_level(*level));
    }
    return level.has_value();
}

std::string level_name() {
    switch (spdlog::default_logger_raw()->level()) {
        case spdlog::level::debug:
            return "debug";
        case spdlog::level::warn:
            return "warning";
        case spdlog::level::err:
            return "err";
        default:
            return "info";
    }
}

void write(Level level, std::string_view message) {
    written = level;
    spdlog::log(spdlog_level(level), "{}", message);
}

void write(Level level, std::string_view unit, std::string_view message) {
    written = level;
    // A message of several lines (a refusal with its reasons) stays one record per line.
    std::size_t start = 0;
    while (start <= message.size()) {
        const std::size_t end = std::min(message.find('\n', start), message.size());
        spdlog::log(spdlog_level(level), "{}: {}", unit, message.substr(start, end - start));
        start = end + 1;
    }
}

void write(const Diagnostic& diagnostic) {
    write(level_of(diagnostic.severity), one_line(diagnostic));
}

void write(const Diagnostics& diagnostics) {
    for (const Diagnostic& each : diagnostics) {
        write(each);
    }
}

Level level_of(Severity severity) {
    switch (severity) {
        case Severity::Note:
            return Level::Debug;
        case Severity::Warning:
            return Level::Warning;
        case Severity::Error:
            return Level::Error;
    }
    return Level::Error;
}

}  // namespace hearth::log
