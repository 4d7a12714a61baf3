// SPDX-License-Identifier: MIT
#include <string>
#include <utility>

#include "units/loader.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// A fact that every host has; one that the caller couldn't find out is no empty text.
void set_fact(SpecifierTable& table, char letter, const std::string& value, std::string_view what) {
    if (value.empty()) {
        table.set_unavailable(letter, "the " + std::string(what) + " is not known here");
    } else {
        table.set(letter, value);
    }
}

void set_unescaped(SpecifierTable& table, char letter, const Result<std::string>& text) {
    if (text) {
        table.set(letter, *text);
    } else {
        table.set_unavailable(letter, text.error().what);
    }
}

void set_names(SpecifierTable& table, const std::string& unit_name) {
    table.set('n', unit_name);
    const auto parsed = parse_unit_name(unit_name);
    if (!parsed) {
        for (const char letter : {'N', 'p', 'P', 'i', 'I', 'j', 'J', 'f'}) {
            table.set_unavailable(letter, parsed.error().what);
        }
        return;
    }
    const UnitName& name = *parsed;
    const std::string instance = name.instance.value_or("");
    const std::string last = name.prefix.substr(name.prefix.rfind('-') + 1);
    table.set('N', name.without_type());
    table.set('p', name.prefix);
    table.set('i', instance);
    table.set('j', last);
    set_unescaped(table, 'P', unescape_unit_name(name.prefix));
    set_unescaped(table, 'I', unescape_unit_name(instance));
    set_unescaped(table, 'J', unescape_unit_name(last));
    set_unescaped(table, 'f', unescape_path(name.is_instance() ? instance : name.prefix));
}

void set_directories(SpecifierTable& table, const LoadContext& context) {
    table.set('C', context.cache_directory);
    table.set('E', context.configuration_directory);
    table.set('L', context.log_directory);
    table.set('S', context.state_directory);
    table.set('t', context.runtime_directory);
    table.set('T', context.temporary_directory);
    table.set('V', context.persistent_temporary_directory);
    for (const char letter : {'c', 'r', 'R'}) {
        table.set_unavailable(
            letter, "paths of cgroups are no part of a unit file; systemd warns of it, too");
    }
}

void set_host(SpecifierTable& table, const LoadContext& context) {
    set_fact(table, 'a', context.architecture, "architecture");
    set_fact(table, 'b', context.boot_id, "boot id");
    set_fact(table, 'm', context.machine_id, "machine id");
    set_fact(table, 'v', context.kernel_release, "kernel's release");
    set_fact(table, 'H', context.host_name, "host's name");
    set_fact(table, 'l', context.host_name.substr(0, context.host_name.find('.')), "host's name");
    table.set('q', context.pretty_host_name.empty() ? context.host_name : context.pretty_host_name);
    table.set('A', context.os_image_version);
    table.set('B', context.os_build_id);
    table.set('M', context.os_image_id);
    table.set('o', context.os_id);
    table.set('w', context.os_version_id);
    table.set('W', context.os_variant_id);
}

}  // namespace

SpecifierTable specifiers(
    const std::string& unit_name, const LoadContext& context, const std::string& fragment_path) {
    SpecifierTable table;
    set_names(table, unit_name);
    set_directories(table, context);
    table.set('d', context.runtime_directory + "/credentials/" + unit_name);
    set_host(table, context);
    // The user of the manager, not User=: systemd.unit(5).
    table.set('u', context.user_name);
    table.set('U', std::to_string(context.uid));
    table.set('g', context.group_name);
    table.set('G', std::to_string(context.gid));
    table.set('h', context.user_home);
    table.set('s', context.user_shell);
    if (fragment_path.empty()) {
        table.set_unavailable('y', "the unit has no file");
        table.set_unavailable('Y', "the unit has no file");
    } else {
        const std::size_t slash = fragment_path.rfind('/');
        table.set('y', fragment_path);
        table.set(
            'Y',
            slash == std::string::npos ? "."
                                       : fragment_path.substr(0, std::max<std::size_t>(slash, 1)));
    }
    return table;
}

}  // namespace hearth
