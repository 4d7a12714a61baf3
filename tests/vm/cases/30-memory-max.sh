# SPDX-License-Identifier: MIT
# MemoryMax= kills what takes more: as the main process (the unit fails, Result=oom-kill), and as a
# child of one that lives on (the count stands in memory.events).
hearthd_start
hearthctl start hog.service
await_state hog.service failed/failed 30
equal "Result of hog.service" "$(show hog.service Result)" oom-kill
[ ! -d "$services/hog.service" ] || fail "the cgroup of the failed hog.service is still there"

hearthctl start hog-child.service || fail "start hog-child.service ends with status $?"
equal "memory.max" "$(cat $services/hog-child.service/memory.max)" $((24 * 1024 * 1024))
events=$services/hog-child.service/memory.events
until_true 30 "the kernel to kill the hog" sh -c "[ \"\$(awk '/^oom_kill /{print \$2}' $events)\" -ge 1 ]"
await_state hog-child.service active/running
until_true 10 "the shell to see its child's death" grep -qx 137 /run/hog-status
[ "$(cat $services/hog-child.service/memory.current)" -le $((24 * 1024 * 1024)) ] || fail "it holds more than 24M"
