// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/bpf_call.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/sys/file.hpp"

namespace hearth::cgroup::bpf {

Result<int> call(int command, bpf_attr& attributes, const char* what) {
    const long answer = ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
    if (answer < 0) {
        return failure(std::string("bpf(") + what + ")", errno);
    }
    return static_cast<int>(answer);
}

Result<bpf_prog_info> information(int program) {
    bpf_prog_info info{};
    bpf_attr attributes{};
    attributes.info.bpf_fd = static_cast<std::uint32_t>(program);
    attributes.info.info_len = sizeof info;
    attributes.info.info = pointer(&info);
    HEARTH_TRY(call(BPF_OBJ_GET_INFO_BY_FD, attributes, "OBJ_GET_INFO_BY_FD"));
    return info;
}

std::string tag_text(const bpf_prog_info& info) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : info.tag) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xFU];
    }
    return text;
}

Result<std::vector<std::uint32_t>> attached_ids(int directory, bpf_attach_type hook) {
    std::vector<std::uint32_t> ids(most_programs);
    bpf_attr attributes{};
    attributes.query.target_fd = static_cast<std::uint32_t>(directory);
    attributes.query.attach_type = hook;
    attributes.query.prog_ids = pointer(ids.data());
    attributes.query.prog_cnt = most_programs;
    HEARTH_TRY(call(BPF_PROG_QUERY, attributes, "PROG_QUERY"));
    ids.resize(std::min(attributes.query.prog_cnt, most_programs));
    return ids;
}

Result<void> change(
    int command, int directory, int program, bpf_attach_type hook, const char* what) {
    bpf_attr attributes{};
    attributes.target_fd = static_cast<std::uint32_t>(directory);
    attributes.attach_bpf_fd = static_cast<std::uint32_t>(program);
    attributes.attach_type = hook;
    attributes.attach_flags = command == BPF_PROG_ATTACH ? unsigned{BPF_F_ALLOW_MULTI} : 0U;
    HEARTH_TRY(call(command, attributes, what));
    return {};
}

Result<sys::Descriptor> open_directory(const std::string& directory) {
    return sys::open(directory, O_RDONLY | O_DIRECTORY);
}

}  // namespace hearth::cgroup::bpf
