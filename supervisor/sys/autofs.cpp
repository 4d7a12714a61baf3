// SPDX-License-Identifier: MIT
#include "supervisor/sys/autofs.hpp"

#include <fcntl.h>
#include <linux/auto_fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth::sys {

namespace {

constexpr const char* control_device = "/dev/autofs";

/// struct autofs_dev_ioctl of linux/auto_dev-ioctl.h, whose header is not C++.
struct Parameters {
    std::uint32_t major = 1, minor = 0;
    std::uint32_t size = sizeof(Parameters);
    std::int32_t mount = -1;
    union {
        std::uint64_t timeout = 0;
        std::uint32_t device;
        struct {
            std::uint32_t token;
            std::int32_t status;
        } answer;
    };
};
static_assert(sizeof(Parameters) == 24);

constexpr unsigned long request(unsigned number) {
    return _IOC(_IOC_READ | _IOC_WRITE, 0x93, number, sizeof(Parameters));
}
constexpr unsigned long open_mount = request(0x74), ready = request(0x76), fail = request(0x77),
                        set_pipe = request(0x78), catatonic = request(0x79),
                        timeout = request(0x7a), expire = request(0x7c);

/// One request to the control device; `path` follows the struct.
class Control {
public:
    explicit Control(const std::string& path = {})
        : memory_(sizeof(Parameters) + (path.empty() ? 0 : path.size() + 1)) {
        parameters_.size = static_cast<std::uint32_t>(memory_.size());
        std::memcpy(
            memory_.data() + sizeof(Parameters), path.c_str(), memory_.size() - sizeof(Parameters));
    }
    [[nodiscard]] Parameters& parameters() { return parameters_; }
    Result<void> call(unsigned long request, const char* what) {
        std::memcpy(memory_.data(), &parameters_, sizeof parameters_);
        const Descriptor device = HEARTH_TRY(open(control_device, O_RDONLY));
        if (::ioctl(device.number(), request, memory_.data()) < 0) {
            return call_failure(what, control_device, errno);
        }
        std::memcpy(&parameters_, memory_.data(), sizeof parameters_);
        return {};
    }

private:
    Parameters parameters_;
    std::vector<char> memory_;
};

}  // namespace

Result<void> mount_autofs(const std::string& where, int pipe, const std::string& extra_options) {
    std::string options = "fd=" + std::to_string(pipe) + ",pgrp=" + std::to_string(::getpgrp()) +
                          ",minproto=5,maxproto=5,direct";
    if (!extra_options.empty()) {
        options += "," + extra_options;
    }
    // The name that systemd gives: tools that pass over its automount points pass over ours.
    return mount("systemd-1", where, "autofs", 0, options);
}

Result<Descriptor> open_autofs(std::uint64_t device, const std::string& where) {
    Control control(where);
    control.parameters().device =
        static_cast<std::uint32_t>(makedev(major(device), minor(device)) & UINT32_MAX);
    HEARTH_TRY(control.call(open_mount, "AUTOFS_DEV_IOCTL_OPENMOUNT"));
    Descriptor mount(control.parameters().mount);
    (void)::fcntl(mount.number(), F_SETFD, FD_CLOEXEC);
    return mount;
}

Result<void> take_over_autofs(int mount, int pipe) {
    Control end;
    end.parameters().mount = mount;
    HEARTH_TRY(end.call(catatonic, "AUTOFS_DEV_IOCTL_CATATONIC"));
    Control begin;
    begin.parameters().mount = mount;
    begin.parameters().device = static_cast<std::uint32_t>(pipe);
    return begin.call(set_pipe, "AUTOFS_DEV_IOCTL_SETPIPEFD");
}

Result<void> set_autofs_timeout(int mount, std::uint64_t seconds) {
    Control control;
    control.parameters().mount = mount;
    control.parameters().timeout = seconds;
    return control.call(timeout, "AUTOFS_DEV_IOCTL_TIMEOUT");
}

Result<void> answer_autofs(int mount, std::uint32_t token, int error) {
    Control control;
    control.parameters().mount = mount;
    if (error == 0) {
        control.parameters().answer.token = token;
        return control.call(ready, "AUTOFS_DEV_IOCTL_READY");
    }
    control.parameters().answer.token = token;
    control.parameters().answer.status = -error;
    return control.call(fail, "AUTOFS_DEV_IOCTL_FAIL");
}

Result<bool> expire_autofs(int mount) {
    Control control;
    control.parameters().mount = mount;
    const auto asked = control.call(expire, "AUTOFS_DEV_IOCTL_EXPIRE");
    if (asked) {
        return true;
    }
    return asked.error().code == EAGAIN ? Result<bool>(false) : Unexpected<Error>(asked.error());
}

Result<std::optional<AutofsRequest>> peek_autofs(int pipe) {
    // read(2) has no MSG_PEEK, and a pipe has tee(2).
    const Pipe copy = HEARTH_TRY(pipe2());
    autofs_v5_packet packet{};
    const ssize_t copied = ::tee(pipe, copy.write.number(), sizeof packet, SPLICE_F_NONBLOCK);
    if (copied < 0) {
        return errno == EAGAIN ? Result<std::optional<AutofsRequest>>(std::nullopt)
                               : call_failure("tee", "autofs", errno);
    }
    if (copied == 0 ||
        ::read(copy.read.number(), &packet, sizeof packet) != static_cast<ssize_t>(sizeof packet)) {
        return failure("the automount point is gone", 0);
    }
    const int type = packet.hdr.type;
    if (type != autofs_ptype_missing_direct && type != autofs_ptype_expire_direct) {
        return failure("autofs sent a packet of unknown type", EPROTO);
    }
    return std::optional(AutofsRequest{
        static_cast<std::uint32_t>(packet.wait_queue_token),
        type == autofs_ptype_expire_direct,
        packet.pid});
}

Result<void> take_autofs(int pipe) {
    autofs_v5_packet packet{};
    if (::read(pipe, &packet, sizeof packet) < 0) {
        return call_failure("read", "autofs", errno);
    }
    return {};
}

}  // namespace hearth::sys
