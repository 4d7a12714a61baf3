# SPDX-License-Identifier: MIT
#
# Completion of hearthctl for fish: `hearthctl complete` answers, from its own tables and from the
# running hearthd.

function __hearthctl_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l offered (hearthctl complete -- $words[2..-1] 2>/dev/null)
    switch "$offered[1]"
        case ':files*'
            __fish_complete_path (commandline -ct)
        case ':directories*'
            __fish_complete_directories (commandline -ct)
        case '*'
            printf '%s\n' $offered
    end
end

complete -c hearthctl -f -a '(__hearthctl_complete)'
