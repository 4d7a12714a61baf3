# SPDX-License-Identifier: MIT
# timeout: 900
#
# The integration tests of the development machine's hybrid cgroups, the same program, on a kernel
# with pure v2. Left out: AThousandRestarts, which 90-leaks does here with fewer, ReportMutation and
# the limits, which 98-mutation and 97-limits run by themselves for their length, and the suites
# whose services are programs that this initramfs hasn't (bash, perl, mksquashfs, findmnt, the
# tests' own).
needs_more='ControlAccess Directories Escapes HearthdNamespaces HearthdOfAUser HearthdResources
    HearthdDelegation HearthdIo HearthdLimits HearthdLiveLimits HearthdMany HearthdOom HearthdPhases
    HearthdPrograms HearthdQuota HearthdSlices
    HearthdUsers HearthdWithoutSysAdmin Images LaunchFilter LaunchPrivileges LaunchScheduling
    LaunchStreams LaunchTerminal Layers Notify Proof Roots'
# Not tried here yet: timers and automounts (no autofs4 in the initramfs), upgrade, containers, the
# clients' newer tests.
needs_more="$needs_more Automounts BusHostile ChaosUnderKeeper Container ContainerRuntime CtlEdit CtlRun SystemctlParity
    SystemctlRows SystemdCompatibility TriggerUnits Upgrade BusNames ChaosAlone ChaosOnReadOnlyDisk ChaosWithFullRun"
left_out='*AThousand*:ReportMutation.*:KillPoints.AFlood*'
for suite in $needs_more; do
    left_out="$left_out:$suite.*"
done
ran=0
for program in /vm/programs/*; do
    [ -x "$program" ] || continue
    ran=1
    "$program" --gtest_filter="-$left_out" --gtest_brief=1 >"$CASE_DIR/said" 2>&1 </dev/null
    status=$?
    cat "$CASE_DIR/said"
    broken=$(sed -n 's/^\[  FAILED  \] \([^ ,]*\).*/\1/p' "$CASE_DIR/said" | sort -u | tr '\n' ' ')
    [ "$status" -eq 0 ] || fail "$(basename "$program") ends with status $status: $broken"
    reasons=$(grep -A1 ': Skipped$' "$CASE_DIR/said" | grep -v ': Skipped$\|^--$' | sort | uniq -c |
        sed 's/^ *\([0-9]*\) /\1 skipped: /' | tr '\n' ';' | sed 's/;$//; s/;/; /g')
    note "$(sed -n 's/^\[  PASSED  \] //p' "$CASE_DIR/said" | tr -d .)${reasons:+, $reasons}"
done
[ "$ran" -eq 1 ] || fail "no integration tests were packed"
