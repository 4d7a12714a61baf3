# SPDX-License-Identifier: MIT
# CPUQuota=20%: what heat.service burns in 5 s, read from its cgroup, is 20% of one CPU +- 2 points.
hearthd_start
hearthctl start heat.service || fail "start heat.service ends with status $?"
await_state heat.service active/running
equal "cpu.max" "$(cat $services/heat.service/cpu.max)" "20000 100000"
sleep 1 # the first period is begun anywhere in it
before=$(usage heat.service) began=$(uptime_centiseconds)
sleep 5
after=$(usage heat.service) ended=$(uptime_centiseconds)
# Hundredths of a percent: microseconds of CPU in centiseconds of time.
share=$(((after - before) / (ended - began)))
percent="$((share / 100)).$(printf %02d $((share % 100)))%"
[ "$share" -ge 1800 ] && [ "$share" -le 2200 ] || fail "heat.service had $percent of a CPU, 20% +- 2 was asked"
[ "$(field $services/heat.service/cpu.stat nr_throttled)" -gt 0 ] || fail "the kernel never throttled it"
note "$percent of a CPU"
