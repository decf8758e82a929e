#!/usr/bin/env bash
# test_start.sh MIEN: `mien classify` with a tiny model and cached pipelines answers within a second of its start.
set -u
mien=$1
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/train
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -z "${MIEN_VALIDATE:-}" ] || { echo "skipped: validation layers take their time"; exit 77; }
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }
echo 'a face of {}' >"$work/t.txt"
export MIEN_CACHE_DIR=$work/cache
TIMEFORMAT='%R %U %S'
once() { # milliseconds by the clock and of the processors
    { time "$mien" classify --quiet --model "$golden/start" --labels joy,fear,anger --templates "$work/t.txt" \
        "$golden/00.png" >"$work/out" 2>"$work/err"; } 2>&1 | awk '{ printf "%d %d\n", $1 * 1000, ($2 + $3) * 1000 }'
}
once >/dev/null # fills the cache
[ -s "$work/out" ] || { cat "$work/err"; exit 1; }
best=100000 cpu=100000
for ((i = 0; i < 10 && best >= 1000; i++)); do
    read -r wall used < <(once)
    [ "$wall" -lt "$best" ] && best=$wall
    [ "$used" -lt "$cpu" ] && cpu=$used
done
echo "classify: $best ms from start to answer, $cpu ms of processor time, best of $i"
[ "$best" -lt 1000 ] && exit 0
# On a machine that others keep busy the clock says nothing; the work itself must then fit twice over.
busy=$(awk -v cpus="$(nproc)" '{ print ($1 > cpus) }' /proc/loadavg 2>/dev/null)
[ "${busy:-0}" = 1 ] && [ "$cpu" -lt 500 ] && { echo "the machine is busy; judged by processor time"; exit 0; }
exit 1
