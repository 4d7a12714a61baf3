# SPDX-License-Identifier: MIT
# Type=notify with a master and a worker, BindReadOnlyPaths= of another service's socket, a reload by
# two commands, KillMode=mixed, SuccessExitStatus=.
! without_cap_sys_resource || deserved 'LimitNOFILE=16384: step "set-resource-limit" failed: Operation not permitted \(given'
page() { # TEXT
    cat <<END
frontend heat
    bind 127.0.0.1:8080
    http-request return status 200 content-type text/plain string "$1"
END
}
says() { [ "$(curl -sS http://127.0.0.1:8080/)" = "$1" ]; }
cp /etc/haproxy/haproxy.cfg /root/haproxy.cfg
page first >>/etc/haproxy/haproxy.cfg
hearthd_start
starts rsyslog # has /dev/log
starts haproxy
says first || fail "haproxy says '$(curl -sS http://127.0.0.1:8080/)'"
{ cat /root/haproxy.cfg; page second; } >/etc/haproxy/haproxy.cfg
reloads haproxy
until_true "haproxy to have read its configuration again" says second
echo nonsense >>/etc/haproxy/haproxy.cfg
! hearthctl reload haproxy || fail "a reload whose first command fails succeeded"
until_true "haproxy to go on after a failed reload" state_is haproxy active/running
{ cat /root/haproxy.cfg; page third; } >/etc/haproxy/haproxy.cfg
killed_is_restarted haproxy
until_true "haproxy to answer after the restart" says third
hearthctl stop haproxy || fail "stop haproxy ends with status $?"
equal "the state of haproxy" "$(state_of haproxy)" inactive/dead
equal "Result of haproxy, which ends with status 143" "$(show haproxy Result)" success
stops rsyslog
