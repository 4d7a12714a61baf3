# SPDX-License-Identifier: MIT
# hearthctl attach: a look inside heat.service on a v2 kernel, at the three levels.
hearthd_start
hearthctl start heat.service || fail "start heat.service ends with status $?"
await_state heat.service active/running
pid=$(main_pid heat.service)

inside() { # OPTION... -- COMMAND...: its standard output; the status is the command's
    hearthctl attach heat.service "$@" 2>"$CASE_DIR/said" </dev/null
}

echo outside >/tmp/outside
tmp=$(inside -- /bin/ls -A /tmp) || fail "ls /tmp inside ends with status $?: $(cat "$CASE_DIR/said")"
equal "the service's private /tmp" "$tmp" ""
# ProtectHome=yes puts a directory of mode 0000 there, which root without capabilities can't list.
! inside -- /bin/ls -A /home | grep -q . || fail "the service's /home shows something"
matches "the devices of the service" "$(inside -- /bin/ls /dev | tr '\n' ' ')" "*null*zero*"
[ -z "$(inside -- /bin/ls /dev | grep -x ttyS0)" ] || fail "the service sees /dev/ttyS0"

for namespace in mnt net; do
    equal "attach's $namespace namespace" "$(inside -- /bin/readlink /proc/self/ns/$namespace)" \
        "$(readlink /proc/$pid/ns/$namespace)"
done
inside -- /bin/sh -c 'exit 42'
equal "the exit status of a command" $? 42

# Root, but with the unit's bounding set (empty) and no way to more; the user's own level; root's.
equal "the user" "$(inside -- /bin/busybox id -u)" 0
equal "the capabilities" "$(inside -- /bin/awk '/^CapEff:/ { print $2 }' /proc/self/status)" 0000000000000000
equal "NoNewPrivs" "$(inside -- /bin/awk '/^NoNewPrivs:/ { print $2 }' /proc/self/status)" 1
# As the service, one has its filter too: cat is about what that lets through.
equal "the user with --as-service" \
    "$(inside --as-service -- /bin/cat /proc/self/status | awk '/^Uid:/ { print $2 }')" 65534
equal "the capabilities with --privileged" \
    "$(inside --privileged -- /bin/awk '/^CapEff:/ { print $2 }' /proc/self/status)" \
    "$(awk '/^CapEff:/ { print $2 }' /proc/self/status)"

# Looking hurts nobody, and leaves nobody.
equal "heat.service's main process" "$(main_pid heat.service)" "$pid"
until_true 10 "the attached commands to be gone" sh -c "[ \"\$(find $services/heat.service -name cgroup.procs -exec cat {} + | wc -l)\" -eq 1 ]"
