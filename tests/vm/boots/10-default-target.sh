# SPDX-License-Identifier: MIT
# hearth-init as the kernel's own init, on a root without systemd: what a kernel hands over without is
# made, and default.target is reached by built-in targets alone, with what fstab, modules-load.d,
# sysctl.d, generators and the kernel's command line ask for.
unit default.target <<'END'
[Unit]
Requires=multi-user.target
After=multi-user.target
Wants=report.service
AllowIsolate=yes
END
unit report.service <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/vm/report
StandardOutput=tty
TTYPath=/dev/ttyS1
END
unit left.service <<'END'
[Service]
ExecStart=sleep 1000
END
unit kept-out.service <<'END'
[Service]
ExecStart=sleep 1000
END
wanted kept-out.service
echo loop | put /etc/modules-load.d/disk.conf
echo 'kernel.panic_on_warn = 0
net.ipv4.ip_forward = 1' | put /etc/sysctl.d/50-forward.conf
mkdir -p "$root/srv" "$work/case/disk"
echo found >"$work/case/disk/file"
/usr/sbin/mke2fs -q -t ext4 -d "$work/case/disk" "$root/srv/disk.img" 4M || fail "no mke2fs"
put /etc/fstab <<'END'
# what, where, type, options, dump, pass
none           /mnt/memory  tmpfs  size=1m             0 0
/srv/disk.img  /mnt/disk    ext4   loop,ro             0 0
none           /mnt/later   tmpfs  noauto              0 0
/dev/missing   /mnt/missing ext4   nofail,x-systemd.device-timeout=1s 0 0
END
put /etc/systemd/system-generators/of-the-test 755 <<'END'
#!/bin/sh
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=echo\nEnvironment="ABOUT=%s"\n' \
    "$SYSTEMD_SCOPE $SYSTEMD_IN_INITRD $SYSTEMD_ARCHITECTURE $#" >"$1/generated.service"
mkdir "$1/multi-user.target.wants"
ln -s ../generated.service "$1/multi-user.target.wants/"
printf '[Unit]\nDescription=early\n' >"$2/which.target"
printf '[Unit]\nDescription=late\n' >"$3/which.target"
printf '[Unit]\nDescription=late\n' >"$3/only-late.target"
END
put /etc/systemd/system-generators/masked 755 </dev/null
put /usr/lib/systemd/system-generators/masked 755 <<'END'
#!/bin/sh
touch /run/masked-ran
END
put /vm/report 755 <<'END'
#!/bin/sh
for where in /proc /sys /dev /dev/pts /dev/shm /run /sys/fs/cgroup /mnt/memory /mnt/disk /mnt/later; do
    echo "mount $where $(awk -v where=$where '$2 == where { print $3 }' /proc/mounts | tr '\n' ' ')"
done
echo "host $(cat /proc/sys/kernel/hostname)"
echo "init $(cat /proc/1/comm)"
echo "machine-id $(cat /etc/machine-id)"
echo "first-boot $(ls /run/systemd/first-boot)"
echo "lo $(ip -o address show dev lo | grep -c 127.0.0.1/8)"
echo "links $(readlink /dev/fd) $(readlink /dev/stdout)"
echo "forward $(cat /proc/sys/net/ipv4/ip_forward)"
echo "disk $(cat /mnt/disk/file)"
for unit in sysinit.target basic.target local-fs.target multi-user.target mnt-disk.mount generated.service \
    left.service kept-out.service mnt-missing.mount; do
    echo "$unit $(hearthctl is-active $unit)"
done
echo "about $(hearthctl show -p Environment --value generated.service)"
echo "which $(hearthctl show -p Description --value which.target)"
echo "late $(hearthctl show -p Description --value only-late.target)"
echo "source $(hearthctl show -p SourcePath --value mnt-disk.mount)"
echo "environment $(hearthctl show-environment | grep ^STOVE)"
echo "timeout $(hearthctl show -p TimeoutStartUSec --value left.service)"
echo "masked $(ls /run/masked-ran 2>/dev/null)"
# Again at daemon-reload: what generators wrote is as it is now.
printf '#!/bin/sh\nprintf "[Unit]\\nDescription=again\\n" >"$1/which.target"\n' \
    >/etc/systemd/system-generators/of-the-test
hearthctl daemon-reload
echo "which-now $(hearthctl show -p Description --value which.target)"
echo "state $(hearthctl is-system-running)"
echo end
sync
echo o >/proc/sysrq-trigger
END
boot systemd.wants=left.service systemd.mask=kept-out.service single systemd.unit=default.target \
    systemd.setenv=STOVE=warm systemd.default_timeout_start_sec=37
expect 'OK.*Reached target.*Multi-User System'
await_end 90
says end
says 'mount /proc proc '
says 'mount /sys sysfs '
says 'mount /dev devtmpfs '
says 'mount /dev/pts devpts '
says 'mount /dev/shm tmpfs '
says 'mount /run tmpfs '
says 'mount /sys/fs/cgroup cgroup2 '
says 'mount /mnt/memory tmpfs '
says 'mount /mnt/disk ext4 '
says 'mount /mnt/later '
says 'disk found'
says 'host tile-stove'
says 'init init'
says 'machine-id [0-9a-f]{32}'
says 'first-boot /run/systemd/first-boot'
says 'lo 1'
says 'links /proc/self/fd /proc/self/fd/1'
says 'forward 1'
for unit in sysinit.target basic.target local-fs.target multi-user.target mnt-disk.mount generated.service \
    left.service; do
    says "$unit active"
done
says 'kept-out.service inactive'
says 'mnt-missing.mount inactive'
says 'about "?ABOUT=system 0 x86-64 3"?'
says 'which early'
says 'late late'
says 'which-now again'
says 'source /etc/fstab'
says 'environment STOVE=warm'
says 'timeout 37s'
says 'masked '
says "state starting" # report.service is part of it
