// SPDX-License-Identifier: MIT
#include "units/fstab.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "parser/specifiers.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"
#include "units/mount_unit.hpp"
#include "units/settings.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// fstab(5): blanks are written as octal escapes, as in proc(5)'s mountinfo.
std::string decoded(std::string_view field) {
    std::string text;
    for (std::size_t at = 0; at < field.size(); ++at) {
        const std::string_view digits = field.substr(at).substr(0, 4);
        const bool octal = digits.size() == 4 && digits[0] == '\\' &&
                           std::ranges::all_of(digits.substr(1), [](char digit) {
                               return digit >= '0' && digit <= '7';
                           });
        if (octal) {
            text += static_cast<char>(
                (digits[1] - '0') * 64 + (digits[2] - '0') * 8 + (digits[3] - '0'));
            at += 3;
        } else {
            text += field[at];
        }
    }
    return text;
}

/// LABEL=x and kin are links that udev makes.
std::string device_of(std::string_view what) {
    struct Tag {
        std::string_view name, directory;
    };
    constexpr auto tags = std::to_array<Tag>({
        {"LABEL=", "/dev/disk/by-label/"},
        {"PARTLABEL=", "/dev/disk/by-partlabel/"},
        {"PARTUUID=", "/dev/disk/by-partuuid/"},
        {"UUID=", "/dev/disk/by-uuid/"},
    });
    for (const Tag& tag : tags) {
        if (what.starts_with(tag.name)) {
            std::string_view value = what.substr(tag.name.size());
            if (value.size() > 1 && value.starts_with('"') && value.ends_with('"')) {
                value = value.substr(1, value.size() - 2);
            }
            std::string path(tag.directory);
            for (const char byte : value) {  // as udev encodes it
                path += byte == ' '   ? std::string("\\x20")
                        : byte == '/' ? std::string("\\x2f")
                                      : std::string(1, byte);
            }
            return path;
        }
    }
    return std::string(what);
}

/// A unit's name, or the path that one is made for.
std::string unit_of(std::string_view value) {
    if (!value.starts_with('/')) {
        return std::string(value);
    }
    const auto escaped = escape_path(value);
    return escaped ? *escaped + (value.starts_with("/dev/") ? ".device" : ".mount") : std::string();
}

/// By the kernel or the keeper, before there are units.
bool is_mounted_early(std::string_view where) {
    constexpr auto places = std::to_array<std::string_view>(
        {"/", "/dev", "/dev/pts", "/dev/shm", "/proc", "/run", "/sys", "/sys/fs/cgroup"});
    return std::ranges::find(places, where) != places.end();
}

std::vector<std::string> fields_of(std::string_view line) {
    std::vector<std::string> fields;
    std::size_t at = 0;
    while (at < line.size()) {
        const std::size_t stop = std::min(line.find_first_of(" \t", at), line.size());
        if (stop > at) {
            fields.push_back(decoded(line.substr(at, stop - at)));
        }
        at = stop + 1;
    }
    return fields;
}

class Line {
public:
    Line(
        const std::vector<std::string>& fields,
        const std::string& path,
        std::uint32_t number,
        const FstabTools& tools)
        : path_(path), number_(number), tools_(tools) {
        mount_.what = device_of(fields[0]);
        mount_.where = simplified_path(fields[1]);
        mount_.type = fields.size() > 2 ? fields[2] : "auto";
        mount_.options = fields.size() > 3 ? fields[3] : "defaults";
        pass_ = fields.size() > 5 ? fields[5] : "0";
    }

    /// The line's unit and what goes with it; none: it is no mount of ours.
    std::vector<GeneratedUnit> units() {
        if (mount_.type == "swap") {
            return swap();
        }
        if (mount_.type == "ignore" || is_mounted_early(mount_.where)) {
            return {};
        }
        const auto escaped = escape_path(mount_.where);
        if (!mount_.where.starts_with('/') || !escaped) {
            told("the mount point " + quoted(mount_.where) + " is no absolute path", "");
            return {};
        }
        GeneratedUnit unit;
        unit.name = *escaped + ".mount";
        unit_section();
        mount_section();
        unit.text = text_;
        std::vector<GeneratedUnit> made;
        const bool network = is_network_mount(mount_);
        if (has("x-systemd.automount") || has("comment=systemd.automount")) {
            made.push_back(automount(*escaped));
        }
        pull_in(
            made.empty() ? unit : made.front(), network ? "remote-fs.target" : "local-fs.target");
        made.insert(made.begin(), std::move(unit));
        device_timeout(made);
        without_effect();
        return made;
    }
    Diagnostics diagnostics;

private:
    [[nodiscard]] bool has(std::string_view option) const {
        return has_mount_option(mount_.options, option);
    }
    void told(std::string message, std::string hint) {
        diagnostics.push_back(
            {Severity::Warning, {path_, number_, 0}, std::move(message), std::move(hint), {}});
    }
    void line(std::string_view name, std::string_view value) {
        text_ += std::string(name) + "=" + escape_specifiers(value) + "\n";
    }
    void each(std::string_view option, std::string_view directive) {
        for (const std::string_view value : mount_option_values(mount_.options, option)) {
            const std::string unit = unit_of(value);
            if (is_valid_unit_name(unit)) {
                line(directive, unit);
                continue;
            }
            told(
                std::string(option) + "=" + std::string(value) + " names no unit",
                "write a unit's name or an absolute path");
        }
    }

    void beginning() {
        text_ += "# Made by hearthd out of " + path_ + "\n[Unit]\n";
        line("Documentation", "man:fstab(5)");
        line("SourcePath", path_);
    }

    void unit_section() {
        beginning();
        const bool network = is_network_mount(mount_);
        if (!has("nofail")) {
            line("Before", network ? "remote-fs.target" : "local-fs.target");
        }
        each("x-systemd.requires", "Requires");
        each("x-systemd.requires", "After");
        each("x-systemd.wants", "Wants");
        each("x-systemd.wants", "After");
        each("x-systemd.before", "Before");
        each("x-systemd.after", "After");
        for (const std::string_view value :
             mount_option_values(mount_.options, "x-systemd.requires-mounts-for")) {
            line("RequiresMountsFor", value);
        }
        for (const std::string_view value :
             mount_option_values(mount_.options, "x-systemd.wants-mounts-for")) {
            line("WantsMountsFor", value);
        }
        check_before();
    }

    void mount_section() {
        text_ += "\n[Mount]\n";
        line("What", mount_.what);
        line("Where", mount_.where);
        if (mount_.type != "auto") {
            line("Type", mount_.type);
        }
        if (!mount_.options.empty() && mount_.options != "defaults") {
            line("Options", mount_.options);
        }
        if (const std::string timeout = mount_option(mount_.options, "x-systemd.mount-timeout");
            !timeout.empty()) {
            line("TimeoutSec", timeout);
        }
        if (has("x-systemd.rw-only")) {
            line("ReadWriteOnly", "yes");
        }
    }

    std::vector<GeneratedUnit> swap() {
        const auto escaped = escape_path(mount_.what);
        if (!mount_.what.starts_with('/') || !escaped) {
            told("the swap space " + quoted(mount_.what) + " is no absolute path", "");
            return {};
        }
        GeneratedUnit unit;
        unit.name = *escaped + ".swap";
        beginning();
        if (!has("nofail")) {
            line("Before", "swap.target");
        }
        text_ += "\n[Swap]\n";
        line("What", mount_.what);
        if (!mount_.options.empty() && mount_.options != "defaults" && mount_.options != "sw") {
            line("Options", mount_.options);
        }
        unit.text = text_;
        pull_in(unit, "swap.target");
        std::vector<GeneratedUnit> made = {std::move(unit)};
        device_timeout(made);
        return made;
    }

    GeneratedUnit automount(const std::string& escaped) {
        text_.clear();
        beginning();
        if (!has("nofail")) {
            line("Before", is_network_mount(mount_) ? "remote-fs.target" : "local-fs.target");
        }
        text_ += "\n[Automount]\n";
        line("Where", mount_.where);
        if (const std::string idle = mount_option(mount_.options, "x-systemd.idle-timeout");
            !idle.empty()) {
            line("TimeoutIdleSec", idle);
        }
        return {escaped + ".automount", text_, {}};
    }

    /// How long the device is waited for: a drop-in of its own unit.
    void device_timeout(std::vector<GeneratedUnit>& made) {
        const std::string timeout = mount_option(mount_.options, "x-systemd.device-timeout");
        const auto escaped = escape_path(mount_.what);
        if (timeout.empty() || !mount_.what.starts_with("/dev/") || !escaped) {
            return;
        }
        text_ = "# Made by hearthd out of " + path_ + "\n[Unit]\n";
        line("JobRunningTimeoutSec", timeout);
        made.push_back({*escaped + ".device.d/50-device-timeout.conf", text_, {}});
    }

    void pull_in(GeneratedUnit& unit, const std::string& target) const {
        const auto targets = mount_option_values(mount_.options, "x-systemd.wanted-by");
        const auto required = mount_option_values(mount_.options, "x-systemd.required-by");
        for (const std::string_view each : targets) {
            unit.links.push_back(std::string(each) + ".wants/" + unit.name);
        }
        for (const std::string_view each : required) {
            unit.links.push_back(std::string(each) + ".requires/" + unit.name);
        }
        const bool is_automount = unit.name.ends_with(".automount");
        if ((!has("noauto") || is_automount) && targets.empty() && required.empty()) {
            unit.links.push_back(target + (has("nofail") ? ".wants/" : ".requires/") + unit.name);
        }
    }

    /// fsck(8) before it is mounted (field 6), where there is a fsck for it.
    void check_before() {
        const auto escaped = escape_path(mount_.what);
        if (pass_ == "0" || !mount_.what.starts_with("/dev/") || !escaped) {
            return;
        }
        if (std::ranges::find(tools_.checked_types, mount_.type) == tools_.checked_types.end()) {
            told(
                "the file system is not checked before it is mounted (field 6 is " + pass_ +
                    "): there is no fsck." + mount_.type,
                "write 0 there");
            return;
        }
        line("Requires", "systemd-fsck@" + *escaped + ".service");
        line("After", "systemd-fsck@" + *escaped + ".service");
    }

    void without_effect() {
        constexpr auto unbuilt = std::to_array<std::string_view>(
            {"x-systemd.device-bound", "x-systemd.growfs", "x-systemd.makefs", "x-systemd.pcrfs"});
        for (const std::string_view option : unbuilt) {
            if (has(option)) {
                told(std::string(option) + " has no effect: it is not built", "remove it");
            }
        }
    }

    const std::string& path_;
    std::uint32_t number_;
    const FstabTools& tools_;
    MountSettings mount_;
    std::string pass_, text_;
};

}  // namespace

std::string root_options_of_fstab(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const auto fields = fields_of(trimmed(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (fields.size() > 1 && !fields[0].starts_with('#') && fields[1] == "/") {
            return fields.size() > 3 ? fields[3] : "defaults";
        }
    }
    return {};
}

Fstab units_of_fstab(std::string_view text, const std::string& path, const FstabTools& tools) {
    Fstab fstab;
    std::uint32_t number = 0;
    while (!text.empty()) {
        ++number;
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view whole = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (whole.empty() || whole.starts_with('#')) {
            continue;
        }
        const std::vector<std::string> fields = fields_of(whole);
        if (fields.size() < 2) {
            fstab.diagnostics.push_back(
                {Severity::Warning,
                 {path, number, 0},
                 "a line needs at least what to mount and where",
                 "see fstab(5)",
                 {}});
            continue;
        }
        Line line(fields, path, number, tools);
        std::vector<GeneratedUnit> units = line.units();
        fstab.diagnostics.insert(
            fstab.diagnostics.end(), line.diagnostics.begin(), line.diagnostics.end());
        if (units.empty()) {
            continue;
        }
        const bool twice =
            std::ranges::find(fstab.units, units.front().name, &GeneratedUnit::name) !=
            fstab.units.end();
        if (twice) {
            fstab.diagnostics.push_back(
                {Severity::Warning,
                 {path, number, 0},
                 "a line before mounts there already; this one is left out",
                 {},
                 {}});
            continue;
        }
        std::ranges::move(units, std::back_inserter(fstab.units));
    }
    return fstab;
}

}  // namespace hearth
