// SPDX-License-Identifier: MIT
//
// What is served, seen from outside by Introspect: types against org.freedesktop.systemd1(5), and
// every method against the table of who may call it.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "places.hpp"
#include "supervisor/bus/policy.hpp"
#include "tests/support/bus_fixture.hpp"

namespace hearth::test {
namespace {

struct Member {
    std::string interface, kind, name, in, out;
    [[nodiscard]] std::string key() const { return interface + " " + kind + " " + name; }
    [[nodiscard]] std::string types() const { return kind == "method" ? in + " " + out : in; }
};

/// The members in an introspection document. sd-bus writes one element a line.
std::vector<Member> members_of(const std::string& document) {
    std::vector<Member> members;
    std::string interface;
    const std::regex attribute(R"re((name|type|direction)="([^"]*)")re");
    std::istringstream lines(document);
    for (std::string line; std::getline(lines, line);) {
        std::map<std::string, std::string> attributes;
        for (std::sregex_iterator each(line.begin(), line.end(), attribute), end; each != end;
             ++each) {
            attributes[(*each)[1]] = (*each)[2];
        }
        if (line.find("<interface ") != std::string::npos) {
            interface = attributes["name"];
        } else if (line.find("<property ") != std::string::npos) {
            members.push_back({interface, "property", attributes["name"], attributes["type"], ""});
        } else if (line.find("<method ") != std::string::npos) {
            members.push_back({interface, "method", attributes["name"], "", ""});
        } else if (line.find("<signal ") != std::string::npos) {
            members.push_back({interface, "signal", attributes["name"], "", ""});
        } else if (line.find("<arg ") != std::string::npos && !members.empty()) {
            (attributes["direction"] == "out" ? members.back().out : members.back().in) +=
                attributes["type"];
        }
    }
    for (Member& member : members) {
        member.in = member.in.empty() ? "-" : member.in;
        member.out = member.out.empty() ? "-" : member.out;
    }
    return members;
}

std::map<std::string, std::string> documented() {
    std::map<std::string, std::string> types;
    std::ifstream file(HEARTH_SOURCE_DIR "/tests/golden/bus_systemd1_252.txt");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        Member member;
        if (line.starts_with('#') ||
            !(words >> member.interface >> member.kind >> member.name >> member.in)) {
            continue;
        }
        words >> member.out;
        types[member.key()] = member.types();
    }
    return types;
}

class BusApi : public BusFixture {
protected:
    std::vector<Member> everything() {
        UnitRecord& record = control.add("heat.service", ServiceState::Running);
        control.state.jobs[5] =
            Job{5, "heat.service", JobType::Start, JobMode::Replace, JobState::Running, {}, {}, {}};
        control.state.next_job = 6;
        record.job = 5;
        control.add("a.scope", ServiceState::Running);
        control.add("srv.mount", ServiceState::Exited);
        for (const char* const other :
             {"a.timer", "a.path", "srv.automount", "dev-sda2.swap", "a.socket"}) {
            control.add(other, ServiceState::Waiting);
        }
        serve();
        const auto bus = connect();
        std::vector<Member> all;
        for (const std::string& path :
             {std::string(bus::manager_path),
              bus::unit_path("heat.service"),
              bus::unit_path("a.scope"),
              bus::unit_path("srv.mount"),
              bus::unit_path("a.timer"),
              bus::unit_path("a.path"),
              bus::unit_path("srv.automount"),
              bus::unit_path("dev-sda2.swap"),
              bus::unit_path("a.socket"),
              bus::job_path(5),
              std::string(bus::broker_path),
              std::string(bus::log_control_path)}) {
            const auto answer =
                call(bus, path.c_str(), "org.freedesktop.DBus.Introspectable", "Introspect", "");
            EXPECT_TRUE(answer.good()) << path << ": " << answer.message;
            for (Member& member : members_of(answer.value.text)) {
                all.push_back(std::move(member));
            }
        }
        return all;
    }
};

TEST_F(BusApi, HasTheTypesOfTheManual) {
    const auto manual = documented();
    ASSERT_GT(manual.size(), 600U);
    std::size_t compared = 0;
    for (const Member& member : everything()) {
        if (!member.interface.starts_with("org.freedesktop.systemd1.")) {
            continue;
        }
        const auto found = manual.find(member.key());
        static const std::set<std::string> newer = {
            "MemoryZSwapMax",
            "DisableUnitFilesWithFlagsAndInstallInfo",
            "QueueSignal",
            "QueueSignalUnit"};
        if (found == manual.end() && newer.contains(member.name)) {
            continue;  // of 253 and 254
        }
        if (found == manual.end()) {
            ADD_FAILURE() << "systemd 252 has no " << member.key();
            continue;
        }
        EXPECT_EQ(member.types(), found->second) << member.key();
        ++compared;
    }
    EXPECT_GT(compared, 200U);
}

TEST_F(BusApi, HasAClassForEveryMethod) {
    std::set<std::string> served;
    for (const Member& member : everything()) {
        if (member.kind == "method") {
            EXPECT_TRUE(bus::method_class(member.interface, member.name)) << member.key();
            served.insert(member.interface + "." + member.name);
        }
    }
    for (const bus::MethodRule& rule : bus::method_rules()) {  // and no class for what isn't there
        EXPECT_TRUE(served.contains(std::string(rule.interface) + "." + std::string(rule.member)))
            << rule.interface << "." << rule.member;
    }
}

TEST_F(BusApi, EveryPropertyCanBeRead) {
    everything();
    const auto bus = connect();
    for (const std::string& path :
         {std::string(bus::manager_path),
          bus::unit_path("heat.service"),
          bus::unit_path("a.scope"),
          bus::unit_path("srv.mount"),
          bus::job_path(5)}) {
        const auto all =
            call(bus, path.c_str(), "org.freedesktop.DBus.Properties", "GetAll", "s", "");
        EXPECT_TRUE(all.good()) << path << ": " << all.error << " " << all.message;
    }
}

/// An sd-bus connection that blocks, for a process of its own.
sd_bus* blocking_client(const std::string& socket_path) {
    auto socket = sys::connect_unix(socket_path, SOCK_STREAM);
    if (!socket || !sys::set_nonblocking(socket->number(), true)) {
        return nullptr;
    }
    sd_bus* bus = nullptr;
    sd_bus_new(&bus);
    const int number = socket->release();
    sd_bus_set_fd(bus, number, number);
    return sd_bus_start(bus) >= 0 ? bus : nullptr;
}

/// Calls a method with arguments of the right types; "allowed" or the error's name.
std::string attempt(sd_bus* bus, const Member& member) {
    const std::map<std::string, std::string> paths = {
        {bus::unit_interface, bus::unit_path("heat.service")},
        {bus::service_interface, bus::unit_path("heat.service")},
        {bus::scope_interface, bus::unit_path("a.scope")},
        {bus::mount_interface, bus::unit_path("srv.mount")},
        {bus::job_interface, bus::job_path(5)},
        {bus::broker_interface, bus::broker_path},
    };
    const auto path = paths.find(member.interface);
    sd_bus_message* message = nullptr;
    sd_bus_message_new_method_call(
        bus,
        &message,
        nullptr,
        path == paths.end() ? bus::manager_path : path->second.c_str(),
        member.interface.c_str(),
        member.name.c_str());
    for (const char type : member.in == "-" ? std::string() : member.in) {
        if (type == 's') {
            sd_bus_message_append(message, "s", "heat.service");
        } else if (type == 'u' || type == 'i') {
            sd_bus_message_append(message, std::string(1, type).c_str(), 5);
        }  // others: what is refused is refused before its arguments are looked at
    }
    sd_bus_error error = SD_BUS_ERROR_NULL;
    const int result = sd_bus_call(bus, message, 5'000'000, &error, nullptr);
    std::string answer = result >= 0 ? "allowed" : error.name;
    sd_bus_error_free(&error);
    sd_bus_message_unref(message);
    return answer;
}

class BusApiAsNobody : public BusApi {
protected:
    void SetUp() override {
        if (getuid() != 0) {
            GTEST_SKIP() << "needs root, to be somebody else";
        }
        BusApi::SetUp();
    }
    /// Runs `what` as nobody in a process of its own, while the loop runs here; what it answers.
    std::string as_nobody(const std::function<std::string()>& what) {
        auto pipe = sys::pipe2();
        const pid_t child = fork();
        if (child == 0) {
            const bool changed = setgid(65534) == 0 && setuid(65534) == 0;
            (void)sys::write_all(pipe->write.number(), changed ? what() : "still root", "pipe");
            _exit(0);
        }
        pipe->write.reset();
        int status = -1;
        while (waitpid(child, &status, WNOHANG) == 0) {
            (void)loop->run_once(10'000);
        }
        return sys::read_all(pipe->read.number(), 1U << 20U, "pipe").value_or(std::string());
    }
};

TEST_F(BusApiAsNobody, IsRefusedAllThatIsNotReading) {
    options.access = bus::BusAccess::Everyone;
    const std::vector<Member> members = everything();
    const std::string report = as_nobody([&] {
        sd_bus* bus = blocking_client(socket_path());
        std::string text;
        for (const Member& member : members) {
            if (member.kind == "method") {
                text += member.interface + "." + member.name + " " + attempt(bus, member) + "\n";
            }
        }
        return text;
    });
    std::size_t refused = 0;
    std::istringstream lines(report);
    for (std::string method, answer; lines >> method >> answer;) {
        const std::size_t dot = method.rfind('.');
        const auto kind = bus::method_class(method.substr(0, dot), method.substr(dot + 1));
        ASSERT_TRUE(kind) << method;
        const bool denied = answer == "org.freedesktop.DBus.Error.AccessDenied";
        EXPECT_EQ(denied, kind != bus::MethodClass::Read) << method << ": " << answer;
        refused += denied ? 1U : 0U;
    }
    EXPECT_GT(refused, 25U) << report;
    for (const std::string& made : control.calls) {
        EXPECT_TRUE(made.starts_with("load ")) << made;
    }
}

TEST_F(BusApiAsNobody, IsNotLetInUnlessEverybodyMayRead) {
    serve();
    std::filesystem::permissions(
        socket_path(), std::filesystem::perms(0666));  // were the mode not enough
    const std::string answer = as_nobody([&] {
        const auto socket = sys::connect_unix(socket_path(), SOCK_STREAM);
        char byte = 0;
        return ::read(socket->number(), &byte, 1) <= 0 ? "closed" : "open";
    });
    EXPECT_EQ(answer, "closed");
}

TEST_F(BusApiAsNobody, InTheGroupMayEnableUnitsButNoFilesOfItsOwn) {
    options.group = "nogroup";  // nobody's
    serve();
    const std::string answers = as_nobody([&] {
        sd_bus* bus = blocking_client(socket_path());
        std::string text;
        for (const char* name : {"heat.service", "/tmp/heat.service"}) {
            sd_bus_error error = SD_BUS_ERROR_NULL;
            const int result = sd_bus_call_method(
                bus,
                nullptr,
                bus::manager_path,
                bus::manager_interface,
                "EnableUnitFiles",
                &error,
                nullptr,
                "asbb",
                1,
                name,
                0,
                0);
            text += result >= 0 ? "allowed " : std::string(error.name == nullptr ? "" : error.name);
            sd_bus_error_free(&error);
        }
        return text;
    });
    EXPECT_EQ(answers, "allowed org.freedesktop.DBus.Error.AccessDenied");
    EXPECT_EQ(control.asked_of_unit_files.names, std::vector<std::string>{"heat.service"});
}

TEST_F(BusApiAsNobody, IsNotShownSecrets) {
    options.access = bus::BusAccess::Everyone;
    control.add("heat.service").unit.settings.exec.environment.variables = {{"PASSWORD", "secret"}};
    serve();
    const auto mine =
        get(connect(), bus::unit_path("heat.service"), bus::service_interface, "Environment");
    ASSERT_EQ(mine.value.members.size(), 1U);
    EXPECT_EQ(mine.value.members[0].text, "PASSWORD=secret");
    const std::string theirs = as_nobody([&] {
        sd_bus* bus = blocking_client(socket_path());
        std::string count = "unanswered";
        for (const auto& [path, interface] :
             {std::pair(bus::unit_path("heat.service"), bus::service_interface),
              std::pair(std::string(bus::manager_path), bus::manager_interface)}) {
            char** list = nullptr;
            if (sd_bus_get_property_strv(
                    bus, nullptr, path.c_str(), interface, "Environment", nullptr, &list) < 0) {
                return count;
            }
            if (list != nullptr && *list != nullptr) {
                return std::string(*list);
            }
        }
        return std::string("nothing");
    });
    EXPECT_EQ(theirs, "nothing");
}

TEST_F(BusApiAsNobody, MayHoldOnlySoManyConnections) {
    options.access = bus::BusAccess::Everyone;
    options.connections_per_user = 2;
    serve();
    const std::string open = as_nobody([&] {
        std::string text;
        for (int number = 0; number < 4; ++number) {
            sd_bus* bus = blocking_client(socket_path());
            const Member list{bus::manager_interface, "method", "ListUnits", "-", "-"};
            text += bus != nullptr && attempt(bus, list) == "allowed" ? '+' : '-';
        }
        return text;
    });
    EXPECT_EQ(open, "++--");
}

}  // namespace
}  // namespace hearth::test
