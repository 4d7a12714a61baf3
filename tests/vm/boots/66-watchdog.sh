# SPDX-License-Identifier: MIT
# RuntimeWatchdogSec=: a machine that works is never reset, nor is one whose hearthd is killed and comes back;
# one whose hearthd hangs is, by the kernel's own software watchdog, which ends qemu.
. "$here/pack.sh"
add_module softdog
grep -q softdog "$root/vm/modules" || fail "this kernel has no softdog module"
mkdir -p "$root/etc/systemd"
printf '[Manager]\nRuntimeWatchdogSec=4\n' >"$root/etc/systemd/system.conf"
put /vm/first 755 <<'END'
#!/bin/busybox sh
for module in $(cat /vm/modules); do
    insmod "$module"
done
exec /sbin/init "$@"
END
unit trial.service <<'END'
[Service]
ExecStart=/vm/trial
END
wanted trial.service
put /vm/trial 755 <<'END'
#!/bin/sh
say() { echo "$*" >/dev/ttyS1; }
manager() { for each in /proc/[0-9]*; do [ "$(cat $each/comm)" != hearthd ] || echo "${each#/proc/}"; done; }
hearthctl is-system-running
say "device $(hearthctl show -p WatchdogDevice --value) $(hearthctl show -p RuntimeWatchdogUSec --value)"
sleep 9
say alive
old=$(manager)
kill -9 $old
sleep 9
say "alive after a death: $([ "$(manager)" != "$old" ] && echo another)"
kill -STOP $(manager)
END
boot rdinit=/vm/first
expect_result '^alive$' 90
expect_result 'alive after a death: another' 60
await_end 60
says 'device /dev/watchdog0 4s'
never 'reboot: Power down'
