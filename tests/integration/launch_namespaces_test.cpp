// SPDX-License-Identifier: MIT
//
// Namespaces: made by the child, made once per activation, and entered from outside (attach).
#include <sched.h>
#include <sys/stat.h>

#include "supervisor/sys/namespace.hpp"
#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;

std::string own(const std::string& kind) {
    return *sys::readlink("/proc/self/ns/" + kind);
}

TEST(LaunchNamespaces, AreNewWhereAskedAndNowhereElse) {
    HEARTH_NEEDS_ROOT();
    const char* script = "for n in uts ipc cgroup net mnt; do readlink /proc/self/ns/$n; done";
    LaunchProbe probe(script);
    probe.add(
        Stage::Namespaces, NewNamespaces{CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP}, {}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    for (const char* kind : {"uts", "ipc", "cgroup"}) {
        EXPECT_EQ(result.output.find(own(kind)), std::string::npos) << kind;
    }
    for (const char* kind : {"net", "mnt"}) {
        EXPECT_NE(result.output.find(own(kind)), std::string::npos) << kind;
    }
}

TEST(LaunchNamespaces, HaveAHostnameOfTheirOwn) {
    HEARTH_NEEDS_ROOT();
    char before[256] = {}, after[256] = {};
    ::gethostname(before, sizeof before);
    LaunchProbe probe("cat /proc/sys/kernel/hostname");
    probe.add(Stage::Namespaces, NewNamespaces{CLONE_NEWUTS}, {}, 226);
    probe.add(Stage::Hostname, SetHostname{"furnace"});
    EXPECT_EQ(probe.run().output, "furnace\n");
    ::gethostname(after, sizeof after);
    EXPECT_STREQ(before, after);
}

TEST(LaunchNamespaces, OfTheNetworkIsMadeOncePerActivationWithLoopbackUp) {
    HEARTH_NEEDS_ROOT();
    const std::string host = own("net");
    LaunchProbe probe(
        "readlink /proc/self/ns/net; cat /proc/net/dev | grep -c :; cat /sys/class/net/lo/flags "
        "2>/dev/null; ip -o link show lo 2>/dev/null | grep -o LOOPBACK,UP; cat /proc/net/route | "
        "wc -l");
    probe.plan.preparations.push_back(
        {MakeNamespace{"network", MakeNamespace::Kind::Network}, {}, 225});
    probe.add(Stage::Namespaces, EnterNamespace{"network"}, {}, 225);
    const ProbeResult first = probe.run();
    EXPECT_EQ(first.failure(), "");
    const std::string inside = first.output.substr(0, first.output.find('\n'));
    EXPECT_NE(inside, host);
    ASSERT_TRUE(probe.activation.descriptors.contains("network"));
    EXPECT_EQ(own("net"), host) << "the launching thread went back";
    // Loopback: the local route exists only when lo is up.
    LaunchProbe again(
        "readlink /proc/self/ns/net; grep -c ' lo$' /proc/net/if_inet6 || true; cat "
        "/proc/net/fib_trie | grep -c 127.0.0.1");
    again.plan.preparations = probe.plan.preparations;
    again.activation = std::move(probe.activation);
    again.add(Stage::Namespaces, EnterNamespace{"network"}, {}, 225);
    const ProbeResult second = again.run();
    EXPECT_EQ(second.output.substr(0, second.output.find('\n')), inside)
        << "the same for the next command";
    EXPECT_EQ(second.output.find("\n0\n", second.output.size() - 3), std::string::npos)
        << "127.0.0.1 is local where lo is up: " << second.output;
    release(again.activation);
    EXPECT_TRUE(again.activation.descriptors.empty());
}

TEST(LaunchNamespaces, OfPidsMakeTheProgramNumberOne) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe("echo $$; ls -d /proc/[0-9]* | wc -l");
    probe.plan.new_pid_namespace = true;
    probe.with_mounts();
    probe.add(Stage::Mounts, MountFileSystem{"proc", "/proc", "", 2 | 4 | 8, false}, {}, 226);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_TRUE(result.output.starts_with("1\n")) << result.output;
    EXPECT_LE(std::stoi(result.output.substr(2)), 3) << "its own, ls and wc";
    EXPECT_GT(result.launch.pid, 1);
}

/// A process with namespaces of its own that lives until its standard input is closed.
struct Resident {
    Resident() {
        auto pipe = sys::pipe2();
        hold = std::move(pipe->write);
        LaunchProbe probe("exec >&-; echo here >/tmp/hearth-resident; read line");
        probe.plan.new_pid_namespace = true;
        probe.give("hold", std::move(pipe->read));
        probe.add(Stage::Descriptors, UseDescriptor{"hold", 0});
        probe.add(
            Stage::Namespaces, NewNamespaces{CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS}, {}, 226);
        probe.add(Stage::Mounts, MountPropagation{}, {}, 226);
        probe.add(Stage::Mounts, MountFileSystem{"tmpfs", "/tmp", "mode=1777", 0, false}, {}, 226);
        probe.add(Stage::Mounts, MountFileSystem{"proc", "/proc", "", 0, false}, {}, 226);
        probe.add(Stage::Hostname, SetHostname{"resident"});
        sys::Descriptor output;
        launch = launch_now(probe.request(output), cgroup::Tree());
        // The script closes its output once it stands.
        EXPECT_TRUE(sys::read_all(output.number(), 10, "resident").has_value());
        while (launch.pidfd &&
               !sys::stat("/proc/" + std::to_string(launch.pid) + "/root/tmp/hearth-resident")) {
            ::usleep(1000);
        }
    }
    ~Resident() {
        hold.reset();
        testing_support::reap(launch.pidfd);
    }
    sys::Descriptor hold;
    LaunchResult launch;
};

TEST(LaunchNamespaces, OfARunningServiceAreEntered) {
    HEARTH_NEEDS_ROOT();
    const Resident resident;
    ASSERT_FALSE(resident.launch.failure) << message(*resident.launch.failure);
    LaunchProbe probe(
        "cat /tmp/hearth-resident /proc/sys/kernel/hostname; readlink /proc/self; tr '\\0' ' ' "
        "</proc/1/cmdline");
    for (const char* kind : {"ipc", "uts", "mnt", "pid"}) {
        auto descriptor = sys::namespace_of(resident.launch.pid, kind);
        ASSERT_TRUE(descriptor.has_value()) << descriptor.error().what;
        probe.give(kind, std::move(*descriptor));
        probe.add(Stage::Namespaces, EnterNamespace{kind}, {}, 226);
    }
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_TRUE(result.output.starts_with("here\nresident\n")) << result.output;
    EXPECT_NE(result.output.find("sh -c exec"), std::string::npos) << "pid 1 is the resident";
    // The launching thread's own children are born outside again.
    EXPECT_EQ(own("pid_for_children"), own("pid"));
    LaunchProbe outside("echo $$");
    const ProbeResult after = outside.run();
    EXPECT_EQ(after.output, std::to_string(after.launch.pid) + "\n");
}

}  // namespace
}  // namespace hearth::launch
