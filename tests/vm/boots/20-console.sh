# SPDX-License-Identifier: MIT
# A getty on the serial console that the kernel was told of answers a login; hearthd is killed there,
# and everything goes on.
unit steady.service <<'END'
[Service]
ExecStart=sleep 1000
END
wanted steady.service
boot quiet
expect 'tile-stove login:'
never 'Reached target'
type_line root
expect '# '
type_line 'echo "tty $(tty) host $(hostname)"'
expect '^tty /dev/ttyS0 host tile-stove'
type_line 'hearthctl is-active multi-user.target getty.target; hearthctl show -p MainPID --value steady.service >/run/before; echo look''ed'
expect '^looked'
type_line 'old=$(pidof hearthd); kill -9 $old; until hearthctl is-active steady.service >/run/state 2>&1; do sleep 0.1; done; echo state $(cat /run/state)'
expect '^state active'
type_line '[ "$(pidof hearthd)" != "$old" ] && cmp /run/before - <<END && echo sa''me process
$(hearthctl show -p MainPID --value steady.service)
END'
expect '^same process'
type_line 'busybox poweroff -f'
await_end
