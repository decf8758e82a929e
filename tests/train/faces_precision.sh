#!/usr/bin/env bash
# faces_precision.sh MIEN TOP FACES OUT [STEPS]: what precision of activations costs in quality: the recipe ferplus.json
# on FER+ faces (a directory that mien import ferplus takes), of which more than 2,000 are held out, with three seeds in
# f32, bf16 and f16. Prints zero-shot UAR of each run, and the means. What has been trained in OUT is not trained again.
# Hours on a software driver; no test runs it.
set -euo pipefail
mien=$(realpath "$1")
top=$(realpath "$2")
faces=$(realpath "$3")
mkdir -p "$4"
cd "$4"
steps=${5:-4000}

# The val split, and one in eight of the train split.
if [ ! -e held_out.jsonl ]; then
    "$mien" import ferplus "$faces" -o all.jsonl >/dev/null
    awk '/"split": ?"train"/ && ++n % 8 == 0 { sub(/"split": ?"train"/, "\"split\":\"val\"") } { print }' all.jsonl \
        >held_out.jsonl
fi
echo "$(grep -cE '"split": ?"val"' held_out.jsonl) faces held out, $steps steps"

for precision in f32 bf16 f16; do
    for seed in 0 1 2; do
        run=$precision-$seed
        [ -e "$run/model" ] || "$mien" train --config "$top/tools/recipes/ferplus.json" --seed $seed --quiet --set \
            data.train=held_out.jsonl run.dir="$run" run.steps="$steps" run.precision=$precision >/dev/null
        uar=$("$mien" eval --model "$run/model" --manifest held_out.jsonl --task zero-shot --split val --json --quiet |
            sed -nE 's/.*"uar":([0-9.]+).*/\1/p')
        echo "$precision seed $seed: UAR $uar"
    done
done | tee figures.txt
awk '{ sum[$1] += $5; n[$1]++ }
    END { for (p in sum) printf "%s mean of %d: UAR %.4f\n", p, n[p], sum[p] / n[p] }' figures.txt
