# SPDX-License-Identifier: MIT
# Type=notify, StandardOutput=null, Requires= a socket that is the boot's.
! without_cap_sys_resource || deserved 'LimitNOFILE=16384: step "set-resource-limit" failed: Operation not permitted \(given'
logged() { grep -q "$1" /var/log/syslog; }
hearthd_start
starts rsyslog
logger -t heat "it is on"
until_true "the message to be logged" logged 'heat: it is on'
killed_is_restarted rsyslog
logger -t heat "it is off"
until_true "the message to be logged after the restart" logged 'heat: it is off'
equal "its name by Alias=" "$(show syslog.service Id)" rsyslog.service
stops rsyslog
