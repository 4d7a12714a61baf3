# SPDX-License-Identifier: MIT
# hearthctl confinement: on a v2 kernel every row of heat.service is verified, none a mismatch.
hearthd_start
hearthctl start heat.service || fail "start heat.service ends with status $?"
await_state heat.service active/running
hearthctl confinement heat.service >"$CASE_DIR/said" 2>&1
status=$?
cat "$CASE_DIR/said"
! grep -qi 'unknown\( verb\| command\)' "$CASE_DIR/said" || skip "hearthctl has no verb confinement yet"
equal "its exit status" "$status" 0
for directive in CPUQuota MemoryMax TasksMax SystemCallFilter PrivateNetwork NoNewPrivileges; do
    grep "$directive" "$CASE_DIR/said" | grep -qw verified || fail "$directive is not verified"
done
! grep -q MISMATCH "$CASE_DIR/said" || fail "a row is a mismatch: $(grep MISMATCH "$CASE_DIR/said" | head -n 1)"
# The kernel's view is read, not remembered: a limit lifted behind hearthd's back turns red.
echo max >"$services/heat.service/pids.max"
if hearthctl confinement heat.service >"$CASE_DIR/said" 2>&1; then
    fail "a lifted TasksMax= is not noticed"
fi
grep TasksMax "$CASE_DIR/said" | grep -q MISMATCH || fail "the row that turned red is not TasksMax="
