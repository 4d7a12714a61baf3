// SPDX-License-Identifier: MIT
#include <charconv>
#include <sstream>

#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/cgroup/files.hpp"
#include "supervisor/cgroup/io_usage.hpp"
#include "supervisor/cgroup/tree.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::cgroup {
namespace {

constexpr std::size_t longest_io_file = std::size_t{1} << 20;

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string text_of(const std::string& path) {
    return sys::read_file(path, longest_io_file).value_or(std::string());
}

void set_io(
    ResourceUsage& usage,
    const std::optional<ReadAndWritten>& bytes,
    const std::optional<ReadAndWritten>& operations) {
    if (bytes) {
        usage.io_read_bytes = bytes->read;
        usage.io_write_bytes = bytes->written;
    }
    if (operations) {
        usage.io_read_operations = operations->read;
        usage.io_write_operations = operations->written;
    }
}

/// "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234", in microseconds.
std::optional<std::uint64_t> waited(const std::string& path) {
    const std::string text = text_of(path);
    const std::string_view some = std::string_view(text).substr(0, text.find('\n'));
    const std::size_t total = some.find("total=");
    return some.starts_with("some ") && total != std::string_view::npos
               ? std::optional(number(some.substr(total + 6)))
               : std::nullopt;
}

void read_unified(const std::string& directory, ResourceUsage& usage) {
    usage.throttled_periods = read_keyed(directory + "cpu.stat", "nr_throttled");
    if (const auto waited = read_keyed(directory + "cpu.stat", "throttled_usec")) {
        usage.throttled_nanoseconds = *waited * 1000;
    }
    usage.memory_current_bytes = read_number(directory + "memory.current");
    usage.memory_peak_bytes = read_number(directory + "memory.peak");  // Linux 5.19
    usage.memory_high_hits = read_keyed(directory + "memory.events", "high");
    usage.memory_max_hits = read_keyed(directory + "memory.events", "max");
    usage.out_of_memory_kills = read_keyed(directory + "memory.events", "oom_kill");
    usage.tasks_current = read_number(directory + "pids.current");
    usage.refused_forks = read_keyed(directory + "pids.events", "max");
    const std::string io = text_of(directory + "io.stat");
    set_io(usage, sum_io_stat(io, "rbytes", "wbytes"), sum_io_stat(io, "rios", "wios"));
}

}  // namespace

std::optional<ReadAndWritten> sum_io_stat(
    std::string_view text, std::string_view read_key, std::string_view written_key) {
    std::optional<ReadAndWritten> sum;
    std::istringstream words{std::string(text)};
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) {
            continue;
        }
        const std::string_view key = std::string_view(word).substr(0, equals);
        const std::uint64_t value = number(std::string_view(word).substr(equals + 1));
        if (key == read_key || key == written_key) {
            sum = sum.value_or(ReadAndWritten{});
            (key == read_key ? sum->read : sum->written) += value;
        }
    }
    return sum;
}

std::optional<ReadAndWritten> sum_blkio(std::string_view text) {
    std::optional<ReadAndWritten> sum;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string device, what;
        std::uint64_t value = 0;
        if (!(words >> device >> what >> value)) {
            continue;  // "Total 4096", of all disks
        }
        sum = sum.value_or(ReadAndWritten{});
        if (what == "Read") {
            sum->read += value;
        } else if (what == "Write") {
            sum->written += value;
        }
    }
    return sum;
}

void Tree::read_v1_usage(const std::string& path, ResourceUsage& usage) const {
    const auto file = [&](const std::string& controller, const char* name) {
        return directory(path, controller) + '/' + name;
    };
    if (v1_.contains("cpu")) {
        usage.throttled_periods = read_keyed(file("cpu", "cpu.stat"), "nr_throttled");
        usage.throttled_nanoseconds = read_keyed(file("cpu", "cpu.stat"), "throttled_time");
    }
    if (v1_.contains("memory")) {
        usage.memory_current_bytes = read_number(file("memory", "memory.usage_in_bytes"));
        usage.memory_peak_bytes = read_number(file("memory", "memory.max_usage_in_bytes"));
        usage.memory_max_hits = read_number(file("memory", "memory.failcnt"));
        usage.out_of_memory_kills = read_keyed(file("memory", "memory.oom_control"), "oom_kill");
    }
    if (v1_.contains("pids")) {
        usage.tasks_current = read_number(file("pids", "pids.current"));
        usage.refused_forks = read_keyed(file("pids", "pids.events"), "max");
    }
    if (v1_.contains("blkio")) {
        set_io(
            usage,
            sum_blkio(text_of(file("blkio", "blkio.throttle.io_service_bytes_recursive"))),
            sum_blkio(text_of(file("blkio", "blkio.throttle.io_serviced_recursive"))));
    }
}

ResourceUsage Tree::usage(const std::string& path) const {
    ResourceUsage usage;
    if (descendants_) {
        return usage;
    }
    const std::string unified = directory(path) + '/';
    if (const auto used = read_keyed(unified + "cpu.stat", "usage_usec")) {
        usage.cpu_nanoseconds = *used * 1000;
    }
    usage.cpu_pressure = waited(unified + "cpu.pressure");
    usage.memory_pressure = waited(unified + "memory.pressure");
    usage.io_pressure = waited(unified + "io.pressure");
    if (layout_ == launch::CgroupLayout::Unified) {
        read_unified(unified, usage);
    } else {
        read_v1_usage(path, usage);
    }
    if (const auto counted = address_counters(directory(path))) {
        usage.ip_ingress_bytes = counted->ingress_bytes;
        usage.ip_ingress_packets = counted->ingress_packets;
        usage.ip_egress_bytes = counted->egress_bytes;
        usage.ip_egress_packets = counted->egress_packets;
    }
    return usage;
}

}  // namespace hearth::cgroup
