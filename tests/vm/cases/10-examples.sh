# SPDX-License-Identifier: MIT
# Each example does here what its own comment says.
hearthd_start

mkdir -p /run/hearth-examples/busybox/bin
cp /usr/bin/busybox /run/hearth-examples/busybox/bin/
ln -sf busybox /run/hearth-examples/busybox/bin/sh
ln -sf busybox /run/hearth-examples/busybox/bin/ls
ln -sf busybox /run/hearth-examples/busybox/bin/sleep
# Mount points, for MountAPIVFS= and PrivateTmp=: the root belongs to its owner, and may lack them.
for directory in proc sys dev run tmp var/tmp etc; do
    mkdir -p "/run/hearth-examples/busybox/$directory"
done

for unit in heat.service daemon.service busybox.service; do
    hearthctl start "$unit" || fail "start $unit ends with status $?"
    await_state "$unit" active/running
    [ -n "$(cat "$services/$unit/cgroup.procs")" ] || fail "$unit has no process in its cgroup"
    equal "ControlGroup of $unit" "$(show "$unit" ControlGroup)" "/hearth/system.slice/$unit"
done

hearthctl start hello.service || fail "start hello.service ends with status $?"
await_state hello.service active/exited
until_true 10 "hello.service's words in its log" sh -c 'hearthctl logs hello.service | grep -q "hello from the hearth"'

# What heat.service may see, from the kernel's own view of its process.
pid=$(main_pid heat.service)
status=/proc/$pid/status
equal "heat's user" "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' $status)" "65534 65534 65534 65534"
equal "heat's capabilities" "$(awk '/^Cap(Inh|Prm|Eff|Bnd|Amb):/ { print $2 }' $status | sort -u)" 0000000000000000
equal "heat's NoNewPrivs" "$(field $status NoNewPrivs:)" 1
equal "heat's Seccomp mode" "$(field $status Seccomp:)" 2
for namespace in mnt net; do
    [ "$(readlink /proc/$pid/ns/$namespace)" != "$(readlink /proc/self/ns/$namespace)" ] ||
        fail "heat.service shares the host's $namespace namespace"
done
equal "interfaces in heat's network" "$(awk 'NR > 2 { sub(":", "", $1); print $1 }' /proc/$pid/net/dev)" lo

# The busybox root hides the host.
pid=$(main_pid busybox.service)
[ ! -e "/proc/$pid/root/vm" ] || fail "busybox.service sees the host's /vm"
[ -x "/proc/$pid/root/bin/sh" ] || fail "busybox.service has no /bin/sh"

hearthctl reload daemon.service || fail "reload daemon.service ends with status $?"
until_true 10 "daemon.service to say that it was reloaded" sh -c 'hearthctl logs daemon.service | grep -q reloaded'

for unit in heat.service daemon.service busybox.service hello.service; do
    hearthctl stop "$unit" || fail "stop $unit ends with status $?"
    await_state "$unit" inactive/dead
    [ ! -d "$services/$unit" ] || fail "the cgroup of $unit is still there"
done
