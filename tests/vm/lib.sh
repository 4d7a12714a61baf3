# SPDX-License-Identifier: MIT
#
# What a case has at hand. A case is a shell script that ends well (exit 0), or says `fail WHY` or
# `skip WHY`. Every case starts a hearthd of its own and must leave nothing: at its end hearthd is
# stopped, and a process or a cgroup that is left makes the case fail.
set -u
cgroups=/sys/fs/cgroup
services=$cgroups/hearth/system.slice
hearthd_pid=
trap 'exit 143' TERM # the case took too long: end as after a failure

fail() {
    echo "FAIL: $*"
    echo "$*" >"$CASE_DIR/why"
    exit 1
}

skip() {
    echo "SKIP: $*"
    echo "$*" >"$CASE_DIR/why"
    exit 77
}

# note WORDS: a figure to be shown beside the case's name.
note() {
    echo "NOTE: $*"
    echo "$*" >"$CASE_DIR/why"
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

# until_true SECONDS WHAT COMMAND...: polls; an emulated CPU is slow, so be generous.
until_true() {
    deadline=$(($(uptime_centiseconds) + $1 * 100))
    what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(uptime_centiseconds)" -lt "$deadline" ] || fail "waited in vain: $what"
        usleep 20000
    done
}

uptime_centiseconds() {
    cut -d' ' -f1 /proc/uptime | tr -d .
}

# field FILE KEY: the value in a flat keyed file of the kernel's (cpu.stat, memory.events ...).
field() {
    awk -v key="$2" '$1 == key { print $2 }' "$1"
}

show() { # UNIT PROPERTY
    hearthctl show -p "$2" --value "$1"
}

state_is() { # UNIT STATE: ActiveState/SubState, e.g. active/running
    [ "$(show "$1" ActiveState)/$(show "$1" SubState)" = "$2" ]
}

await_state() { # UNIT STATE [SECONDS]
    until_true "${3:-15}" "$1 to be $2 (it is $(show "$1" ActiveState)/$(show "$1" SubState))" state_is "$1" "$2"
}

answers() { hearthctl list-units; }
# A child of this shell stays a zombie until the shell waits for it.
dead_or_zombie() { [ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }

hearthd_start() { # [OPTION...]
    command -v hearthd >/dev/null || fail "hearthd is not built"
    rm -rf /run/hearth /var/log/hearth
    hearthd --unit-path /units "$@" >"$CASE_DIR/hearthd.log" 2>&1 </dev/null &
    hearthd_pid=$!
    trap 'leave $?' EXIT
    until_true 20 "hearthd to answer" answers
}

# leave STATUS: stops hearthd as a user would, and demands that nothing is left.
leave() {
    trap - EXIT
    status=$1
    rm -rf /units/*.service.d
    kill -TERM "$hearthd_pid" 2>/dev/null
    tries=0
    while ! dead_or_zombie "$hearthd_pid" && [ "$tries" -lt 400 ]; do
        usleep 50000
        tries=$((tries + 1))
    done
    if ! dead_or_zombie "$hearthd_pid"; then
        # The next cases get a clean ground all the same.
        kill -KILL "$hearthd_pid"
        [ "$status" -ne 0 ] || echo "hearthd did not end within 20 s of SIGTERM" >"$CASE_DIR/why"
        status=1
    fi
    wait "$hearthd_pid"
    hearthd_status=$?
    left=$(find "$cgroups/hearth" -mindepth 1 -name '*.service' -type d 2>/dev/null | tr '\n' ' ')
    if [ "$status" -eq 0 ] && [ -n "$left" ]; then
        echo "cgroups are left: $left" >"$CASE_DIR/why"
        status=1
    fi
    if [ "$status" -eq 0 ] && [ "$hearthd_status" -ne 0 ]; then
        echo "hearthd ended with status $hearthd_status after SIGTERM" >"$CASE_DIR/why"
        status=1
    fi
    if [ -d "$cgroups/hearth" ]; then
        echo 1 >"$cgroups/hearth/cgroup.kill"
        usleep 100000
        find "$cgroups/hearth" -depth -type d -exec rmdir {} \; 2>/dev/null
    fi
    exit "$status"
}

# usage UNIT: CPU time in microseconds, from its cgroup.
usage() { field "$services/$1/cpu.stat" usage_usec; }

main_pid() { show "$1" ExecMainPID; }
