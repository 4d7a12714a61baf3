# SPDX-License-Identifier: MIT
# SIGPWR starts sigpwr.target. Ctrl-Alt-Del pressed more than 7 times within 2 s doesn't wait for who
# holds up the stop. kexec without a kernel that was loaded ends in a reboot, told.
unit battery.service <<'END'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo power-fails >/dev/ttyS1'
END
wanted battery.service sigpwr.target
unit stubborn.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sleep 500
TimeoutStopSec=10min
END
wanted stubborn.service
boot
expect 'login:' 90
type_line root
expect '# ' 30
type_line 'kill -PWR 1'
expect_result power-fails 30
monitor 'sendkey ctrl-alt-delete 20'
expect 'Ctrl-Alt-Del: starting' 30
expect 'stubborn\.service' 60
for _ in 1 2 3 4 5 6 7 8 9 10; do monitor 'sendkey ctrl-alt-delete 20'; done
expect 'pressed more than 7 times within 2s' 30
expect 'hearth-shutdown: all file systems' 60
expect 'reboot: Restarting system' 30
await_end 30

rm "$root/etc/systemd/system/multi-user.target.wants/stubborn.service"
boot
expect 'login:' 90
type_line root
expect '# ' 30
type_line 'kill -s RTMIN+6 1 || kill -40 1'
expect 'no kernel was loaded by kexec' 90
expect 'reboot: Restarting system' 30
await_end 30
