# SPDX-License-Identifier: MIT
# A frozen unit burns nothing, and goes on when it is thawed; hearthd takes neither for a death.
hearthd_start
hearthctl start heat.service || fail "start heat.service ends with status $?"
await_state heat.service active/running
pid=$(main_pid heat.service)
cgroup=$services/heat.service

echo 1 >"$cgroup/cgroup.freeze"
until_true 10 "the cgroup to be frozen" grep -qx 'frozen 1' "$cgroup/cgroup.events"
before=$(usage heat.service)
sleep 1
burnt=$(($(usage heat.service) - before))
[ "$burnt" -lt 2000 ] || fail "a frozen heat.service burnt $burnt us in a second"
equal "state while frozen" "$(show heat.service ActiveState)" active

echo 0 >"$cgroup/cgroup.freeze"
until_true 10 "the cgroup to be thawed" grep -qx 'frozen 0' "$cgroup/cgroup.events"
before=$(usage heat.service)
sleep 1
burnt=$(($(usage heat.service) - before))
[ "$burnt" -gt 50000 ] || fail "a thawed heat.service burnt only $burnt us in a second"
equal "the main process" "$(main_pid heat.service)" "$pid"
