# SPDX-License-Identifier: MIT
# A unit's action reboots the machine in order, with the argument that the unit has for the firmware:
# the kernel says what it was given.
unit boiler.service <<'END'
[Unit]
FailureAction=reboot
RebootArgument=recovery
[Service]
ExecStart=/bin/sh -c 'sleep 1; exit 3'
ExecStopPost=/bin/sh -c 'echo boiler-is-out >/dev/ttyS1'
END
unit pump.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'echo pump-stopped-in-order >/dev/ttyS1'
END
wanted boiler.service
wanted pump.service
boot
expect 'FailureAction=reboot of boiler.service: starting reboot.target' 90
expect 'hearth-shutdown: all file systems' 60
expect "reboot: Restarting system with command 'recovery'" 30
await_end 30
says boiler-is-out
says pump-stopped-in-order
