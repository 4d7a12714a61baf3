# SPDX-License-Identifier: MIT
# Ansible's modules `systemd` and `service`, as roles use them.
cat >/etc/systemd/system/kiln.service <<'END'
[Service]
ExecStart=/bin/sleep 1000
ExecReload=/bin/true
[Install]
WantedBy=multi-user.target
END
cat >/root/play.yml <<'END'
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - {name: started, systemd: {name: kiln, state: started, enabled: true, daemon_reload: true}, register: first}
    - {name: again, systemd: {name: kiln, state: started, enabled: true}, register: second}
    - {name: restarted, systemd: {name: kiln.service, state: restarted}}
    - {name: reloaded, systemd: {name: kiln.service, state: reloaded}}
    - {name: by service, service: {name: kiln, state: restarted, use: systemd}}
    - {name: stopped, service: {name: kiln, state: stopped, enabled: false, use: systemd}, register: last}
    - {name: masked, systemd: {name: ghost.service, masked: true}}
    - assert: {that: [first.changed, not second.changed, last.changed, "first.status.LoadState == 'loaded'"]}
END
hearthd_start --systemd-compat=yes
export ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_INVENTORY_UNPARSED_WARNING=false ANSIBLE_NOCOLOR=1
ansible-playbook -i localhost, /root/play.yml >"$CASE_DIR/ansible.log" 2>&1 ||
    fail "ansible-playbook ends with $?: $(tail -n 40 "$CASE_DIR/ansible.log")"
equal "kiln" "$(state_of kiln)" inactive/dead
equal "kiln's links" "$(hearthctl is-enabled kiln)" disabled
equal "ghost" "$(hearthctl is-enabled ghost)" masked
[ "$(grep -c 'ExecStart= runs' "$CASE_DIR/hearthd.log")" -eq 3 ] || fail "kiln was not started three times"
nothing_left kiln
