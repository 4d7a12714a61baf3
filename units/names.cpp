// SPDX-License-Identifier: MIT
#include "units/names.hpp"

#include <algorithm>
#include <array>

#include "parser/values.hpp"

namespace hearth {

namespace {

struct Entry {
    int number;
    std::string_view name;
};

// By number, from capabilities(7).
constexpr auto capabilities = std::to_array<std::string_view>({
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
});

// From systemd.exec(5), "Process Exit Codes", by number.
constexpr auto exit_statuses = std::to_array<Entry>({
    {0, "SUCCESS"},
    {1, "FAILURE"},
    {2, "INVALIDARGUMENT"},
    {3, "NOTIMPLEMENTED"},
    {4, "NOPERMISSION"},
    {5, "NOTINSTALLED"},
    {6, "NOTCONFIGURED"},
    {7, "NOTRUNNING"},
    {64, "USAGE"},
    {65, "DATAERR"},
    {66, "NOINPUT"},
    {67, "NOUSER"},
    {68, "NOHOST"},
    {69, "UNAVAILABLE"},
    {70, "SOFTWARE"},
    {71, "OSERR"},
    {72, "OSFILE"},
    {73, "CANTCREAT"},
    {74, "IOERR"},
    {75, "TEMPFAIL"},
    {76, "PROTOCOL"},
    {77, "NOPERM"},
    {78, "CONFIG"},
    {200, "CHDIR"},
    {201, "NICE"},
    {202, "FDS"},
    {203, "EXEC"},
    {204, "MEMORY"},
    {205, "LIMITS"},
    {206, "OOM_ADJUST"},
    {207, "SIGNAL_MASK"},
    {208, "STDIN"},
    {209, "STDOUT"},
    {210, "CHROOT"},
    {211, "IOPRIO"},
    {212, "TIMERSLACK"},
    {213, "SECUREBITS"},
    {214, "SETSCHEDULER"},
    {215, "CPUAFFINITY"},
    {216, "GROUP"},
    {217, "USER"},
    {218, "CAPABILITIES"},
    {219, "CGROUP"},
    {220, "SETSID"},
    {221, "CONFIRM"},
    {222, "STDERR"},
    {224, "PAM"},
    {225, "NETWORK"},
    {226, "NAMESPACE"},
    {227, "NO_NEW_PRIVILEGES"},
    {228, "SECCOMP"},
    {229, "SELINUX_CONTEXT"},
    {230, "PERSONALITY"},
    {231, "APPARMOR"},
    {232, "ADDRESS_FAMILIES"},
    {233, "RUNTIME_DIRECTORY"},
    {235, "CHOWN"},
    {236, "SMACK_PROCESS_LABEL"},
    {237, "KEYRING"},
    {238, "STATE_DIRECTORY"},
    {239, "CACHE_DIRECTORY"},
    {240, "LOGS_DIRECTORY"},
    {241, "CONFIGURATION_DIRECTORY"},
    {242, "NUMA_POLICY"},
    {243, "CREDENTIALS"},
    {244, "BPF"},
    {255, "EXCEPTION"},
});

// From address_families(7), by number.
constexpr auto families = std::to_array<Entry>({
    {1, "AF_UNIX"},      {2, "AF_INET"},      {3, "AF_AX25"},       {4, "AF_IPX"},
    {5, "AF_APPLETALK"}, {6, "AF_NETROM"},    {7, "AF_BRIDGE"},     {8, "AF_ATMPVC"},
    {9, "AF_X25"},       {10, "AF_INET6"},    {11, "AF_ROSE"},      {12, "AF_DECnet"},
    {13, "AF_NETBEUI"},  {14, "AF_SECURITY"}, {15, "AF_KEY"},       {16, "AF_NETLINK"},
    {17, "AF_PACKET"},   {18, "AF_ASH"},      {19, "AF_ECONET"},    {20, "AF_ATMSVC"},
    {21, "AF_RDS"},      {22, "AF_SNA"},      {23, "AF_IRDA"},      {24, "AF_PPPOX"},
    {25, "AF_WANPIPE"},  {26, "AF_LLC"},      {27, "AF_IB"},        {28, "AF_MPLS"},
    {29, "AF_CAN"},      {30, "AF_TIPC"},     {31, "AF_BLUETOOTH"}, {32, "AF_IUCV"},
    {33, "AF_RXRPC"},    {34, "AF_ISDN"},     {35, "AF_PHONET"},    {36, "AF_IEEE802154"},
    {37, "AF_CAIF"},     {38, "AF_ALG"},      {39, "AF_NFC"},       {40, "AF_VSOCK"},
    {41, "AF_KCM"},      {42, "AF_QIPCRTR"},  {43, "AF_SMC"},       {44, "AF_XDP"},
    {45, "AF_MCTP"},
});

constexpr auto family_names = [] {
    std::array<std::string_view, families.size()> made;
    std::ranges::transform(families, made.begin(), &Entry::name);
    return made;
}();

// Those of ConditionArchitecture= that can be filtered, and systemd.exec(5)'s additions.
constexpr auto architectures = std::to_array<std::string_view>({
    "native",   "x86",     "x86-64", "x32",       "arm",        "arm64",         "loongarch64",
    "mips",     "mips-le", "mips64", "mips64-le", "mips64-n32", "mips64-le-n32", "parisc",
    "parisc64", "ppc",     "ppc64",  "ppc64-le",  "riscv64",    "s390",          "s390x",
});

constexpr unsigned last_capability_number =
    62;  // systemd's bound: a mask of 64 bits, one left over

char upper(char byte) {
    return byte >= 'a' && byte <= 'z' ? static_cast<char>(byte - 'a' + 'A') : byte;
}

template <class Table>
std::optional<int> number_in(const Table& table, std::string_view name) {
    const auto found = std::ranges::find(table, name, &Entry::name);
    return found != table.end() ? std::optional<int>(found->number) : std::nullopt;
}

}  // namespace

std::optional<unsigned> capability_number(std::string_view name) {
    std::string upper_case(name);
    std::ranges::transform(upper_case, upper_case.begin(), upper);
    const auto found = std::ranges::find(capabilities, std::string_view(upper_case));
    if (found != capabilities.end()) {
        return static_cast<unsigned>(found - capabilities.begin());
    }
    if (name.empty() || name.front() < '0' || name.front() > '9') {
        return std::nullopt;
    }
    const Result<std::uint64_t, ValueError> number = read_unsigned(name, 0, last_capability_number);
    return number ? std::optional<unsigned>(static_cast<unsigned>(*number)) : std::nullopt;
}

std::string capability_name(unsigned number) {
    return number < capabilities.size() ? std::string(capabilities[number])
                                        : std::to_string(number);
}

std::span<const std::string_view> capability_names() {
    return capabilities;
}

std::optional<int> exit_status_number(std::string_view name) {
    return number_in(exit_statuses, name);
}

std::optional<std::string_view> exit_status_name(int status) {
    const auto found = std::ranges::find(exit_statuses, status, &Entry::number);
    return found != exit_statuses.end() ? std::optional(found->name) : std::nullopt;
}

std::optional<int> address_family_number(std::string_view name) {
    // systemd's and the kernel's second names.
    if (name == "AF_LOCAL" || name == "AF_FILE") {
        name = "AF_UNIX";
    } else if (name == "AF_ROUTE") {
        name = "AF_NETLINK";
    }
    return number_in(families, name);
}

std::span<const std::string_view> address_family_names() {
    return family_names;
}

std::span<const std::string_view> architecture_names() {
    return architectures;
}

}  // namespace hearth
