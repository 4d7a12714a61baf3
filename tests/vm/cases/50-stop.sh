# SPDX-License-Identifier: MIT
# Stop ends everything: processes that ignore SIGTERM, that left the session, and rabbits, which fork
# themselves anew and die, so that a list of pids is old as soon as it is read; cgroup.kill is not.
hearthd_start
hearthctl start rabbit.service || fail "start rabbit.service ends with status $?"
until_true 10 "the rabbit to run" sh -c '[ "$(cat /run/rabbit 2>/dev/null | wc -l)" -ge 5 ]'
equal "the stubborn session's pid in the unit's cgroup" \
    "$(sed 's/^0:://' /proc/$(cat /run/stubborn)/cgroup)" /hearth/system.slice/rabbit.service

hearthctl stop rabbit.service || fail "stop ends with status $?"
# It took SIGKILL, after TimeoutStopSec=: systemd calls that a failure by timeout.
state=$(show rabbit.service ActiveState)
case $state in
failed) equal "Result" "$(show rabbit.service Result)" timeout ;;
*) fail "ActiveState is $state, expected failed (Result=timeout)" ;;
esac
[ ! -d "$services/rabbit.service" ] || fail "the cgroup is still there"
# The rabbit writes down each generation: the list grows no more.
before=$(wc -l </run/rabbit)
sleep 1
equal "generations of the rabbit after the stop" "$(wc -l </run/rabbit)" "$before"
! kill -0 "$(cat /run/stubborn)" 2>/dev/null || fail "the process in a session of its own lives on"
