# SPDX-License-Identifier: MIT
# Started without an argument: sets the others going and waits. With one: a generation of rabbits,
# which begets the next one (by exec, so that its stack does not grow) and dies.
trap '' TERM
if [ "${1:-}" = rabbit ]; then
    echo "$$" >>/run/rabbit
    /bin/sh /units/rabbit.sh rabbit &
    exit 0
fi
rm -f /run/rabbit
setsid sh -c 'echo $$ >/run/stubborn; while :; do sleep 1; done' &
for i in 1 2 3 4; do
    /bin/sh /units/rabbit.sh rabbit &
done
while :; do
    sleep 1
done
