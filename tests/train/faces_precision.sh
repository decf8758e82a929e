#!/usr/bin/env bash
# faces_precision.sh MIEN TOP FACES OUT [STEPS]: what precision of activations costs in quality, with three seeds in
# f32, bf16 and f16. FACES: a directory of FER+ faces that mien import ferplus takes (recipe ferplus.json, 4,000 steps),
# or "drawn" (faces of mien synth, recipe demo.json, 700 steps). More than 2,000 faces are held out. Prints zero-shot
# UAR of each run, and the means; ends with 1 where a mean is more than 2 points below f32's. What has been trained in
# OUT is not trained again. Hours on a software driver; no test runs it.
set -euo pipefail
mien=$(realpath "$1")
top=$(realpath "$2")
mkdir -p "$4"
if [ "$3" = drawn ]; then
    recipe=demo steps=${5:-700} split=test manifest=drawn/manifest.jsonl
else
    recipe=ferplus steps=${5:-4000} split=val manifest=held_out.jsonl faces=$(realpath "$3")
fi
cd "$4"

if [ "$3" = drawn ]; then
    [ -e $manifest ] || "$mien" synth drawn --count 20000 --size 48 --seed 0 --single --quiet >/dev/null
elif [ ! -e $manifest ]; then # the val split, and one in eight of the train split
    "$mien" import ferplus "$faces" -o all.jsonl >/dev/null
    awk '/"split": ?"train"/ && ++n % 8 == 0 { sub(/"split": ?"train"/, "\"split\":\"val\"") } { print }' all.jsonl \
        >$manifest
fi
echo "$(grep -cE "\"split\": ?\"$split\"" $manifest) faces held out, $steps steps"

for precision in f32 bf16 f16; do
    for seed in 0 1 2; do
        run=$precision-$seed
        [ -e "$run/model" ] || "$mien" train --config "$top/tools/recipes/$recipe.json" --seed $seed --quiet --set \
            data.train=$manifest run.dir="$run" run.steps="$steps" run.precision=$precision >/dev/null
        uar=$("$mien" eval --model "$run/model" --manifest $manifest --task zero-shot --split $split --json --quiet |
            sed -nE 's/.*"uar":([0-9.]+).*/\1/p')
        echo "$precision seed $seed: UAR $uar"
    done
done | tee figures.txt
awk '{ sum[$1] += $5; n[$1]++ }
    END { for (p in sum) { mean[p] = sum[p] / n[p]; printf "%s mean of %d: UAR %.4f\n", p, n[p], mean[p] }
          exit !(mean["bf16"] > mean["f32"] - 0.02 && mean["f16"] > mean["f32"] - 0.02) }' figures.txt
