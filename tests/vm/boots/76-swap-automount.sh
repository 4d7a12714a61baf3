# SPDX-License-Identifier: MIT
# fstab's swap is switched on, and off when its unit is stopped; its automount mounts for who looks,
# also where hearthd dies, or makes room for another, while somebody waits in there.
command -v mkswap >/dev/null || fail "mkswap is missing"
. "$here/pack.sh"
add_module virtio_blk
add_module virtio_pci
add_module autofs4
truncate -s 16M "$work/case/disk"
mkswap "$work/case/disk" >/dev/null || fail "no swap can be made"
qemu_words=(-drive "file=$work/case/disk,format=raw,if=virtio,cache=unsafe")
mkdir -p "$root/usr/sbin"
for name in swapon swapoff; do ln -s ../bin/busybox "$root/usr/sbin/$name"; done # where units look for them
put /etc/fstab <<'END'
/dev/vda none      swap  sw                  0 0
none     /mnt/auto tmpfs x-systemd.automount 0 0
none     /mnt/slow tmpfs x-systemd.automount 0 0
END
put /etc/systemd/system/mnt-slow.mount.d/gate.conf <<'END'
[Unit]
Requires=gate.service
After=gate.service
END
unit gate.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'until [ -e /run/gate ]; do usleep 20000; done'
END
unit modules.service <<'END'
[Unit]
DefaultDependencies=no
Before=dev-vda.swap mnt-auto.automount mnt-slow.automount local-fs-pre.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/vm/load
END
wanted modules.service sysinit.target
put /vm/load 755 <<'END'
#!/bin/sh
set -e
for module in $(cat /vm/modules); do
    insmod "$module"
done
while [ ! -b /dev/vda ]; do usleep 20000; done
END
put /vm/look 755 <<'END'
#!/bin/sh
exec >/dev/ttyS1 2>&1
swaps() { awk 'NR > 1 { print $1 }' /proc/swaps | tr '\n' ' '; }
mounts() { awk '$2 == "/mnt/auto" { print $3 }' /proc/mounts | tr '\n' ' '; }
echo "swaps $(swaps)$(hearthctl is-active dev-vda.swap)"
hearthctl stop dev-vda.swap
echo "off $(swaps)$(hearthctl is-active dev-vda.swap)"
hearthctl start dev-vda.swap
echo "on $(swaps)$(hearthctl is-active dev-vda.swap)"
echo "before $(mounts)$(hearthctl is-active mnt-auto.automount) $(hearthctl is-active mnt-auto.mount)"
touch /mnt/auto/file
echo "after $(mounts)$(hearthctl is-active mnt-auto.mount)"
hearthctl stop mnt-auto.mount
echo "gone $(mounts)$(hearthctl is-active mnt-auto.mount)"
# The next hearthd keeps the automount point.
kill -KILL $(pidof hearthd)
while ! hearthctl list-units >/dev/null 2>&1; do usleep 50000; done
ls /mnt/auto
echo "again $(mounts)$(hearthctl is-active mnt-auto.mount)"
# Who waits in it waits on for the next hearthd.
waits_while() {
    rm -f /run/gate /run/waited
    (ls /mnt/slow >/dev/null; echo $? >/run/waited) &
    until [ "$(hearthctl is-active gate.service)" = activating ]; do usleep 20000; done
    "$@"
    while ! hearthctl list-units >/dev/null 2>&1; do usleep 50000; done
    usleep 300000
    echo "$* early: $(cat /run/waited 2>/dev/null)"
    touch /run/gate
    wait $!
    echo "$*: $(cat /run/waited) $(hearthctl is-active mnt-slow.mount)"
    hearthctl stop mnt-slow.mount gate.service
}
die() { kill -KILL $(pidof hearthd); }
waits_while die
waits_while hearthctl daemon-reexec
echo end
END
boot
look_and_power_off
expect_result '^end' 90
await_end 60
says 'swaps /dev/vda active'
says 'off inactive'
says 'on /dev/vda active'
says 'before autofs active inactive'
says 'after autofs tmpfs active'
says 'gone autofs inactive'
says 'again autofs tmpfs active'
says 'die early: '
says 'die: 0 active'
says 'hearthctl daemon-reexec early: '
says 'hearthctl daemon-reexec: 0 active'
never "can't queue a stop job"
