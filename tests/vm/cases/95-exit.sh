# SPDX-License-Identifier: MIT
# SIGTERM to hearthd as a guest stops all units in order and leaves neither process nor cgroup.
hearthd_start
for unit in heat.service daemon.service; do
    hearthctl start "$unit" || fail "start $unit ends with status $?"
    await_state "$unit" active/running
done
heat=$(main_pid heat.service) daemon=$(main_pid daemon.service)
kill -TERM "$hearthd_pid"
until_true 20 "hearthd to end" dead_or_zombie "$hearthd_pid"
for pid in $heat $daemon; do
    ! kill -0 "$pid" 2>/dev/null || fail "process $pid outlives hearthd"
done
[ ! -d "$cgroups/hearth" ] || fail "cgroups outlive hearthd: $(find $cgroups/hearth -type d | tr '\n' ' ')"
