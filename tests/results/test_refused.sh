#!/usr/bin/env bash
# test_refused.sh MIEN ROOT: what README.md lists as refused is: exit status 3 and the very words, whoever asks.
set -u
mien=$1
top=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# shellcheck source=tests/expect.sh
. "$top/tests/expect.sh"
unset MIEN_DEVICE MIEN_CAPS
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }

found=0
while IFS='|' read -r profile missing; do
    found=$((found + 1))
    expect 0 "unusable  $missing" devices --caps "$profile"
    expect 3 "$missing" classify --caps "$profile" --labels joy,fear "$top/tests/golden/train/00.png"
    for sub in check bench; do
        "$mien" "$sub" --help >/dev/null 2>&1 && expect 3 "$missing" "$sub" --quick --caps "$profile"
    done
done < <(sed -nE 's/^Refused \(exit status 3\), as profile `([^`]+)` acts: (.*)\.$/\1|\2/p' "$top/README.md")
holds "README.md lists a refused profile" [ "$found" -ge 1 ]
finish
