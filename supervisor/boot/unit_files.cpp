// SPDX-License-Identifier: MIT
#include "supervisor/boot/unit_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <map>

#include "supervisor/boot/fresh_directory.hpp"
#include "supervisor/sys/file.hpp"
#include "units/boot_units.hpp"
#include "units/fstab.hpp"

namespace hearth::boot {

namespace {

constexpr std::size_t largest = std::size_t{4} << 20U;

std::string program(const std::string& name) {
    for (const char* const directory :
         {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
        if (::access((directory + name).c_str(), X_OK) == 0) {
            return directory + name;
        }
    }
    return {};
}

/// *.conf of a folder that systemd's tools look for in four places: of one name the first counts;
/// in the order of the names.
std::vector<std::string> settings_files(const std::string& folder) {
    std::map<std::string, std::string> found;
    for (const char* const above : {"/etc/", "/run/", "/usr/local/lib/", "/usr/lib/"}) {
        const std::string directory = above + folder;
        for (const std::string& name :
             sys::read_directory(directory).value_or(std::vector<std::string>())) {
            if (name.ends_with(".conf")) {
                found.try_emplace(name, directory + "/" + name);
            }
        }
    }
    std::vector<std::string> paths;
    for (auto& [name, path] : found) {
        paths.push_back(std::move(path));
    }
    return paths;
}

BootPrograms find_programs(const KernelCommandLine& kernel) {
    BootPrograms programs;
    programs.modules = kernel.modules;
    for (const std::string& path : settings_files("modules-load.d")) {
        for (std::string& name : modules_of(sys::read_file(path, largest).value_or(""))) {
            programs.modules.push_back(std::move(name));
        }
    }
    programs.sysctl_files = settings_files("sysctl.d");
    if (sys::stat("/etc/sysctl.conf")) {
        programs.sysctl_files.emplace_back("/etc/sysctl.conf");
    }
    programs.sulogin = program("sulogin");
    programs.shell = program("sh");
    programs.agetty = program("agetty");
    programs.getty = program("getty");
    programs.sysctl = program("sysctl");
    programs.modprobe = program("modprobe");
    programs.tmpfiles = program("systemd-tmpfiles");
    programs.fsck = program("fsck");
    const std::string own = sys::readlink("/proc/self/exe").value_or("");
    const std::string beside = own.substr(0, own.rfind('/') + 1) + "hearthctl";
    programs.control = ::access(beside.c_str(), X_OK) == 0 ? beside : program("hearthctl");
    return programs;
}

/// What is asked for and has no tool to do it.
void tell_missing(const BootPrograms& programs, Written& written) {
    if (programs.modprobe.empty() && !programs.modules.empty()) {
        written.problems.push_back(
            "no module is loaded at the start (" + programs.modules.front() +
            " and others): there is no modprobe");
    }
    if (programs.sysctl.empty() && !programs.sysctl_files.empty()) {
        written.problems.push_back(
            programs.sysctl_files.front() + " and others have no effect: there is no sysctl");
    }
    if (const auto files = settings_files("tmpfiles.d");
        programs.tmpfiles.empty() && !files.empty()) {
        written.problems.push_back(
            files.front() + " and others have no effect: there is no systemd-tmpfiles");
    }
}

class Writing {
public:
    explicit Writing(Written& written) : written_(written) {}

    void write(const std::string& directory, const GeneratedUnit& unit) {
        constexpr mode_t readable = 0644;
        if (const std::size_t slash = unit.name.rfind('/'); slash != std::string::npos) {
            note(sys::make_directories(directory + "/" + unit.name.substr(0, slash), 0755));
        }
        if (!unit.text.empty()) {
            note(sys::replace_file(directory + "/" + unit.name, unit.text, readable));
        }
        for (const std::string& link : unit.links) {
            const std::size_t slash = link.rfind('/');
            std::string target = unit.name;
            if (slash != std::string::npos) {
                note(sys::make_directories(directory + "/" + link.substr(0, slash), 0755));
                target.insert(0, "../");
            }
            note(sys::symlink(target, directory + "/" + link));
        }
    }
    void link(const std::string& target, const std::string& directory, const std::string& name) {
        note(sys::symlink(target, directory + "/" + name));
    }

    void note(const Result<void>& result) {
        if (!result) {
            written_.problems.push_back(result.error().what);
        }
    }

private:
    Written& written_;
};

/// fsck(8) runs fsck.TYPE.
FstabTools fstab_tools() {
    FstabTools tools;
    if (program("fsck").empty()) {
        return tools;
    }
    constexpr std::string_view prefix = "fsck.";
    for (const char* const directory : {"/usr/sbin", "/sbin", "/usr/bin", "/bin"}) {
        for (const std::string& name :
             sys::read_directory(directory).value_or(std::vector<std::string>())) {
            if (name.starts_with(prefix)) {
                tools.checked_types.push_back(name.substr(prefix.size()));
            }
        }
    }
    return tools;
}

/// What hearth generates itself: fstab, login prompts, and the kernel's command line.
void write_own(Writing& writing, Written& written, const Asked& asked) {
    if (asked.kernel.reads_fstab) {
        if (const auto table = sys::read_file(asked.places.fstab, largest)) {
            Fstab fstab = units_of_fstab(*table, asked.places.fstab, fstab_tools());
            for (const GeneratedUnit& unit : fstab.units) {
                writing.write(asked.places.generator, unit);
            }
            written.diagnostics = std::move(fstab.diagnostics);
        } else if (table.error().code != ENOENT) {
            written.problems.push_back(table.error().what);
        }
    }
    if (asked.kernel.makes_gettys && asked.is_machine) {
        for (const GeneratedUnit& unit :
             getty_units(asked.kernel.consoles, ::access("/dev/tty1", F_OK) == 0)) {
            writing.write(asked.places.generator, unit);
        }
    }
    if (sys::stat("/lib/systemd/systemd-journald")) {
        for (const GeneratedUnit& unit : units_beside_systemd()) {
            writing.write(asked.places.generator, unit);
        }
    }
    for (const std::string& masked : asked.kernel.masked) {
        writing.link("/dev/null", asked.places.early, masked);
    }
    const std::string target = asked.kernel.unit.empty() ? "default.target" : asked.kernel.unit;
    for (const std::string& wanted : asked.kernel.wanted) {
        writing.write(asked.places.early, {wanted, {}, {target + ".wants/" + wanted}});
    }
}

/// systemd.generator(7), "Environment".
std::vector<std::string> generator_environment(const Asked& asked) {
    std::vector<std::string> variables = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SYSTEMD_SCOPE=system",
        std::string("SYSTEMD_IN_INITRD=") + (sys::stat("/etc/initrd-release") ? "1" : "0"),
        std::string("SYSTEMD_FIRST_BOOT=") + (asked.first_boot ? "1" : "0"),
    };
    if (!asked.virtualization.empty()) {
        variables.push_back("SYSTEMD_VIRTUALIZATION=" + asked.virtualization);
    }
    if (!asked.architecture.empty()) {
        variables.push_back("SYSTEMD_ARCHITECTURE=" + asked.architecture);
    }
    return variables;
}

/// Which units a generator that failed would have made is known by nobody: those that were there
/// stay, until all generators do well again.
void keep_what_is_missing(const FreshDirectory& directory, Written& written) {
    const auto kept = directory.keep_what_is_missing();
    if (!kept) {
        written.problems.push_back(kept.error().what);
        return;
    }
    for (const std::string& each : *kept) {
        written.problems.push_back(each + " stays as an earlier run of generators made it");
    }
}

}  // namespace

Written write_unit_files(const Asked& wanted) {
    Written written;
    Writing writing(written);
    Asked asked = wanted;
    std::vector<FreshDirectory> fresh;
    for (std::string* const directory :
         {&asked.places.generator,
          &asked.places.early,
          &asked.places.late,
          &asked.places.built_in}) {
        fresh.emplace_back(*directory);
        writing.note(fresh.back().make());
        *directory = fresh.back().fresh();
    }
    const BootPrograms programs = find_programs(asked.kernel);
    tell_missing(programs, written);
    for (const GeneratedUnit& unit : boot_units(programs)) {
        writing.write(asked.places.built_in, unit);
    }
    write_own(writing, written, asked);
    const GeneratorRun run{
        {asked.places.generator, asked.places.early, asked.places.late},
        generator_environment(asked),
        generator_time};
    std::vector<std::string> problems =
        run_generators(find_generators(asked.places.generators), run);
    const bool complete = problems.empty();
    std::ranges::move(problems, std::back_inserter(written.problems));
    for (const FreshDirectory& directory : fresh) {
        if (!complete) {
            keep_what_is_missing(directory, written);
        }
        writing.note(directory.settle());
    }
    return written;
}

}  // namespace hearth::boot
