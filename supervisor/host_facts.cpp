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

std::string first_line(const std::string& path) {
    auto text = sys::read_file(path, 4096);
    if (!text) {
        return {};
    }
    return text->substr(0, text->find('\n'));
}

std::string without_dashes(std::string text) {
    std::erase(text, '-');
    return text;
}

bool is_name(std::string_view text) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !text.empty() && letter(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

constexpr std::string_view blanks = " \t\r";

/// Behind the quote that closes what `at` stands behind the opening one of.
void read_quoted(std::string_view text, std::size_t& at, char quote, std::string& value) {
    for (; at < text.size() && text[at] != quote; ++at) {
        if (quote == '"' && text[at] == '\\' && at + 1 < text.size()) {
            ++at;
            if (text[at] == '\n') {
                continue;
            }
            value +=
                std::string_view("\"\\`$").find(text[at]) == std::string_view::npos ? "\\" : "";
        }
        value += text[at];
    }
    ++at;
}

/// To the end of the line; quotes are plain characters by now.
void read_unquoted(std::string_view text, std::size_t& at, std::string& value) {
    std::size_t kept = value.size();  // white space at the end is not part of the value
    for (; at < text.size() && text[at] != '\n'; ++at) {
        const bool escape = text[at] == '\\' && at + 1 < text.size();
        at += escape ? 1 : 0;
        if (escape && text[at] == '\n') {
            continue;
        }
        value += text[at];
        kept = escape || blanks.find(text[at]) == std::string_view::npos ? value.size() : kept;
    }
    value.resize(kept);
}

/// The value of one assignment. Leaves `at` at the end of its last line.
std::string environment_value(std::string_view text, std::size_t& at) {
    std::string value;
    while (at < text.size() && text[at] != '\n') {
        if (blanks.find(text[at]) != std::string_view::npos) {
            ++at;
        } else if (text[at] == '"' || text[at] == '\'') {
            const char quote = text[at++];
            read_quoted(text, at, quote, value);
        } else {
            read_unquoted(text, at, value);
        }
    }
    at = std::min(at, text.size());
    return value;
}

/// The end of a comment, which a backslash continues.
std::size_t comment_end(std::string_view text, std::size_t at) {
    for (; at < text.size() && text[at] != '\n'; ++at) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return std::min(at, text.size());
}

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_environment_file(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> variables;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t start = text.find_first_not_of(" \t\r\n", at);
        if (start == std::string_view::npos) {
            break;
        }
        at = start;
        if (text[at] == '#' || text[at] == ';') {
            at = comment_end(text, at);
            continue;
        }
        const std::size_t line_end = std::min(text.find('\n', at), text.size());
        const std::size_t equals = text.find('=', at);
        if (equals == std::string_view::npos || equals > line_end) {
            at = line_end;
            continue;
        }
        std::string_view name = text.substr(at, equals - at);
        while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) {
            name.remove_suffix(1);
        }
        at = equals + 1;
        std::string value = environment_value(text, at);
        if (is_name(name) && value.find('\0') == std::string::npos) {
            variables.emplace_back(name, std::move(value));
        }
    }
    return variables;
}

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

namespace {

/// os-release(5).
void read_os_release(LoadContext& context) {
    const std::string release =
        sys::read_file("/etc/os-release", 65536)
            .value_or(sys::read_file("/usr/lib/os-release", 65536).value_or(""));
    for (auto& [name, value] : parse_environment_file(release)) {
        std::string* field = name == "ID"              ? &context.os_id
                             : name == "VERSION_ID"    ? &context.os_version_id
                             : name == "BUILD_ID"      ? &context.os_build_id
                             : name == "VARIANT_ID"    ? &context.os_variant_id
                             : name == "IMAGE_ID"      ? &context.os_image_id
                             : name == "IMAGE_VERSION" ? &context.os_image_version
                                                       : nullptr;
        if (field != nullptr) {
            *field = std::move(value);
        }
    }
}

/// What a user's manager has instead of /run, /var/lib and kin.
void read_user_directories(LoadContext& context) {
    const auto variable = [](const char* name, const std::string& fallback) {
        const char* value = std::getenv(name);
        return value != nullptr && *value != '\0' ? std::string(value) : fallback;
    };
    context.user_home = variable("HOME", "/");
    context.user_name = variable("USER", "");
    context.runtime_directory = variable("XDG_RUNTIME_DIR", "/run");
    context.state_directory = variable("XDG_STATE_HOME", context.user_home + "/.local/state");
    context.cache_directory = variable("XDG_CACHE_HOME", context.user_home + "/.cache");
    context.log_directory = context.state_directory + "/log";
    context.configuration_directory = variable("XDG_CONFIG_HOME", context.user_home + "/.config");
}

}  // namespace

LoadContext gather_load_context(bool user, const std::string& directories_root) {
    LoadContext context;
    context.user_manager = user;
    for (std::string* const directory :
         {&context.runtime_directory,
          &context.state_directory,
          &context.cache_directory,
          &context.log_directory,
          &context.configuration_directory}) {
        directory->insert(0, directories_root);
    }
    context.machine_id = first_line("/etc/machine-id");
    context.boot_id = without_dashes(first_line("/proc/sys/kernel/random/boot_id"));
    utsname names{};
    if (::uname(&names) == 0) {
        context.host_name = names.nodename;
        context.kernel_release = names.release;
        context.architecture = std::string_view(names.machine) == "x86_64"    ? "x86-64"
                               : std::string_view(names.machine) == "aarch64" ? "arm64"
                                                                              : names.machine;
    }
    read_os_release(context);
    context.uid = ::getuid();
    context.gid = ::getgid();
    if (user) {
        read_user_directories(context);
    }
    return context;
}

}  // namespace hearth
