# SPDX-License-Identifier: MIT
# switch-root from an initramfs: units' processes are ended, /dev, /proc, /sys and /run move along, the new root's
# init is the first process, and the old root's memory is free.
unit leave.service <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/vm/leave
END
wanted leave.service
unit stays.service <<'END'
[Service]
ExecStart=/bin/sleep 1000
END
wanted stays.service
put /vm/leave 755 <<'END'
#!/bin/sh
set -e
mkdir /sysroot
mount -t tmpfs tmpfs /sysroot
mkdir -p /sysroot/bin /sysroot/dev /sysroot/proc /sysroot/sys /sysroot/run /sysroot/etc
cp -L /bin/busybox /sysroot/bin/
cp /etc/os-release /sysroot/etc/
cp /vm/second /sysroot/second
echo kept >/run/kept
hearthctl switch-root / >/dev/ttyS1 2>&1 || echo "refused with $?" >/dev/ttyS1
hearthctl switch-root /sysroot /second
END
put /vm/second 755 <<'END'
#!/bin/busybox sh
exec >/dev/ttyS1
echo "second $$ $(/bin/busybox cat /run/kept) $(/bin/busybox ls / | /bin/busybox tr '\n' ' ')"
echo "sleeping $(/bin/busybox pidof sleep | /bin/busybox wc -w)"
echo "mounts $(/bin/busybox grep -cE ' /(dev|proc|sys|run) ' /proc/mounts)"
echo o >/proc/sysrq-trigger
/bin/busybox sleep 60
END
boot
await_end 120
says 'Failed to switch root: Switch root path ./. must be absolute.*'
says 'refused with [1-9]'
says 'second 1 kept bin dev etc proc run second sys '
says 'sleeping 0'
says 'mounts 4'
