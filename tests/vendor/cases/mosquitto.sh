# SPDX-License-Identifier: MIT
# Type=notify with four ExecStartPre=, ExecReload=kill $MAINPID, Restart=on-failure.
hearthd_start
starts mosquitto
mosquitto_pub -t heat -m on -r || fail "can't publish"
equal "the message" "$(mosquitto_sub -t heat -C 1 -W 10)" on
equal "the directory of its log" "$(stat -c '%U %a' /run/mosquitto)" "mosquitto 740"
reloads mosquitto
equal "the message after a reload" "$(mosquitto_sub -t heat -C 1 -W 10)" on
killed_is_restarted mosquitto
mosquitto_pub -t heat -m off || fail "can't publish after the restart"
stops mosquitto
