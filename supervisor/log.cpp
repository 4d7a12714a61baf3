// SPDX-License-Identifier: MIT
#include "supervisor/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

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

}  // namespace

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
    spdlog::log(spdlog_level(level), "{}", message);
}

void write(Level level, std::string_view unit, std::string_view message) {
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
