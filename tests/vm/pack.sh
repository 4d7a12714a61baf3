# SPDX-License-Identifier: MIT
#
# How files of this machine come into $root, the tree that an initramfs is packed of. $modules: the
# kernel's.

# add_file FILE: with the link that leads to it, where it is one (/lib64/ld-linux... is, on Debian).
add_file() {
    [ ! -e "$root$1" ] || return 0
    file=$(readlink -f "$1")
    [ -e "$root$file" ] || install -D -m 755 "$file" "$root$file"
    mkdir -p "$root$(dirname "$1")"
    [ -e "$root$1" ] || cp -P "$1" "$root$1"
}

# add_module NAME: a module of the kernel, behind those that it needs; init loads them in this order.
add_module() {
    file=$(find "$modules" -name "$1.ko" | head -n 1)
    if [ -z "$file" ] || grep -qs "/$1.ko$" "$root/vm/modules"; then
        return 0 # built in, or there already
    fi
    for needed in $(grep -ao 'depends=[a-z0-9_,-]*' "$file" | sed 's/depends=//; s/,/ /g'); do
        add_module "$needed"
        file=$(find "$modules" -name "$1.ko" | head -n 1)
    done
    install -D -m 644 "$file" "$root/vm/$1.ko"
    echo "/vm/$1.ko" >>"$root/vm/modules"
}

# add_program FILE: stripped, at its own path, with its libraries at theirs.
add_program() {
    mkdir -p "$root$(dirname "$1")"
    strip -o "$root$1" "$1" 2>/dev/null || cp "$1" "$root$1"
    ldd "$1" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' |
        while IFS= read -r library; do
            add_file "$library"
        done
}
