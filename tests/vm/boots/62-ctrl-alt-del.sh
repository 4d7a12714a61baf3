# SPDX-License-Identifier: MIT
# Ctrl-Alt-Del from the keyboard stops all units and reboots, which ends qemu (-no-reboot). Who ignores
# SIGTERM is shown on the console with a key to kill it.
unit stubborn.service <<'END'
[Service]
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
TimeoutStopSec=10min
END
wanted stubborn.service
boot
expect 'login:' 90
monitor 'sendkey ctrl-alt-delete'
expect 'Ctrl-Alt-Del: starting' 30
expect 'stubborn\.service' 60
expect 'K.*kill' 30
printf k >&7
sleep 0.3
printf 1 >&7
expect 'hearth-shutdown: all file systems' 60
expect 'reboot: Restarting system'
await_end 30
