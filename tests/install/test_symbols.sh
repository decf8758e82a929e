#!/usr/bin/env bash
# What the headers declare and what the libraries export must be the names that src/mien.symbols lists.
# test_symbols.sh LIBMIEN_SO [LIBMIEN_A]
set -u
export LC_ALL=C
root=$(cd "$(dirname "$0")/../.." && pwd)
list=$root/src/mien.symbols
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
compare() { # compare WHAT: its names are in $work/found
    diff "$work/listed" <(sort "$work/found") >"$work/difference" && return
    sed -n "s|^< \(.*\)|$1 lacks \1, which src/mien.symbols lists|p
        s|^> \(.*\)|$1 has \1, which src/mien.symbols does not list|p" "$work/difference"
    failures=$((failures + $(grep -c '^[<>]' "$work/difference")))
}
command -v nm >/dev/null || { echo "skipped: no nm"; exit 77; }
grep -v '^#' "$list" >"$work/listed"
[ "$(wc -l <"$work/listed")" -gt 40 ] || { echo "$list lists hardly anything"; exit 1; }
sort -cu "$work/listed" || { echo "$list is not sorted"; exit 1; }

# a declaration begins with MIEN_API and ends with a semicolon; its name stands before the first bracket
sed 's/^#.*//' "$root"/include/mien/*.h | tr '\n' ' ' | tr ';' '\n' | grep -o 'MIEN_API [^(]*' |
    grep -o 'mien_[a-z0-9_]*$' >"$work/found"
compare include/mien

# the linker's own names, those of sanitizers and of the version are not ours
nm -D --defined-only "$1" | awk '{ sub(/@.*/, "", $3); print $3 }' |
    grep -vE '^(_init|_fini|_edata|_end|__bss_start|__(a|ub|l|t)san_.*|__odr_asan.*|MIEN_[0-9.]+)$' >"$work/found"
compare "${1##*/}"

# the static library is one object, in which all other names are local
if [ -n "${2-}" ]; then
    nm -g --defined-only "$2" | awk 'NF == 3 { print $3 }' | grep -v '^__odr_asan' >"$work/found"
    compare "${2##*/}"
fi
echo "$(wc -l <"$work/listed") names; $failures differences"
[ $failures -eq 0 ]
