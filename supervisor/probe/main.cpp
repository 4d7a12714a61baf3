// SPDX-License-Identifier: MIT
//
// hearth-probe: tries what a service is forbidden, from inside its sandbox, and writes down what
// the kernel answered. hearthd starts it in place of the service's program, by descriptor
// (execveat), so it needs no file in the service's root; it has no libc and makes no call of its
// own but write and exit_group, so that a filter which forbids nearly everything can still be
// probed.
//
// Each argument is one try, KIND:ARGUMENTS (supervisor/report/probe.hpp makes them). Before each
// try it writes the try's number, after it the answer: a value or -errno. Who reads sees from a
// number without an answer that the try killed it. A try that changes the process itself stands
// last: "!" before the kind. It must never change anything outside itself: what is opened for
// writing is not written to, calls get arguments that no kernel accepts, what was made is removed
// at once.
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/stat.h>

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include "supervisor/launch/child_syscall_x86_64.hpp"
#elif defined(__aarch64__)
#include "supervisor/launch/child_syscall_aarch64.hpp"
#else
#error "hearth knows how to make raw system calls on x86_64 and aarch64 only"
#endif

namespace {

constexpr long IsDirectory = -21, NotDirectory = -20, NotSupported = -95, Invalid = -22;
constexpr long OpenForProbing = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

long call(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
    return raw_call(number, a, b, c, d, e, f);
}

long address(const void* pointer) {
    return reinterpret_cast<long>(pointer);
}

long open_at(const char* path, long flags, long mode = 0) {
    return call(__NR_openat, AT_FDCWD, address(path), flags, mode);
}

void close(long descriptor) {
    if (descriptor >= 0) {
        call(__NR_close, descriptor);
    }
}

/// A number and what follows its end or its ':'.
long number(const char*& text) {
    const bool negative = *text == '-';
    text += negative ? 1 : 0;
    long value = 0;
    for (; *text >= '0' && *text <= '9'; ++text) {
        value = value * 10 + (*text - '0');
    }
    text += *text == ':' ? 1 : 0;
    return negative ? -value : value;
}

struct Text {
    char bytes[4352];
    std::size_t size = 0;

    void add(const char* more) {
        while (*more != '\0' && size + 1 < sizeof bytes) {
            bytes[size++] = *more++;
        }
        bytes[size] = '\0';
    }
};

/// Opens for writing and writes nothing. A directory: a file without a name, or where the file
/// system has none a directory that is removed at once.
long try_write(const char* path) {
    long result = open_at(path, O_WRONLY | OpenForProbing);
    if (result != IsDirectory) {
        close(result);
        return result;
    }
    result = open_at(path, O_TMPFILE | O_RDWR | OpenForProbing, 0600);
    close(result);
    if (result != NotSupported) {
        return result;
    }
    Text made;
    made.add(path);
    made.add("/.hearth-probe");
    result = call(__NR_mkdirat, AT_FDCWD, address(made.bytes), 0700);
    if (result == 0) {
        call(__NR_unlinkat, AT_FDCWD, address(made.bytes), AT_REMOVEDIR);
    }
    return result;
}

struct Entry {  // linux_dirent64
    std::uint64_t inode;
    std::int64_t offset;
    std::uint16_t length;
    std::uint8_t type;
    char name[];
};

/// How much there is to see: entries of a directory but `.` and `..`, or a byte of a file.
long try_look(const char* path) {
    const long file = open_at(path, O_RDONLY | OpenForProbing);
    if (file < 0) {
        return file;
    }
    alignas(8) char buffer[1024];
    long result = call(__NR_getdents64, file, address(buffer), sizeof buffer);
    if (result == NotDirectory) {
        result = call(__NR_read, file, address(buffer), 1);
    } else if (result > 0) {
        long count = 0;
        for (long at = 0; at < result; ++count) {
            at += reinterpret_cast<const Entry*>(buffer + at)->length;
        }
        result = count > 2 ? count - 2 : 0;
    }
    close(file);
    return result;
}

long try_open(const char* path) {
    const long file = open_at(path, O_RDONLY | OpenForProbing);
    close(file);
    return file;
}

/// Maps a file, or the first one in a directory, as code: what ld.so does with a library.
long try_executable(const char* path) {
    long file = open_at(path, O_RDONLY | OpenForProbing);
    if (file < 0) {
        return file;
    }
    alignas(8) char buffer[2048];
    const long size = call(__NR_getdents64, file, address(buffer), sizeof buffer);
    if (size > 0) {
        constexpr std::uint8_t regular = 8;
        long inner = -2;
        for (long at = 0; at < size && inner < 0;) {
            const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
            if (entry->type == regular) {
                inner = call(__NR_openat, file, address(entry->name), O_RDONLY | OpenForProbing, 0);
            }
            at += entry->length;
        }
        close(file);
        file = inner;
    }
    if (file < 0) {
        return file;
    }
    const long mapped = call(__NR_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    close(file);
    return mapped < 0 && mapped > -4096 ? mapped : 0;
}

long try_set_id_bit() {
    const long file = call(__NR_memfd_create, address("probe"), MFD_CLOEXEC);
    if (file < 0) {
        return file;
    }
    const long result = call(__NR_fchmod, file, 04755);
    close(file);
    return result;
}

long try_device_node(const char* path) {
    const long result = call(__NR_mknodat, AT_FDCWD, address(path), S_IFCHR | 0600, (1 << 8) | 3);
    if (result == 0) {
        call(__NR_unlinkat, AT_FDCWD, address(path), 0);
    }
    return result;
}

/// The host's name as it is, so nothing changes where it is allowed.
long try_host_name() {
    struct {
        char system[65], node[65], release[65], version[65], machine[65], domain[65];
    } names;
    const long known = call(__NR_uname, address(&names));
    if (known < 0) {
        return known;
    }
    long size = 0;
    while (size < 64 && names.node[size] != '\0') {
        ++size;
    }
    return call(__NR_sethostname, address(names.node), size);
}

/// A tick that no kernel accepts, judged after the permission.
long try_clock() {
    long timex[32] = {};
    timex[0] = 0x4000;  // ADJ_TICK
    timex[11] = 1;      // tick
    const long result = call(__NR_adjtimex, address(timex));
    return result == Invalid ? 0 : result;
}

long try_connect(const char* name) {
    constexpr long unix_family = 1, stream = 1;
    const long socket = call(__NR_socket, unix_family, stream, 0);
    if (socket < 0) {
        return socket;
    }
    struct {
        std::uint16_t family = 1;
        char path[108] = {};
    } peer;
    long size = 0;
    while (size < 100 && name[size] != '\0') {
        peer.path[size + 1] = name[size];
        ++size;
    }
    const long result = call(__NR_connect, socket, address(&peer), size + 3);
    close(socket);
    return result;
}

long try_shared_memory(long id) {
    constexpr long read_only = 010000;
    const long at = call(__NR_shmat, id, 0, read_only);
    if (at < 0 && at > -4096) {
        return at;
    }
    call(__NR_shmdt, at);
    return 0;
}

long try_real_time() {
    const int priority = 1;
    constexpr long round_robin = 2;
    return call(__NR_sched_setscheduler, 0, round_robin, address(&priority));
}

long try_writable_code() {
    const long at = call(
        __NR_mmap, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at < 0 && at > -4096 ? at : 0;
}

long try_one(const char* word) {
    const char kind = *word;
    const char* rest = word + 1;
    rest += *rest == ':' ? 1 : 0;
    constexpr long fixed_date = 0x40000;  // ADDR_NO_RANDOMIZE
    switch (kind) {
        case 'w':
            return try_write(rest);
        case 'l':
            return try_look(rest);
        case 'o':
            return try_open(rest);
        case 'e':
            return try_executable(rest);
        case 'M':
            return try_device_node(rest);
        case 's': {
            const long family = number(rest);
            const long result = call(__NR_socket, family, number(rest), 0);
            close(result);
            return result;
        }
        case 'c':
            return call(number(rest), -1, -1, -1, -1, -1, -1);
        case 'u':
            return call(__NR_unshare, number(rest));
        case 'k':
            return call(__NR_kill, number(rest), 0);
        case 'x':
            return try_writable_code();
        case 'm':
            return try_set_id_bit();
        case 'r':
            return try_real_time();
        case 'h':
            return try_host_name();
        case 'a':
            return try_clock();
        case 'p':
            return call(__NR_personality, fixed_date);
        case 'b':
            return call(__NR_prctl, PR_CAPBSET_READ, number(rest));
        case 'n':
            return call(__NR_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
        case 'i': {
            const long id = number(rest);
            return call(__NR_setresuid, id, id, id);
        }
        case 'A':
            return try_connect(rest);
        case 'S':
            return try_shared_memory(number(rest));
        default:
            return Invalid;
    }
}

void write_number(long value, char end) {
    char text[24];
    std::size_t at = sizeof text;
    text[--at] = end;
    const bool negative = value < 0;
    auto left = static_cast<unsigned long>(negative ? -value : value);
    do {
        text[--at] = static_cast<char>('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (negative) {
        text[--at] = '-';
    }
    call(__NR_write, 1, address(text + at), static_cast<long>(sizeof text - at));
}

}  // namespace

extern "C" [[noreturn, gnu::used]] void hearth_probe(const long* stack) {
    const long count = stack[0];
    const auto* words = reinterpret_cast<const char* const*>(stack + 1);
    for (long index = 1; index < count; ++index) {
        const bool last = *words[index] == '!';
        write_number(index - 1, ' ');
        write_number(try_one(words[index] + (last ? 1 : 0)), '\n');
        if (last) {
            break;
        }
    }
    for (;;) {
        call(__NR_exit_group, 0);
    }
}

#if defined(__x86_64__)
asm(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tandq $-16, %rsp\n\tcall "
    "hearth_probe\n\tud2\n");
#else
asm(".globl _start\n_start:\n\tmov x29, xzr\n\tmov x30, xzr\n\tmov x0, sp\n\tbl "
    "hearth_probe\n\tbrk #0\n");
#endif
