// SPDX-License-Identifier: MIT
//
// The server's manners: what units show, when signals leave, who is answered and who is cut.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/bus_fixture.hpp"

namespace hearth::test {
namespace {

using bus::unit_path;

class BusServer : public BusFixture {};

std::string text_of(const Answer& answer) {
    return answer.good() ? answer.value.text : answer.error + ": " + answer.message;
}

TEST_F(BusServer, ShowsAUnitsState) {
    control.add("heat.service", ServiceState::Running).unit.settings.unit.description = "Heat";
    serve();
    const auto bus = connect();
    const std::string path = unit_path("heat.service");
    EXPECT_EQ(text_of(get(bus, path, bus::unit_interface, "ActiveState")), "active");
    EXPECT_EQ(text_of(get(bus, path, bus::unit_interface, "SubState")), "running");
    EXPECT_EQ(text_of(get(bus, path, bus::unit_interface, "Description")), "Heat");
    EXPECT_EQ(text_of(get(bus, path, bus::service_interface, "Type")), "simple");
}

TEST_F(BusServer, AnswersForUnitsThatDoNotExist) {
    serve();
    const auto bus = connect();
    const std::string path = unit_path("nothing.service");
    EXPECT_EQ(text_of(get(bus, path, bus::unit_interface, "LoadState")), "not-found");
    EXPECT_EQ(text_of(get(bus, path, bus::unit_interface, "ActiveState")), "inactive");
    EXPECT_EQ(text_of(get(bus, path, bus::unit_interface, "Id")), "nothing.service");
    const auto all = call(bus, path.c_str(), "org.freedesktop.DBus.Properties", "GetAll", "s", "");
    EXPECT_TRUE(all.good()) << all.message;
    EXPECT_GT(all.value.members.size(), 100U);
    EXPECT_TRUE(control.state.units.empty());
}

TEST_F(BusServer, HasNoObjectForWhatIsNoUnitName) {
    serve();
    const auto bus = connect();
    for (const char* label : {"noextension", "a_2fb_2eservice", "_", "x_zzservice"}) {
        const std::string path = std::string(bus::unit_prefix) + "/" + label;
        EXPECT_EQ(
            get(bus, path, bus::unit_interface, "Id").error,
            "org.freedesktop.DBus.Error.UnknownObject")
            << label;
    }
}

TEST_F(BusServer, LoadsAUnitWhenItsObjectIsAsked) {
    control.loadable["cold.service"].name = "cold.service";
    control.loadable["cold.service"].load_state = LoadState::Loaded;
    serve();
    const auto bus = connect();
    EXPECT_EQ(
        text_of(get(bus, unit_path("cold.service"), bus::unit_interface, "LoadState")), "loaded");
    EXPECT_TRUE(control.state.units.contains("cold.service"));
}

TEST_F(BusServer, AnswersSelfWithTheCallersUnit) {
    control.add("mine.service");
    control.units_by_pid[getpid()] = "mine.service";
    serve();
    const auto bus = connect();
    EXPECT_EQ(
        text_of(get(bus, std::string(bus::unit_prefix) + "/self", bus::unit_interface, "Id")),
        "mine.service");
    EXPECT_EQ(text_of(manager(bus, "GetUnitByPID", "u", 0U)), unit_path("mine.service"));
    EXPECT_EQ(manager(bus, "GetUnitByPID", "u", 1U).error, "org.freedesktop.systemd1.NoUnitForPID");
}

TEST_F(BusServer, RepliesBeforeItTellsThatTheJobIsGone) {
    control.add("heat.service");
    serve();
    const auto bus = connect();
    SignalLog log(bus);
    const auto started = manager(bus, "StartUnit", "ss", "heat.service", "replace");
    EXPECT_EQ(text_of(started), "/org/freedesktop/systemd1/job/1");
    EXPECT_TRUE(run_until([&] { return log.count("JobRemoved") == 1; }));
    const auto reply = std::ranges::find(log.seen, "reply");
    for (const char* later : {"JobNew", "PropertiesChanged", "JobRemoved"}) {
        EXPECT_LT(reply - log.seen.begin(), std::ranges::find(log.seen, later) - log.seen.begin())
            << later;
    }
    EXPECT_LT(std::ranges::find(log.seen, "JobNew"), std::ranges::find(log.seen, "JobRemoved"));
}

TEST_F(BusServer, TellsManyChangesOfAUnitOnce) {
    control.add("heat.service");
    serve();
    const auto bus = connect();
    ASSERT_TRUE(get(bus, unit_path("heat.service"), bus::unit_interface, "Id").good());
    const SignalLog log(bus);
    Outcome outcome;
    for (int change = 0; change < 5; ++change) {
        outcome.transitions.push_back(
            {"heat.service", ServiceState::Dead, ServiceState::Running, {}, "", {}});
    }
    control.tell(outcome);
    control.tell(outcome);
    settle();
    // One for each interface of the unit that has something to tell.
    EXPECT_GE(log.count("PropertiesChanged"), 1U);
    EXPECT_LE(log.count("PropertiesChanged"), 3U);
}

// It may be a bus client whose Hello is on its way: sd-bus takes a signal before the answer to that
// for the end of the world (EIO).
TEST_F(BusServer, TellsNothingToWhoHasSaidNothing) {
    control.add("heat.service");
    serve();
    const auto bus = connect();
    const SignalLog log(bus);
    ASSERT_TRUE(run_until([&] { return sd_bus_is_ready(bus.get()) > 0; }));
    settle();
    Outcome outcome;
    outcome.transitions.push_back(
        {"heat.service", ServiceState::Dead, ServiceState::Running, {}, "", {}});
    control.tell(outcome);
    control.add("new.service");
    control.tell(outcome);
    settle();
    EXPECT_EQ(log.count("PropertiesChanged") + log.count("UnitNew"), 0U);
    EXPECT_TRUE(manager(bus, "ListUnits", "").good());  // a direct peer, then
    control.tell(outcome);
    EXPECT_TRUE(run_until([&] { return log.count("PropertiesChanged") > 0; }));
}

TEST_F(BusServer, TellsOfUnitsThatComeAndGo) {
    serve();
    const auto bus = connect();
    ASSERT_TRUE(manager(bus, "ListUnits", "").good());
    SignalLog log(bus);
    control.add("new.service");
    EXPECT_TRUE(manager(bus, "StartUnit", "ss", "new.service", "replace").good());
    EXPECT_TRUE(run_until([&] { return log.count("UnitNew") == 1; }));
    control.remove("new.service");
    EXPECT_TRUE(run_until([&] { return log.count("UnitRemoved") == 1; }));
    EXPECT_EQ(log.count("Reloading"), 2U);
}

TEST_F(BusServer, AnswersReloadWhenItIsDone) {
    control.hold_reloads = true;
    serve();
    const auto bus = connect();
    std::optional<bool> answered;
    const auto take = [](sd_bus_message*, void* userdata, sd_bus_error*) {
        *static_cast<std::optional<bool>*>(userdata) = true;
        return 0;
    };
    sd_bus_call_method_async(
        bus.get(),
        nullptr,
        nullptr,
        bus::manager_path,
        bus::manager_interface,
        "Reload",
        take,
        &answered,
        "");
    EXPECT_TRUE(run_until([&] { return !control.reloads.empty(); }));
    settle();
    EXPECT_FALSE(answered);
    control.reloads.front()();
    EXPECT_TRUE(run_until([&] { return answered.has_value(); }));
}

TEST_F(BusServer, SurvivesAClientThatLeavesBeforeItsAnswer) {
    control.hold_reloads = true;
    control.hold_confinement = true;
    serve();
    {
        const auto bus = connect();
        for (const char* member : {"Reload"}) {
            sd_bus_call_method_async(
                bus.get(),
                nullptr,
                nullptr,
                bus::manager_path,
                bus::manager_interface,
                member,
                nullptr,
                nullptr,
                "");
        }
        sd_bus_call_method_async(
            bus.get(),
            nullptr,
            nullptr,
            bus::manager_path,
            bus::hearth_manager_interface,
            "Confinement",
            nullptr,
            nullptr,
            "s",
            "heat.service");
        EXPECT_TRUE(
            run_until([&] { return control.held_confinement && !control.reloads.empty(); }));
    }
    EXPECT_TRUE(run_until([&] { return server->connections() == 0; }));
    control.reloads.front()();
    control.held_confinement(std::string("[]"));
    control.held_confinement = nullptr;
    control.reloads.clear();
    settle();
    EXPECT_TRUE(manager(connect(), "ListUnits", "").good());
}

TEST_F(BusServer, AnswersWhatArrivesTogetherWithBegin) {
    serve();
    auto socket = sys::connect_unix(socket_path(), SOCK_STREAM);
    ASSERT_TRUE(socket.has_value());
    (void)sys::set_nonblocking(socket->number(), true);
    // A Ping, as the D-Bus Specification writes it: little endian, call, serial 1.
    std::string ping("l\1\0\1\0\0\0\0\1\0\0\0", 12);
    std::string fields;
    const auto field = [&fields](char code, char type, const std::string& text) {
        fields.append((8 - fields.size() % 8) % 8, '\0');
        fields += code;
        fields += std::string("\1", 1) + type + '\0';
        const auto length = static_cast<std::uint32_t>(text.size());
        fields.append(reinterpret_cast<const char*>(&length), 4);
        fields += text + '\0';
    };
    field(1, 'o', "/");
    field(2, 's', "org.freedesktop.DBus.Peer");
    field(3, 's', "Ping");
    const auto length = static_cast<std::uint32_t>(fields.size());
    ping.append(reinterpret_cast<const char*>(&length), 4);
    ping += fields;
    ping.append((8 - ping.size() % 8) % 8, '\0');
    std::string answer;
    const auto received = [&](std::string_view what) {
        char buffer[4096];
        const ssize_t count = ::read(socket->number(), buffer, sizeof buffer);
        answer.append(buffer, count > 0 ? static_cast<std::size_t>(count) : 0);
        return answer.find(what) != std::string::npos;
    };
    // The last of the handshake and the first message in one write, and so in one read.
    const std::string hello = std::string("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n", 29) + ping;
    ASSERT_TRUE(sys::write_all(socket->number(), hello, "socket").has_value());
    EXPECT_TRUE(run_until([&] {
        return received("OK ") && answer.size() > answer.find("OK ") + 64;
    })) << answer.size()
        << " bytes came";
}

TEST_F(BusServer, KnowsTheMachineOrSaysThatItHasNoId) {
    options.machine_id_file = directory.path() + "/machine-id";
    serve();
    const auto bus = connect();
    const auto ask = [&] {
        return call(bus, "/", "org.freedesktop.DBus.Peer", "GetMachineId", "");
    };
    EXPECT_EQ(ask().error, SD_BUS_ERROR_FILE_NOT_FOUND);
    std::ofstream(options.machine_id_file) << "uninitialized\n";
    EXPECT_EQ(ask().error, SD_BUS_ERROR_FILE_NOT_FOUND);
    std::ofstream(options.machine_id_file) << "0123456789abcdef0123456789abcdef\n";
    EXPECT_EQ(ask().value.text, "0123456789abcdef0123456789abcdef");
    EXPECT_TRUE(manager(bus, "ListUnits", "").good());  // the connection lived through it
}

TEST_F(BusServer, CutsOffWhoNeverReads) {
    options.queued_messages_root = 4;
    // sd-bus gives its socket 8 MiB: answers must be long to fill it soon.
    control.add("long.service").unit.settings.unit.description.assign(400'000, 'x');
    const std::string path = unit_path("long.service");
    serve();
    const auto bus = connect();
    ASSERT_TRUE(manager(bus, "ListUnits", "").good());
    sd_bus_detach_event(bus.get());  // from now on it only asks
    int result = 0;
    for (int round = 0; round < 1000 && server->connections() == 1; ++round) {
        if (result >= 0) {
            result = sd_bus_call_method_async(
                bus.get(),
                nullptr,
                nullptr,
                path.c_str(),
                "org.freedesktop.DBus.Properties",
                "Get",
                [](sd_bus_message*, void*, sd_bus_error*) { return 0; },
                nullptr,
                "ss",
                bus::unit_interface,
                "Description");
        }
        (void)loop->run_once(0);
        (void)loop->run_once(0);
    }
    EXPECT_EQ(server->connections(), 0U);
    EXPECT_TRUE(manager(connect(), "ListUnits", "").good());  // others are served
}

TEST_F(BusServer, DropsWhoNeverLogsIn) {
    options.login_microseconds = 1000;
    serve();
    const auto socket = sys::connect_unix(socket_path(), SOCK_STREAM);
    ASSERT_TRUE(socket.has_value());
    ASSERT_TRUE(run_until([&] { return server->connections() == 1; }));
    EXPECT_TRUE(run_until([&] { return server->connections() == 0; }));
}

TEST_F(BusServer, BoundsItsConnections) {
    options.connections = 3;
    serve();
    std::vector<BusHandle> clients;
    for (int number = 0; number < 3; ++number) {
        clients.push_back(connect());
        EXPECT_TRUE(manager(clients.back(), "ListUnits", "").good());
    }
    auto fourth = connect();
    EXPECT_FALSE(manager(fourth, "ListUnits", "").good());
    EXPECT_EQ(server->connections(), 3U);
    clients.pop_back();
    EXPECT_TRUE(run_until([&] { return server->connections() == 2; }));
    EXPECT_TRUE(manager(connect(), "ListUnits", "").good());
}

TEST_F(BusServer, PlaysAsMuchOfABusAsClientsNeed) {
    control.add("heat.service");
    serve();
    const auto bus = connect();
    const auto ask = [&](const char* member, const char* types, auto... arguments) {
        return call(bus, bus::broker_path, bus::broker_interface, member, types, arguments...);
    };
    const auto hello = ask("Hello", "");
    EXPECT_TRUE(hello.value.text.starts_with(":1.")) << hello.message;
    EXPECT_FALSE(ask("Hello", "").good());
    EXPECT_EQ(text_of(ask("GetNameOwner", "s", "org.freedesktop.systemd1")), ":1.0");
    EXPECT_EQ(
        ask("GetNameOwner", "s", "org.freedesktop.login1").error,
        "org.freedesktop.DBus.Error.NameHasNoOwner");
    EXPECT_EQ(ask("GetConnectionUnixUser", "s", hello.value.text.c_str()).value.number, getuid());
    SignalLog log(bus);
    EXPECT_TRUE(manager(bus, "StartUnit", "ss", "heat.service", "replace").good());
    settle();
    EXPECT_EQ(log.count("JobRemoved"), 0U);  // a client of a bus is told what it asked for
    EXPECT_TRUE(ask("AddMatch", "s", "type='signal'").good());
    EXPECT_TRUE(manager(bus, "StartUnit", "ss", "heat.service", "replace").good());
    EXPECT_TRUE(run_until([&] { return log.count("JobRemoved") == 1; }));
}

TEST_F(BusServer, KnowsNoOtherServices) {
    serve();
    const auto bus = connect();
    std::optional<std::string> error;
    const auto take = [](sd_bus_message* reply, void* userdata, sd_bus_error*) {
        const sd_bus_error* reason = sd_bus_message_get_error(reply);
        *static_cast<std::optional<std::string>*>(userdata) = reason == nullptr ? "" : reason->name;
        return 0;
    };
    sd_bus_call_method_async(
        bus.get(),
        nullptr,
        "org.freedesktop.login1",
        "/org/freedesktop/login1",
        "org.freedesktop.login1.Manager",
        "PowerOff",
        take,
        &error,
        "b",
        0);
    EXPECT_TRUE(run_until([&] { return error.has_value(); }));
    EXPECT_EQ(error, "org.freedesktop.DBus.Error.ServiceUnknown");
}

TEST_F(BusServer, RefusesMethodsItDoesNotHave) {
    serve();
    const auto bus = connect();
    for (const char* member : {"SetShowStatus", "SoftReboot"}) {
        EXPECT_EQ(manager(bus, member, "").error, "org.freedesktop.DBus.Error.UnknownMethod")
            << member;
    }
    for (const char* member : {"PowerOff", "Exit"}) {
        EXPECT_EQ(manager(bus, member, "").error, "org.freedesktop.DBus.Error.NotSupported")
            << member;
    }
}

TEST_F(BusServer, EndsAMachineThatIsItsOwn) {
    control.ends_machine = true;
    serve();
    const auto bus = connect();
    for (const char* member : {"PowerOff", "Reboot", "Halt", "KExec", "Exit"}) {
        EXPECT_TRUE(manager(bus, member, "").good()) << member;
    }
    EXPECT_TRUE(manager(bus, "SwitchRoot", "ss", "/sysroot", "/sbin/init").good());
    EXPECT_EQ(
        control.calls,
        (std::vector<std::string>{
            "end poweroff ",
            "end reboot ",
            "end halt ",
            "end kexec ",
            "end exit ",
            "end switch-root /sysroot/sbin/init"}));
    EXPECT_TRUE(manager(bus, "SetExitCode", "y", 7).good());
    EXPECT_EQ(control.code_of_exit, 7);
}

TEST_F(BusServer, PassesErrorsOnByName) {
    serve();
    const auto bus = connect();
    EXPECT_EQ(
        manager(bus, "StartUnit", "ss", "no.service", "replace").error,
        "org.freedesktop.systemd1.NoSuchUnit");
    EXPECT_EQ(
        manager(bus, "StartUnit", "ss", "no.service", "bogus").error,
        "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(
        manager(bus, "StartUnit", "ss", "../x", "replace").error,
        "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(manager(bus, "GetJob", "u", 9U).error, "org.freedesktop.systemd1.NoSuchJob");
    EXPECT_EQ(
        manager(bus, "UnrefUnit", "s", "a.service").error,
        "org.freedesktop.systemd1.NotReferenced");
}

TEST_F(BusServer, TellsARefusalWithItsLine) {
    Diagnostic refusal;
    refusal.severity = Severity::Error;
    refusal.origin = {"impossible.service", 9, 1};
    refusal.message = "AppArmorProfile=: the kernel has no AppArmor";
    control.refusals = {refusal};
    serve();
    const auto answer = call(
        connect(),
        bus::manager_path,
        bus::hearth_manager_interface,
        "Plan",
        "s",
        "impossible.service");
    EXPECT_EQ(answer.error, "org.hearth1.Refused");
    EXPECT_NE(answer.message.find("impossible.service:9"), std::string::npos) << answer.message;
}

TEST_F(BusServer, EndsAttachSessionsWithTheirConnection) {
    control.add("heat.service", ServiceState::Running);
    serve();
    {
        const auto bus = connect();
        ASSERT_TRUE(
            manager(bus, "ListUnits", "").good());  // descriptors are sent once that is agreed
        const auto session = call(
            bus,
            bus::manager_path,
            bus::hearth_manager_interface,
            "Attach",
            "ssasasasbah",
            "heat.service",
            "as-service",
            1,
            "mount",
            2,
            "ls",
            "/",
            1,
            "TERM=dumb",
            0,
            3,
            0,
            1,
            2);
        if (getuid() != 0) {
            EXPECT_EQ(session.error, "org.freedesktop.DBus.Error.AccessDenied");
            return;
        }
        ASSERT_TRUE(session.good()) << session.message;
        EXPECT_EQ(session.value.number, 7U);
        EXPECT_EQ(control.attached.level, AttachRequest::Level::AsService);
        EXPECT_EQ(control.attached.command, (std::vector<std::string>{"ls", "/"}));
        EXPECT_EQ(control.attached.namespaces, (std::vector<std::string>{"mount"}));
        EXPECT_EQ(control.attached.stdio.size(), 3U);
        EXPECT_EQ(
            call(
                bus,
                bus::manager_path,
                bus::hearth_manager_interface,
                "SignalAttach",
                "ti",
                std::uint64_t{8},
                15)
                .error,
            "org.freedesktop.DBus.Error.InvalidArgs");
    }
    EXPECT_TRUE(run_until([&] { return control.called("end-attach 7"); }));
}

TEST_F(BusServer, TellsTheEndOfAnAttachSession) {
    if (getuid() != 0) {
        GTEST_SKIP() << "attach is for root";
    }
    control.add("heat.service", ServiceState::Running);
    serve();
    const auto bus = connect();
    ASSERT_TRUE(manager(bus, "ListUnits", "").good());
    SignalLog log(bus);
    ASSERT_TRUE(call(
                    bus,
                    bus::manager_path,
                    bus::hearth_manager_interface,
                    "Attach",
                    "ssasasasbah",
                    "heat.service",
                    "default",
                    0,
                    0,
                    0,
                    0,
                    3,
                    0,
                    1,
                    2)
                    .good());
    control.attach_ended(7, {CLD_EXITED, 3});
    EXPECT_TRUE(run_until([&] { return log.count("AttachEnded") == 1; }));
    control.attach_ended = nullptr;
}

TEST_F(BusServer, SendsTheLastSignalsBeforeItGoes) {
    control.add("heat.service");
    control.finish_at_once = false;
    serve();
    const auto bus = connect();
    SignalLog log(bus);
    ASSERT_TRUE(manager(bus, "StopUnit", "ss", "heat.service", "replace").good());
    control.finish(1, JobResult::Done);
    server->flush();
    server.reset();
    EXPECT_TRUE(run_until([&] { return log.count("JobRemoved") == 1; }));
    EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

}  // namespace
}  // namespace hearth::test
