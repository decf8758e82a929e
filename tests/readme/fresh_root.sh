#!/usr/bin/env bash
# README.md as somebody with a bare Debian follows it: fresh_root.sh [DIR]
#
# Makes a minimal root of Debian 12 with debootstrap (in DIR, which stays; else in a temporary place), copies the
# tracked files of this checkout into it and runs test_readme.sh there, with the lines that install and build.
# Needs root and debootstrap, the network, 3 GB, and some 15 minutes on 2 cores; skipped without.
# DEBIAN_MIRROR names a mirror; else the one that this machine uses.
set -u
export LC_ALL=C
unset CDPATH
top=$(cd "$(dirname "$0")/../.." && pwd)
skip() { echo "skipped: README.md in a fresh Debian ($*)"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "not root"
command -v debootstrap >/dev/null || skip "no debootstrap"
command -v git >/dev/null || skip "no git"
uris=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -nE 's/^(URIs:|deb) *(\[[^]]*\] *)?(https?:[^ ]*\/debian)\/?( .*)?$/\3/p' | head -1)
mirror=${DEBIAN_MIRROR:-${uris:-http://deb.debian.org/debian}}

root=${1-}
kept=$root
[ -n "$root" ] || root=$(mktemp -d /var/tmp/mien-root.XXXXXX)
mkdir -p "$root" && root=$(cd "$root" && pwd) || exit 1
leave() {
    local at
    for at in proc dev; do ! mountpoint -q "$root/$at" || umount "$root/$at" || return; done
    [ -n "$kept" ] || rm -rf --one-file-system "$root"
}
trap leave EXIT
trap 'exit 1' INT TERM HUP

if [ ! -e "$root/etc/debian_version" ]; then
    made=$(mktemp)
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$made" 2>&1 || {
        tail -n 3 "$made"
        rm -f "$made"
        skip "debootstrap failed"
    }
    rm -f "$made"
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/root/mien" || exit 1
git -C "$top" ls-files -z | tar -C "$top" --null -T - -cf - | tar -C "$root/root/mien" -xf - || exit 1
mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" || skip "no right to mount"

env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
    DEBIAN_FRONTEND=noninteractive chroot "$root" bash -c '
        cd /root/mien && mkdir -p build && tests/readme/test_readme.sh build .'
