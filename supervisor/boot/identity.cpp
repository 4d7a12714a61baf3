// SPDX-License-Identifier: MIT
#include "supervisor/boot/identity.hpp"

#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "parser/values.hpp"
#include "parser/words.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "supervisor/sys/process.hpp"
#include "units/kernel_command_line.hpp"

namespace hearth::boot {

namespace {

constexpr std::size_t largest = 4096;
constexpr const char* machine_id_file = "/etc/machine-id";
constexpr const char* transient_file = "/run/machine-id";

std::string first_line(const std::string& path) {
    const std::string text = sys::read_file(path, largest).value_or("");
    return std::string(trimmed(std::string_view(text).substr(0, text.find('\n'))));
}

/// hostname(5): one name; lines that begin with '#' are comments.
std::string name_of_file() {
    const std::string text = sys::read_file("/etc/hostname", largest).value_or("");
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = trimmed(rest.substr(0, end));
        if (!line.empty() && line.front() != '#') {
            return std::string(line);
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
}

Result<void> set(const std::string& name) {
    if (::sethostname(name.data(), name.size()) < 0) {
        return sys::call_failure("sethostname", name, errno);
    }
    return {};
}

/// UUID version 4, so that it can serve as one (machine-id(5)).
Result<std::string> random_machine_id() {
    std::string id = HEARTH_TRY(sys::random_hex(16));
    constexpr std::size_t version_at = 12;
    constexpr std::size_t variant_at = 16;
    id[version_at] = '4';
    constexpr std::array variants = {'8', '9', 'a', 'b'};
    id[variant_at] = variants[static_cast<unsigned char>(id[variant_at]) % variants.size()];
    return id;
}

/// Nothing is written where it can't stay: the file is not there on a read-only root.
Result<void> keep_transient(const std::string& id) {
    constexpr mode_t readable = 0444;
    HEARTH_TRY(sys::replace_file(transient_file, id + "\n", readable));
    if (!sys::stat(machine_id_file)) {
        return failure(
            std::string(machine_id_file) +
                " is missing and can't be made, so programs find no machine id: make an empty file "
                "of that name in the image",
            EROFS);
    }
    HEARTH_TRY(sys::mount(transient_file, machine_id_file, "", MS_BIND, ""));
    return sys::mount("", machine_id_file, "", MS_BIND | MS_REMOUNT | MS_RDONLY, "");
}

}  // namespace

Result<void> set_host_name(const std::string& wanted) {
    if (!wanted.empty()) {
        return set(wanted);
    }
    const std::string name = name_of_file();
    if (is_host_name(name)) {
        return set(name);
    }
    std::array<char, 65> known{};
    if (::gethostname(known.data(), known.size() - 1) < 0 || !is_host_name(known.data())) {
        HEARTH_TRY(set("localhost"));
    }
    if (!name.empty()) {
        return failure(
            "/etc/hostname: " + quoted(name) +
                " is no host name: expected at most 64 letters, digits, '-' and '.'",
            EINVAL);
    }
    return {};
}

Result<void> settle_machine_id(const std::string& wanted, bool& first_boot) {
    const bool missing = !sys::stat(machine_id_file);
    const std::string known = first_line(machine_id_file);
    first_boot = missing || known == "uninitialized";
    if (is_machine_id(known)) {
        return {};
    }
    if (first_boot) {
        (void)sys::make_directories("/run/systemd", 0755);
        HEARTH_TRY(sys::replace_file("/run/systemd/first-boot", "", 0644));
    }
    std::string id = wanted;
    if (const std::string of_bus = first_line("/var/lib/dbus/machine-id");
        id.empty() && is_machine_id(of_bus)) {
        id = of_bus;
    }
    if (id.empty()) {
        id = HEARTH_TRY(random_machine_id());
    }
    constexpr mode_t readable = 0444;
    if (sys::replace_file(machine_id_file, id + "\n", readable)) {
        return {};
    }
    return keep_transient(id);
}

}  // namespace hearth::boot
