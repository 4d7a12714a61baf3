// SPDX-License-Identifier: MIT
#include "supervisor/unit_files/load_context.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "supervisor/sys/file.hpp"
#include "supervisor/unit_files/environment_file.hpp"

namespace hearth {

namespace {

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

/// os-release(5).
void read_os_release(LoadContext& context, const std::string& root) {
    const std::string release =
        sys::read_file(root + "/etc/os-release", 65536)
            .value_or(sys::read_file(root + "/usr/lib/os-release", 65536).value_or(""));
    static constexpr std::pair<std::string_view, std::string LoadContext::*> fields[] = {
        {"ID", &LoadContext::os_id},
        {"VERSION_ID", &LoadContext::os_version_id},
        {"BUILD_ID", &LoadContext::os_build_id},
        {"VARIANT_ID", &LoadContext::os_variant_id},
        {"IMAGE_ID", &LoadContext::os_image_id},
        {"IMAGE_VERSION", &LoadContext::os_image_version},
    };
    for (auto& [name, value] : parse_environment_file(release)) {
        for (const auto& [key, field] : fields) {
            if (name == key) {
                context.*field = std::move(value);
                break;
            }
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

LoadContext gather_load_context(
    bool user, const std::string& directories_root, const std::string& root) {
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
    context.machine_id = first_line(root + "/etc/machine-id");
    context.boot_id = without_dashes(first_line("/proc/sys/kernel/random/boot_id"));
    utsname names{};
    if (::uname(&names) == 0) {
        context.host_name = names.nodename;
        context.kernel_release = names.release;
        context.architecture = std::string_view(names.machine) == "x86_64"    ? "x86-64"
                               : std::string_view(names.machine) == "aarch64" ? "arm64"
                                                                              : names.machine;
    }
    read_os_release(context, root);
    context.uid = ::getuid();
    context.gid = ::getgid();
    if (user) {
        read_user_directories(context);
    }
    return context;
}

}  // namespace hearth
