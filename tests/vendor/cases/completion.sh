# SPDX-License-Identifier: MIT
# contrib/completions in a real zsh and a real fish, with hearthd running: unit names, verbs, options.
printf '[Service]\nExecStart=/bin/sleep 600\n' | tee /etc/systemd/system/kettle.service >/etc/systemd/system/kiln.service
hearthd_start
hearthctl start kiln || fail "start kiln ends with $?"

offered() { # LINE: what fish offers for the last word of it
    fish --no-config -c "source /hearth/completions/hearthctl.fish; complete -C '$1'" | cut -f1 | sort | tr '\n' ' '
}
equal "fish: 'hearthctl sta'" "$(offered 'hearthctl sta')" "start status "
equal "fish: 'hearthctl start ket'" "$(offered 'hearthctl start ket')" "kettle.service "
equal "fish: 'hearthctl stop k'" "$(offered 'hearthctl stop k')" "kiln.service "
equal "fish: 'hearthctl kill --sig'" "$(offered 'hearthctl kill --sig')" "--signal "
touch /root/x.service
cd /root
equal "fish: 'hearthctl lint x'" "$(offered 'hearthctl lint x')" "x.service "

# zsh completes in its line editor only: on a terminal of its own, with the key a user presses. What
# stands in the line then is printed by a key of ours.
cat >/root/completed.zsh <<'END'
zmodload zsh/zpty
export TERM=dumb
zpty -b line 'zsh -f -i'
wanted() {
    local text= part
    repeat 200 {
        while zpty -rt line part; do text+=$part; done 2>/dev/null
        [[ $text == *"$1"* ]] && { print -r -- "$text"; return 0 }
        sleep 0.05
    }
    print -r -- "never '$1' in: $text"
    return 1
}
zpty -w line 'PS1=; fpath=(/hearth/completions $fpath); autoload -Uz compinit; compinit -u -D; print -r -- REA""DY'
wanted READY >/dev/null || exit 1
zpty -w line 'show() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N show; bindkey "^X^X" show; print -r -- BOU""ND'
wanted BOUND >/dev/null || exit 1
zpty -n -w line "$1"$'\t'
zpty -n -w line $'\x18\x18'
wanted '>'
zpty -d line
END
completed() { # LINE: the line after a tab
    timeout -k 1 30 zsh -f /root/completed.zsh "$1" | tr -d '\r' | sed -n 's/.*<\(.*\)>.*/\1/p' | tail -n 1
}
equal "zsh: 'hearthctl start ket'" "$(completed 'hearthctl start ket')" "hearthctl start kettle.service "
equal "zsh: 'hearthctl stop k'" "$(completed 'hearthctl stop k')" "hearthctl stop kiln.service "
equal "zsh: 'hearthctl is-act'" "$(completed 'hearthctl is-act')" "hearthctl is-active "
equal "zsh: 'hearthctl kill --sig'" "$(completed 'hearthctl kill --sig')" "hearthctl kill --signal "
stops kiln
