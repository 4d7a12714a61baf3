# SPDX-License-Identifier: MIT
# systemd's own systemctl as the first client of a machine that hearth runs: it sees the boot, restarts
# hearthd, enables a unit, reads how the machine is, and switches it off, all in order.
client=$(command -v systemctl) || { echo "no systemctl here"; exit 0; }
. "$here/pack.sh"
links_of_usr
add_program "$client"
unit steady.service <<'EOF'
[Service]
ExecStart=sleep 1000
ExecStop=/bin/sh -c 'echo steady-stopped-in-order >/dev/ttyS1'
EOF
unit later.service <<'EOF'
[Service]
ExecStart=sleep 1000
[Install]
WantedBy=multi-user.target
EOF
wanted steady.service
boot quiet
expect 'tile-stove login:'
type_line root
expect '# '
type_line 'export SYSTEMD_PAGER=; systemctl is-system-running; systemctl is-active multi-user.target steady.service'
expect '^running'
expect '^active'
expect '^active'
type_line 'systemctl enable --now later.service; systemctl is-enabled later.service; systemctl show -p SubState later.service'
expect 'Created symlink .*multi-user.target.wants/later.service'
expect '^enabled'
expect '^SubState=running'
type_line 'old=$(pidof hearthd); systemctl daemon-reexec; [ "$(pidof hearthd)" != "$old" ] && echo an''other'
expect '^another'
type_line 'systemctl status steady.service | grep -o "Active: active (running)"'
expect '^Active: active \(running\)'
type_line 'systemctl poweroff'
expect 'hearth-shutdown: all file systems' 60
expect 'reboot: Power down' 30
await_end 30
says steady-stopped-in-order
