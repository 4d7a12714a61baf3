# SPDX-License-Identifier: MIT
#
# What a case of tests/vm/boot has at hand. It runs in bash, here, not in the machine; it ends well or
# says `fail WHY`. Each wait is bounded; an emulated CPU is slow, so bounds are generous.
set -u
results=$work/case/results
console=$work/case/console.log

fail() {
    echo "$*"
    exit 1
}

# put PATH [MODE]: standard input becomes that file of the tree.
put() {
    mkdir -p "$root$(dirname "$1")"
    cat >"$root$1"
    chmod "${2:-644}" "$root$1"
}

# links_of_usr: before files are put below /bin or /lib, which are links in the common tree.
links_of_usr() {
    mkdir -p "$root/usr"
    for directory in bin sbin lib lib64; do
        ln -s "usr/$directory" "$root/$directory"
    done
}

# unit NAME: standard input becomes a unit file of the machine's own.
unit() {
    put "/etc/systemd/system/$1"
}

# wanted UNIT [TARGET]: as `enable` would.
wanted() {
    mkdir -p "$root/etc/systemd/system/${2:-multi-user.target}.wants"
    ln -s "/etc/systemd/system/$1" "$root/etc/systemd/system/${2:-multi-user.target}.wants/$1"
}

# More words for qemu, of this case.
qemu_words=()

# boot [WORD...]: of the kernel's command line. The tree is the common one with the case's files.
boot() {
    mkdir -p "$root"
    (cd "$root" && find . -mindepth 1 -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$work/case/own"
    cat "$work/base" "$work/case/own" >"$work/case/initramfs"
    rm -f "$work/case"/console.in "$work/case"/console.out
    rm -f "$work/case"/monitor.in "$work/case"/monitor.out
    mkfifo "$work/case/console.in" "$work/case/console.out" "$work/case/monitor.in" "$work/case/monitor.out"
    : >"$results"
    : >"$console"
    looked_at=1
    exec 7<>"$work/case/console.in" 8<>"$work/case/monitor.in"
    cat <"$work/case/monitor.out" >/dev/null &
    cat <"$work/case/console.out" >"$console" &
    # KVM is visible on the development machines and hangs: always tcg.
    timeout -k 5 "${HEARTH_VM_TIMEOUT:-300}" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 512 \
        -no-reboot -display none -net none \
        -chardev "pipe,id=monitor,path=$work/case/monitor" -mon chardev=monitor "${qemu_words[@]}" -kernel "$kernel" -initrd "$work/case/initramfs" \
        -chardev "pipe,id=console,path=$work/case/console" -serial chardev:console \
        -serial "file:$results" \
        -append "console=ttyS0 panic=-1 no_timer_check rdinit=/sbin/init $*" >"$work/case/qemu" 2>&1 </dev/null &
    qemu=$!
    echo "$qemu" >"$work/qemu.pid"
}

# expect PATTERN [SECONDS]: waits until the console says it, from where the last one was found on.
expect() {
    local deadline=$((SECONDS + ${2:-60})) found
    until found=$(tr -d '\r' <"$console" | tail -n "+$looked_at" | grep -nE -m 1 -- "$1"); do
        [ "$SECONDS" -lt "$deadline" ] || fail "the console doesn't say '$1' within ${2:-60} s"
        kill -0 "$qemu" 2>/dev/null || fail "the machine ended before its console said '$1'"
        sleep 0.1
    done
    looked_at=$((looked_at + ${found%%:*} - 1))
}

# never PATTERN: of the console so far.
never() {
    ! tr -d '\r' <"$console" | grep -qE -- "$1" || fail "the console says '$1'"
}

# type_line TEXT: on the console.
type_line() {
    printf '%s\n' "$1" >&7
}

# look_and_power_off: logs in, runs the case's /vm/look, and ends the machine in order.
look_and_power_off() {
    expect 'login:' 90
    type_line root
    expect '# ' 30
    type_line '/vm/look; /sbin/poweroff'
}

# monitor TEXT: a command of qemu's own.
monitor() {
    printf '%s\n' "$1" >&8
}

# expect_result PATTERN [SECONDS]: waits until a unit has printed it on the second serial port.
expect_result() {
    local deadline=$((SECONDS + ${2:-60}))
    until tr -d '\r' <"$results" | grep -qE -- "$1"; do
        [ "$SECONDS" -lt "$deadline" ] || fail "no result '$1' within ${2:-60} s"
        kill -0 "$qemu" 2>/dev/null || fail "the machine ended before the result '$1'"
        sleep 0.1
    done
}

# says PATTERN: of the second serial port, as an extended regular expression for a whole line.
says() {
    tr -d '\r' <"$results" | grep -qxE -- "$1" || fail "no result '$1'"
}

# await_end [SECONDS]: the machine switches itself off.
await_end() {
    local deadline=$((SECONDS + ${1:-60}))
    while kill -0 "$qemu" 2>/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || fail "the machine still runs after ${1:-60} s"
        sleep 0.1
    done
    rm -f "$work/qemu.pid"
}
