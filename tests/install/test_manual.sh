#!/usr/bin/env bash
# test_manual.sh MIEN MAN_DIR: every subcommand has a page that says all of its options, and troff has no complaint.
set -u
export LC_ALL=C.UTF-8
mien=$1 pages=$2 checks=0 failures=0

holds() {
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" >/dev/null 2>&1 || { failures=$((failures + 1)) && printf 'not so: %s\n' "$what"; }
}

mapfile -t names < <("$mien" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
holds "there are subcommands" [ ${#names[@]} -gt 10 ]
for name in "${names[@]}"; do
    page=$pages/mien-$name.1
    holds "mien.1 names $name" grep -q "mien.-$name" "$pages/mien.1"
    holds "$page is there" [ -s "$page" ]
    while IFS= read -r option; do
        holds "$page has ${option}" grep -qF -- "${option//-/\\-}" "$page"
    done < <("$mien" "$name" --help | sed -n 's/^  \(--*[a-z][a-z-]*\).*/\1/p')
done
for table in import:NAME eval:TASK; do
    while IFS= read -r word; do
        holds "mien-${table%:*}.1 sets $word apart" grep -qxF -- ".B ${word//-/\\-}" "$pages/mien-${table%:*}.1"
    done < <("$mien" "${table%:*}" --help | sed -n "/^${table#*:} is one of/,/^\$/s/^  \([a-z][a-z0-9-]*\) .*/\1/p")
done
holds "no page but the subcommands' own" [ "$(find "$pages" -name '*.1' | wc -l)" -eq $((${#names[@]} + 1)) ]
if command -v man >/dev/null && command -v troff >/dev/null; then
    for page in "$pages"/*.1; do
        complaints=$(MANROFFSEQ='' MANWIDTH=100 man --warnings -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        holds "troff takes ${page##*/}: $complaints" [ -z "$complaints" ]
    done
else
    echo "not tried: troff's opinion of the pages (no man or troff here)"
fi
printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
