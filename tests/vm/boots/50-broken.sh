# SPDX-License-Identifier: MIT
# A hearthd that can't start leaves a shell on the console, and is tried on and on: what is mended there
# boots.
mkdir -p "$root/broken"
cp "$bin/hearth-init" "$root/broken/hearth-init"
put /broken/hearthd 755 <<'END'
#!/bin/sh
[ -e /mended ] || exit 1
exec /usr/bin/hearthd "$@"
END
unit goes-on.service <<'END'
[Service]
Type=oneshot
ExecStart=sh -c 'echo goes on >/dev/ttyS1; sync; echo o >/proc/sysrq-trigger'
END
wanted goes-on.service
boot rdinit=/broken/hearth-init
expect "hearthd can't be started: a shell on the console"
expect 'Press Enter for maintenance'
type_line ''
expect '# '
type_line 'echo "shell of $(id -u)"'
expect '^shell of 0'
type_line 'touch /mended'
await_end
says 'goes on'
