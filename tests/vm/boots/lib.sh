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

# unit NAME: standard input becomes a unit file of the machine's own.
unit() {
    put "/etc/systemd/system/$1"
}

# wanted UNIT [TARGET]: as `enable` would.
wanted() {
    mkdir -p "$root/etc/systemd/system/${2:-multi-user.target}.wants"
    ln -s "/etc/systemd/system/$1" "$root/etc/systemd/system/${2:-multi-user.target}.wants/$1"
}

# boot [WORD...]: of the kernel's command line. The tree is the common one with the case's files.
boot() {
    mkdir -p "$root"
    (cd "$root" && find . -mindepth 1 -print0 | cpio --quiet -0 -o -H newc -R 0:0) >"$work/case/own"
    cat "$work/base" "$work/case/own" >"$work/case/initramfs"
    rm -f "$work/case"/console.in "$work/case"/console.out
    mkfifo "$work/case/console.in" "$work/case/console.out"
    : >"$results"
    : >"$console"
    looked_at=1
    exec 7<>"$work/case/console.in"
    cat <"$work/case/console.out" >"$console" &
    # KVM is visible on the development machines and hangs: always tcg.
    timeout -k 5 "${HEARTH_VM_TIMEOUT:-300}" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 512 \
        -no-reboot -display none -monitor none -net none -kernel "$kernel" -initrd "$work/case/initramfs" \
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
