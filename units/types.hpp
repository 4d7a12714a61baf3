// SPDX-License-Identifier: MIT
//
// The domain types that settings are made of: plain values with ==, no behaviour beyond obvious
// queries. How each is written in a file is its codec's business (units/codecs.hpp). Names and
// meanings are systemd's, see systemd.service(5), systemd.exec(5), systemd.kill(5),
// systemd.resource-control(5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "parser/values.hpp"

namespace hearth {

enum class ServiceType : std::uint8_t {
    Simple,
    Exec,
    Forking,
    Oneshot,
    Dbus,
    Notify,
    NotifyReload,
    Idle
};
enum class Restart : std::uint8_t {
    No,
    OnSuccess,
    OnFailure,
    OnAbnormal,
    OnWatchdog,
    OnAbort,
    Always
};
enum class KillMode : std::uint8_t { ControlGroup, Process, Mixed, None };
enum class NotifyAccess : std::uint8_t { None, Main, Exec, All };
enum class ExitType : std::uint8_t { Main, Cgroup };
enum class OomPolicy : std::uint8_t { Continue, Stop, Kill };
/// MemoryPressureWatch=: whether a service is told where it can watch its memory pressure.
enum class MemoryPressureWatch : std::uint8_t { Auto, On, Off, Skip };
enum class TimeoutFailureMode : std::uint8_t { Terminate, Abort, Kill };
enum class RestartMode : std::uint8_t { Normal, Direct };
enum class ProtectSystem : std::uint8_t { No, Yes, Full, Strict };
enum class ProtectProc : std::uint8_t { Default, NoAccess, Invisible, Ptraceable };
enum class ProcSubset : std::uint8_t { All, Pid };
enum class MountFlags : std::uint8_t { Unset, Shared, Slave, Private };
enum class ProtectHome : std::uint8_t { No, Yes, ReadOnly, Tmpfs };
enum class StandardInput : std::uint8_t { Null, Tty, TtyForce, TtyFail, Data, File, Socket, Fd };
enum class StandardOutput : std::uint8_t {
    Inherit,
    Null,
    Tty,
    Journal,
    JournalConsole,
    Kmsg,
    KmsgConsole,
    File,
    Append,
    Truncate,
    Socket,
    Fd
};
enum class Confinement : std::uint8_t { Strict, BestEffort };

/// Where a stream goes: the kind, and the path or descriptor name that follows the colon.
template <class Kind>
struct StreamTarget {
    Kind kind{};
    std::string argument;

    bool operator==(const StreamTarget&) const = default;
};

/// A signal number; 0 never stands in a settings field. Real-time signals are numbers too.
struct Signal {
    int number = 0;

    bool operator==(const Signal&) const = default;
};

/// SuccessExitStatus= and kin: exit codes and signals.
struct ExitStatusSet {
    std::set<int> codes;
    std::set<int> signals;

    bool operator==(const ExitStatusSet&) const = default;
};

/// A set of capabilities, bit N = capability N of capability.h. `all` means "whatever the kernel
/// has".
struct CapabilitySet {
    std::uint64_t mask = 0;

    bool operator==(const CapabilitySet&) const = default;
    [[nodiscard]] bool has(unsigned capability) const { return ((mask >> capability) & 1U) != 0; }
};
inline constexpr std::uint64_t all_capabilities = ~std::uint64_t{0};

/// CapabilityBoundingSet=: assignments merge, `~` subtracts (systemd.exec(5)).
struct BoundingSet {
    std::uint64_t mask = all_capabilities;
    bool operator==(const BoundingSet&) const = default;
};
struct AmbientSet {
    std::uint64_t mask = 0;
    bool operator==(const AmbientSet&) const = default;
};

/// SystemCallFilter=, merged in order. A call's verdict: its own entry, else the default.
/// `allow_list`: calls not named get the filter's error; otherwise named calls are refused.
struct SystemCallFilter {
    bool allow_list = false;
    /// In place of an errno: `name:kill`, whatever SystemCallErrorNumber= says. systemd's own
    /// number.
    static constexpr int kill_process = 2147483646;

    /// Call name to what happens to it: nullopt = the list's own action (allowed in an allow-list;
    /// the error of SystemCallErrorNumber= in a deny-list), a number = that errno, or kill_process.
    std::map<std::string, std::optional<int>> calls;
    /// What the user wrote, one entry per assignment, for printing back. Empty: no filter was asked
    /// for.
    std::vector<std::string> text;

    [[nodiscard]] bool asked() const { return !text.empty(); }

    bool operator==(const SystemCallFilter&) const = default;
};

/// SystemCallErrorNumber=: an errno, or kill.
struct SystemCallError {
    bool kill = true;
    int number = 0;
    bool operator==(const SystemCallError&) const = default;
};

/// SystemCallArchitectures=: libseccomp's names in systemd's spelling ("native", "x86", "x86-64").
struct ArchitectureSet {
    std::set<std::string> names;
    bool operator==(const ArchitectureSet&) const = default;
};

/// RestrictAddressFamilies=: family names ("AF_UNIX") allowed or refused; `none` allows none.
struct AddressFamilies {
    bool allow_list = false;
    std::set<std::string> families;
    /// What the user wrote, one entry per assignment. Empty: nothing was asked for.
    std::vector<std::string> text;

    [[nodiscard]] bool asked() const { return !text.empty(); }
    bool operator==(const AddressFamilies&) const = default;
};

/// An entry of ReadWritePaths= and kin. `-`: may be missing. `+`: below RootDirectory=.
struct PathEntry {
    std::string path;
    bool optional = false;
    bool below_root = false;
    bool operator==(const PathEntry&) const = default;
};

/// BindPaths=SOURCE:DESTINATION:OPTIONS
struct BindEntry {
    std::string source;
    std::string destination;
    bool optional = false;
    bool recursive = true;
    bool operator==(const BindEntry&) const = default;
};

/// TemporaryFileSystem=PATH:OPTIONS
struct TmpfsEntry {
    std::string path;
    std::string options;
    bool operator==(const TmpfsEntry&) const = default;
};

/// OpenFile=PATH:NAME:OPTIONS: a file that is passed as a descriptor.
struct PassedFile {
    std::string path;
    std::string name;        ///< in $LISTEN_FDNAMES; the path's last part if none was given
    bool read_only = false;  ///< else for reading and writing
    bool append = false;
    bool truncate = false;
    bool graceful = false;  ///< a file that can't be opened is left out
    bool operator==(const PassedFile&) const = default;
};

/// Mount options of one partition of an image; "root" where the text names none.
struct PartitionOptions {
    std::string partition;
    std::string options;
    bool operator==(const PartitionOptions&) const = default;
};

/// RootImageOptions=
struct ImageOptions {
    std::vector<PartitionOptions> partitions;
    bool operator==(const ImageOptions&) const = default;
};

/// MountImages=SOURCE:DESTINATION[:OPTIONS]
struct ImageEntry {
    std::string source, destination;
    bool optional = false;
    std::vector<PartitionOptions> options;
    bool operator==(const ImageEntry&) const = default;
};

/// ExtensionImages=SOURCE[:OPTIONS]
struct ExtensionEntry {
    std::string source;
    bool optional = false;
    std::vector<PartitionOptions> options;
    bool operator==(const ExtensionEntry&) const = default;
};

/// ExtensionDirectories=
struct DirectoryEntry {
    std::string path;
    bool optional = false;
    bool operator==(const DirectoryEntry&) const = default;
};

/// PrivateTmp=: a boolean that has grown a third value. Disconnected: on a tmpfs, not on the host's
/// disk.
class PrivateTmp {
public:
    enum Value : std::uint8_t { No, Yes, Disconnected };
    constexpr PrivateTmp(bool yes = false) : value_(yes ? Yes : No) {}
    constexpr PrivateTmp(Value value) : value_(value) {}
    [[nodiscard]] constexpr Value value() const { return value_; }
    constexpr explicit operator bool() const { return value_ != No; }
    constexpr bool operator==(const PrivateTmp&) const = default;

private:
    Value value_;
};

/// One entry of StateDirectory= and kin: a directory below the base of its kind, and names beside
/// it that become symbolic links to it.
struct ServiceDirectory {
    std::string path;  ///< relative, without `..`
    std::vector<std::string> links;
    bool operator==(const ServiceDirectory&) const = default;
};
/// StateDirectory=, CacheDirectory=, LogsDirectory=, RuntimeDirectory=: in order of appearance,
/// each path once.
struct ServiceDirectories {
    std::vector<ServiceDirectory> entries;
    bool operator==(const ServiceDirectories&) const = default;
};
/// ConfigurationDirectory=: the same without links.
struct ConfigurationDirectories {
    std::vector<ServiceDirectory> entries;
    bool operator==(const ConfigurationDirectories&) const = default;
};
enum class RuntimePreserve : std::uint8_t { No, Yes, Restart };
enum class KeyringMode : std::uint8_t { Private, Shared, Inherit };

/// LoadCredential=ID[:PATH]
struct LoadedCredential {
    std::string id;
    std::string path;  ///< absolute, or the name of a credential of the host
    bool operator==(const LoadedCredential&) const = default;
};
/// SetCredential=ID:VALUE. The value is for nobody's eyes: printed only where a unit file's text
/// is.
struct InlineCredential {
    std::string id;
    std::string data;
    bool operator==(const InlineCredential&) const = default;
};

/// ExecSearchPath=: absolute directories, in order.
struct SearchPath {
    std::vector<std::string> directories;
    bool operator==(const SearchPath&) const = default;
};

/// WorkingDirectory=: a path, `~` for the user's home; `-` makes a failure harmless.
struct WorkingDirectory {
    std::string path;  ///< empty: the default (/, or the user's home for a user manager)
    bool home = false;
    bool optional = false;
    bool operator==(const WorkingDirectory&) const = default;
};

/// Environment=: NAME to VALUE in order of first appearance; later assignments replace.
struct Environment {
    std::vector<std::pair<std::string, std::string>> variables;
    /// Name to position, kept by the codec while lists are long; no part of the value.
    std::unordered_map<std::string, std::size_t> positions{};

    bool operator==(const Environment& other) const { return variables == other.variables; }
};

struct EnvironmentFile {
    std::string path;  ///< may hold a glob(7) pattern
    bool optional = false;
    bool operator==(const EnvironmentFile&) const = default;
};

/// LimitNOFILE=SOFT:HARD; infinity is UINT64_MAX. Times of LimitCPU= are seconds, LimitRTTIME=
/// microseconds.
struct ResourceLimit {
    std::uint64_t soft = UINT64_MAX;
    std::uint64_t hard = UINT64_MAX;
    bool operator==(const ResourceLimit&) const = default;
};
// One type per unit of measurement, so that the codec knows how to read it.
struct CountLimit : ResourceLimit {
    bool operator==(const CountLimit&) const = default;
};
struct SizeLimit : ResourceLimit {
    bool operator==(const SizeLimit&) const = default;
};
struct SecondsLimit : ResourceLimit {
    bool operator==(const SecondsLimit&) const = default;
};
struct MicrosecondsLimit : ResourceLimit {
    bool operator==(const MicrosecondsLimit&) const = default;
};
struct NiceLimit : ResourceLimit {
    bool operator==(const NiceLimit&) const = default;
};

/// MemoryMax=: bytes, a share of the machine's memory, or infinity.
struct MemoryLimit {
    /// UINT64_MAX: infinity; a share's size once the loader knows it
    std::optional<std::uint64_t> bytes;
    std::optional<std::uint32_t> permyriad;  ///< hundredths of a percent of physical memory
    bool operator==(const MemoryLimit&) const = default;
};

/// TasksMax=: a count, a share of the system's limit, or infinity.
struct TasksLimit {
    /// UINT64_MAX: infinity; a share's count once the loader knows it
    std::optional<std::uint64_t> count;
    std::optional<std::uint32_t> permyriad;
    bool operator==(const TasksLimit&) const = default;
};

/// CPUQuota=: microseconds of CPU time per second of wall time; 200000 is 20%.
struct CpuQuota {
    std::uint64_t per_second_microseconds = UINT64_MAX;
    bool operator==(const CpuQuota&) const = default;
};

/// CPUWeight=: 1 to 10000, or idle.
struct CpuWeight {
    std::uint64_t weight = 100;
    bool idle = false;
    bool operator==(const CpuWeight&) const = default;
};

enum class CollectMode : std::uint8_t { Inactive, InactiveOrFailed };

/// What the machine, or the manager, does when a unit ends: FailureAction= and kin.
enum class EmergencyAction : std::uint8_t {
    None,
    Reboot,
    RebootForce,
    RebootImmediate,
    Poweroff,
    PoweroffForce,
    PoweroffImmediate,
    Exit,
    ExitForce
};

/// FailureActionExitStatus= and kin: the manager's exit status after an exit action; -1: the unit's
/// own.
struct ActionExitStatus {
    std::int32_t status = -1;
    bool operator==(const ActionExitStatus&) const = default;
};

/// How a request meets the jobs that are there already: systemctl(1), --job-mode=.
enum class JobMode : std::uint8_t {
    Replace,
    Fail,
    ReplaceIrreversibly,
    Isolate,
    IgnoreDependencies,
    IgnoreRequirements,
    Flush,
    Triggering,
    RestartDependencies
};

/// What a ConditionX= or AssertX= asks about, in the order of systemd.unit(5)'s names.
enum class ConditionType : std::uint8_t {
    AcPower,
    Architecture,
    CpuFeature,
    CpuPressure,
    Cpus,
    Capability,
    ControlGroupController,
    Credential,
    DirectoryNotEmpty,
    Environment,
    FileIsExecutable,
    FileNotEmpty,
    Firmware,
    FirstBoot,
    Group,
    Host,
    IoPressure,
    KernelCommandLine,
    KernelVersion,
    Memory,
    MemoryPressure,
    NeedsUpdate,
    OsRelease,
    PathExists,
    PathExistsGlob,
    PathIsDirectory,
    PathIsEncrypted,
    PathIsMountPoint,
    PathIsReadWrite,
    PathIsSymbolicLink,
    Security,
    User,
    Virtualization,
};

/// One ConditionX= or AssertX=. `trigger` (`|`): one of those is enough. `negate`: `!`.
struct Condition {
    ConditionType type{};
    bool trigger = false;
    bool negate = false;
    std::string parameter;
    bool operator==(const Condition&) const = default;
};

/// Units that a unit depends on: After=, Requires= ... An empty assignment takes nothing back
/// (systemd.unit(5)).
struct DependencyNames {
    std::vector<std::string> names;
    bool operator==(const DependencyNames&) const = default;
};

/// Names that are only remembered: WantedBy=, Alias= ... Empty resets.
struct UnitNames {
    std::vector<std::string> names;
    bool operator==(const UnitNames&) const = default;
};

/// PrivateUsers=: whose ids the service's user namespace maps. No `managed`: that needs a service
/// of systemd's.
enum class PrivateUsers : std::uint8_t { No, Self, Identity, Full };

/// ProtectControlGroups=: the host's tree read-only, or a cgroup namespace with mounts of its own.
enum class ProtectControlGroups : std::uint8_t { No, Yes, Private, Strict };

/// ProtectHostname=: `yes` locks the name; `private` gives the service one of its own to change.
struct ProtectHostname {
    enum class Mode : std::uint8_t { No, Yes, Private };
    Mode mode{};
    std::string name;  ///< to begin with; empty: the host's
    [[nodiscard]] bool asked() const { return mode != Mode::No; }
    [[nodiscard]] bool locked() const { return mode == Mode::Yes; }
    bool operator==(const ProtectHostname&) const = default;
};

/// UserNamespaceRange= of [X-Hearth]: the host's ids that stand for 0 and up inside.
struct UserNamespaceRange {
    bool automatic = false;
    std::uint32_t base = 0, count = 0;
    [[nodiscard]] bool asked() const { return automatic || count != 0; }
    bool operator==(const UserNamespaceRange&) const = default;
};

/// RelaxConfinement= of [X-Hearth]: directive names that may fall short.
struct RelaxedNames {
    std::set<std::string> names;
    bool operator==(const RelaxedNames&) const = default;
};

}  // namespace hearth
