# SPDX-License-Identifier: MIT
# `hearthctl kexec` stops all units in order, unmounts, and starts the kernel that was loaded,
# by kexec_file_load(2) as kexec(8) does.
command -v perl >/dev/null || fail "perl-base is missing, which loads the kernel here"
. "$here/pack.sh"
links_of_usr
add_program "$(command -v perl)"
put /vm/vmlinuz <"$kernel"
mkdir -p "$work/case/second/bin"
cp "$(command -v busybox)" "$work/case/second/bin/busybox"
cat >"$work/case/second/init" <<'END'
#!/bin/busybox sh
/bin/busybox mkdir /proc /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
echo "the second kernel: $(/bin/busybox cat /proc/cmdline)" >/dev/ttyS1
echo o >/proc/sysrq-trigger
/bin/busybox sleep 60
END
chmod 755 "$work/case/second/init"
mkdir -p "$root/vm"
(cd "$work/case/second" && find . -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$root/vm/second"
unit steady.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'echo steady-stopped-in-order >/dev/ttyS1'
END
wanted steady.service
put /vm/look 755 <<'END'
#!/bin/sh
exec >/dev/ttyS1 2>&1
hearthctl is-active steady.service
perl -e 'open K, "<", "/vm/vmlinuz" or die; open I, "<", "/vm/second" or die;
    $words = "console=ttyS0 panic=-1 no_timer_check rdinit=/init of-kexec\0";
    syscall(320, fileno K, fileno I, length $words, $words, 0) == 0 or die "kexec_file_load: $!\n"' || exit
echo "loaded $(cat /sys/kernel/kexec_loaded)"
hearthctl kexec
sleep 60
END
boot
look_and_power_off
expect 'hearth-shutdown: all file systems are unmounted' 90
await_end 120
says active
says 'loaded 1'
says steady-stopped-in-order
says 'the second kernel: .* of-kexec'
