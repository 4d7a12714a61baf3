// SPDX-License-Identifier: MIT
//
// Codecs of what is handed to the cgroup as it is: controllers by name, pinned BPF programs, files.
#include <algorithm>
#include <array>

#include "parser/diagnostic.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth {

using codec_parts::note;

namespace {

constexpr auto controllers = std::to_array<std::string_view>({
    "blkio",
    "bpf-devices",
    "bpf-firewall",
    "cpu",
    "cpuacct",
    "cpuset",
    "devices",
    "io",
    "memory",
    "pids",
});
static_assert(std::ranges::is_sorted(controllers));

// bpftool's names of the kernel's attach types.
constexpr auto hooks = std::to_array<std::string_view>({
    "bind4",
    "bind6",
    "connect4",
    "connect6",
    "device",
    "egress",
    "getsockopt",
    "ingress",
    "post_bind4",
    "post_bind6",
    "recvmsg4",
    "recvmsg6",
    "sendmsg4",
    "sendmsg6",
    "setsockopt",
    "sock_create",
    "sock_ops",
    "sysctl",
});
static_assert(std::ranges::is_sorted(hooks));

Result<std::string, ValueError> read_path(
    std::string_view text, const ValueContext& context, std::size_t offset) {
    std::string path = HEARTH_TRY(expand(text, context));
    if (!path.starts_with('/')) {
        return bad_value(
            quoted(path) + " is not an absolute path", "name a program below /sys/fs/bpf", offset);
    }
    return path;
}

}  // namespace

Assigned Codec<ControllerSet>::assign(
    ControllerSet& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.names.clear();
        return {};
    }
    std::set<std::string> names = field.names;
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Relaxed, context.notes))) {
        if (!std::ranges::binary_search(controllers, std::string_view(word.text))) {
            note(
                context,
                {quoted(word.text) + " is no controller, ignored",
                 "cpu, cpuset, io, memory, pids",
                 word.offset});
            continue;
        }
        names.insert(word.text);
    }
    field.names = std::move(names);
    return {};
}

std::string Codec<ControllerSet>::format(const ControllerSet& value) {
    return join_words({value.names.begin(), value.names.end()});
}

void Codec<ControllerSet>::write(const ControllerSet& value, ValueSink& sink) {
    const std::vector<std::string> names(value.names.begin(), value.names.end());
    sink.strings(names);
}

Assigned Codec<std::vector<PinnedProgram>>::assign(
    std::vector<PinnedProgram>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    const std::size_t colon = text.find(':');
    const std::string_view hook = text.substr(0, colon);
    if (colon == std::string_view::npos || !std::ranges::binary_search(hooks, hook)) {
        return bad_value(
            "expected a hook of a cgroup and a path, got " + quoted(text),
            "write egress:/sys/fs/bpf/NAME");
    }
    PinnedProgram program{
        std::string(hook), HEARTH_TRY(read_path(text.substr(colon + 1), context, colon + 1))};
    if (std::ranges::find(field, program) == field.end()) {
        field.push_back(std::move(program));
    }
    return {};
}

std::string Codec<std::vector<PinnedProgram>>::format(const std::vector<PinnedProgram>& value) {
    std::string text;
    for (const PinnedProgram& program : value) {
        text += (text.empty() ? "" : "\n") + program.hook + ":" + program.path;
    }
    return text;
}

void Codec<std::vector<PinnedProgram>>::write(
    const std::vector<PinnedProgram>& value, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const PinnedProgram& program : value) {
        sink.open_struct("ss");
        sink.string(program.hook);
        sink.string(program.path);
        sink.close_struct();
    }
    sink.close_array();
}

Assigned Codec<PinnedPaths>::assign(
    PinnedPaths& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.paths.clear();
        return {};
    }
    std::string path = HEARTH_TRY(read_path(text, context, 0));
    if (std::ranges::find(field.paths, path) == field.paths.end()) {
        field.paths.push_back(std::move(path));
    }
    return {};
}

std::string Codec<PinnedPaths>::format(const PinnedPaths& value) {
    std::string text;
    for (const std::string& path : value.paths) {
        text += (text.empty() ? "" : "\n") + path;
    }
    return text;
}

void Codec<PinnedPaths>::write(const PinnedPaths& value, ValueSink& sink) {
    sink.strings(value.paths);
}

Assigned Codec<std::vector<CgroupKnob>>::assign(
    std::vector<CgroupKnob>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    const std::string expanded = HEARTH_TRY(expand(text, context));
    const std::size_t equals = expanded.find('=');
    const std::string file = expanded.substr(0, equals);
    const bool is_knob = equals != std::string::npos && file.find('.') != std::string::npos &&
                         file.find('/') == std::string::npos && !file.starts_with('.') &&
                         !file.starts_with("cgroup.");
    if (!is_knob || equals + 1 == expanded.size()) {
        return bad_value(
            "expected a file of a controller and its value, got " + quoted(text),
            "write Cgroup=memory.swappiness=10");
    }
    CgroupKnob knob{file, expanded.substr(equals + 1)};
    const auto old = std::ranges::find(field, file, &CgroupKnob::file);
    if (old != field.end()) {
        *old = std::move(knob);
    } else {
        field.push_back(std::move(knob));
    }
    return {};
}

std::string Codec<std::vector<CgroupKnob>>::format(const std::vector<CgroupKnob>& value) {
    std::string text;
    for (const CgroupKnob& knob : value) {
        text += (text.empty() ? "" : "\n") + knob.file + "=" + knob.value;
    }
    return text;
}

void Codec<std::vector<CgroupKnob>>::write(const std::vector<CgroupKnob>& value, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const CgroupKnob& knob : value) {
        sink.open_struct("ss");
        sink.string(knob.file);
        sink.string(knob.value);
        sink.close_struct();
    }
    sink.close_array();
}

}  // namespace hearth
