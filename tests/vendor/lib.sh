# SPDX-License-Identifier: MIT
#
# What a case has at hand. A case is a bash script that ends well (exit 0), or says `fail WHY` or
# `skip WHY`. It runs as PID 1 of its namespaces, in a root of its own, with a hearthd that has
# systemd's own unit path: the packages' unit files, unmodified.
set -u

fail() {
    echo "FAIL: $*"
    echo "$*" >"$CASE_DIR/why"
    exit 1
}

skip() {
    echo "$*" >"$CASE_DIR/why"
    exit 77
}

# equal WHAT ACTUAL EXPECTED
equal() {
    [ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"
}

# matches WHAT TEXT PATTERN: a shell pattern.
matches() {
    case $2 in
    $3) ;;
    *) fail "$1 is '$2', expected something like '$3'" ;;
    esac
}

# until_true WHAT COMMAND...: asks until it holds; a busy machine is slow, so be generous.
until_true() {
    local what=$1 tries
    shift
    for ((tries = 0; tries < 600; ++tries)); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    fail "waited in vain: $what"
}

show() { hearthctl show -p "$2" --value "$1"; } # UNIT PROPERTY
state_of() { echo "$(show "$1" ActiveState)/$(show "$1" SubState)"; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }   # UNIT ACTIVE/SUB
main_pid() { show "$1" MainPID; }

# Everything that runs here and is neither this shell nor hearth's. All processes of the namespace
# are of this case: what a stopped service leaves can't hide.
strangers() {
    local process
    for process in /proc/[0-9]*; do
        # A zombie whose parent is this shell is ended: nobody reaps orphans here.
        [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "$process/status" 2>/dev/null || echo Z)" != Z ] || continue
        case $(readlink "$process/exe") in
        '' | /hearth/bin/* | /usr/bin/bash | /usr/bin/sed | /usr/bin/readlink) ;;
        *) echo "${process#/proc/}: $(tr '\0' ' ' <"$process/cmdline")" ;;
        esac
    done
}
alone() { [ -z "$(strangers)" ]; }

mounts() { cut -d' ' -f5 /proc/self/mountinfo | sort; }
no_cgroups() { [ -z "$(find /sys/fs/cgroup -path "*/$CGROUP_ROOT/*.service" -type d)" ]; }

# deserved PATTERN...: complaints of hearthd that this case counts on, as extended regular expressions.
deserved=()
deserved() { deserved+=("$@"); }

# Every line of hearthd's log that is no transition and not expected.
complaints() {
    # What a client did to unit files is told, and is no complaint.
    local expected='^$|^hearthd: (Created symlink|Removed) ' pattern
    for pattern in "${deserved[@]}"; do expected+="|$pattern"; done
    grep -vE '^hearthd: (ready, answering at |[^ ]+: ([a-z-]+ -> [a-z-]+|Consumed .* CPU time))' "$CASE_DIR/hearthd.log" | grep -vE "$expected"
}

# The hard limit can be raised by nobody without CAP_SYS_RESOURCE; nor can an OOM score be lowered.
without_cap_sys_resource() {
    local effective
    effective=$(sed -n 's/^CapEff:\t//p' /proc/self/status)
    [ $((0x$effective >> 24 & 1)) -eq 0 ]
}

# starts UNIT [SUBSTATE]
starts() {
    hearthctl start "$1" || fail "start $1 ends with status $?"
    equal "the state of $1" "$(state_of "$1")" "active/${2:-running}"
    [ "${2:-running}" != running ] || runs "$1"
}

# runs UNIT: its main process is where the unit's cgroup is.
runs() {
    local pid
    pid=$(main_pid "$1")
    [ "$pid" -gt 1 ] || fail "$1 has no main process"
    matches "the cgroup of $1's main process" "$(sed -n 's/^0:://p' "/proc/$pid/cgroup")" "*$(show "$1" ControlGroup)"
    matches "the cgroup of $1" "$(show "$1" ControlGroup)" "*/$CGROUP_ROOT/*/$1.service"
}

reloads() { # UNIT
    local pid
    pid=$(main_pid "$1")
    hearthctl reload "$1" || fail "reload $1 ends with status $?"
    until_true "$1 to be running after a reload" state_is "$1" active/running
    equal "the main process of $1 after a reload" "$(main_pid "$1")" "$pid"
}

# killed_is_restarted UNIT: Restart= of the unit takes in a SIGKILL of its main process.
killed_is_restarted() {
    local pid
    pid=$(main_pid "$1")
    restarted() { [ "$(main_pid "$1")" -gt 1 ] && [ "$(main_pid "$1")" != "$pid" ] && state_is "$1" active/running; }
    kill -KILL "$pid"
    until_true "$1 to be restarted" restarted "$1"
    equal "NRestarts of $1" "$(show "$1" NRestarts)" 1
    runs "$1"
}

# killed_has_failed UNIT [RESULT]: without Restart= it stays down, and what it forked is ended too.
killed_has_failed() {
    kill -KILL "$(main_pid "$1")"
    until_true "$1 to fail" state_is "$1" failed/failed
    equal "Result of $1" "$(show "$1" Result)" "${2:-signal}"
    equal "ExecMainStatus of $1" "$(show "$1" ExecMainStatus)" 9
    equal "NRestarts of $1" "$(show "$1" NRestarts)" 0
    until_true "what $1 left to end" alone
    hearthctl reset-failed "$1"
}

# stops UNIT: and nothing is left of it.
stops() {
    hearthctl stop "$1" || fail "stop $1 ends with status $?"
    equal "the state of $1" "$(state_of "$1")" inactive/dead
    equal "Result of $1" "$(show "$1" Result)" success
    nothing_left "$1"
}

nothing_left() {
    until_true "the processes of $1 to end" alone
    until_true "the cgroups of $1 to go" no_cgroups
    equal "the mounts after $1" "$(mounts)" "$mounts_before"
}

answers() { hearthctl list-units; }

# hearthd_start [OPTION...]
hearthd_start() {
    hearthd --cgroup-root "$CGROUP_ROOT" "$@" >"$CASE_DIR/hearthd.log" 2>&1 </dev/null &
    hearthd_pid=$!
    trap 'leave $?' EXIT
    until_true "hearthd to answer" answers
    mounts_before=$(mounts)
}

# leave STATUS: stops hearthd as a user would, and demands that it complained of nothing and left nothing.
leave() {
    local status=$1 hearthd_status what
    trap - EXIT
    [ -z "${VENDOR_SHELL:-}" ] || bash -i
    kill -TERM "$hearthd_pid"
    wait "$hearthd_pid"
    hearthd_status=$?
    [ "$status" -eq 0 ] || exit "$status"
    [ "$hearthd_status" -eq 0 ] || fail "hearthd ended with status $hearthd_status after SIGTERM"
    what=$(complaints)
    [ -z "$what" ] || fail "hearthd complained: $what"
    what=$(strangers)
    [ -z "$what" ] || fail "processes are left: $what"
    exit 0
}
