# SPDX-License-Identifier: MIT
# What can't be given is refused by name and line, before any process exists.
hearthd_start
if hearthctl start impossible.service >"$CASE_DIR/said" 2>&1; then
    fail "impossible.service was started"
fi
cat "$CASE_DIR/said"
line=$(grep -n '^AppArmorProfile=' /units/impossible.service | cut -d: -f1)
[ -n "$line" ] || fail "impossible.service asks for no AppArmorProfile="
grep -q "impossible\.service:$line" "$CASE_DIR/said" || fail "the refusal does not name line $line"
grep -q AppArmorProfile "$CASE_DIR/said" || fail "the refusal does not name the directive"
grep -q RelaxConfinement "$CASE_DIR/said" || fail "the refusal shows no drop-in that would let it start"
equal "its state" "$(show impossible.service ActiveState)" failed
equal "its main process" "$(main_pid impossible.service)" 0
[ ! -d "$services/impossible.service" ] || fail "a cgroup was left for it"
# A refusal harms nobody else.
hearthctl start heat.service || fail "after the refusal, heat.service does not start"
await_state heat.service active/running
