# SPDX-License-Identifier: MIT
# Delegate=yes for a container runtime that makes its own cgroups (systemd.resource-control(5)): hearthd
# keeps its hands off below, and stop ends what is there. On a v2 tree, for that is where a runtime
# may make cgroups where it stands: over this machine's other hierarchies one is mounted, in here only.
mount -t cgroup2 cgroup2 /sys/fs/cgroup || skip "no cgroup2 can be mounted here"

bundle=/srv/bundle
mkdir -p "$bundle/rootfs/bin"
cp /bin/busybox "$bundle/rootfs/bin/"
(cd "$bundle" && crun spec --rootless) || fail "crun makes no config.json"
sed -i 's/"terminal": true/"terminal": false/
    s|"sh"|"/bin/busybox", "sleep", "600"|
    s|"linux": {|"linux": { "cgroupsPath": "CGROUP",|' "$bundle/config.json"
cat >/srv/runs-box <<'END'
#!/bin/sh -e
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
sed -i "s|CGROUP|${own%/manager}/box|" /srv/bundle/config.json
# In a user namespace of its own: raising RLIMIT_MEMLOCK for its device filter may be refused here.
exec unshare --user --map-root-user crun --cgroup-manager=cgroupfs run --bundle /srv/bundle box
END
chmod 755 /srv/runs-box
cat >/etc/systemd/system/box.service <<'END'
[Service]
Delegate=yes
DelegateSubgroup=manager
ExecStart=/srv/runs-box
TimeoutStopSec=1
END

hearthd_start
hearthctl start box || fail "start box ends with status $?"
runs_in_box() { [ "$(crun list -q)" = box ] && [ "$(crun state box | sed -n 's/.*"status": "\(.*\)".*/\1/p')" = running ]; }
until_true "the container to run" runs_in_box
cgroup=/sys/fs/cgroup$(show box ControlGroup)
equal "the processes of the container" "$(crun exec box /bin/busybox cat /proc/1/cmdline | tr '\0' ' ')" "/bin/busybox sleep 600 "
[ -n "$(find "$cgroup/box" -name cgroup.procs -exec cat {} +)" ] || fail "the container isn't in the unit's cgroup: $(find "$cgroup")"
matches "the main process's cgroup" "$(sed -n 's/^0:://p' "/proc/$(main_pid box)/cgroup")" "*/box.service/manager"

# What hearthd does at a reload stops at the unit's own cgroup.
hearthctl daemon-reload || fail "daemon-reload ends with status $?"
hearthctl freeze box || fail "freeze ends with status $?"
hearthctl thaw box || fail "thaw ends with status $?"
crun exec box /bin/busybox true || fail "the container does not go on after daemon-reload, freeze and thaw"

# The runtime dies, the container goes on for a moment: it is the unit's, and ends with it.
kill -KILL "$(main_pid box)"
until_true "box to fail" state_is box failed/failed
until_true "the container to end" alone
until_true "the cgroups of box to go" no_cgroups
crun delete --force box
hearthctl reset-failed box

sed -i 's|"cgroupsPath": "[^"]*"|"cgroupsPath": "CGROUP"|' "$bundle/config.json"
hearthctl start box || fail "box doesn't start again"
until_true "the container to run again" runs_in_box
hearthctl stop box || fail "stop box ends with status $?"
until_true "the container to end after stop" alone
until_true "the cgroups of box to go after stop" no_cgroups
crun delete --force box || true
