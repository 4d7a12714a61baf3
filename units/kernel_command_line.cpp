// SPDX-License-Identifier: MIT
#include "units/kernel_command_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/values.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// Blanks part words; double quotes keep what is between them together, and are dropped.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    bool any = false;
    for (const char byte : text) {
        const bool blank = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\0';
        if (blank && !quoted) {
            if (any) {
                words.push_back(std::exchange(word, {}));
            }
            any = false;
            continue;
        }
        any = true;
        if (byte == '"') {
            quoted = !quoted;
        } else {
            word += byte;
        }
    }
    if (any) {
        words.push_back(word);
    }
    return words;
}

struct UnitWord {
    std::string_view word, unit;
};
/// systemd(1): what System V's init understood, too.
constexpr auto unit_words = std::to_array<UnitWord>({
    {"emergency", "emergency.target"},
    {"-b", "emergency.target"},
    {"rescue", "rescue.target"},
    {"single", "rescue.target"},
    {"-s", "rescue.target"},
    {"s", "rescue.target"},
    {"S", "rescue.target"},
    {"1", "rescue.target"},
    {"2", "multi-user.target"},
    {"3", "multi-user.target"},
    {"4", "multi-user.target"},
    {"5", "graphical.target"},
});

struct SettingWord {
    std::string_view word, setting;
};
constexpr auto setting_words = std::to_array<SettingWord>({
    {"systemd.cpu_affinity", "CPUAffinity"},
    {"systemd.default_standard_error", "DefaultStandardError"},
    {"systemd.default_standard_output", "DefaultStandardOutput"},
    {"systemd.default_timeout_start_sec", "DefaultTimeoutStartSec"},
    {"systemd.log_level", "LogLevel"},
    {"systemd.log_target", "LogTarget"},
    {"systemd.setenv", "DefaultEnvironment"},
    {"systemd.status_unit_format", "StatusUnitFormat"},
    {"systemd.watchdog_device", "WatchdogDevice"},
    {"systemd.watchdog_pre_sec", "RuntimeWatchdogPreSec"},
    {"systemd.watchdog_pretimeout_governor", "RuntimeWatchdogPreGovernor"},
    {"systemd.watchdog_sec", "RuntimeWatchdogSec"},
});

class Reading {
public:
    Reading(KernelCommandLine& line, const std::string& path) : line_(line), path_(path) {}

    void word(const std::string& text) {
        const std::size_t equals = text.find('=');
        std::string key = text.substr(0, equals);
        const bool has_value = equals != std::string::npos;
        const std::string value = has_value ? text.substr(equals + 1) : std::string();
        if (!has_value) {
            bare(text);
        }
        std::ranges::replace(key, '-', '_');  // either is fine, as for the kernel
        known(key, has_value ? std::optional(value) : std::nullopt);
    }

private:
    void told(const std::string& word, const std::string& value, const char* expected) {
        line_.diagnostics.push_back(
            {Severity::Warning,
             {path_, 1, 0},
             word + "=" + value + " is ignored: expected " + expected,
             {},
             {}});
    }
    std::optional<bool> truth(const std::string& word, const std::optional<std::string>& value) {
        if (!value) {
            return true;
        }
        const auto parsed = read_boolean(*value);
        if (!parsed) {
            told(word, *value, "yes or no");
            return std::nullopt;
        }
        return *parsed;
    }

    void bare(const std::string& word) {
        if (const auto* const found = std::ranges::find(unit_words, word, &UnitWord::word);
            found != unit_words.end()) {
            line_.unit = found->unit;
        } else if (word == "quiet") {
            // First: what systemd.show_status= says, before it or behind, counts more.
            line_.settings.insert(0, "ShowStatus=auto\n");
        } else if (word == "debug") {
            line_.settings += "LogLevel=debug\n";
        } else if (word == "rw" || word == "ro") {
            line_.root_writable = word == "rw";
        }
    }

    void known(const std::string& key, const std::optional<std::string>& given) {
        const std::string value = given.value_or("");
        if (key == "systemd.unit" || key == "systemd.mask" || key == "systemd.wants") {
            unit(key, value);
        } else if (key == "systemd.show_status") {
            show_status(key, given);
        } else if (key == "systemd.hostname") {
            host_name(key, value);
        } else if (key == "systemd.machine_id") {
            machine_id(key, value);
        } else if (key == "console" && !value.empty()) {
            line_.consoles.push_back(value.substr(0, value.find(',')));
        } else if (key == "modules_load") {
            modules(value);
        } else if (key == "fstab") {
            line_.reads_fstab = truth(key, given).value_or(line_.reads_fstab);
        } else if (key == "systemd.getty_auto") {
            line_.makes_gettys = truth(key, given).value_or(line_.makes_gettys);
        } else if (const auto* const setting =
                       std::ranges::find(setting_words, key, &SettingWord::word);
                   setting != setting_words.end() && !value.empty()) {
            setting_line(*setting, value);
        }
    }

    void modules(std::string_view value) {
        while (!value.empty()) {
            const std::string_view name = value.substr(0, value.find(','));
            value.remove_prefix(std::min(name.size() + 1, value.size()));
            if (!name.empty()) {
                line_.modules.emplace_back(name);
            }
        }
    }

    void unit(const std::string& key, const std::string& value) {
        if (!is_valid_unit_name(value)) {
            return told(key, value, "a unit's name, such as rescue.target");
        }
        if (key == "systemd.unit") {
            line_.unit = value;
        } else {
            (key == "systemd.mask" ? line_.masked : line_.wanted).push_back(value);
        }
    }

    void show_status(const std::string& key, const std::optional<std::string>& given) {
        if (given == "auto" || given == "error") {
            line_.settings += "ShowStatus=" + *given + "\n";
        } else if (const auto wanted = truth(key, given)) {
            line_.settings += *wanted ? "ShowStatus=yes\n" : "ShowStatus=no\n";
        }
    }

    void host_name(const std::string& key, const std::string& value) {
        if (!is_host_name(value)) {
            return told(key, value, "a host name of at most 64 letters, digits, '-' and '.'");
        }
        line_.host_name = value;
    }

    void machine_id(const std::string& key, const std::string& value) {
        if (!is_machine_id(value)) {
            return told(key, value, "32 hexadecimal digits in lower case");
        }
        line_.machine_id = value;
    }

    void setting_line(const SettingWord& setting, const std::string& value) {
        const bool assignment = setting.setting == "DefaultEnvironment";
        line_.settings += std::string(setting.setting) + "=";
        if (!assignment) {
            line_.settings += value + "\n";
            return;
        }
        std::string escaped;
        for (const char byte : value) {
            escaped += byte == '"' || byte == '\\' ? std::string("\\") + byte
                       : byte == '%'               ? std::string("%%")
                                                   : std::string(1, byte);
        }
        line_.settings += "\"" + escaped + "\"\n";
    }

    KernelCommandLine& line_;
    const std::string& path_;
};

}  // namespace

bool is_host_name(std::string_view name) {
    constexpr std::size_t longest = 64;  // HOST_NAME_MAX
    if (name.empty() || name.size() > longest) {
        return false;
    }
    char before = '.';
    for (const char byte : name) {
        const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                            (byte >= '0' && byte <= '9') || byte == '_';
        const bool inner = (byte == '-' || byte == '.') && before != '.' && before != '-';
        if (!letter && !inner && !(byte == '-' && before == '-')) {
            return false;
        }
        before = byte;
    }
    return before != '.' && before != '-';
}

bool is_machine_id(std::string_view text) {
    return text.size() == 32 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           text.find_first_not_of('0') != std::string_view::npos;
}

KernelCommandLine parse_kernel_command_line(std::string_view text, const std::string& path) {
    KernelCommandLine line;
    Reading reading(line, path);
    for (const std::string& word : words_of(text)) {
        if (word == "--") {
            break;  // hearth-init's own command line
        }
        reading.word(word);
    }
    return line;
}

}  // namespace hearth
