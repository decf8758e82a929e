#!/usr/bin/env bash
# test_ranks.sh MIEN MPIRUN: two ranks give, bit for bit, what one gives in two parts: losses, also in blocks as large
# batches have them, mining, local branch, gradients, moments.
set -u
mien=$(realpath "$1") mpirun=${2-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
. "$here/ranks.sh"

"$mien" synth faces --count 60 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 3 0 >c.json
mining="loss.mining.kind=hard loss.mining.warmup_steps=0 loss.mining.threshold=0.5"
local="loss.text=both loss.local.kind=pooled"
run=0
for options in "loss.kind=clip run.tensorboard=true" "loss.kind=siglip $local" "$mining $local" \
    "loss.kind=siglip $mining loss.mining.kind=soft"; do
    run=$((run + 1))
    # shellcheck disable=SC2086 # words
    {
        alone "one$run" 4 run.dump_grads="one$run.grads" $options
        together 2 "two$run" run.dump_grads="two$run.grads" $options
    }
    same_runs "one$run" "two$run" 3
    holds 'the gradients are those of all' cmp "one$run.grads" "two$run.grads"
done
holds 'losses differ from each other' test "$(cat one?/steps | sort -u | wc -l)" -ge 9
holds 'the configuration says how one rank gives the same' grep -q '"micro_batch": *4' two1/config.json
for options in "loss.text=both" "$mining loss.text=both loss.local.kind=sentence loss.local.weight=0.5" \
    "$mining loss.mining.kind=soft loss.mining.source=frozen loss.mining.guide=both loss.mining.same_text=positive" \
    "loss.kind=siglip loss.text=both" "loss.kind=siglip $mining"; do
    run=$((run + 1))
    # shellcheck disable=SC2086 # words
    {
        alone "part$run" 4 $options
        MIEN_BLOCKS_FROM=8 alone "block$run" 4 run.dump_grads="block$run.grads" $options
        MIEN_BLOCKS_FROM=8 together 2 "two$run" run.dump_grads="two$run.grads" $options
    }
    same_runs "block$run" "two$run" 3
    holds 'the gradients in blocks are those of all' cmp "block$run.grads" "two$run.grads"
    holds 'blocks give the loss of the whole' awk -F'[:,]' '{ d = $6 - first[FNR] } NR == FNR { first[FNR] = $6 }
        NR > FNR && (d * d > 1e-9 || !($6 > 0)) { exit 1 }' "part$run/log.jsonl" "block$run/log.jsonl"
    cmp -s "part$run/log.jsonl" "block$run/log.jsonl"
    holds 'but they are blocks' test $? -eq 1
done
alone whole 0
cmp -s one1/model/model.safetensors whole/model/model.safetensors
holds 'parts are not the whole batch to the bit' test $? -eq 1

# unequal shares give the same losses but for rounding: the loss whole (5 and 3 of 8 images), in blocks (12 and 4 of 16)
shares() {
    local dir=$1
    shift
    alone "even$dir" 0 loss.text=both "$@" 'run.shares=[]'
    together 2 "uneven$dir" loss.text=both "$@"
    holds "losses of unequal shares are those of one rank: $dir" awk -F'[:,]' 'NR == FNR { first[FNR] = $6; next }
        { d = $6 / first[FNR] - 1; steps++; if (!(d * d < 1e-8)) exit 1 } END { exit !(steps == 3) }' \
        "even$dir/log.jsonl" "uneven$dir/log.jsonl"
}
shares 2,1 run.batch=8 'run.shares=[2,1]'
# shellcheck disable=SC2086 # words
MIEN_BLOCKS_FROM=16 shares 3,1 run.batch=16 $mining 'run.shares=[3,1]'
holds 'config.json keeps them' grep -qE '"shares": *\[2, *1\]' uneven2,1/config.json
ranks 2 "$mien" train --quiet --resume uneven2,1 --set run.steps=4 'run.shares=[1,1]' >out 2>err
holds 'a run goes on with other shares' grep -q '^trained 4 steps' out

# another number of ranks goes on with equal shares by run.shares alone, and says so where it is not given
for run in one1 whole; do
    cp -r $run other
    ranks 4 "$mien" train --quiet --resume other --set run.steps=4 >out 2>err
    holds "without run.shares $run is refused" test $? -eq 2
    holds 'and told of it' grep -q 'run.shares, a number for each' err
    ranks 4 "$mien" train --resume other --set run.steps=4 'run.shares=[1,1,1,1]' >out 2>err
    holds "$run goes on with four ranks" grep -q '^trained 4 steps' out
    expect 0 'trained 5 steps' train --resume other --set run.steps=5 'run.shares=[]'
    rm -r other
done
# refused KEY=VALUE WORDS: by two ranks
refused() {
    ranks 2 "$mien" train --quiet --config c.json --set run.dir=refused "$1" ${3+"$3"} >out 2>err
    holds "$1 is refused" test $? -eq 2
    holds "for a reason: $2" grep -qF -- "$2" err
}
refused 'run.shares=[1,2,3]' 'run.shares has 3 numbers, and there are 2 ranks'
refused 'run.shares=[1,0]' 'element 2 is not'
refused 'run.shares=[1,100]' 'nothing is left for rank 0'
refused 'run.shares=[2,1]' 'set it to 0' run.micro_batch=4
expect 2 'start it by mpirun -n 2' train --config c.json --set run.dir=refused 'run.shares=[2,1]'
holds 'and nothing is written' test ! -e refused

# a damaged picture in one share is replaced for all
picture=faces/$(grep '"split": *"train"' faces/manifest.jsonl | sed -n '20s/.*"image": *"\([^"]*\)".*/\1/p')
cp "$picture" whole.png && head -c 100 whole.png >"$picture"
alone bad1 4 data.max_bad=0.1 run.steps=8
together 2 bad2 data.max_bad=0.1 run.steps=8
holds 'it was met' grep -qF "${picture##*/}" err
same_runs bad1 bad2 8
cp whole.png "$picture"

# embeddings and scores by all ranks are those of one
few=$(find faces/images -name '*.png' | head -n 5 | tr '\n' ' ')
for options in "--manifest faces/manifest.jsonl --text face" "--image $few"; do
    # shellcheck disable=SC2086 # words
    {
        expect 0 one.safetensors embed --quiet --json --model one1/model $options -o one.safetensors
        ranks 2 "$mien" embed --quiet --json --model one1/model $options -o two.safetensors >out 2>err || cat err
    }
    holds 'one rank tells of it' test "$(wc -l <out)" -eq 1
    holds 'embeddings have the same bytes' cmp one.safetensors two.safetensors
done
for task in zero-shot "retrieval --level global"; do
    # shellcheck disable=SC2086
    {
        asked="--quiet --json --model one1/model --manifest faces/manifest.jsonl --split all --task $task"
        "$mien" eval $asked >one.json
        ranks 2 "$mien" eval $asked >two.json 2>err || cat err
    }
    holds "scores are the same: $task" cmp one.json two.json
    holds 'they are there' grep -q '"task"' two.json
done
head -c 100 whole.png >"$picture"
ranks 2 "$mien" embed --quiet --model one1/model --manifest faces/manifest.jsonl -o three.safetensors >out 2>err
holds 'one bad picture ends all' test $? -eq 4
holds 'and nothing is written' test ! -e three.safetensors
cp whole.png "$picture"

# ranks that were given other inputs, as many and fewer, or another model: no rows of nobody's
tac faces/manifest.jsonl >faces/back.jsonl
head -n 50 faces/manifest.jsonl >faces/less.jsonl
export MIEN=$mien SECOND
for SECOND in "one1 faces/back" "one1 faces/less" "one2 faces/manifest"; do
    for asked in "embed -o four.safetensors" "eval --task zero-shot --split all"; do
        # shellcheck disable=SC2086,SC2016 # words; the ranks' shells expand it
        ranks 2 sh -c 'case ${OMPI_COMM_WORLD_RANK-$PMI_RANK} in 0) set -- one1 faces/manifest "$@" ;;
            *) set -- $SECOND "$@" ;; esac
            model=$1 rows=$2 && shift 2
            exec "$MIEN" "$@" --quiet --model $model/model --manifest $rows.jsonl' sh $asked >out 2>err
        holds "other inputs or another model end all: $SECOND, $asked" test $? -eq 2
        holds 'it says so' grep -q 'another model or other inputs to embed than rank 0' err
        holds 'and nothing comes of it' test ! -s out -a ! -e four.safetensors
    done
done

# gradients are on their way while the device makes those of earlier layers
larger_config >c.json
together 2 traced run.seed=0 --trace trace.json
read -r exchanges beside < <(awk -f "$here/overlap.awk" trace.json)
echo "$beside of $exchanges exchanges have work of the device beside them"
holds 'there are exchanges' test "$exchanges" -ge 16
holds 'some are hidden' test "$beside" -ge 1
holds 'each rank has a trace' test -s trace.json.rank1
finish
