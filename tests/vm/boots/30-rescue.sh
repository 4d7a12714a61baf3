# SPDX-License-Identifier: MIT
# systemd.unit=rescue.target gives a shell on the console, without the services; leaving it goes on to
# default.target.
unit goes-on.service <<'END'
[Service]
Type=oneshot
ExecStart=sh -c 'echo goes on >/dev/ttyS1; sync; echo o >/proc/sysrq-trigger'
END
wanted goes-on.service
boot systemd.unit=rescue.target
expect 'Reached target.*Rescue Mode'
expect 'Press Enter for maintenance'
type_line ''
expect '# '
type_line 'echo "rescue $(hearthctl is-active rescue.target sysinit.target multi-user.target | tr "\n" " ")"'
expect '^rescue active active inactive'
type_line 'exit'
await_end
says 'goes on'
