// SPDX-License-Identifier: MIT
//
// load_benchmark [UNITS...]: how long it takes to load unit files from disk through UnitStore and
// load_unit(), as a ratio to a floor measured in the same run: open(2), read(2) and close(2) of the
// same files. Default: 1000 and 10000. Each unit is of a common kind: ten lines, two dependencies;
// every tenth has a drop-in, and every one a link in multi-user.target.wants.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "supervisor/unit_store.hpp"
#include "units/loader.hpp"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int rounds = 5;
constexpr int drop_in_every = 10;

double milliseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string name_of_unit(int number) {
    return "bench-" + std::to_string(number) + ".service";
}

void write_file(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

/// systemd's ten directories, of which most are missing on a common host.
class Disk {
public:
    explicit Disk(int units) {
        std::string pattern = (fs::temp_directory_path() / "hearth-bench-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            fmt::print(stderr, "load_benchmark: no directory {}\n", pattern);
            std::exit(1);
        }
        root_ = pattern;
        const fs::path lib = root_ / "lib/systemd/system";
        const fs::path wants = root_ / "etc/systemd/system/multi-user.target.wants";
        fs::create_directories(wants);
        fs::create_directories(root_ / "run/systemd/system");
        for (int number = 0; number < units; ++number) {
            const std::string name = name_of_unit(number);
            const fs::path file = lib / name;
            write_file(
                file,
                fmt::format(
                    "[Unit]\nDescription=Unit {0} of the benchmark\nAfter=network.target\n"
                    "Wants=bench-{1}.service\n\n[Service]\nType=notify\nUser=daemon\n"
                    "ExecStart=/usr/bin/daemon --number {0}\nExecReload=/bin/kill -HUP $MAINPID\n"
                    "Restart=on-failure\nProtectSystem=strict\n\n[Install]\n"
                    "WantedBy=multi-user.target\n",
                    number,
                    (number + 1) % units));
            files_.push_back(file.string());
            fs::create_symlink(file, wants / name);
            if (number % drop_in_every == 0) {
                const fs::path drop_in = root_ / "etc/systemd/system" / (name + ".d") / "a.conf";
                write_file(drop_in, "[Service]\nNice=3\n");
                files_.push_back(drop_in.string());
            }
        }
    }
    ~Disk() {
        std::error_code ignored;
        fs::remove_all(root_, ignored);
    }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    [[nodiscard]] const std::vector<std::string>& files() const { return files_; }
    [[nodiscard]] std::vector<std::string> unit_path() const {
        std::vector<std::string> path;
        for (const std::string& directory : hearth::UnitStore::default_path("/run/hearth")) {
            path.push_back(root_.string() + directory);
        }
        return path;
    }

private:
    fs::path root_;
    std::vector<std::string> files_;
};

std::size_t read_all(const std::vector<std::string>& files) {
    std::size_t bytes = 0;
    std::array<char, 65536> buffer{};
    for (const std::string& file : files) {
        const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
        const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
        ::close(descriptor);
        bytes += count > 0 ? static_cast<std::size_t>(count) : 0;
    }
    return bytes;
}

/// The best of some rounds: what is disturbed by others is slower, never faster.
template <class Work>
double best(const Work& work) {
    double least = 0;
    for (int round = 0; round < rounds; ++round) {
        const auto start = Clock::now();
        work();
        const double taken = milliseconds_since(start);
        least = round == 0 ? taken : std::min(least, taken);
    }
    return least;
}

bool measure(int units) {
    const Disk disk(units);
    std::size_t bytes = 0;
    const double floor = best([&] { bytes = read_all(disk.files()); });
    int loaded = 0;
    const double load = best([&] {
        const hearth::UnitStore store(disk.unit_path());
        const hearth::UnitStore::Batch batch(store);  // as hearthd does
        loaded = 0;
        for (int number = 0; number < units; ++number) {
            const hearth::Unit unit = hearth::load_unit(name_of_unit(number), store, {});
            loaded += unit.load_state == hearth::LoadState::Loaded ? 1 : 0;
        }
    });
    fmt::print(
        "{} units, {} files, {} bytes: loaded in {:.1f} ms ({:.1f} us each), floor {:.1f} ms, "
        "ratio {:.1f}\n",
        units,
        disk.files().size(),
        bytes,
        load,
        load * 1000 / units,
        floor,
        load / floor);
    return loaded == units;
}

}  // namespace

int main(int count_of_arguments, char** arguments) {
    std::vector<int> sizes;
    for (int each = 1; each < count_of_arguments; ++each) {
        sizes.push_back(std::atoi(arguments[each]));
    }
    if (sizes.empty()) {
        sizes = {1000, 10'000};
    }
    return std::ranges::all_of(sizes, [](int units) { return units > 0 && measure(units); }) ? 0
                                                                                             : 1;
}
