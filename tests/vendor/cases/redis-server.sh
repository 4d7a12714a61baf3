# SPDX-License-Identifier: MIT
# Type=notify under most of what systemd.exec(5) has to confine a service.
! without_cap_sys_resource || deserved 'LimitNOFILE=65535: step "set-resource-limit" failed: Operation not permitted \(given'
hearthd_start
starts redis-server
equal "PING" "$(redis-cli ping)" PONG
equal "SET" "$(redis-cli set heat on)" OK
confined=$(hearthctl confinement redis-server) || fail "not confined as asked: $confined"
equal "the directory of its socket" "$(stat -c '%U:%G %a' /run/redis)" "redis:redis 2755"

killed_is_restarted redis-server
equal "PING after the restart" "$(redis-cli ping)" PONG
stops redis-server
[ ! -e /run/redis ] || fail "RuntimeDirectory= is left"
