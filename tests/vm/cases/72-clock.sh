# SPDX-License-Identifier: MIT
# Somebody sets the clock: a time of the calendar that was jumped over has come, once, however often the clock is
# set back behind it; what counts from a start doesn't mind; OnClockChange= hears of it.
mkdir -p /units
unit() { cat >"/units/$1"; }
unit noon.timer <<'END'
[Timer]
OnCalendar=*-*-* 12:00:00
AccuracySec=1us
END
unit later.timer <<'END'
[Timer]
OnActiveSec=30min
AccuracySec=1us
END
unit set.timer <<'END'
[Timer]
OnClockChange=yes
AccuracySec=1us
END
for name in noon later set; do
    unit $name.service <<END
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo $name >>/tmp/elapsed'
END
done
rm -f /tmp/elapsed
date -s '2026-11-22 11:00:00' >/dev/null
hearthd_start
hearthctl start noon.timer later.timer set.timer || fail "start ends with status $?"
matches "NextElapse of noon" "$(show noon.timer NextElapseUSecRealtime)" '*2026-11-22 12:00:00*'
usleep 300000
[ ! -e /tmp/elapsed ] || fail "elapsed too early: $(cat /tmp/elapsed)"
count() { grep -c "^$1$" /tmp/elapsed 2>/dev/null; }
is() { [ "$(count "$1")" = "$2" ]; }

date -s '2026-11-22 12:00:05' >/dev/null
until_true 20 "noon.timer to elapse, which was jumped over" is noon 1
until_true 20 "set.timer to hear of the jump" is set 1
until_true 20 "noon.timer to wait for tomorrow" sh -c 'hearthctl show -p NextElapseUSecRealtime --value noon.timer | grep -q "2026-11-23 12:00:00"'

date -s '2026-11-22 11:59:00' >/dev/null
until_true 20 "set.timer to hear of the way back" is set 2
usleep 500000
equal "how often noon.timer has elapsed" "$(count noon)" 1
equal "how often later.timer has elapsed" "$(count later)" 0
rm -f /units/noon.* /units/later.* /units/set.* /tmp/elapsed
