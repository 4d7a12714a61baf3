// SPDX-License-Identifier: MIT
//
// The planner's workbench: what the passes read, what they write, and the one way in which
// something is refused. Only planner*.cpp include it. A pass may add steps in any order; plan()
// sorts them by stage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/planner.hpp"

namespace hearth::launch {

/// Who the command runs as, found once by the first pass that needs it.
struct Identity {
    std::optional<Account> account;  ///< of User=, or what DynamicUser= makes up
    Asked user_asked;
    bool change_groups = false, change_user = false;
    std::uint32_t uid = 0, gid = 0;  ///< in the end, whether changed or not
    /// the unit's, also where this command keeps hearthd's: who its directories are for
    std::uint32_t unit_uid = 0, unit_gid = 0;
    std::vector<std::uint32_t> supplementary;
    Asked groups_asked;

    [[nodiscard]] bool privileged() const { return uid == 0; }
};

/// When the user namespace is entered, if at all.
enum class UserNamespaceUse : std::uint8_t {
    None,
    First,  ///< the others belong to it
    Last,   ///< the others are the host's
};

class Planning {
public:
    Planning(const Unit& its_unit, const Invocation& its_invocation, const Host& its_host);

    const Unit& unit;
    const Settings& settings;
    const Invocation& invocation;
    const Host& host;
    const bool sandboxed;   ///< false under `+`: privileges and views stay whole
    const bool identified;  ///< false under `+` and `!`: the user stays

    Plan plan;
    Diagnostics refusals;
    Identity identity;
    UserNamespaceUse user_namespace = UserNamespaceUse::None;
    bool maps_range = false;  ///< and its ids are others outside: all of them from inside

    [[nodiscard]] Asked asked(std::string_view directive, std::string value = {}) const;
    void add(Stage stage, Action action, Asked who, int exit_status);
    void prepare(Preparation preparation, Asked who, int exit_status);

    /// `directive` can't be given: a refusal, or, where it is relaxed or its nature doesn't
    /// confine, a shortfall of the plan. `reason`: "hearthd lacks CAP_SYS_ADMIN".
    void falls_short(std::string_view directive, std::string_view value, std::string_view reason);
    /// A refusal that nothing relaxes. `message` names the directive first.
    void refuse(std::string_view directive, std::string message, std::string hint = {});

    /// Whether hearthd has the capability; if not, `directive` falls short of it.
    bool requires_capability(
        unsigned capability, std::string_view directive, std::string_view value);

    [[nodiscard]] bool has_capability(unsigned capability) const {
        return ((host.capabilities >> capability) & 1U) != 0 || gives(capability);
    }
    /// What the child holds, and could still be given, when privileges are dropped: all of a user
    /// namespace of its own, else what hearthd has.
    [[nodiscard]] std::uint64_t capabilities() const;
    [[nodiscard]] std::uint64_t bounding_set() const;

private:
    /// Whether the user namespace stands in for what hearthd lacks.
    [[nodiscard]] bool gives(unsigned capability) const;
};

// The passes, in the order in which plan() runs them.
void refuse_what_is_not_built(Planning& planning);
void find_identity(Planning& planning);
void make_directories(Planning& planning);
void make_credentials(Planning& planning);
void remove_ipc_at_the_end(Planning& planning);
void make_cgroup(Planning& planning);
void open_streams(Planning& planning);
void pass_descriptors(Planning& planning);
void set_process_properties(Planning& planning);
void set_scheduling(Planning& planning);
void set_limits(Planning& planning);
void make_namespaces(Planning& planning);
void arrange_mounts(Planning& planning);
void drop_privileges(Planning& planning);
void filter_system_calls(Planning& planning);
void make_environment(Planning& planning);  ///< and the arguments, which may refer to it

/// What a user namespace changes about mounts that are planned already.
void adapt_mounts(Planning& planning, MountPlan& mounts);
/// Of the hierarchies that ProtectControlGroups=private shows, those in which the service is in its
/// own cgroup: in others its namespace would begin at hearthd's.
void keep_own_hierarchies(Planning& planning, std::vector<MountWish>& wishes);
/// Groups before the user namespace is entered, which may not know them.
void order_identity(Planning& planning);

/// Those that this kernel has.
[[nodiscard]] std::uint64_t known_capabilities(const Host& host);
void set_security_labels(Planning& planning);
void set_secure_bits(Planning& planning);  ///< in the middle of drop_privileges()

[[nodiscard]] inline std::uint64_t bounding_capabilities(const Planning& planning) {
    return bounding_capabilities(planning.settings.sandbox, planning.host);
}

/// The directives that need a filter, each with its value.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string>> filtering_directives(
    const SandboxSettings& sandbox);

}  // namespace hearth::launch
