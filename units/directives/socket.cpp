// SPDX-License-Identifier: MIT
//
// [Socket], systemd.socket(5): what is of sockets alone. They are read, kept and shown; starting a
// socket unit is refused by name, so nothing that a row says is promised and not kept.
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

constexpr applied::Refused unbuilt{"socket units aren't built yet"};

/// One of the lists of addresses: they share a field, for the empty text takes back all of them.
template <ListenKind kind>
struct OfKind {
    static Assigned assign(Settings& settings, std::string_view text, const ValueContext& context) {
        if (text.empty()) {
            settings.socket.listen = {};
            return {};
        }
        std::string address = HEARTH_TRY(expand(text, context));
        constexpr bool a_path = kind == ListenKind::Fifo || kind == ListenKind::Special ||
                                kind == ListenKind::UsbFunction;
        if (a_path || address.starts_with('/')) {
            address = HEARTH_TRY(read_absolute_path(address));
        }
        settings.socket.listen.addresses.push_back({kind, std::move(address)});
        return {};
    }
    static std::string format(const Settings& settings) {
        std::string text;
        for (const ListenAddress& each : settings.socket.listen.addresses) {
            if (each.kind == kind) {
                text += (text.empty() ? "" : "\n") + each.address;
            }
        }
        return text;
    }
    static bool is_default(const Settings& settings) {
        return std::ranges::count(settings.socket.listen.addresses, kind, &ListenAddress::kind) ==
               0;
    }
};

template <ListenKind kind>
consteval Row listen(std::string_view name, std::string_view summary, std::string_view sample) {
    return {
        .name = name,
        .section = Section::Socket,
        .context = Context::Socket,
        .summary = summary,
        .applied = unbuilt,
        .nature = Nature::Shares,
        .sample = sample,
        .syntax = "address; several add up to a list",
        .assign = &OfKind<kind>::assign,
        .format = &OfKind<kind>::format,
        .is_default = &OfKind<kind>::is_default,
        .properties = no_properties,
    };
}

template <Name name, auto member>
consteval Row row(std::string_view summary, std::string_view sample) {
    return directive<name, Section::Socket, Context::Socket, &Settings::socket, member>({
        .summary = summary,
        .applied = unbuilt,
        .nature = Nature::Shares,
        .sample = sample,
    });
}

/// What a service's rows say with commands: those of a socket are no part of the service's machine.
template <Name name, auto member>
consteval Row commands(std::string_view summary) {
    return directive<name, Section::Socket, Context::Socket, &Settings::socket, member>({
        .summary = summary,
        .applied = unbuilt,
        .nature = Nature::Shares,
        .sample = "/bin/true",
        .properties = no_properties,
    });
}

template <Name name, auto member>
consteval Row unshown(std::string_view summary, std::string_view sample) {
    return directive<name, Section::Socket, Context::Socket, &Settings::socket, member>({
        .summary = summary,
        .applied = unbuilt,
        .nature = Nature::Shares,
        .sample = sample,
        .properties = no_properties,
    });
}

constexpr auto rows = std::to_array<Row>({
    row<"Accept", &SocketSettings::accept>(
        "Starts an instance of the service for each connection.", "yes"),
    row<"Backlog", &SocketSettings::backlog>("How many connections may wait.", "128"),
    row<"BindIPv6Only", &SocketSettings::bind_ipv6_only>(
        "Whether an IPv6 socket takes IPv4 too.", "both"),
    row<"BindToDevice", &SocketSettings::bind_to_device>(
        "The network interface that it is bound to.", "eth0"),
    row<"Broadcast", &SocketSettings::broadcast>("Lets datagrams be broadcast.", "yes"),
    row<"DeferAcceptSec", &SocketSettings::defer_accept>(
        "Waits for the first data before a connection counts.", "5s"),
    row<"DirectoryMode", &SocketSettings::directory_mode>(
        "The mode of directories that are made for the socket.", "0700"),
    commands<"ExecStartPost", &SocketSettings::exec_start_post>(
        "Commands after the sockets have been made."),
    commands<"ExecStartPre", &SocketSettings::exec_start_pre>(
        "Commands before the sockets are made."),
    commands<"ExecStopPost", &SocketSettings::exec_stop_post>(
        "Commands after the sockets have been closed."),
    commands<"ExecStopPre", &SocketSettings::exec_stop_pre>(
        "Commands before the sockets are closed."),
    row<"FileDescriptorName", &SocketSettings::file_descriptor_name>(
        "The name that the service finds them by.", "web"),
    row<"FlushPending", &SocketSettings::flush_pending>(
        "Throws away what waits in the socket before it listens again.", "yes"),
    row<"FreeBind", &SocketSettings::free_bind>("Binds to addresses that aren't there yet.", "yes"),
    directive<
        "IPTOS",
        Section::Socket,
        Context::Socket,
        &Settings::socket,
        &SocketSettings::ip_tos>(
        {.summary = "The type of service of its packets.",
         .applied = unbuilt,
         .nature = Nature::Shares,
         .sample = "low-delay",
         .properties = no_properties}),
    unshown<"IPTTL", &SocketSettings::ip_ttl>("The time to live of its packets.", "32"),
    row<"KeepAlive", &SocketSettings::keep_alive>("Asks peers whether they are alive.", "yes"),
    row<"KeepAliveIntervalSec", &SocketSettings::keep_alive_interval>(
        "The time between two questions.", "30s"),
    row<"KeepAliveProbes", &SocketSettings::keep_alive_probes>(
        "After so many unanswered questions the connection is over.", "5"),
    row<"KeepAliveTimeSec", &SocketSettings::keep_alive_time>(
        "How long a connection is quiet before the first question.", "1h"),
    listen<ListenKind::Datagram>("ListenDatagram", "A datagram socket to listen on.", "514"),
    listen<ListenKind::Fifo>("ListenFIFO", "A named pipe to read.", "/run/x.fifo"),
    listen<ListenKind::MessageQueue>(
        "ListenMessageQueue", "A POSIX message queue to read.", "/queue"),
    listen<ListenKind::Netlink>(
        "ListenNetlink", "A netlink family and group to listen on.", "kobject-uevent 1"),
    listen<ListenKind::SequentialPacket>(
        "ListenSequentialPacket", "A socket for packets in order to listen on.", "/run/x.socket"),
    listen<ListenKind::Special>("ListenSpecial", "A device or file to open.", "/dev/input/mice"),
    listen<ListenKind::Stream>("ListenStream", "A stream socket to listen on.", "80"),
    listen<ListenKind::UsbFunction>(
        "ListenUSBFunction", "Where the end points of a USB gadget are.", "/dev/ffs"),
    unshown<"Mark", &SocketSettings::mark>("The firewall mark of its packets.", "7"),
    row<"MaxConnections", &SocketSettings::max_connections>(
        "How many instances may run at once.", "10"),
    row<"MaxConnectionsPerSource", &SocketSettings::max_connections_per_source>(
        "How many instances may run at once for one peer.", "2"),
    row<"MessageQueueMaxMessages", &SocketSettings::queue_messages>(
        "How many messages the queue holds.", "10"),
    row<"MessageQueueMessageSize", &SocketSettings::queue_message_size>(
        "How many bytes a message may have.", "1024"),
    row<"NoDelay", &SocketSettings::no_delay>("Sends small packets at once.", "yes"),
    row<"PassCredentials", &SocketSettings::pass_credentials>(
        "Receives the sender's credentials.", "yes"),
    row<"PassPacketInfo", &SocketSettings::pass_packet_info>(
        "Receives where a packet was sent to.", "yes"),
    row<"PassSecurity", &SocketSettings::pass_security>(
        "Receives the sender's security context.", "yes"),
    row<"PipeSize", &SocketSettings::pipe_size>("The size of the pipe's buffer.", "64K"),
    row<"Priority", &SocketSettings::priority>("The priority of its packets.", "5"),
    row<"ReceiveBuffer", &SocketSettings::receive_buffer>("The size of its receive buffer.", "1M"),
    row<"RemoveOnStop", &SocketSettings::remove_on_stop>(
        "Removes the file nodes when it is stopped.", "yes"),
    row<"ReusePort", &SocketSettings::reuse_port>("Lets others bind to the same port.", "yes"),
    unshown<"SELinuxContextFromNet", &SocketSettings::selinux_context_from_net>(
        "Starts the service in the peer's context.", "yes"),
    row<"SendBuffer", &SocketSettings::send_buffer>("The size of its send buffer.", "1M"),
    unshown<"Service", &SocketSettings::service>(
        "The service that is started; by default that of the same name.", "x.service"),
    row<"SmackLabel", &SocketSettings::smack_label>("The label of the node.", "x"),
    row<"SmackLabelIPIn", &SocketSettings::smack_label_in>("The label of what comes in.", "x"),
    row<"SmackLabelIPOut", &SocketSettings::smack_label_out>("The label of what goes out.", "x"),
    row<"SocketGroup", &SocketSettings::group>("The group of the node.", "adm"),
    row<"SocketMode", &SocketSettings::mode>("The mode of the node.", "0600"),
    unshown<"SocketProtocol", &SocketSettings::protocol>("udplite or sctp.", "sctp"),
    row<"SocketUser", &SocketSettings::user>("The owner of the node.", "daemon"),
    row<"Symlinks", &SocketSettings::symlinks>("Links that lead to the node.", "/run/y.socket"),
    unshown<"TCPCongestion", &SocketSettings::tcp_congestion>(
        "The congestion control of its connections.", "bbr"),
    row<"TimeoutSec", &SocketSettings::timeout>("How long its commands may take.", "20s"),
    row<"Timestamping", &SocketSettings::timestamping>("Receives when packets came.", "us"),
    row<"Transparent", &SocketSettings::transparent>("Binds to addresses of others.", "yes"),
    row<"TriggerLimitBurst", &SocketSettings::trigger_limit_burst>(
        "How often the service may be started within TriggerLimitIntervalSec=.", "7"),
    row<"TriggerLimitIntervalSec", &SocketSettings::trigger_limit_interval>(
        "The time within which TriggerLimitBurst= counts.", "10s"),
    row<"Writable", &SocketSettings::writable>("Opens ListenSpecial= for writing, too.", "yes"),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> socket_rows() {
    return directives::rows;
}

}  // namespace hearth
