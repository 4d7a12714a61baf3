// SPDX-License-Identifier: MIT
#include "supervisor/host_facts.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "supervisor/launch/launcher.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth {

namespace {

constexpr std::size_t max_accounts = std::size_t{64} << 20U;
constexpr std::size_t max_environment_file = std::size_t{4} << 20U;
constexpr std::size_t max_profiles = std::size_t{8} << 20U;

}  // namespace

HostFacts::Stamp HostFacts::stamp(const std::string& path) {
    auto status = sys::stat(path);
    if (!status) {
        return {};
    }
    return {status->st_dev, status->st_ino, status->st_mtim.tv_sec, status->st_mtim.tv_nsec};
}

Result<HostFacts> HostFacts::gather(
    const cgroup::Tree& tree, std::string runtime_directory, bool user_manager) {
    HostFacts facts;
    facts.passwd_ = stamp(facts.accounts_.passwd);
    facts.group_ = stamp(facts.accounts_.group);
    facts.host_ = HEARTH_TRY(launch::gather_host());
    facts.host_.cgroup_layout = tree.layout();
    if (tree.layout() != launch::CgroupLayout::None &&
        sys::stat(tree.directory("") + "/memory.pressure")) {
        facts.host_.pressure_directory = tree.directory("");
    }
    facts.host_.controllers = tree.controllers();
    facts.host_.controllers_missing = tree.missing_controllers();
    facts.host_.runtime_directory = std::move(runtime_directory);
    facts.host_.user_manager = user_manager;
    facts.host_.user_namespaces_missing = launch::user_namespaces_missing();
    return facts;
}

const launch::Host& HostFacts::host() {
    const Stamp passwd = stamp(accounts_.passwd);
    const Stamp group = stamp(accounts_.group);
    if (passwd == passwd_ && group == group_) {
        return host_;
    }
    const auto users = sys::read_file(accounts_.passwd, max_accounts);
    const auto groups = sys::read_file(accounts_.group, max_accounts);
    const auto unreadable = [](const Result<std::string>& text) {
        return !text && text.error().code != ENOENT;
    };
    if (unreadable(users) || unreadable(groups)) {
        return host_;  // what was known counts until it can be read again
    }
    passwd_ = passwd;
    group_ = group;
    host_.accounts.clear();
    host_.groups.clear();
    host_.account_by_uid.clear();
    launch::read_accounts(host_, users.value_or(""), groups.value_or(""));
    return host_;
}

/// Only what can't make the event loop wait: a FIFO without a writer would.
static Result<std::string> read_regular_file(
    const std::string& directive, const std::string& path, std::size_t maximum) {
    const auto status = HEARTH_TRY(sys::stat(path));
    const bool null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
    if (!S_ISREG(status.st_mode) && !null) {
        return failure(directive + "=" + path + ": not a regular file", EINVAL);
    }
    return sys::read_file(path, maximum);
}

Result<const std::vector<std::uint64_t>*> HostFacts::seccomp(const Unit& unit) {
    const SandboxSettings& sandbox = unit.settings.sandbox;
    if (sandbox.seccomp_profile.empty()) {
        return seccomp_.program(sandbox);
    }
    constexpr std::size_t longest_profile = std::size_t{1} << 20;
    const auto text = read_regular_file("SeccompProfile", sandbox.seccomp_profile, longest_profile);
    if (!text) {
        return failure(
            "SeccompProfile=" + sandbox.seccomp_profile + " can't be read: " + text.error().what,
            text.error().code);
    }
    const launch::ProfileText profile{
        *text,
        launch::bounding_capabilities(sandbox, host_),
        host_.kernel_major,
        host_.kernel_minor};
    return seccomp_.program(sandbox, &profile);
}

void HostFacts::set_directories(const LoadContext& context) {
    host_.bases.runtime = context.runtime_directory;
    host_.bases.state = context.state_directory;
    host_.bases.cache = context.cache_directory;
    host_.bases.logs = context.log_directory;
    host_.bases.configuration = context.configuration_directory;
    host_.user_manager = context.user_manager;
    host_.hides_credentials = true;
}

std::string HostFacts::executable(
    const CommandLine& command, const std::string& root, const SearchPath& search) const {
    if (command.path.find('/') != std::string::npos) {
        return command.path;  // existence is the kernel's verdict, at execve
    }
    const auto top = sys::open(root.empty() ? "/" : root, O_PATH | O_DIRECTORY);
    if (!top) {
        return {};
    }
    std::vector<std::string> places = search.directories;
    std::stringstream directories(host_.default_path);
    for (std::string directory;
         search.directories.empty() && std::getline(directories, directory, ':');) {
        places.push_back(directory);
    }
    for (const std::string& directory : places) {
        const std::string candidate = directory + "/" + command.path;
        // A link in the root means a place in the root.
        const auto file =
            sys::openat2(top->number(), candidate.substr(1), O_PATH, 0, sys::ResolveInRoot);
        const auto status = file ? sys::fstat(file->number()) : Unexpected(file.error());
        if (status && S_ISREG(status->st_mode) && (status->st_mode & 0111U) != 0) {
            return candidate;
        }
    }
    return {};
}

static Result<std::string> read_environment_file(const std::string& path) {
    return read_regular_file("EnvironmentFile", path, max_environment_file);
}

static Result<std::string> profiles_of_a_detached_mount() {
    const sys::Descriptor files = HEARTH_TRY(sys::detached_mount("securityfs", "", 0));
    const sys::Descriptor list = HEARTH_TRY(sys::openat(files, "apparmor/profiles", O_RDONLY));
    return sys::read_all(list.number(), max_profiles, "apparmor/profiles");
}

std::optional<std::set<std::string>> HostFacts::apparmor_profiles() {
    auto text = sys::read_file("/sys/kernel/security/apparmor/profiles", max_profiles);
    if (!text) {
        text = profiles_of_a_detached_mount();  // nobody mounted securityfs
    }
    if (!text) {
        return std::nullopt;
    }
    std::set<std::string> names;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {  // "NAME (enforce)"
        names.insert(line.substr(0, line.rfind(" (")));
    }
    return names;
}

Result<std::vector<std::pair<std::string, std::string>>> HostFacts::environment_files(
    const Unit& unit) {
    std::vector<std::pair<std::string, std::string>> variables;
    for (const EnvironmentFile& file : unit.settings.exec.environment_files) {
        std::vector<std::string> paths;
        glob_t found{};
        if (::glob(file.path.c_str(), GLOB_NOSORT | GLOB_BRACE, nullptr, &found) == 0) {
            paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
        }
        ::globfree(&found);
        std::ranges::sort(paths);
        if (paths.empty() && !file.optional) {
            return failure("EnvironmentFile=" + file.path + ": No such file or directory", ENOENT);
        }
        for (const std::string& path : paths) {
            auto text = read_environment_file(path);
            if (!text && file.optional) {
                continue;
            }
            auto added = parse_environment_file(HEARTH_TRY(std::move(text)));
            std::ranges::move(added, std::back_inserter(variables));
        }
    }
    return variables;
}

}  // namespace hearth
