// SPDX-License-Identifier: MIT
#include "supervisor/notify/message.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "parser/utf8.hpp"

namespace hearth::notify {

namespace {

/// The lines of one message, asked by name.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {}

    [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const {
        for (std::size_t at = 0; at < text_.size();) {
            const std::size_t end = std::min(text_.find('\n', at), text_.size());
            const std::string_view line = text_.substr(at, end - at);
            if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=') {
                return line.substr(name.size() + 1);
            }
            at = end + 1;
        }
        return std::nullopt;
    }
    /// Only the very text counts: `READY=0` says nothing.
    [[nodiscard]] bool says(std::string_view name, std::string_view text) const {
        return value(name) == text;
    }
    template <class Number>
    [[nodiscard]] std::optional<Number> number(
        std::string_view name, Number low, Number high) const {
        const auto text = value(name);
        Number read{};
        if (!text) {
            return std::nullopt;
        }
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), read);
        const bool whole = error == std::errc() && end == text->data() + text->size();
        return whole && read >= low && read <= high ? std::optional(read) : std::nullopt;
    }

private:
    std::string_view text_;
};

bool is_descriptor_name(std::string_view name) {
    constexpr std::size_t longest = 255;
    return name.size() <= longest && std::ranges::all_of(name, [](char byte) {
               return byte >= 0x20 && byte < 0x7f && byte != ':';
           });
}

}  // namespace

Notification read_notification(std::string_view text) {
    Notification made;
    if (text.find('\0') != std::string_view::npos) {
        return made;
    }
    constexpr int largest_errno = 4095;  // the kernel's own limit
    const Lines lines(text);
    made.ready = lines.says("READY", "1");
    made.reloading = lines.says("RELOADING", "1");
    made.stopping = lines.says("STOPPING", "1");
    made.monotonic = lines.number<std::uint64_t>("MONOTONIC_USEC", 0, UINT64_MAX);
    if (const auto status = lines.value("STATUS");
        status && find_invalid_utf8(*status) == std::string_view::npos) {
        made.status = std::string(*status);
    }
    made.error_number = lines.number<int>("ERRNO", 0, largest_errno);
    if (const auto error = lines.value("BUSERROR");
        error && find_invalid_utf8(*error) == std::string_view::npos) {
        made.bus_error = std::string(*error);
    }
    made.main_pid = lines.number<int>("MAINPID", 2, INT32_MAX);
    made.watchdog = lines.says("WATCHDOG", "1");
    made.watchdog_trigger = lines.says("WATCHDOG", "trigger");
    made.watchdog_interval = lines.number<std::uint64_t>("WATCHDOG_USEC", 1, UINT64_MAX);
    made.extend_timeout = lines.number<std::uint64_t>("EXTEND_TIMEOUT_USEC", 1, UINT64_MAX - 1);
    made.store = lines.says("FDSTORE", "1");
    made.remove = lines.says("FDSTOREREMOVE", "1");
    if (const auto name = lines.value("FDNAME"); name && is_descriptor_name(*name)) {
        made.descriptor_name = std::string(*name);
    }
    made.poll = !lines.says("FDPOLL", "0");
    made.barrier = lines.says("BARRIER", "1");
    return made;
}

}  // namespace hearth::notify
