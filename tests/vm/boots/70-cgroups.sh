# SPDX-License-Identifier: MIT
# Who stands where: the keeper in init.scope, hearthd and hearth-logd in leaves of their own, slices at
# the root of the tree as under systemd. A hearthd that takes more memory than there is, is the only
# one that the kernel kills for it, and nobody loses anything by that.
unit stove.service <<'END'
[Service]
ExecStart=/vm/stove
MemoryMax=50M
END
wanted stove.service
put /vm/stove 755 <<'END'
#!/bin/sh
i=0
while :; do i=$((i + 1)); echo "beat $i"; usleep 100000; done
END
put /vm/look 755 <<'END'
#!/bin/sh
exec >/dev/ttyS1
where() { echo "$1 $(sed -n 's/^0:://p' /proc/$2/cgroup)"; }
main() { hearthctl show -p MainPID --value stove.service; }
manager() { pidof hearthd; }
root=/sys/fs/cgroup
echo 1 >/proc/sys/kernel/printk # a kernel that has killed for memory has much to say, and this console is slow
where keeper 1
where manager "$(manager)"
where writer "$(pidof hearth-logd)"
where stove "$(main)"
echo "shown $(hearthctl show -p ControlGroup --value stove.service)"
echo "limit $(cat $root/system.slice/stove.service/memory.max)"
echo "score $(cat /proc/1/oom_score_adj) $(cat /proc/$(manager)/oom_score_adj)"
echo "top $(cd $root && ls -d */ | tr -d / | tr '\n' ' ')"
before=$(manager) service=$(main) writer=$(pidof hearth-logd)
for round in 1 2 3; do
    # There is no swap: what it has can't be taken from it but by its death.
    echo 1M >$root/hearthd/memory.max
    tries=0
    while grep -q '^State:.[^Z]' /proc/$before/status 2>/dev/null && [ $tries -lt 3000 ]; do
        tries=$((tries + 1))
    done
    echo max >$root/hearthd/memory.max
    while ! hearthctl list-units >/dev/null 2>&1; do usleep 50000; done
    [ "$(manager)" != "$before" ] && echo "round $round: another"
    before=$(manager)
done
echo "kills $(awk '$1 == "oom_kill" && $2 >= 3 { print "three" }' $root/hearthd/memory.events)"
where manager-now "$(manager)"
[ "$(main)" = "$service" ] && [ -d "/proc/$service" ] && echo 'service the same'
[ "$(pidof hearth-logd)" = "$writer" ] && echo 'writer the same'
echo "restarts $(hearthctl show -p NRestarts --value stove.service)"
echo "active $(hearthctl is-active stove.service)"
sleep 1
# Each beat of it once, and in order.
hearthctl logs stove.service | sed -n 's/.*beat //p' | awk '$1 != NR { bad = 1 } END { print "beats " (bad ? "lost" : (NR > 5) ? "whole" : NR) }'
echo end
END
boot
look_and_power_off
expect_result '^end' 120
await_end 60
says 'keeper /init.scope'
says 'manager /hearthd'
says 'manager-now /hearthd'
says 'writer /hearth-logd'
says 'stove /system.slice/stove.service'
says 'shown /system.slice/stove.service'
says 'limit 52428800'
says 'score -1000 0'
says 'top (.* )?hearth-logd hearthd init.scope (.* )?system.slice .*'
for round in 1 2 3; do says "round $round: another"; done
says 'kills three'
says 'service the same'
says 'writer the same'
says 'restarts 0'
says 'active active'
says 'beats whole'
