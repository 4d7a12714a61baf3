// SPDX-License-Identifier: MIT
//
// The same script with hearthctl as with systemctl: what a script may read is the same byte for
// byte, and so is the exit status. The state of the units is prepared once for all lines.
#include "places.hpp"
#include "stock_systemctl.hpp"

namespace hearth::test {
namespace {

using testing::HearthdProcess;
using testing::Output;

constexpr const char* lines[] = {
    "is-active a",
    "is-active a.service",
    "is-active off",
    "is-active nothing",
    "is-active off a",
    "is-active 'a*'",
    "is-active 'a*' off",
    "--quiet is-active a",
    "-q is-active off",
    "is-failed bad",
    "is-failed a",
    "is-failed a bad",
    "is-failed nothing",
    "is-enabled a",
    "is-enabled off",
    "is-enabled bad",
    "is-enabled a off",
    "-q is-enabled a",
    "is-system-running",
    "get-default",
    "show -p MainPID a",
    "show -p MainPID --value a",
    "show --property=Id,ActiveState a bad",
    "show -p ActiveState -p SubState off",
    "show --value -p Id -p LoadState nothing",
    "show -p Names -p Result -p ExecMainStatus bad",
    "show -p ExecStart bad",
    "show -p Requires -p After -p Wants b",
    "show -p FragmentPath -p DropInPaths -p UnitFileState a",
    "show -p Version -p NNames -p NFailedUnits",
    "show -p Environment -p LimitNOFILE -p TasksMax -p CapabilityBoundingSet a",
    "-p Id --value show a off",
    "--no-pager -p ActiveState show a",
    "show a --property=Slice --property=ControlGroup",
    "show off",
    "show --all off",
    "show bad",
    "list-units --plain --no-legend",
    "list-units --all --plain --no-legend",
    "list-units --plain --no-legend --state=failed",
    "list-units --plain --no-legend --type=service",
    "list-units -t slice --plain --no-legend",
    "list-units --plain --no-legend 'a*' b.service",
    "--failed --plain --no-legend list-units",
    "show tick.timer",
    "show --all tick.timer",
    "show watch.path",
    "show --all door.socket",
    "show --value -p Listen -p Paths -p TimersCalendar watch.path door.socket tick.timer a",
    "list-timers --all --no-legend",
    "list-sockets --all",
    "list-unit-files --plain --no-legend",
    "list-unit-files --no-legend --state=enabled",
    "list-unit-files --no-legend --type=target",
    "list-unit-files --no-legend a.service",
    "list-jobs --plain --no-legend",
    "list-machines",
    "list-machines --plain --no-legend",
    "list-machines nothing",
    "--type=help",
    "clean --what=help",
    "status --output=nonsense a",
    "help bad",
    "help nothing",
    "list-dependencies --plain b",
    "list-dependencies --plain --reverse a",
    "list-dependencies --plain --after b",
    "show-environment",
    "log-level",
    "log-target",
    "service-watchdogs",
    "cat a",
    "cat a bad",
    "kill -s USR1 off",
    "try-restart off",
    "condrestart off",
    "reset-failed a",
    "daemon-reload",
    "start a",
    "stop off",
    "start nothing",
    "start bad",
};

TEST(SystemctlParity, AScriptReadsTheSame) {
    SKIP_WITHOUT_ROOT();
    if (stock_systemctl().empty()) {
        GTEST_SKIP() << "no systemctl on this machine";
    }
    const HearthdProcess hearthd;
    hearthd.add(
        "a.service",
        "[Unit]\nDescription=One of them\n[Service]\nExecStart=/bin/sleep 1000\nEnvironment=A=b "
        "'C=d e'\nLimitNOFILE=100:200\n[Install]\nWantedBy=shop.target\n");
    hearthd.add(
        "b.service",
        "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\n"
        "ExecStart=/bin/sleep 1000\n");
    hearthd.add("off.service", "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=shop.target\n");
    hearthd.add("bad.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 3'\n");
    hearthd.add("tick.timer", "[Timer]\nOnCalendar=daily\nOnCalendar=weekly\nUnit=a.service\n");
    hearthd.add("watch.path", "[Path]\nPathExists=/nowhere\nPathChanged=/x y\nUnit=a.service\n");
    hearthd.add("door.socket", "[Socket]\nListenStream=/run/door\nListenDatagram=127.0.0.1:99\n");
    hearthd.add("shop.target", "[Unit]\nDescription=A shop\n");
    ASSERT_EQ(hearthd.ctl({"enable", "a"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"set-default", "shop.target"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"start", "b"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"start", "bad"}).status, 1);
    ASSERT_EQ(hearthd.ctl({"show", "off"}).status, 0);
    const std::string ours = std::string(HEARTH_BINARY_DIR) + "/hearthctl --runtime-dir " +
                             hearthd.place() + "/runtime ";
    for (const char* const line : lines) {
        // In the same surroundings, so that both see the same /run and the same time zone.
        const Output stock = run_stock(hearthd, "env TZ=UTC " + stock_systemctl() + " " + line);
        const Output own = run_stock(hearthd, "env TZ=UTC " + ours + line);
        EXPECT_EQ(own.out, stock.out) << line << ": " << own.err << " / " << stock.err;
        EXPECT_EQ(own.status, stock.status) << line << ": " << own.err << " / " << stock.err;
    }
}

}  // namespace
}  // namespace hearth::test
