# SPDX-License-Identifier: MIT
# A file system of fstab that isn't there and isn't nofail: local-fs.target fails, and its OnFailure=
# leads to the emergency shell.
put /etc/fstab <<'END'
/dev/missing /mnt/missing ext4 x-systemd.device-timeout=1s 0 0
END
boot
expect 'DEPEND.*Local File Systems'
expect 'Reached target.*Emergency Mode'
expect 'Press Enter for maintenance'
type_line ''
expect '# '
type_line 'echo "emergency $(hearthctl is-active emergency.target basic.target | tr "\n" " ")"'
expect '^emergency active inactive'
type_line 'busybox poweroff -f'
await_end
