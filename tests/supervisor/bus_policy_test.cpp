// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <set>

#include "supervisor/bus/policy.hpp"

namespace hearth::bus {
namespace {

constexpr uid_t nobody = 65534;

struct Case {
    const char* what;
    Peer peer;
    MethodClass kind;
    bool allowed;
};

Peer peer(uid_t uid, const std::string& unit = {}) {
    Peer made;
    made.pid = 100;
    made.uid = uid;
    made.gid = uid;
    made.unit = unit;
    return made;
}

World world_with_services() {
    World world;
    world.units["free.service"].unit.name = "free.service";
    UnitRecord& bound = world.units["bound.service"];
    bound.unit.name = "bound.service";
    bound.unit.settings.sandbox.capability_bounding_set.mask = 0;
    world.units["granted.service"] = bound;
    world.units["granted.service"].unit.settings.hearth.control_access = true;
    world.units["denied.service"].unit.settings.hearth.control_access = false;
    return world;
}

void check(const Policy& policy, const std::vector<Case>& cases) {
    const World world = world_with_services();
    for (const Case& each : cases) {
        const auto refusal = policy.refuse(each.peer, each.kind, "StartUnit", world);
        EXPECT_EQ(!refusal, each.allowed) << each.what << ": " << (refusal ? refusal->message : "");
        if (refusal) {
            EXPECT_EQ(refusal->name, "AccessDenied") << each.what;
        }
    }
}

TEST(BusPolicy, ChangingIsForRootOurOwnUserAndTheGroup) {
    Policy policy;
    policy.own_uid = 1000;
    policy.group = 77;
    Peer member = peer(nobody);
    member.groups = {5, 77};
    Peer primary = peer(nobody);
    primary.gid = 77;
    check(
        policy,
        {
            {"root", peer(0), MethodClass::Change, true},
            {"our own user", peer(1000), MethodClass::Change, true},
            {"a member of the group", member, MethodClass::Change, true},
            {"its primary group", primary, MethodClass::Change, true},
            {"nobody", peer(nobody), MethodClass::Change, false},
            {"nobody reads", peer(nobody), MethodClass::Read, true},
            {"nobody reads secrets", peer(nobody), MethodClass::Private, false},
            {"the group can't attach", member, MethodClass::Root, false},
            {"root attaches", peer(0), MethodClass::Root, true},
        });
}

TEST(BusPolicy, AConfinedServiceMayNotUndoItsConfinement) {
    Peer gone = peer(0);
    gone.vanished = true;
    check(
        Policy{},
        {
            {"with CAP_SYS_ADMIN", peer(0, "free.service"), MethodClass::Change, true},
            {"without", peer(0, "bound.service"), MethodClass::Change, false},
            {"without, attaching", peer(0, "bound.service"), MethodClass::Root, false},
            {"without, reading", peer(0, "bound.service"), MethodClass::Read, true},
            {"of a unit nobody knows any more",
             peer(0, "gone.service"),
             MethodClass::Change,
             false},
            {"without, but ControlAccess=yes",
             peer(0, "granted.service"),
             MethodClass::Change,
             true},
            {"with, but ControlAccess=no", peer(0, "denied.service"), MethodClass::Change, false},
            {"a process that was gone before it was looked at", gone, MethodClass::Change, false},
        });
}

TEST(BusPolicy, UnderAUserManagerAnyConfinementForbidsChanges) {
    Policy policy;
    policy.user_mode = true;
    policy.own_uid = 1000;
    check(
        policy,
        {
            {"unconfined", peer(1000, "free.service"), MethodClass::Change, true},
            {"confined", peer(1000, "bound.service"), MethodClass::Change, false},
        });
}

TEST(BusPolicy, OnlyTrustedPeersConnectUnlessEverybodyMay) {
    Policy policy;
    EXPECT_TRUE(policy.may_connect(peer(0)));
    EXPECT_FALSE(policy.may_connect(peer(nobody)));
    policy.access = BusAccess::Everyone;
    EXPECT_TRUE(policy.may_connect(peer(nobody)));
}

TEST(BusPolicy, NamesEachMethodOnce) {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const MethodRule& rule : method_rules()) {
        EXPECT_TRUE(seen.emplace(rule.interface, rule.member).second)
            << rule.interface << "." << rule.member;
    }
    EXPECT_FALSE(method_class("org.freedesktop.systemd1.Manager", "SoftReboot"));
}

TEST(BusPolicy, ReadsTheGroupFromItsFile) {
    const std::string file = "root:x:0:\nhearthling:x:4:\nhearth:x:977:a,b\nbroken\nempty::\n";
    EXPECT_EQ(group_id(file, "hearth"), std::optional<gid_t>(977));
    EXPECT_EQ(group_id(file, "hearthlin"), std::nullopt);
    EXPECT_EQ(group_id(file, "broken"), std::nullopt);
    EXPECT_EQ(group_id(file, "empty"), std::nullopt);
    EXPECT_EQ(group_id(file, ""), std::nullopt);
    EXPECT_EQ(group_id("hearth:x:5", "hearth"), std::optional<gid_t>(5));
}

}  // namespace
}  // namespace hearth::bus
