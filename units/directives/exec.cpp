// SPDX-License-Identifier: MIT
#include <algorithm>

#include "parser/diagnostic.hpp"
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Service, Context::Exec, &Settings::exec, member>(description);
}

// ---- Limit*=: two properties, the hard limit under the directive's name, the soft one with
// "Soft".

template <Name name>
struct SoftName {
    static constexpr std::string_view suffix = "Soft";
    static constexpr auto text = [] {
        std::array<char, name.view().size() + suffix.size()> made{};
        std::copy(suffix.begin(), suffix.end(), std::ranges::copy(name.view(), made.begin()).out);
        return made;
    }();
    static constexpr std::string_view view{text.data(), text.size()};
};

template <auto member>
void write_hard(const Settings& settings, ValueSink& sink) {
    const auto& limit = settings.exec.limits.*member;
    sink.unsigned64(limit ? limit->hard : infinity);
}

template <auto member>
void write_soft(const Settings& settings, ValueSink& sink) {
    const auto& limit = settings.exec.limits.*member;
    sink.unsigned64(limit ? limit->soft : infinity);
}

template <Name name, auto member>
constexpr std::array<Property, 2> limit_properties = {{
    {name.view(), "t", &write_hard<member>},
    {SoftName<name>::view, "t", &write_soft<member>},
}};

template <Name name, auto member>
consteval Row limit(std::string_view summary, std::string_view sample) {
    return directive<
        name,
        Section::Service,
        Context::Exec,
        &Settings::exec,
        &ExecSettings::limits,
        member>({
        .summary = summary,
        .applied = applied::Child{Stage::Limits},
        .nature = Nature::Gives,
        .sample = sample,
        .properties = limit_properties<name, member>,
    });
}

// ---- names of accounts

/// What systemd takes for a name outside its own strict mode; whether it exists is the planner's
/// question.
Result<std::string, ValueError> read_account(std::string_view text, const ValueContext& context) {
    std::string name = HEARTH_TRY(expand(text, context));
    const bool odd = name.empty() || name == "." || name == ".." || name.size() > 255 ||
                     name.front() == ' ' || name.back() == ' ' || name.front() == '-' ||
                     std::ranges::any_of(name, [](char byte) {
                         const auto value = static_cast<unsigned char>(byte);
                         return value < 0x20 || value == 0x7f || byte == ':' || byte == '/';
                     });
    if (odd) {
        return bad_value(
            quoted(name) + " is no name of an account",
            "write a name of the account files, or a number");
    }
    return name;
}

template <auto member>
Assigned assign_account(Settings& settings, std::string_view text, const ValueContext& context) {
    settings.exec.*member = text.empty() ? std::string() : HEARTH_TRY(read_account(text, context));
    return {};
}

constexpr std::array<Property, 1> environment_files_property = {{
    {"EnvironmentFiles", "a(sb)", &Field<&Settings::exec, &ExecSettings::environment_files>::write},
}};

constexpr auto rows = std::to_array<Row>({
    row<"Environment", &ExecSettings::environment>({
        .summary = "Environment variables of the service.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "A=1 'B=two words'",
    }),
    row<"EnvironmentFile", &ExecSettings::environment_files>({
        .summary = "A file with environment variables, read at each start.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "-/etc/default/heat",
        .properties = environment_files_property,
    }),
    row<"Group", &ExecSettings::group>({
        .summary = "The group that the service runs as.",
        .applied = applied::Child{Stage::Identity},
        .nature = Nature::Confines,
        .sample = "nogroup",
        .assign = &assign_account<&ExecSettings::group>,
        .syntax = "group name or number",
    }),
    row<"IgnoreSIGPIPE", &ExecSettings::ignore_sigpipe>({
        .summary = "Starts the service with SIGPIPE ignored.",
        .applied = applied::Child{Stage::Signals},
        .nature = Nature::Shares,
        .sample = "no",
    }),
    limit<"LimitAS", &LimitSettings::address_space>(
        "The most address space of each process.", "1G"),
    limit<"LimitCORE", &LimitSettings::core>("The largest core file.", "0"),
    limit<"LimitCPU", &LimitSettings::cpu>("The most CPU time of each process.", "1min:2min"),
    limit<"LimitDATA", &LimitSettings::data>("The largest data segment of each process.", "256M"),
    limit<"LimitFSIZE", &LimitSettings::file_size>(
        "The largest file that a process may make.", "1G"),
    limit<"LimitLOCKS", &LimitSettings::locks>("The most file locks.", "64"),
    limit<"LimitMEMLOCK", &LimitSettings::locked_memory>(
        "The most memory that a process may lock.", "64K"),
    limit<"LimitMSGQUEUE", &LimitSettings::message_queue>(
        "The most memory in POSIX message queues of the user.", "800K"),
    limit<"LimitNICE", &LimitSettings::nice>(
        "The nice level to which a process may raise itself.", "+5"),
    limit<"LimitNOFILE", &LimitSettings::open_files>(
        "The most open descriptors of each process.", "1024:4096"),
    limit<"LimitNPROC", &LimitSettings::processes>(
        "The most processes of the service's user.", "64"),
    limit<"LimitRSS", &LimitSettings::resident_set>(
        "The most memory that a process keeps resident; Linux does not enforce it.", "64M"),
    limit<"LimitRTPRIO", &LimitSettings::realtime_priority>(
        "The highest real-time priority that a process may take.", "10"),
    limit<"LimitRTTIME", &LimitSettings::realtime_time>(
        "The most CPU time under a real-time policy without a blocking call.", "200ms"),
    limit<"LimitSIGPENDING", &LimitSettings::pending_signals>(
        "The most queued signals of the service's user.", "128"),
    limit<"LimitSTACK", &LimitSettings::stack>("The largest stack of each process.", "8M"),
    row<"Nice", &ExecSettings::nice>({
        .summary = "The nice level, from -20 (first served) to 19 (last).",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Gives,
        .sample = "5",
        .assign = &assign_within<-20, 19, &Settings::exec, &ExecSettings::nice>,
        .syntax = "number from -20 to 19",
    }),
    row<"OOMScoreAdjust", &ExecSettings::oom_score_adjust>({
        .summary =
            "How readily the kernel kills the service when memory runs out, from -1000 to 1000.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Gives,
        .sample = "500",
        .assign = &assign_within<-1000, 1000, &Settings::exec, &ExecSettings::oom_score_adjust>,
        .syntax = "number from -1000 to 1000",
    }),
    row<"PassEnvironment", &ExecSettings::pass_environment>({
        .summary = "Variables of the manager's own environment that the service gets too.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "LANG TZ",
    }),
    row<"RootDirectory", &ExecSettings::root_directory>({
        .summary = "The directory that is the service's file system root.",
        .applied = applied::Child{Stage::Root},
        .nature = Nature::Confines,
        .sample = "/srv/root",
        .assign = &assign_path<&Settings::exec, &ExecSettings::root_directory>,
        .syntax = "absolute path",
        .exposure = 200,
    }),
    row<"StandardError", &ExecSettings::standard_error>({
        .summary = "Where standard error goes.",
        .applied = applied::Child{Stage::Descriptors},
        .nature = Nature::Shares,
        .sample = "append:/var/log/heat.err",
    }),
    row<"StandardInput", &ExecSettings::standard_input>({
        .summary = "Where standard input comes from.",
        .applied = applied::Child{Stage::Descriptors},
        .nature = Nature::Shares,
        .sample = "file:/dev/zero",
    }),
    row<"StandardOutput", &ExecSettings::standard_output>({
        .summary = "Where standard output goes.",
        .applied = applied::Child{Stage::Descriptors},
        .nature = Nature::Shares,
        .sample = "truncate:/var/log/heat.out",
    }),
    row<"SupplementaryGroups", &ExecSettings::supplementary_groups>({
        .summary = "Further groups of the service's processes.",
        .applied = applied::Child{Stage::Identity},
        .nature = Nature::Confines,
        .sample = "audio video",
    }),
    row<"SyslogIdentifier", &ExecSettings::syslog_identifier>({
        .summary = "The name before each line in the log.",
        .applied = applied::Reporting{},
        .nature = Nature::Shares,
        .sample = "warmth",
    }),
    row<"UMask", &ExecSettings::umask>({
        .summary = "Permission bits that files made by the service don't get.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Confines,
        .sample = "0077",
        .exposure = 100,
    }),
    row<"UnsetEnvironment", &ExecSettings::unset_environment>({
        .summary = "Variables that are taken out of the environment at the end.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "LANG",
    }),
    row<"User", &ExecSettings::user>({
        .summary = "The user that the service runs as.",
        .applied = applied::Child{Stage::Identity},
        .nature = Nature::Confines,
        .sample = "nobody",
        .assign = &assign_account<&ExecSettings::user>,
        .syntax = "user name or number",
        .exposure = 2000,
    }),
    row<"WorkingDirectory", &ExecSettings::working_directory>({
        .summary = "The directory in which the service starts.",
        .applied = applied::Child{Stage::WorkingDirectory},
        .nature = Nature::Shares,
        .sample = "/tmp",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> exec_rows() {
    return directives::rows;
}

}  // namespace hearth
