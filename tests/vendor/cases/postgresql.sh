# SPDX-License-Identifier: MIT
# An instance of a template, Type=forking with a PIDFile= that is not root's, ReloadPropagatedFrom=
# and PartOf= from a unit that does nothing itself.
cluster=postgresql@15-main
! without_cap_sys_resource || deserved 'OOMScoreAdjust=-900: step "set-oom-score-adjust" failed: Permission denied \(given'
deserved 'postgresql@15-main.service: can.t be started: AssertPathExists=.* is not met'
ask() { su postgres -c "psql -qtAc '$1'"; }
hearthd_start
starts "$cluster"
equal "an answer" "$(ask 'SELECT 6 * 7')" 42
ask "CREATE TABLE heat AS SELECT 1 AS kept"

starts postgresql exited
echo "work_mem = '5MB'" >>/etc/postgresql/15/main/postgresql.conf
reload_is_seen() { [ "$(ask 'SHOW work_mem')" = 5MB ]; }
hearthctl reload postgresql || fail "reload postgresql ends with status $?"
until_true "the reload to be propagated" reload_is_seen

# The starter's `-` speaks for what it left running: ExecStop= is run, and finds nothing to stop.
killed_has_failed "$cluster" exit-code
starts "$cluster"
equal "what was written before it was killed" "$(ask 'SELECT kept FROM heat')" 1
stops postgresql
until_true "the stop to be propagated" state_is "$cluster" inactive/dead
nothing_left "$cluster"

mv /etc/postgresql/15/main/postgresql.conf /root/
! hearthctl start "$cluster" || fail "started though AssertPathExists= does not hold"
