# SPDX-License-Identifier: MIT
# The ground itself: were it not pure cgroup v2 with two CPUs, the other cases would show nothing.
equal "the magic of $cgroups" "$(stat -f -c %t "$cgroups")" 63677270
for controller in cpu memory pids io cpuset; do
    grep -qw "$controller" "$cgroups/cgroup.controllers" || fail "no controller $controller"
done
equal "the number of v1 hierarchies" "$(awk '$3 == "cgroup"' /proc/mounts | wc -l)" 0
equal "the number of CPUs" "$(nproc)" 2
equal "the root's file system" "$(awk '$2 == "/" { type = $3 } END { print type }' /proc/mounts)" tmpfs

mkdir "$cgroups/machine-check"
for file in cgroup.kill cgroup.freeze cgroup.events; do
    [ -e "$cgroups/machine-check/$file" ] || fail "no $file"
done
# A kill by the tree works here, without hearth in between.
sleep 1000 &
echo $! >"$cgroups/machine-check/cgroup.procs"
echo 1 >"$cgroups/machine-check/cgroup.kill"
wait $!
equal "the status of a process killed by its cgroup" $? 137
until_true 5 "an empty cgroup to be removed" rmdir "$cgroups/machine-check"

for program in hearthd hearthctl hearth-logd hearth-init; do
    command -v "$program" >/dev/null || continue
    version=$("$program" --version) || fail "$program --version ends with status $?"
    echo "$version"
done
note "Linux $(uname -r)"
