# SPDX-License-Identifier: MIT
# `poweroff`, typed with its path, for busybox has one of its own: units are stopped in order, what nobody unmounted is unmounted, with a
# swap file and a loop device on it, the programs of systemd-halt.service(8) run, and qemu exits. The
# file system is checked from outside.
command -v mke2fs >/dev/null && command -v e2fsck >/dev/null || fail "e2fsprogs are missing"
. "$here/pack.sh"
add_module loop
add_module virtio_blk
add_module virtio_pci
truncate -s 64M "$work/case/disk"
mke2fs -q -F "$work/case/disk"
qemu_words=(-drive "file=$work/case/disk,format=raw,if=virtio,cache=unsafe")

unit disk.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/vm/disk
ExecStop=/bin/sh -c 'echo stopped-in-order >/mnt/stopped'
END
put /vm/disk 755 <<'END'
#!/bin/sh
set -e
for module in $(cat /vm/modules); do
    insmod "$module"
done
while [ ! -b /dev/vda ]; do usleep 20000; done
mount -t ext4 /dev/vda /mnt
dd if=/dev/zero of=/mnt/swap bs=1M count=4
chmod 600 /mnt/swap
mkswap /mnt/swap
swapon /mnt/swap
dd if=/dev/zero of=/mnt/image bs=1M count=4
mkdir /mnt/inner
mke2fs -q -F /mnt/image
mount -o loop /mnt/image /mnt/inner
echo inner >/mnt/inner/file
echo disk-is-mounted >/dev/ttyS1
END
wanted disk.service
unit stray.service <<'END'
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sleep infinity
END
wanted stray.service
put /usr/lib/systemd/system-shutdown/tell 755 <<'END'
#!/bin/sh
echo "hook $1, mounted: $(grep -c ' /mnt' /proc/mounts), swaps: $(grep -c /mnt /proc/swaps)" >/dev/ttyS1
END
boot
expect_result disk-is-mounted 90
expect 'login:' 90
type_line root
expect '# ' 30
type_line 'shutdown +30; shutdown --show; shutdown -c; /sbin/poweroff'
expect 'Shutdown scheduled for .* \(power off\)$'
expect 'hearth-shutdown: all file systems are unmounted' 60
expect 'reboot: Power down'
await_end 30
says 'hook poweroff, mounted: 0, swaps: 0'
e2fsck -n "$work/case/disk" >"$work/case/fsck" 2>&1 || fail "the disk is not clean: $(tail -n 3 "$work/case/fsck")"
dumpe2fs -h "$work/case/disk" 2>/dev/null | grep -q '^Filesystem state: *clean$' || fail "the disk was not unmounted"
debugfs -R 'cat stopped' "$work/case/disk" 2>/dev/null | grep -q stopped-in-order || fail "ExecStop= had no disk"
