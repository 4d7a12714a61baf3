# SPDX-License-Identifier: MIT
# A root that can't be written to, as of a signed image: all that changes is in /run, hearthd's death loses nothing,
# and what a unit wants to have elsewhere is refused to that unit by name.
command -v mksquashfs >/dev/null || fail "squashfs-tools are missing"
. "$here/pack.sh"
add_module virtio_blk
add_module virtio_pci
add_module squashfs
mv "$root/vm" "$work/case/modules" # for the initramfs, which is not the root
put /etc/machine-id </dev/null
put /etc/fstab <<'END'
tmpfs /var/log tmpfs size=16m,mode=0755 0 0
END
unit lasting.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
END
wanted lasting.service
unit keeps.service <<'END'
[Service]
StateDirectory=keeps
ExecStart=/bin/sleep infinity
END
unit says.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/echo said on a read-only root
[Install]
WantedBy=multi-user.target
END
put /vm/look 755 <<'END'
#!/bin/sh
exec >/dev/ttyS1 2>&1
echo "root $(awk '$2 == "/" { print $3, substr($4, 1, 2) }' /proc/mounts)"
echo "id $(wc -c </etc/machine-id)"
hearthctl start says.service
echo "log $(hearthctl logs says.service -n 5 | grep -o 'said on.*')"
hearthctl start keeps.service
echo "keeps $? $(hearthctl show -p Result --value keeps.service)"
before=$(hearthctl show -p MainPID --value lasting.service)
kill -KILL $(pidof hearthd)
while ! hearthctl list-units >/dev/null 2>&1; do usleep 50000; done
echo "lasting $([ "$(hearthctl show -p MainPID --value lasting.service)" = "$before" ] && echo the same)"
hearthctl enable says.service
echo "enable $?"
hearthctl enable --runtime says.service
echo "runtime $?"
END
(
    tree=$work/case/tree
    mkdir -p "$tree"
    cd "$tree" && cpio --quiet -id <"$work/base" && cp -a "$root/." . && mkdir -p dev proc sys run &&
        mksquashfs . "$work/case/disk" -quiet -no-progress -all-root >/dev/null
) || fail "no image can be made"
rm -rf "$work/case/tree" "$root"
mkdir -p "$root"
mv "$work/case/modules" "$root/vm"
put /vm/first 755 <<'END'
#!/bin/busybox sh
mkdir -p /dev /disk
mount -t devtmpfs dev /dev
for module in $(cat /vm/modules); do
    insmod "$module"
done
while [ ! -b /dev/vda ]; do usleep 20000; done
mount -t squashfs -o ro /dev/vda /disk
: >/init # busybox takes no other root for an initramfs
exec switch_root /disk /sbin/init
END
qemu_words=(-drive "file=$work/case/disk,format=raw,if=virtio,cache=unsafe,read-only=on")
boot rdinit=/vm/first
look_and_power_off
await_end 120
says 'root squashfs ro'
says 'id 33'
says 'log said on a read-only root'
says '.*keeps.service:2: StateDirectory=keeps: step "make-service-directory" failed: Read-only file system .*'
says 'keeps 1 resources'
says 'lasting the same'
says 'Failed to enable unit: .*Read-only file system; .* or take --runtime, whose links are gone after a boot'
says 'enable 1'
says 'runtime 0'
