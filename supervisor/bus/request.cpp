// SPDX-License-Identifier: MIT
#include "supervisor/bus/request.hpp"

namespace hearth::bus {

Reply::Reply(sd_bus_message* call)
    : result_(sd_bus_message_new_method_return(call, &message_)), sink_(message_) {}

int Reply::send() {
    if (result_ < 0) {
        return result_;
    }
    if (sink_.result() < 0) {
        return sink_.result();
    }
    return sd_bus_send(nullptr, message_, nullptr);
}

int Request::read(std::string& value) {
    const char* text = nullptr;
    const int result = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &text);
    if (result >= 0) {
        value = text;
    }
    return result;
}

int Request::read(std::uint32_t& value) {
    return sd_bus_message_read_basic(message, SD_BUS_TYPE_UINT32, &value);
}

int Request::read(std::uint64_t& value) {
    return sd_bus_message_read_basic(message, SD_BUS_TYPE_UINT64, &value);
}

int Request::read(std::int32_t& value) {
    return sd_bus_message_read_basic(message, SD_BUS_TYPE_INT32, &value);
}

int Request::read(bool& value) {
    int wide = 0;
    const int result = sd_bus_message_read_basic(message, SD_BUS_TYPE_BOOLEAN, &wide);
    value = wide != 0;
    return result;
}

int Request::read(std::vector<std::string>& values) {
    int result = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "s");
    if (result < 0) {
        return result;
    }
    const char* text = nullptr;
    while ((result = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &text)) > 0) {
        values.emplace_back(text);
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

int Request::read(std::vector<std::uint32_t>& values) {
    int result = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "u");
    std::uint32_t value = 0;
    while (result >= 0 &&
           (result = sd_bus_message_read_basic(message, SD_BUS_TYPE_UINT32, &value)) > 0) {
        values.push_back(value);
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

int Request::refuse(const RequestError& reason) {
    return sd_bus_error_set(
        error, error_name(reason.name).c_str(), sendable(reason.message).c_str());
}

int Request::refuse(const char* name, const std::string& text) {
    return refuse(RequestError{name, text});
}

int Request::done() {
    return sd_bus_reply_method_return(message, nullptr);
}

int Request::answer_path(const std::string& path) {
    return sd_bus_reply_method_return(message, "o", path.c_str());
}

int Request::answer_string(std::string_view text) {
    return sd_bus_reply_method_return(message, "s", sendable(text).c_str());
}

std::string error_name(std::string_view name) {
    constexpr std::string_view generic[] = {
        "AccessDenied",
        "InvalidArgs",
        "FileNotFound",
        "UnknownMethod",
        "UnknownInterface",
        "Failed",
        "LimitsExceeded",
        "ServiceUnknown",
        "NameHasNoOwner",
        "NotSupported",
    };
    if (name.find('.') != std::string_view::npos) {
        return std::string(name);
    }
    for (const std::string_view known : generic) {
        if (name == known) {
            return "org.freedesktop.DBus.Error." + std::string(name);
        }
    }
    return "org.freedesktop.systemd1." + std::string(name);
}

}  // namespace hearth::bus
