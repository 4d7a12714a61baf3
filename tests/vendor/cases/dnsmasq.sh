# SPDX-License-Identifier: MIT
# Type=forking by a helper script, ExecStartPost= and ExecStop= that run others' hooks.
printf 'no-resolv\nlisten-address=127.0.0.1\nbind-interfaces\naddress=/heat.test/192.0.2.7\n' >/etc/dnsmasq.d/heat
echo 192.0.2.8 one.heat.test >>/etc/hosts
hearthd_start
starts dnsmasq
equal "the answer" "$(dig +short @127.0.0.1 heat.test)" 192.0.2.7
echo 192.0.2.9 two.test >>/etc/hosts
reloads dnsmasq
knows_two() { [ "$(dig +short @127.0.0.1 two.test)" = 192.0.2.9 ]; }
until_true "dnsmasq to have read /etc/hosts again" knows_two
killed_has_failed dnsmasq
starts dnsmasq
stops dnsmasq
