# SPDX-License-Identifier: MIT
# A hearthd that is a guest leaves its machine alone: no generator runs, nothing of fstab is mounted, no
# directory of generators is made, no target of a boot is read from a file, and the names stay.
mkdir -p /etc/systemd/system-generators /etc/systemd/system /mnt/of-fstab
printf '#!/bin/sh\ntouch /run/generator-ran\n' >/etc/systemd/system-generators/of-the-host
chmod 755 /etc/systemd/system-generators/of-the-host
echo 'none /mnt/of-fstab tmpfs defaults 0 0' >/etc/fstab
printf '[Unit]\nDescription=of the host\nWants=of-the-host.service\n' >/etc/systemd/system/multi-user.target
printf '[Service]\nExecStart=touch /run/service-ran\n' >/etc/systemd/system/of-the-host.service
hostname other-name
mounts=$(cut -d' ' -f2 /proc/self/mounts | grep -v '^/run/hearth')
# By the default unit path, which hearthd_start replaces.
hearthd >"$CASE_DIR/hearthd.log" 2>&1 </dev/null &
hearthd_pid=$!
trap 'leave $?' EXIT
until_true 20 "hearthd to answer" answers
hearthctl daemon-reload || fail "daemon-reload ends with status $?"
equal "multi-user.target" "$(show multi-user.target Description)" "Built in: multi-user.target"
[ ! -e /run/generator-ran ] || fail "a generator ran"
[ ! -e /run/service-ran ] || fail "a service of the host was pulled in"
[ ! -e /run/systemd/generator ] || fail "/run/systemd/generator was made"
equal "the mounts" "$(cut -d' ' -f2 /proc/self/mounts | grep -v '^/run/hearth')" "$mounts"
equal "the host name" "$(hostname)" other-name
hostname hearth-vm
rm -r /etc/systemd/system-generators /etc/fstab /etc/systemd/system/multi-user.target /etc/systemd/system/of-the-host.service
