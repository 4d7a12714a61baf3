// SPDX-License-Identifier: MIT
#include "supervisor/condition_facts.hpp"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "parser/values.hpp"
#include "parser/words.hpp"
#include "supervisor/sys/file.hpp"

extern char** environ;

namespace hearth {

namespace {

constexpr std::size_t most = 1U << 20U;

std::string read(const std::string& path) {
    std::string text = sys::read_file(path, most).value_or("");
    while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) {
        text.pop_back();
    }
    return text;
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

template <class Visit>
void for_each_line(const std::string& text, Visit visit) {
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        visit(std::string_view(text).substr(begin, end - begin));
        begin = end + 1;
    }
}

// ---- paths --------------------------------------------------------------------------------------

/// Whether the file system of `device` lies on a dm-crypt device, directly or through others.
bool on_encrypted_device(dev_t device) {
    std::string place =
        "/sys/dev/block/" + std::to_string(major(device)) + ":" + std::to_string(minor(device));
    for (int depth = 0; depth < 16; ++depth) {
        if (read(place + "/dm/uuid").starts_with("CRYPT-")) {
            return true;
        }
        const auto below = sys::read_directory(place + "/slaves");
        if (!below || below->size() != 1) {
            return false;
        }
        place += "/slaves/" + below->front();
    }
    return false;
}

PathFact look_at(const std::string& path) {
    PathFact fact;
    struct stat status{};
    if (::lstat(path.c_str(), &status) == 0) {
        fact.symbolic_link = S_ISLNK(status.st_mode);
    }
    struct statvfs volume{};
    fact.writable = ::statvfs(path.c_str(), &volume) != 0 || (volume.f_flag & ST_RDONLY) == 0;
    if (::stat(path.c_str(), &status) != 0) {
        return fact;
    }
    fact.exists = true;
    fact.directory = S_ISDIR(status.st_mode);
    fact.executable = S_ISREG(status.st_mode) && (status.st_mode & 0111U) != 0;
    if (fact.directory) {
        const auto entries = sys::read_directory(path);
        fact.not_empty = entries && !entries->empty();
    } else {
        fact.not_empty = S_ISREG(status.st_mode) && status.st_size > 0;
    }
    struct statx extended{};
    if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &extended) == 0) {
        fact.mount_point = (extended.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    }
    fact.encrypted = on_encrypted_device(status.st_dev);
    return fact;
}

bool matches_something(const std::string& pattern) {
    glob_t found{};
    const bool any = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0;
    ::globfree(&found);
    return any;
}

/// systemd-update-done.service(8): /usr is newer than PATH/.updated, and PATH can be written.
bool needs_update(const std::string& path) {
    struct statvfs volume{};
    if (::statvfs(path.c_str(), &volume) != 0 || (volume.f_flag & ST_RDONLY) != 0) {
        return false;
    }
    struct stat programs{};
    struct stat updated{};
    if (::stat("/usr/", &programs) != 0) {
        return true;
    }
    if (::lstat((path + "/.updated").c_str(), &updated) != 0) {
        return true;
    }
    return std::pair(programs.st_mtim.tv_sec, programs.st_mtim.tv_nsec) >
           std::pair(updated.st_mtim.tv_sec, updated.st_mtim.tv_nsec);
}

// ---- the machine --------------------------------------------------------------------------------

/// `container=` of PID 1's environment, or the marks that container managers leave.
std::string container() {
    if (const std::string named = read("/run/systemd/container"); !named.empty()) {
        return named;
    }
    if (const std::string first = read("/proc/1/environ"); !first.empty()) {
        constexpr std::string_view key = "container=";
        std::size_t begin = 0;
        while (begin < first.size()) {
            const std::size_t end = std::min(first.find('\0', begin), first.size());
            const std::string_view entry = std::string_view(first).substr(begin, end - begin);
            if (entry.starts_with(key) && entry.size() > key.size()) {
                return std::string(entry.substr(key.size()));
            }
            begin = end + 1;
        }
    }
    if (exists("/run/.containerenv")) {
        return "podman";
    }
    return exists("/.dockerenv") ? "docker" : "";
}

std::string virtual_machine() {
    struct Vendor {
        std::string_view begins, word;
    };
    constexpr auto vendors = std::to_array<Vendor>({
        {"KVM", "kvm"},
        {"OpenStack", "kvm"},
        {"KubeVirt", "kvm"},
        {"Amazon EC2", "amazon"},
        {"QEMU", "qemu"},
        {"VMware", "vmware"},
        {"VMW", "vmware"},
        {"innotek GmbH", "oracle"},
        {"VirtualBox", "oracle"},
        {"Xen", "xen"},
        {"Bochs", "bochs"},
        {"Parallels", "parallels"},
        {"BHYVE", "bhyve"},
        {"Hyper-V", "microsoft"},
        {"Apple Virtualization", "apple"},
    });
    for (const char* const field : {"product_name", "sys_vendor", "board_vendor", "bios_vendor"}) {
        const std::string text = read(std::string("/sys/class/dmi/id/") + field);
        for (const Vendor& each : vendors) {
            if (text.starts_with(each.begins)) {
                return std::string(each.word);
            }
        }
    }
    if (read("/sys/hypervisor/type") == "xen") {
        return "xen";
    }
    return read("/proc/cpuinfo").find(" hypervisor") != std::string::npos ? "vm-other" : "none";
}

void add_virtualization(ConditionFacts& facts) {
    facts.virtualization = container();
    facts.is_container = !facts.virtualization.empty();
    if (!facts.is_container) {
        facts.virtualization = virtual_machine();
    }
    // A user namespace of its own: its map isn't the identity of all ids.
    const auto words = split_words(read("/proc/self/uid_map"));
    facts.private_users = words && !(words->size() == 3 && (*words)[0].text == "0" &&
                                     (*words)[1].text == "0" && (*words)[2].text == "4294967295");
}

void add_security(ConditionFacts& facts) {
    const auto add = [&](const char* word, bool there) {
        if (there) {
            facts.security.insert(word);
        }
    };
    add("selinux", exists("/sys/fs/selinux/enforce"));
    add("apparmor", read("/sys/module/apparmor/parameters/enabled") == "Y");
    add("tomoyo", exists("/sys/kernel/security/tomoyo/version"));
    add("smack", exists("/sys/fs/smackfs/onlycap"));
    add("ima", exists("/sys/kernel/security/ima"));
    constexpr int netlink_audit = 9;
    const int audit = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, netlink_audit);
    add("audit", audit >= 0);
    if (audit >= 0) {
        ::close(audit);
    }
    const std::string boot = sys::read_file(
                                 "/sys/firmware/efi/efivars/"
                                 "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                                 16)
                                 .value_or("");
    add("uefi-secureboot", boot.size() == 5 && boot.back() == '\1');
    const auto chips = sys::read_directory("/sys/class/tpmrm");
    add("tpm2", chips && !chips->empty());
}

void add_firmware(ConditionFacts& facts) {
    if (exists("/sys/firmware/efi")) {
        facts.firmware.insert("uefi");
    }
    if (exists("/sys/firmware/devicetree/base")) {
        facts.firmware.insert("device-tree");
        const std::string compatible =
            sys::read_file("/proc/device-tree/compatible", most).value_or("");
        std::size_t begin = 0;
        while (begin < compatible.size()) {
            const std::size_t end = std::min(compatible.find('\0', begin), compatible.size());
            facts.firmware.insert(
                "device-tree-compatible(" + compatible.substr(begin, end - begin) + ")");
            begin = end + 1;
        }
    }
    for (const std::string& field :
         sys::read_directory("/sys/class/dmi/id").value_or(std::vector<std::string>{})) {
        struct stat status{};
        const std::string path = "/sys/class/dmi/id/" + field;
        if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && field != "uevent" &&
            field != "modalias") {
            facts.smbios[field] = read(path);
        }
    }
}

void add_power(ConditionFacts& facts) {
    const std::string place = "/sys/class/power_supply";
    for (const std::string& each :
         sys::read_directory(place).value_or(std::vector<std::string>{})) {
        if (read(place + "/" + each + "/type") == "Mains") {
            facts.ac_power =
                facts.ac_power.value_or(false) || read(place + "/" + each + "/online") == "1";
        }
    }
}

void add_processors(ConditionFacts& facts) {
    const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
    facts.cpus = count > 0 ? static_cast<std::uint32_t>(count) : 1;
    for_each_line(read("/proc/cpuinfo"), [&](std::string_view line) {
        const bool flags = line.starts_with("flags") || line.starts_with("Features");
        if (!flags || !facts.cpu_features.empty()) {
            return;
        }
        const std::size_t colon = std::min(line.find(':'), line.size() - 1);
        if (const auto words = split_words(line.substr(colon + 1), Escapes::Keep)) {
            for (const Word& word : *words) {
                facts.cpu_features.insert(word.text);
            }
        }
    });
}

void add_controllers(ConditionFacts& facts, bool unified) {
    for_each_line(read("/proc/cgroups"), [&](std::string_view line) {
        const auto words = split_words(line, Escapes::Keep);
        if (words && words->size() == 4 && (*words)[3].text == "1" &&
            !words->front().text.starts_with('#')) {
            const std::string& name = words->front().text;
            facts.controllers.insert(name == "blkio" ? "io" : name);
            if (name == "cpuacct" || name == "cpu") {
                facts.controllers.insert("cpu");
            }
        }
    });
    if (unified) {
        facts.controllers.insert("v2");
    }
}

// ---- the manager --------------------------------------------------------------------------------

void add_identity(ConditionFacts& facts) {
    const auto add = [&](gid_t gid) {
        facts.groups.insert(std::to_string(gid));
        if (const group* const entry = ::getgrgid(gid)) {
            facts.groups.insert(entry->gr_name);
        }
    };
    add(::getgid());
    add(::getegid());
    std::array<gid_t, 1024> list{};
    const int count = ::getgroups(static_cast<int>(list.size()), list.data());
    for (int i = 0; i < count; ++i) {
        add(list[static_cast<std::size_t>(i)]);
    }
}

void add_environment(ConditionFacts& facts) {
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
        const std::string_view entry = *each;
        const std::size_t equals = entry.find('=');
        if (equals != std::string_view::npos) {
            facts.environment[std::string(entry.substr(0, equals))] = entry.substr(equals + 1);
        }
    }
    const auto place = facts.environment.find("CREDENTIALS_DIRECTORY");
    if (place != facts.environment.end()) {
        for (std::string& name :
             sys::read_directory(place->second).value_or(std::vector<std::string>{})) {
            facts.credentials.insert(std::move(name));
        }
    }
}

void add_os_release(ConditionFacts& facts) {
    std::string text = read("/etc/os-release");
    if (text.empty()) {
        text = read("/usr/lib/os-release");
    }
    for_each_line(text, [&](std::string_view line) {
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || line.starts_with('#')) {
            return;
        }
        const auto words = split_words(line.substr(equals + 1));
        facts.os_release[std::string(line.substr(0, equals))] =
            words && !words->empty() ? words->front().text : "";
    });
}

/// "some avg10=0.00 avg60=0.12 avg300=0.05 total=1"
PressureFact pressure_of(const std::string& text) {
    PressureFact fact;
    for_each_line(text, [&](std::string_view line) {
        if (!line.starts_with("some ")) {
            return;
        }
        const auto words = split_words(line, Escapes::Keep);
        for (const Word& word : words.value_or(std::vector<Word>{})) {
            constexpr auto windows = std::to_array<std::pair<std::string_view, const char*>>(
                {{"avg10=", "10sec"}, {"avg60=", "1min"}, {"avg300=", "5min"}});
            for (const auto& [key, window] : windows) {
                if (word.text.starts_with(key)) {
                    fact.some[window] = static_cast<std::uint32_t>(
                        100 * std::strtod(word.text.c_str() + key.size(), nullptr));
                }
            }
        }
    });
    return fact;
}

std::string pressure_file(const std::string& source, const ConditionSources& sources) {
    const std::size_t colon = source.find(':');
    if (colon == std::string::npos) {
        return "/proc/pressure/" + source;
    }
    return sources.cgroup_directory + "/" + source.substr(colon + 1) + "/" +
           source.substr(0, colon) + ".pressure";
}

}  // namespace

ConditionFacts gather_condition_facts(
    const ConditionNeeds& needs, const ConditionSources& sources) {
    ConditionFacts facts;
    const LoadContext& context = sources.context;
    facts.architecture = context.architecture;
    facts.host_name = context.host_name;
    facts.machine_id = context.machine_id;
    facts.boot_id = context.boot_id;
    facts.kernel_release = context.kernel_release;
    facts.kernel_command_line = read("/proc/cmdline");
    facts.bounding_set = sources.bounding_set;
    facts.first_boot = exists("/run/systemd/first-boot");
    facts.memory_bytes = context.memory_bytes;
    facts.user_name = context.user_name;
    facts.uid = context.uid;
    add_virtualization(facts);
    add_security(facts);
    add_firmware(facts);
    add_power(facts);
    add_processors(facts);
    add_controllers(facts, sources.unified);
    add_identity(facts);
    add_environment(facts);
    add_os_release(facts);
    for (const std::string& path : needs.paths) {
        facts.paths[path] = look_at(path);
    }
    for (const std::string& pattern : needs.globs) {
        facts.globs[pattern] = matches_something(pattern);
    }
    for (const std::string& path : needs.needs_update) {
        facts.needs_update[path] = needs_update(path);
    }
    for (const std::string& source : needs.pressure) {
        const std::string text = read(pressure_file(source, sources));
        if (!text.empty()) {
            facts.pressure[source] = pressure_of(text);
        }
    }
    return facts;
}

}  // namespace hearth
