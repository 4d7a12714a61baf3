// SPDX-License-Identifier: MIT
//
// Who holds which number of 61184..65519 (DynamicUser=). Each number in use is a file RUNTIME/
// dynamic-uid/NUMBER that its holder has locked; the text is the user's name. A number is given out
// again only when its file is gone or unlocked and no process runs as it (a hearthd that was killed
// leaves both). Numbers of /etc/passwd, /etc/group and of a systemd on the same machine are passed
// over. The ids are known to nobody else: there is no NSS module (docs/decisions).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/launch/host.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth {

class DynamicUsers {
public:
    /// A number held; given back by the destructor.
    class Claim {
    public:
        Claim() = default;
        Claim(std::uint32_t uid, std::string path, sys::Descriptor lock)
            : uid_(uid), path_(std::move(path)), lock_(std::move(lock)) {}
        Claim(Claim&& other) noexcept = default;
        Claim& operator=(Claim&& other) noexcept;
        Claim(const Claim&) = delete;
        Claim& operator=(const Claim&) = delete;
        ~Claim() { give_back(); }

        [[nodiscard]] std::uint32_t uid() const { return uid_; }
        [[nodiscard]] explicit operator bool() const { return static_cast<bool>(lock_); }

    private:
        void give_back();

        std::uint32_t uid_ = 0;
        std::string path_;
        sys::Descriptor lock_;
    };

    /// `others`: where a systemd keeps its own.
    explicit DynamicUsers(
        const std::string& runtime_directory = {}, std::string others = "/run/systemd/dynamic-uid")
        : directory_(runtime_directory + "/dynamic-uid"), others_(std::move(others)) {}

    /// `homes`: directories of the unit from an earlier life; their owner's number is tried first,
    /// so that nothing need change its owner.
    [[nodiscard]] Result<Claim> claim(
        const std::string& name,
        const std::vector<std::string>& homes,
        const launch::Host& host) const;

    /// The number of a service that outlived the manager which had claimed it.
    [[nodiscard]] Result<Claim> claim_again(std::uint32_t uid) const;

private:
    /// Nothing: somebody else has it.
    [[nodiscard]] Result<Claim> try_number(std::uint32_t uid, const std::string& name) const;

    std::string directory_, others_;
};

}  // namespace hearth
