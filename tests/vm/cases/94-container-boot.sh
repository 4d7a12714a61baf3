# SPDX-License-Identifier: MIT
# PID 1 of a container boots where it is asked for default.target, and only then: built-in targets,
# generators, fstab; its machine's names and mounts stay.
mkdir -p /etc/systemd/system-generators /etc/systemd/system /mnt/of-fstab
cat >/etc/systemd/system-generators/of-the-container <<'END'
#!/bin/sh
touch /run/generator-ran
printf '[Service]\nExecStart=sleep 1000\n' >"$1/generated.service"
mkdir "$1/multi-user.target.wants"
ln -s ../generated.service "$1/multi-user.target.wants/"
END
chmod 755 /etc/systemd/system-generators/of-the-container
echo 'none /mnt/of-fstab tmpfs defaults 0 0' >/etc/fstab

# contain OPTION...: hearth-init as PID 1 of namespaces; its id is $init.
contain() {
    unshare -p -f -m -u sh -c 'mount -t proc proc /proc && mount -t tmpfs tmpfs /run && exec hearth-init "$@"' \
        init --cgroup-root /contained "$@" >"$CASE_DIR/hearthd.log" 2>&1 </dev/null &
    outer=$!
    until_true 10 "the container's first process" grep -q . "/proc/$outer/task/$outer/children"
    init=$(tr -d ' ' <"/proc/$outer/task/$outer/children")
    inside="nsenter -t $init -m -p hearthctl"
    until_true 30 "the container's hearthd to answer" $inside list-units
}
over() {
    kill -TERM "$init"
    until_true 20 "the container to end" dead_or_zombie "$outer"
    wait "$outer"
}

contain --unit default.target
until_true 30 "multi-user.target" $inside is-active multi-user.target
equal "a generated unit" "$($inside is-active generated.service)" active
equal "fstab's mount" "$(grep -c ' /mnt/of-fstab ' /proc/$init/mounts)" 1
equal "fstab's mount outside" "$(grep -c ' /mnt/of-fstab ' /proc/mounts)" 0
over || fail "it ends with status $?"

printf '[Service]\nExecStart=sleep 1000\n' >/etc/systemd/system/alone.service
contain --unit alone.service
until_true 30 "alone.service" $inside is-active alone.service
[ ! -e "/proc/$init/root/run/generator-ran" ] || fail "a generator ran in a container that doesn't boot"
equal "a mount of fstab" "$(grep -c ' /mnt/of-fstab ' /proc/$init/mounts)" 0
over
rm -r /etc/systemd/system-generators /etc/fstab /etc/systemd/system/alone.service
[ ! -d "$cgroups/contained" ] || fail "cgroups are left"
