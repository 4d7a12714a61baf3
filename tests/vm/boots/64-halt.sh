# SPDX-License-Identifier: MIT
# SIGRTMIN+3 to the first process halts: the machine stands still and qemu runs on. An impatient person's
# `halt -f` while that goes on is no second end. What doesn't hear SIGTERM and is in no unit that is
# stopped gets SIGKILL after DefaultTimeoutStopSec=.
mkdir -p "$root/etc/systemd"
printf '[Manager]\nDefaultTimeoutStopSec=2s\n' >"$root/etc/systemd/system.conf"
unit deaf.service <<'END'
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
END
wanted deaf.service
unit halt-now.service <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/kill -37 1
END
wanted halt-now.service
boot
expect 'SIGRTMIN\+3: starting halt\.target' 90
expect 'hearth-shutdown: SIGKILL to what still runs' 30
expect 'hearth-shutdown: all file systems' 60
expect 'reboot: System halted' 30
kill -0 "$qemu" 2>/dev/null || fail "qemu ended, although the machine was only halted"
