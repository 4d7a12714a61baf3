# SPDX-License-Identifier: MIT
# MemoryMax=24M kills a process that takes 200M: the unit fails with Result=oom-kill, and the kernel
# has counted it. Its own cgroup is gone by then; the slice's memory.events counts what is below, and
# heat.service keeps the slice there.
hearthd_start
hearthctl start heat.service || fail "start heat.service ends with status $?"
await_state heat.service active/running
equal "memory.max of heat.service" "$(cat $services/heat.service/memory.max)" $((32 * 1024 * 1024))
before=$(field $services/memory.events oom_kill)

hearthctl start hog.service
await_state hog.service failed/failed 30
equal "Result of hog.service" "$(show hog.service Result)" oom-kill
equal "oom_kill in the slice's memory.events" "$(field $services/memory.events oom_kill)" $((before + 1))
[ ! -d "$services/hog.service" ] || fail "the cgroup of the failed hog.service is still there"

# Nobody else was hurt.
equal "state of heat.service" "$(show heat.service ActiveState)" active
equal "restarts of heat.service" "$(show heat.service NRestarts)" 0
