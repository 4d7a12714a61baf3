# SPDX-License-Identifier: MIT
# Restart=on-failure: SIGKILL to the main process, and another one runs, in the same box.
hearthd_start
hearthctl start heat.service || fail "start heat.service ends with status $?"
await_state heat.service active/running
first=$(main_pid heat.service)
kill -KILL "$first"
another_runs() { # again active, with another process
    state_is heat.service active/running && [ "$(main_pid heat.service)" != "$first" ]
}
until_true 15 "heat.service to be restarted" another_runs
second=$(main_pid heat.service)
equal "NRestarts" "$(show heat.service NRestarts)" 1
equal "the new process's cgroup" "$(sed 's/^0:://' /proc/$second/cgroup)" /hearth/system.slice/heat.service
equal "cpu.max after the restart" "$(cat $services/heat.service/cpu.max)" "20000 100000"
equal "memory.max after the restart" "$(cat $services/heat.service/memory.max)" $((32 * 1024 * 1024))
equal "pids.max after the restart" "$(cat $services/heat.service/pids.max)" 8
equal "Seccomp mode after the restart" "$(field /proc/$second/status Seccomp:)" 2

hearthctl stop heat.service || fail "stop ends with status $?"
await_state heat.service inactive/dead
! kill -0 "$second" 2>/dev/null || fail "process $second is still there"
