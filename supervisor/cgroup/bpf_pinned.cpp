// SPDX-License-Identifier: MIT
//
// Programs that somebody else has loaded and pinned: opened by path, attached beside all others.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/cgroup/bpf_call.hpp"

namespace hearth::cgroup {

using namespace bpf;

namespace {

struct AttachType {
    std::string_view name{};
    bpf_attach_type type{};
};
// bpftool's names; the codec knows the same.
constexpr auto attach_types = std::to_array<AttachType>({
    {"bind4", BPF_CGROUP_INET4_BIND},
    {"bind6", BPF_CGROUP_INET6_BIND},
    {"connect4", BPF_CGROUP_INET4_CONNECT},
    {"connect6", BPF_CGROUP_INET6_CONNECT},
    {"device", BPF_CGROUP_DEVICE},
    {"egress", BPF_CGROUP_INET_EGRESS},
    {"getsockopt", BPF_CGROUP_GETSOCKOPT},
    {"ingress", BPF_CGROUP_INET_INGRESS},
    {"post_bind4", BPF_CGROUP_INET4_POST_BIND},
    {"post_bind6", BPF_CGROUP_INET6_POST_BIND},
    {"recvmsg4", BPF_CGROUP_UDP4_RECVMSG},
    {"recvmsg6", BPF_CGROUP_UDP6_RECVMSG},
    {"sendmsg4", BPF_CGROUP_UDP4_SENDMSG},
    {"sendmsg6", BPF_CGROUP_UDP6_SENDMSG},
    {"setsockopt", BPF_CGROUP_SETSOCKOPT},
    {"sock_create", BPF_CGROUP_INET_SOCK_CREATE},
    {"sock_ops", BPF_CGROUP_SOCK_OPS},
    {"sysctl", BPF_CGROUP_SYSCTL},
});

Result<bpf_attach_type> attach_type(const PinnedProgram& program) {
    const auto* const found = std::ranges::find(attach_types, program.hook, &AttachType::name);
    if (found == attach_types.end()) {
        return failure(program.hook + " is no hook of a cgroup", EINVAL);
    }
    return found->type;
}

Result<sys::Descriptor> open_pinned(const std::string& path) {
    bpf_attr attributes{};
    attributes.pathname = pointer(path.c_str());
    const auto number = call(BPF_OBJ_GET, attributes, "OBJ_GET");
    if (!number) {
        return failure("no BPF program is pinned at " + path, number.error().code);
    }
    return sys::Descriptor(*number);
}

struct Found {
    sys::Descriptor cgroup, program;
    bpf_attach_type type{};
    PinnedState state;
};

Result<Found> find(const std::string& directory, const PinnedProgram& pinned) {
    Found found;
    found.type = HEARTH_TRY(attach_type(pinned));
    found.program = HEARTH_TRY(open_pinned(pinned.path));
    found.cgroup = HEARTH_TRY(open_directory(directory));
    const bpf_prog_info info = HEARTH_TRY(information(found.program.number()));
    const auto ids = HEARTH_TRY(attached_ids(found.cgroup.number(), found.type));
    found.state = {std::ranges::count(ids, info.id) != 0, tag_text(info)};
    return found;
}

}  // namespace

Result<void> attach_pinned(const std::string& directory, const PinnedProgram& program) {
    const Found found = HEARTH_TRY(find(directory, program));
    if (found.state.attached) {
        return {};
    }
    const auto attached = change(
        BPF_PROG_ATTACH, found.cgroup.number(), found.program.number(), found.type, "PROG_ATTACH");
    if (!attached && attached.error().code == EINVAL) {
        return failure(program.path + " is no program for the hook " + program.hook, EINVAL);
    }
    return attached;
}

Result<PinnedState> pinned_state(const std::string& directory, const PinnedProgram& program) {
    return HEARTH_TRY(find(directory, program)).state;
}

}  // namespace hearth::cgroup
