# SPDX-License-Identifier: MIT
# timeout: 300
#
# The proof of the report on pure v2: each part of a plan is left out in turn, and exactly its rows
# must turn red. Some 200 launches, each with its report, of which many are of busy processes.
program=/vm/programs/integration_tests
[ -x "$program" ] || skip "no integration tests were packed"
"$program" --gtest_filter='ReportMutation.*' --gtest_brief=1 >"$CASE_DIR/said" 2>&1 </dev/null
status=$?
cat "$CASE_DIR/said"
broken=$(sed -n 's/^\[  FAILED  \] \([^ ,]*\).*/\1/p' "$CASE_DIR/said" | sort -u | tr '\n' ' ')
[ "$status" -eq 0 ] || fail "the report's mutations end with status $status: $broken"
note "$(sed -n 's/^\[  PASSED  \] //p' "$CASE_DIR/said" | tr -d .)"
