# SPDX-License-Identifier: MIT
# timeout: 300
#
# Resource control on pure v2: what only its controllers have (MemoryHigh=, DefaultMemoryLow=,
# DisableControllers=, pids.events and memory.events that wake who waits), and what a hearthd inside
# a service makes of a delegated cgroup.
program=/vm/programs/integration_tests
[ -x "$program" ] || skip "no integration tests were packed"
suites='HearthdDelegation.*:HearthdLimits.*:HearthdLiveLimits.*:HearthdOom.*:HearthdPhases.*'
suites="$suites:HearthdSlices.*:HearthdIo.*:HearthdQuota.*"
"$program" --gtest_filter="$suites" --gtest_brief=1 >"$CASE_DIR/said" 2>&1 </dev/null
status=$?
cat "$CASE_DIR/said"
broken=$(sed -n 's/^\[  FAILED  \] \([^ ,]*\).*/\1/p' "$CASE_DIR/said" | sort -u | tr '\n' ' ')
[ "$status" -eq 0 ] || fail "limits end with status $status: $broken"
reasons=$(grep -A1 ': Skipped$' "$CASE_DIR/said" | grep -v ': Skipped$\|^--$' | sort | uniq -c |
    sed 's/^ *\([0-9]*\) /\1 skipped: /' | tr '\n' ';' | sed 's/;$//; s/;/; /g')
note "$(sed -n 's/^\[  PASSED  \] //p' "$CASE_DIR/said" | tr -d .)${reasons:+, $reasons}"
