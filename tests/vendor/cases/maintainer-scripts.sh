# SPDX-License-Identifier: MIT
# What Debian's packages do with systemctl: apt-get install starts a daemon, removing stops it;
# deb-systemd-helper, deb-systemd-invoke, invoke-rc.d and service(8) do what they do under systemd.
rm /usr/sbin/policy-rc.d # here daemons may be started
ln -s /hearth/bin/hearth-init /sbin/init # without one, invoke-rc.d holds that nothing could start them
deserved 'atd.service: .*' 'cron.service: .*'
hearthd_start --systemd-compat=yes
export DEBIAN_FRONTEND=noninteractive
quiet() { "$@" >"$CASE_DIR/output-of-command" 2>&1 || fail "'$*' ends with $?: $(tail -n 30 "$CASE_DIR/output-of-command")"; }

quiet apt-get -q -y --no-install-recommends install /srv/later/at_*.deb
equal "atd after its installation" "$(state_of atd)" active/running
equal "atd's links" "$(hearthctl is-enabled atd)" enabled
runs atd
before=$(main_pid atd)
quiet dpkg -i /srv/later/at_*.deb # an upgrade restarts
equal "atd after its upgrade" "$(state_of atd)" active/running
[ "$(main_pid atd)" != "$before" ] || fail "an upgrade did not restart atd"
quiet apt-get -q -y remove at
equal "atd after its removal" "$(show atd ActiveState)" inactive
quiet apt-get -q -y purge at
nothing_left atd

quiet deb-systemd-invoke start cron.service
equal "cron" "$(state_of cron)" active/running
before=$(main_pid cron)
quiet deb-systemd-invoke restart cron.service
[ "$(main_pid cron)" != "$before" ] || fail "deb-systemd-invoke restart did not restart"
export DPKG_MAINTSCRIPT_PACKAGE=cron
quiet deb-systemd-helper disable cron.service
quiet env _DEB_SYSTEMD_HELPER_PURGE=1 deb-systemd-helper purge cron.service # else it remembers that
quiet systemctl daemon-reload
equal "cron's links" "$(hearthctl is-enabled cron)" disabled
quiet deb-systemd-helper enable cron.service
equal "cron's links" "$(hearthctl is-enabled cron)" enabled
quiet deb-systemd-helper is-enabled cron.service
unset DPKG_MAINTSCRIPT_PACKAGE
quiet service cron stop
equal "cron after service stop" "$(state_of cron)" inactive/dead
quiet service cron start
quiet service cron status
quiet service cron restart
quiet invoke-rc.d cron restart
equal "cron" "$(state_of cron)" active/running
quiet invoke-rc.d cron stop
equal "cron after invoke-rc.d stop" "$(state_of cron)" inactive/dead

# A file that systemctl edit writes itself, in its own unit path.
printf '#!/bin/sh\nprintf "[Service]\\nNice=7\\n" >"$1"\n' >/root/editor
chmod 755 /root/editor
quiet env SYSTEMD_EDITOR=/root/editor script -qec 'systemctl edit cron' /dev/null
equal "cron's Nice= after systemctl edit" "$(show cron Nice)" 7
quiet systemctl revert cron
[ ! -e /etc/systemd/system/cron.service.d ] || fail "revert left the drop-in"
nothing_left cron
