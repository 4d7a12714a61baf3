// SPDX-License-Identifier: MIT
//
// escape_probe: every way out of a service that the escape test knows, one function each, in one
// table. It is the service's own program; each attempt runs in a process of its own, so that one
// which changes or kills its process says nothing about the next. Written lines: NAME reached, or
// NAME held by REASON. The same program in an unconfined service must reach all of them, or the
// test could not fail: so each is of a form that this machine's root can do, and undoes what it
// did.
//
// Arguments: the place with what the test laid out (victim, sockets, files), see escapes_test.cpp.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/integration/escape/attempts_outside.hpp"

namespace {

// ---- devices and the kernel's files

bool make_device() {
    const std::string path = "/dev/shm/escape-node-" + std::to_string(::getpid());
    if (::mknod(path.c_str(), S_IFCHR | 0600, (1 << 8) | 3) < 0) {
        return false;
    }
    ::unlink(path.c_str());
    return true;
}
bool open_kernel_log_device() {
    return opens("/dev/kmsg");
}
bool open_a_device_of_the_host() {
    return opens(place + "/null-node");
}
bool write_tunable() {
    return opens("/proc/sys/vm/drop_caches", O_WRONLY);
}
bool write_core_pattern() {
    return opens("/proc/sys/kernel/core_pattern", O_WRONLY);
}
bool write_host_name_file() {
    return opens("/proc/sys/kernel/hostname", O_WRONLY);
}
bool write_sysfs() {
    return opens("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY) ||
           opens("/sys/kernel/profiling", O_WRONLY);
}
bool read_kernel_symbols() {
    return opens("/proc/kallsyms");
}
bool read_kernel_messages() {
    return ::klogctl(3, nullptr, 0) >= 0 || errno == EINVAL;
}
bool make_cgroup() {
    for (const char* tree : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"}) {
        const std::string path = std::string(tree) + "/escape-" + std::to_string(::getpid());
        if (::mkdir(path.c_str(), 0755) == 0) {
            ::rmdir(path.c_str());
            return true;
        }
    }
    return false;
}
bool move_itself_out_of_its_cgroup() {
    return opens("/sys/fs/cgroup/unified/cgroup.procs", O_WRONLY) ||
           opens("/sys/fs/cgroup/cgroup.procs", O_WRONLY) ||
           opens("/sys/fs/cgroup/pids/cgroup.procs", O_WRONLY);
}

// ---- system calls

bool add_a_key() {
    return ::syscall(SYS_add_key, "user", "escape", "x", 1, KEY_SPEC_PROCESS_KEYRING) >= 0;
}
bool search_keyring() {
    return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1) >= 0;
}
bool load_bpf() {
    union bpf_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.map_type = BPF_MAP_TYPE_ARRAY;
    attributes.key_size = 4;
    attributes.value_size = 4;
    attributes.max_entries = 1;
    return ::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) >= 0;
}
bool user_fault() {
    return ::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK) >= 0;
}
bool io_ring() {
    char parameters[120] = {};
    return ::syscall(SYS_io_uring_setup, 1, parameters) >= 0;
}
bool watch_performance() {
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_SW_CPU_CLOCK;
    return ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0) >= 0;
}
bool other_personality() {
    return ::personality(ADDR_NO_RANDOMIZE) != -1;
}
bool writable_code() {
    return ::mmap(
               nullptr,
               4096,
               PROT_READ | PROT_WRITE | PROT_EXEC,
               MAP_PRIVATE | MAP_ANONYMOUS,
               -1,
               0) != MAP_FAILED;
}
bool code_by_mprotect() {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}
bool set_user_id_file() {
    const int file = ::memfd_create("escape", MFD_CLOEXEC);
    return file >= 0 && ::fchmod(file, 04755) == 0;
}
bool set_group_id_directory() {
    return on_scratch([](const std::string& at) { return ::chmod(at.c_str(), 02755) == 0; });
}
bool become_another_user() {
    return ::setresuid(1, 1, 1) == 0;
}
bool become_root_and_stay() {
    return ::setresuid(0, 0, 0) == 0 && ::geteuid() == 0;
}
bool join_groups() {
    const gid_t group = 0;
    return ::setgroups(1, &group) == 0;
}
bool give_file_away() {
    const int file = ::memfd_create("escape", MFD_CLOEXEC);
    return file >= 0 && ::fchown(file, 1, 1) == 0;
}
bool set_host_name() {
    utsname names{};
    ::uname(&names);
    return ::sethostname(names.nodename, std::strlen(names.nodename)) == 0;
}
bool set_domain_name() {
    utsname names{};
    ::uname(&names);
    return ::setdomainname(names.domainname, std::strlen(names.domainname)) == 0;
}
bool open_by_handle() {
    struct {
        file_handle header;
        char bytes[128];
    } handle{};
    handle.header.handle_bytes = sizeof handle.bytes;
    int mount = 0;
    const int tree = ::open("/", O_RDONLY | O_DIRECTORY);
    return ::name_to_handle_at(AT_FDCWD, "/usr", &handle.header, &mount, 0) == 0 &&
           ::open_by_handle_at(tree, &handle.header, O_RDONLY) >= 0;
}
bool watch_all_files() {
    return ::fanotify_init(FAN_CLASS_CONTENT, O_RDONLY) >= 0;
}
bool round_robin() {
    sched_param parameters{};
    parameters.sched_priority = 0;
    return ::sched_setscheduler(0, SCHED_BATCH, &parameters) == 0 &&
           ::syscall(SYS_sched_setattr, 0, nullptr, 0) < 0 && errno == EINVAL;
}
bool thirty_two_bit_call() {
#if defined(__x86_64__)
    // The kernel writes it.  NOLINTNEXTLINE(misc-const-correctness)
    long result = 20;  // getpid of i386
    asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    errno = ENOSYS;
    return result > 0;
#else
    return true;
#endif
}

// ---- files

bool lists(const std::string& path) {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) {
        return false;
    }
    int count = 0;
    while (::readdir(directory) != nullptr) {
        ++count;
    }
    ::closedir(directory);
    errno = ENOENT;
    return count > 2;
}
bool writes_into(const std::string& directory) {
    const std::string path = directory + "/.escape-" + std::to_string(::getpid());
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return false;
    }
    ::close(file);
    ::unlink(path.c_str());
    return true;
}
bool look_into_root_home() {
    return lists("/root");
}
bool write_usr() {
    return writes_into("/usr");
}
bool write_etc() {
    return writes_into("/etc");
}
bool write_var() {
    return writes_into("/var");
}
bool write_run() {
    return writes_into("/run");
}
bool read_shadow() {
    return opens("/etc/shadow");
}
bool see_tmp_of_the_host() {
    return ::access((std::string("/tmp/") + abstract_name).c_str(), F_OK) == 0;
}
bool read_secret() {
    return opens(place + "/secret/file");
}
bool read_secret_by_dots() {
    return opens("/usr/../" + place + "/secret/../secret/file");
}
bool read_secret_by_own_root() {
    return opens("/proc/self/root" + place + "/secret/file");
}
bool read_secret_by_victims_root() {
    return opens(of_victim("root") + place + "/secret/file");
}
bool link_in_bind_target() {
    return opens(inner + "/bound/link");
}
bool hard_link_out() {
    if (::linkat(
            AT_FDCWD, (place + "/secret/file").c_str(), AT_FDCWD, (place + "/linked").c_str(), 0) <
        0) {
        return false;
    }
    ::unlink((place + "/linked").c_str());
    return true;
}
bool swap_runtime_directory() {
    // The race of RuntimeDirectory=: its name must not be the service's to change.
    const std::string directory = place + "/race";
    const std::string other = directory + "-" + std::to_string(::getpid());
    if (::rename(directory.c_str(), other.c_str()) < 0) {
        return false;
    }
    const bool swapped = ::symlink("/etc", directory.c_str()) == 0;
    ::unlink(directory.c_str());
    ::rename(other.c_str(), directory.c_str());
    return swapped;
}
bool leaked_descriptor() {
    for (int number = 3; number < 1024; ++number) {
        if (::fcntl(number, F_GETFD) >= 0) {
            return true;
        }
    }
    errno = EBADF;
    return false;
}
bool attach_shared_memory() {
    // By its number: the library's shmat() answers a failure with a pointer to -1.
    return ::syscall(SYS_shmat, segment, nullptr, SHM_RDONLY) != -1;
}
bool open_message_queue() {
    return ::mq_open(queue_name.c_str(), O_RDONLY) >= 0;
}
bool gain_by_set_user_id() {
    // The test's own set-user-id program exits 0 when it runs as its owner, root.
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string program = inner + "/bound/suid";
        if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) < 0) {
            ::_exit(101);
        }
        ::execl(program.c_str(), "suid", "check", static_cast<char*>(nullptr));
        ::_exit(100);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    errno = EPERM;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct Escape {
    const char* name;
    bool (*attempt)();
};
constexpr auto escapes = std::to_array<Escape>({
#define ESCAPE(name) {#name, name}
    ESCAPE(mount_tmpfs),
    ESCAPE(mount_proc),
    ESCAPE(mount_bind),
    ESCAPE(mount_overlay_api),
    ESCAPE(mount_open_tree),
    ESCAPE(mount_detached_writable),
    ESCAPE(unshare_mounts_and_pivot),
    ESCAPE(change_root),
    ESCAPE(escape_chroot),
    ESCAPE(unmount_something),
    {"unshare_user", unshares<CLONE_NEWUSER>},
    {"unshare_mount", unshares<CLONE_NEWNS>},
    {"unshare_network", unshares<CLONE_NEWNET>},
    {"unshare_ipc", unshares<CLONE_NEWIPC>},
    {"unshare_uts", unshares<CLONE_NEWUTS>},
    {"unshare_pid", unshares<CLONE_NEWPID>},
    {"unshare_cgroup", unshares<CLONE_NEWCGROUP>},
    ESCAPE(clone3_user_namespace),
    ESCAPE(clone_mount_namespace),
    ESCAPE(enter_victims_mounts),
    ESCAPE(enter_victims_network),
    ESCAPE(enter_victim_by_pidfd),
    ESCAPE(see_victim),
    ESCAPE(trace_victim),
    ESCAPE(read_victims_memory_by_call),
    ESCAPE(open_victims_memory),
    ESCAPE(open_victims_root),
    ESCAPE(open_victims_directory),
    ESCAPE(read_victims_environment),
    ESCAPE(open_victims_descriptor),
    ESCAPE(signal_victim),
    ESCAPE(signal_victim_by_pidfd),
    ESCAPE(steal_victims_descriptor),
    ESCAPE(compare_with_victim),
    ESCAPE(slow_victim),
    ESCAPE(pin_victim),
    ESCAPE(limit_victim),
    ESCAPE(starve_victim),
    ESCAPE(raw_socket),
    ESCAPE(packet_socket),
    ESCAPE(netlink_socket),
    ESCAPE(inet6_socket),
    ESCAPE(connect_to_host),
    ESCAPE(connect_to_abstract_socket),
    ESCAPE(connect_to_path_socket),
    ESCAPE(connect_to_manager),
    ESCAPE(leave_ip_socket_pair),
    ESCAPE(make_device),
    ESCAPE(open_kernel_log_device),
    ESCAPE(open_a_device_of_the_host),
    ESCAPE(write_tunable),
    ESCAPE(write_core_pattern),
    ESCAPE(write_host_name_file),
    ESCAPE(write_sysfs),
    ESCAPE(read_kernel_symbols),
    ESCAPE(read_kernel_messages),
    ESCAPE(make_cgroup),
    ESCAPE(move_itself_out_of_its_cgroup),
    ESCAPE(add_a_key),
    ESCAPE(search_keyring),
    ESCAPE(load_bpf),
    ESCAPE(user_fault),
    ESCAPE(io_ring),
    ESCAPE(watch_performance),
    ESCAPE(other_personality),
    ESCAPE(writable_code),
    ESCAPE(code_by_mprotect),
    ESCAPE(set_user_id_file),
    ESCAPE(set_group_id_directory),
    ESCAPE(become_another_user),
    ESCAPE(become_root_and_stay),
    ESCAPE(join_groups),
    ESCAPE(give_file_away),
    ESCAPE(set_host_name),
    ESCAPE(set_domain_name),
    ESCAPE(open_by_handle),
    ESCAPE(watch_all_files),
    ESCAPE(round_robin),
    ESCAPE(thirty_two_bit_call),
    ESCAPE(look_into_root_home),
    ESCAPE(write_usr),
    ESCAPE(write_etc),
    ESCAPE(write_var),
    ESCAPE(write_run),
    ESCAPE(read_shadow),
    ESCAPE(see_tmp_of_the_host),
    ESCAPE(read_secret),
    ESCAPE(read_secret_by_dots),
    ESCAPE(read_secret_by_own_root),
    ESCAPE(read_secret_by_victims_root),
    ESCAPE(link_in_bind_target),
    ESCAPE(hard_link_out),
    ESCAPE(swap_runtime_directory),
    ESCAPE(attach_shared_memory),
    ESCAPE(open_message_queue),
    ESCAPE(gain_by_set_user_id),
#undef ESCAPE
});

/// 0: reached; 1: held, with the errno on the pipe; else how it died.
std::string run(const Escape& escape) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) < 0) {
        return std::string("unknown pipe ") + std::strerror(errno);
    }
    const pid_t child = ::fork();
    if (child == 0) {
        errno = 0;
        const bool reached = escape.attempt();
        const int error = errno;
        (void)!::write(pipe[1], &error, sizeof error);
        ::_exit(reached ? 0 : 1);
    }
    ::close(pipe[1]);
    int error = 0, status = 0;
    const bool told = ::read(pipe[0], &error, sizeof error) == sizeof error;
    ::close(pipe[0]);
    if (child < 0 || ::waitpid(child, &status, 0) < 0) {
        return std::string("unknown fork ") + std::strerror(errno);
    }
    if (WIFSIGNALED(status)) {
        return std::string("held by SIG") + ::sigabbrev_np(WTERMSIG(status));
    }
    if (!told) {
        return "unknown no answer";
    }
    return WEXITSTATUS(status) == 0 ? "reached"
                                    : std::string("held by ") + ::strerrorname_np(error);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2) {  // as the set-user-id program
        return ::geteuid() == 0 ? 0 : 1;
    }
    if (argc != 8) {
        std::fprintf(stderr, "escape_probe PLACE INNER VICTIM SEGMENT PORT ABSTRACT OUTPUT\n");
        return 2;
    }
    // Of what the caller left open here, before anything of our own is.
    const bool leaked = leaked_descriptor();
    place = argv[1];
    inner = argv[2];
    victim = std::atoi(argv[3]);
    segment = std::atoi(argv[4]);
    port = std::atoi(argv[5]);
    abstract_name = argv[6];
    queue_name = "/" + abstract_name;
    const int output = ::open(argv[7], O_WRONLY | O_APPEND | O_CLOEXEC);
    if (output < 0) {
        return 3;
    }
    ::dprintf(output, "leaked_descriptor %s\n", leaked ? "reached" : "held by EBADF");
    for (const Escape& escape : escapes) {
        ::dprintf(output, "%s %s\n", escape.name, run(escape).c_str());
    }
    return 0;
}
