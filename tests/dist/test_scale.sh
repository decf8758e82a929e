#!/usr/bin/env bash
# test_scale.sh MIEN MPIRUN: dry runs of planned ranks, and of those that mpirun has started.
set -u
mien=$(realpath "$1") mpirun=${2-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device" && exit 77; }
"$mien" synth faces --count 60 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 4 2 >c.json

# member NAME: of the last plan
member() { sed "s/.*\"$1\":\([^,}]*\).*/\1/" out; }
# near NAME EXPRESSION: a member is what the formula says
near() {
    holds "$1 is $2" awk -v have="$(member "$1")" \
        "BEGIN { want = $2; d = have - want; exit !(d * d <= 1e-8 * want * want) }"
}
plan() { expect 0 '"ranks":4' train --config c.json --dry-run --json --quiet --ranks 4 "$@"; }
plan --bandwidth 0.5 --latency 20
holds 'shares' test "$(member share)" = 2
near gather_seconds "3 * 3 * 20e-6 + 3 * $(member gather_bytes) / 0.5e9" # images and two levels of texts
near seconds_per_step "($(member compute_seconds) + $(member exposed_seconds))"
holds 'features of a share' test "$(member gather_bytes)" = 384 # 2 images and 2 x 2 texts of 16 values
holds 'exposed is no more than there is' awk -v e="$(member exposed_seconds)" -v g="$(member gather_seconds)" \
    -v s="$(member sum_seconds)" 'BEGIN { exit !(e >= g && e <= g + s) }'
slow=$(member sum_seconds)
plan --bandwidth 5 --latency 2
near sum_seconds "$slow / 10"
expect 2 'go with --dry-run' train --config c.json --ranks 4 --bandwidth 1 --latency 1
expect 2 'needs both --bandwidth' train --config c.json --dry-run --ranks 4 --bandwidth 1
expect 2 'there is one; add --ranks N' train --config c.json --dry-run --bandwidth 1 --latency 1
expect 2 '2 to 65536 ranks' train --config c.json --dry-run --ranks 1 --bandwidth 1 --latency 1
expect 2 '--bandwidth 0: GB/s' train --config c.json --dry-run --ranks 4 --bandwidth 0 --latency 1
expect 2 '--latency soon: microseconds' train --config c.json --dry-run --ranks 4 --bandwidth 1 --latency soon
expect 2 'cannot be shared equally by 3 ranks' train --config c.json --dry-run --ranks 3 --bandwidth 1 --latency 1
expect 0 'ranks       8, 1 images each' train --config c.json --dry-run --quiet --ranks 8 --bandwidth 1 --latency 1
holds 'nothing is written' test ! -e a
[ -n "$mpirun" ] || { echo "without MPI: $checks checks" && finish && exit; }
. "$here/ranks.sh"
ranks 2 "$mien" train --config c.json --dry-run --json --quiet >out 2>err
holds 'a dry run of two ranks' test $? -eq 0
holds 'one result' test "$(wc -l <out)" -eq 1
holds 'exchange was timed' awk -v m="$(member measured_sum_seconds)" 'BEGIN { exit !(m > 0) }'
ranks 2 "$mien" train --config c.json --dry-run --quiet --ranks 4 --bandwidth 1 --latency 1 >out 2>err
holds 'other ranks than there are cannot be planned' test $? -eq 2
holds 'it says so once' test "$(grep -c 'ranks 4, and mpirun has started 2' err)" = 1
holds 'and nothing is written' test ! -e a
finish
