#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs Debian 12's packages for one or more purposes, and only those that are missing: on a
# prepared machine it asks dpkg once and needs neither the network nor root.
#
#     contrib/packages.sh build              to compile hearth
#     contrib/packages.sh build tests        and to run ./tests/run
#     contrib/packages.sh build tests more   and to run ./tests/run --all
#     contrib/packages.sh --list SET...      prints the names, installs nothing
set -u

packages_of() {
    case $1 in
    build)
        echo "g++ cmake ninja-build pkg-config libinih-dev libseccomp-dev libcap-dev libsystemd-dev"
        echo "libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev musl-tools"
        ;;
    examples)
        echo "busybox-static" # the root of examples/busybox.service
        ;;
    # qemu: the kernel with pure cgroup v2 (tests/vm). ccache: the same sources are compiled twice.
    # squashfs-tools, erofs-utils and e2fsprogs make the images of RootImage= and kin.
    # strace and libcap2-bin look at what a launch did; iproute2 and procps make its surroundings.
    # debootstrap makes the root that tests/vendor runs Debian's daemons in; dbus-daemon is Type=dbus's bus.
    tests)
        echo "libgtest-dev libbenchmark-dev busybox-static cpio ccache strace libcap2-bin procps"
        echo "crun bubblewrap iproute2 util-linux qemu-system-x86 squashfs-tools erofs-utils e2fsprogs debootstrap dbus-daemon"
        ;;
    # Debian's default clang-tidy 14 stumbles over C++20 on libstdc++ 12: LLVM 19 is pinned.
    more)
        echo "clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev gcovr codespell"
        echo "g++-aarch64-linux-gnu"
        ;;
    *)
        echo "packages.sh: no set is called '$1': expected build, examples, tests or more" >&2
        return 2
        ;;
    esac
}

list_only=
if [ "${1:-}" = --list ]; then
    list_only=yes
    shift
fi
[ $# -gt 0 ] || set -- build
wanted=
for set_name in "$@"; do
    packages=$(packages_of "$set_name") || exit 2
    wanted="$wanted $packages"
done
if [ -n "$list_only" ]; then
    echo $wanted | tr ' ' '\n'
    exit 0
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "packages.sh: this is not Debian (no apt-get): please install what these are called here:" >&2
    echo "   $(echo $wanted)" >&2
    exit 1
fi

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)
    # The state of a package that was never known is empty.
    [ "$state" = installed ] || missing="$missing $package"
done
missing=${missing# }
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "packages.sh: not root, so these can't be installed; please run:" >&2
    echo "    sudo apt-get install --no-install-recommends $missing" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
# A lock held by unattended-upgrades is worth waiting for; a mirror's hiccup is worth a second try.
apt="apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3"

failed() {
    echo "packages.sh: $1; apt-get said:" >&2
    tail -n 25 "$log" >&2
    exit 1
}

echo "packages.sh: installing $missing"
$apt update >"$log" 2>&1 || echo "packages.sh: apt-get update failed; trying with the lists there are" >&2
$apt install -y --no-install-recommends $missing >"$log" 2>&1 </dev/null ||
    failed "could not install $missing"
