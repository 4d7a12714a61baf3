# SPDX-License-Identifier: MIT
# TasksMax=7: a shell, a subshell and five sleeps stand; the next fork fails.
hearthd_start
rm -f /run/forks
hearthctl start forks.service || fail "start forks.service ends with status $?"
until_true 20 "the forks to be refused" grep -q refused /run/forks
equal "pids.max" "$(cat $services/forks.service/pids.max)" 7
equal "forks that were made" "$(grep -c made /run/forks)" 5
[ "$(field $services/forks.service/pids.events max)" -ge 1 ] || fail "pids.events counts no refusal"
equal "state" "$(show forks.service ActiveState)" active
[ "$(cat $services/forks.service/pids.current)" -le 7 ] || fail "more than 7 tasks stand"
