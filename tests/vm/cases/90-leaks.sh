# SPDX-License-Identifier: MIT
# Fifty restarts, half asked for and half after SIGKILL, leave not one descriptor, process, cgroup or
# mount more than before.
mkdir -p /units/heat.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=0\n' >/units/heat.service.d/many.conf
hearthd_start
hearthctl start heat.service || fail "start heat.service ends with status $?"
await_state heat.service active/running

# Processes: the fewest of several looks, for the commands that look are processes too. Kernel threads,
# which come and go as they like, have no VmSize.
fewest_processes() {
    for look in 1 2 3 4 5; do
        usleep 100000
        cat /proc/[0-9]*/status 2>/dev/null | grep -c '^VmSize'
    done | sort -n | head -n 1
}
count() {
    echo "descriptors $(ls /proc/$hearthd_pid/fd | wc -l)"
    echo "processes $(fewest_processes)"
    echo "zombies $(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)"
    echo "cgroups $(find $cgroups/hearth -type d | wc -l)"
    echo "mounts $(wc -l </proc/$hearthd_pid/mountinfo)"
}

restart_by_request() { hearthctl restart heat.service || fail "restart $1 ends with status $?"; }
restart_by_death() {
    dead=$(main_pid heat.service)
    kill -KILL "$dead"
    replaced() { state_is heat.service active/running && [ "$(main_pid heat.service)" != "$dead" ]; }
    until_true 15 "restart $1 after SIGKILL" replaced
}

# The first rounds fill caches (a launcher thread's stack, the filter).
for round in 1 2; do
    restart_by_request "$round"
    restart_by_death "$round"
done
usleep 300000
count >"$CASE_DIR/before"
round=1
while [ "$round" -le 25 ]; do
    restart_by_request "$round"
    restart_by_death "$round"
    round=$((round + 1))
done
await_state heat.service active/running
# What goes on needs its time on a busy machine; a leak stays. Fewer are none: what the machine did at its
# start may have ended meanwhile.
no_more_than_before() {
    count >"$CASE_DIR/after"
    paste -d ' ' "$CASE_DIR/before" "$CASE_DIR/after" | awk '$4 > $2 { more = 1 } END { exit more }'
}
tries=0
until no_more_than_before; do
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] ||
        fail "before: $(tr '\n' ' ' <"$CASE_DIR/before"); after 50 restarts: $(tr '\n' ' ' <"$CASE_DIR/after")"
done
cat "$CASE_DIR/after"
equal "processes in the cgroup" "$(wc -l <$services/heat.service/cgroup.procs)" 1
note "50 restarts, $(tr '\n' ',' <"$CASE_DIR/after" | sed 's/,$//; s/,/, /g')"
