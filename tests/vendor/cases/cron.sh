# SPDX-License-Identifier: MIT
# EnvironmentFile= that may be missing, $EXTRA_OPTS empty, KillMode=process: a job outlives the daemon.
echo '@reboot root sleep 300 & echo $! >/run/job' >/etc/cron.d/heat
deserved 'cron.service: it ended, but left processes behind in its cgroup' \
    'cron.service: processes of an earlier run are still in its cgroup'
hearthd_start
starts cron
until_true "cron to run its job" test -s /run/job
job=$(cat /run/job)
killed_is_restarted cron
[ -d "/proc/$job" ] || fail "the job was ended with the daemon, though KillMode=process"
hearthctl stop cron || fail "stop cron ends with status $?"
equal "the state of cron" "$(state_of cron)" inactive/dead
[ -d "/proc/$job" ] || fail "the job was stopped with the daemon, though KillMode=process"
kill "$job"
nothing_left cron
