# SPDX-License-Identifier: MIT
# A systemctl that is years newer than the API it speaks (Debian 13's, with its own C library): every
# verb of docs/systemctl.md that changes or shows something, and its family.
newer() { # PROGRAM [WORD...]
    local libraries=/opt/newer/usr/lib/$(uname -m)-linux-gnu program=$1
    shift
    timeout 30 "$libraries/$(basename "$(ls "$libraries"/ld-linux-*)")" --library-path "$libraries:$libraries/systemd" \
        "/opt/newer/usr/bin/$program" "$@"
}
# ends STATUS PROGRAM [WORD...]: its output is in $said.
ends() {
    local expected=$1 status
    shift
    said=$(newer "$@" 2>&1)
    status=$?
    [ "$status" -eq "$expected" ] || fail "$* ends with $status, expected $expected: $said"
}
# says PATTERN PROGRAM [WORD...]
says() {
    local pattern=$1
    shift
    ends 0 "$@"
    matches "what '$*' says" "$said" "$pattern"
}

cat >/etc/systemd/system/kiln.service <<'END'
[Unit]
Description=A kiln
[Service]
ExecStart=/bin/sleep 1000
ExecReload=/bin/true
[Install]
WantedBy=multi-user.target
END
cat >/etc/systemd/system/bad.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/false
END
deserved 'bad.service: .*' '.*ghost.service: .*' 'run-.*'
hearthd_start --systemd-compat=yes
major=$(newer systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')
[ "${major:-0}" -gt 252 ] || fail "the newer systemctl is of systemd '$major'"

ends 0 systemctl start kiln
says 'active' systemctl is-active kiln
says '*kiln.service - A kiln*Active: active (running)*' systemctl status kiln
says '[0-9]*' systemctl show -p MainPID --value kiln
says 'ActiveState=active' systemctl show --property=ActiveState kiln
ends 0 systemctl show kiln
ends 1 systemctl start bad
says 'failed' systemctl is-failed bad
ends 0 systemctl reset-failed bad
says '*kiln.service*loaded*active*' systemctl list-units --no-pager --plain
says '*kiln.service*' systemctl list-unit-files
says '[[]{*' systemctl list-units --output=json --type=service
says '*Created symlink*' systemctl enable kiln
says 'enabled*' systemctl is-enabled kiln
says '*Removed*' systemctl disable kiln
[ ! -e /etc/systemd/system/multi-user.target.wants/kiln.service ] || fail "disable left its link"
ends 0 systemctl reload kiln
ends 0 systemctl restart kiln
ends 0 systemctl try-restart kiln
ends 0 systemctl freeze kiln
ends 0 systemctl thaw kiln
ends 0 systemctl kill -s USR2 bad
ends 0 systemctl set-property --runtime kiln CPUWeight=50
equal "CPUWeight of kiln" "$(show kiln CPUWeight)" 50
says '*Description=A kiln*' systemctl cat kiln
ends 0 systemctl list-dependencies kiln
says 'No jobs running.' systemctl list-jobs
for kind in sockets timers paths automounts; do ends 0 systemctl "list-$kind"; done
ends 0 systemctl daemon-reload
says 'running' systemctl is-system-running
says 'PATH=*' systemctl show-environment
says 'info' systemctl log-level
ends 0 systemctl mask ghost
ends 1 systemctl start ghost
ends 0 systemctl unmask ghost
printf '[Service]\nNice=5\n' | newer systemctl edit --stdin kiln || [ "$major" -lt 256 ] || fail "edit --stdin"
[ "$major" -lt 256 ] || equal "Nice= after edit --stdin" "$(show kiln Nice)" 5
says 'hi*' systemd-run -q --pipe --wait echo hi
ends 3 systemd-run -q --wait sh -c 'exit 3'
says 'in a scope' systemd-run -q --scope echo in a scope
ends 0 systemd-run -q --wait -p LimitNOFILE=100 -p PrivateTmp=yes --slice=own true
if [ "$major" -ge 256 ]; then # a session of PAM is what run0 asks for
    ends 1 run0 --pipe whoami
    matches "run0's refusal" "$said" '*PAMName*'
fi
says '*Startup finished*' systemd-analyze time
says '*kiln.service*' systemd-analyze blame
says '*kiln.service*' systemd-analyze critical-chain kiln.service
says '*</svg>*' systemd-analyze plot
says '*Overall exposure level*' systemd-analyze security --no-pager kiln.service
says '*-> Unit kiln.service*' systemd-analyze dump
says '*sleep 1000*' systemd-cgls --no-pager -u kiln
ends 0 systemd-cgtop -b -n 1
ends 0 systemctl stop kiln
says '*kiln_2eservice*' busctl tree org.freedesktop.systemd1
says 's "252*' busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Version
ends 1 busctl monitor
nothing_left kiln
