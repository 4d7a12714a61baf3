// SPDX-License-Identifier: MIT
#include "supervisor/unit_files/manager_files.hpp"

#include <cerrno>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "supervisor/sys/file.hpp"
#include "supervisor/unit_files/load_context.hpp"

namespace hearth {

namespace {

constexpr std::size_t largest = std::size_t{16} << 20U;

struct Places {
    std::string file;
    std::vector<std::string> folders;  ///< of drop-ins, the preferred first
};

Places places_of(const std::string& config, const LoadContext& context) {
    if (!config.empty()) {
        return {config, {config + ".d"}};
    }
    const bool user = context.user_manager;
    const std::string name = user ? "user.conf" : "system.conf";
    Places places{"/etc/systemd/" + name, {}};
    for (const char* const above :
         {"/etc/systemd/",
          "/run/systemd/",
          "/usr/local/lib/systemd/",
          "/usr/lib/systemd/",
          "/lib/systemd/"}) {
        places.folders.push_back(above + name + ".d");
    }
    if (user) {
        const std::string home = context.configuration_directory + "/systemd/";
        places.folders.insert(places.folders.begin(), home + name + ".d");
        if (sys::stat(home + name)) {
            places.file = home + name;
        }
    }
    return places;
}

/// Paths by file name, so in the order in which they apply.
std::map<std::string, std::string> drop_ins(const std::vector<std::string>& folders) {
    std::map<std::string, std::string> found;
    for (const std::string& folder : folders) {
        for (const std::string& name :
             sys::read_directory(folder).value_or(std::vector<std::string>())) {
            if (name.ends_with(".conf") && !name.starts_with('.')) {
                found.emplace(name, folder + "/" + name);
            }
        }
    }
    return found;
}

}  // namespace

ManagerSettings load_manager_settings(
    const std::string& config, bool user, const std::string& kernel) {
    const LoadContext context = gather_load_context(user);
    const Places places = places_of(config, context);
    std::vector<ManagerFile> files;
    Diagnostics unreadable;
    const auto read = [&](const std::string& path, bool may_be_missing) {
        auto text = sys::read_file(path, largest);
        if (text) {
            files.push_back({path, std::move(*text)});
        } else if (!may_be_missing || text.error().code != ENOENT) {
            unreadable.push_back({Severity::Error, {path, 0, 0}, text.error().what, {}, {}});
        }
    };
    read(places.file, config.empty());
    for (const auto& [name, path] : drop_ins(places.folders)) {
        read(path, false);
    }
    if (!kernel.empty()) {
        files.push_back({"/proc/cmdline", "[Manager]\n" + kernel});
    }
    ManagerSettings settings =
        read_manager_settings(files, specifiers("manager.service", context, places.file));
    settings.diagnostics.insert(settings.diagnostics.begin(), unreadable.begin(), unreadable.end());
    return settings;
}

}  // namespace hearth
