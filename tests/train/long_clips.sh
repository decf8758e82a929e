#!/usr/bin/env bash
# long_clips.sh MIEN TOP: README's runs on clips: captions make a temporal module better than the mean of frames on
# people that it has not seen, and a head reads symptoms from sessions. Some minutes.
set -u
mien=$(realpath "$1")
top=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# shellcheck source=tests/expect.sh
. "$top/tests/expect.sh"
"$mien" devices >out 2>&1
[ $? -ne 3 ] || { echo 'skipped: no Vulkan device'; exit 77; }

figure() { # the number after a word of the last line of what was printed
    tail -1 out | sed -E "s/.*$1 ([0-9.]+).*/\\1/"
}
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { print a, "at least", b; exit !(a >= b) }'; }

expect 0 'samples' synth films --count 1400 --size 48 --video --single --quiet
expect 0 'zero-shot UAR' eval --model "$top/weights/synthetic-faces" --manifest films/manifest.jsonl --task zero-shot
mean=$(figure UAR)
expect 0 'trained' train --config "$top/tools/recipes/clips.json" --set data.train=films/manifest.jsonl \
    run.dir=clips --quiet
expect 0 'zero-shot UAR' eval --model clips/model --manifest films/manifest.jsonl --task zero-shot
holds 'seven classes by captions alone' at_least "$(figure UAR)" 0.60
holds 'better than the mean of frames' at_least "$(figure UAR)" "$(awk -v m="$mean" 'BEGIN { print m + 0.08 }')"

expect 0 'samples' synth sessions --count 1600 --size 48 --video --session-clips 8 --quiet
expect 0 'trained' train --config "$top/tools/recipes/symptoms.json" --set data.train=sessions/manifest.jsonl \
    run.dir=symptoms --quiet
expect 0 'regression PCC' eval --model symptoms/model --manifest sessions/manifest.jsonl --task regression --sessions
for symptom in flat_affect slowing; do
    holds "$symptom of people not seen" at_least "$(awk -v s=$symptom '$1 == s { print $2 }' out)" 0.80
done
finish
