# SPDX-License-Identifier: MIT
# Type=simple by a wrapper that execs, confined, Restart=always.
stat_of() { # NAME: over the text protocol
    exec 3<>/dev/tcp/127.0.0.1/11211
    printf 'stats\r\nquit\r\n' >&3
    tr -d '\r' <&3 | awk -v name="$1" '$2 == name { print $3 }'
    exec 3>&-
}
answers_stats() { [ -n "$(stat_of pid)" ]; }
hearthd_start
starts memcached
until_true "memcached to answer" answers_stats
equal "the process that answers" "$(stat_of pid)" "$(main_pid memcached)"
killed_is_restarted memcached
until_true "memcached to answer again" answers_stats
stops memcached
