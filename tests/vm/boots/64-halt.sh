# SPDX-License-Identifier: MIT
# SIGRTMIN+3 to the first process halts: the machine stands still and qemu runs on. An impatient person's
# `halt -f` while that goes on is no second end.
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
expect 'hearth-shutdown: all file systems' 60
expect 'reboot: System halted' 30
kill -0 "$qemu" 2>/dev/null || fail "qemu ended, although the machine was only halted"
