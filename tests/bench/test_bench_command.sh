#!/usr/bin/env bash
# test_bench_command.sh MIEN: mien bench from outside: statuses, forms, files that are no results.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }
. "$here/../expect.sh"

expect 0 '{"head":{"result":"mien bench"' bench --quick --only 'sum/*' --json --quiet
cp out a.json
holds 'nothing else is said' [ ! -s err ]
expect 0 'median ratio 1.00; 5 the same' bench --compare a.json a.json
sed -E 's/"(least_)?ms":[0-9.]*/"\1ms":1/g; s/"spread":[0-9.e+-]*/"spread":0.01/g' a.json >one.json
sed 's/"ms":1,"least_ms":1/"ms":3,"least_ms":3/' one.json >slow.json
expect 1 'peak/fma is slower: 1 ms before, 3 now, 3.00 times' bench --compare one.json slow.json
holds 'the table says so too' grep -q '^peak/fma .*SLOWER' out
expect 0 '1 faster' bench --compare slow.json one.json
sed 's/"ms":1,/"ms":3,/' one.json >busy.json
expect 0 '5 the same' bench --compare one.json busy.json
sed 's/"outcome":"done"/"outcome":"fail","reason":"wrong"/' one.json >broken.json
expect 1 'peak/fma failed: wrong' bench --compare one.json broken.json --csv
holds 'one line a row, and titles' [ "$(wc -l <out)" -eq "$(($(grep -o '"name"' a.json | wc -l) + 1))" ]
holds 'as many columns everywhere' [ "$(sed 's/"[^"]*"//g; s/[^,]//g' out | sort -u | wc -l)" -eq 1 ]
echo '{"head": {}, "rows": []}' >empty.json
expect 2 'empty.json' bench --compare empty.json
expect 2 'missing.json' bench --compare missing.json
expect 2 'empty.json' bench empty.json
sed 's/"rows":.*/"rows":[]}/' a.json >rowless.json
expect 2 'or no row' bench rowless.json
expect 2 'one of the two' bench --csv --json
expect 2 'without --quick' bench a.json --quick
expect 2 'no row is called' bench --only 'nonsense/*'
expect 2 'unknown option --fast' bench --fast
expect 3 'no-such-gpu' bench --device no-such-gpu
finish
