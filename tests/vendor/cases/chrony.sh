# SPDX-License-Identifier: MIT
# Type=forking as another user with an ExecStart=! that keeps privileges, capability bounding, all five
# kinds of directories, a device policy.
# The clock is this machine's: chronyd must not touch it (-x).
echo 'DAEMON_OPTS="-F 1 -x"' >/etc/default/chrony
hearthd_start
starts chrony
matches "chronyc" "$(chronyc -n tracking)" "Reference ID*"
equal "its user" "$(stat -c %U "/proc/$(main_pid chrony)")" _chrony
confined=$(hearthctl confinement chrony) || fail "not confined as asked: $confined"
killed_has_failed chrony
starts chrony
stops chrony
