#!/usr/bin/env bash
# long_ranks.sh MIEN MPIRUN MODULE: four ranks by MPICH give what one gives in four parts: losses in blocks, over more
# pairs than a slab of them holds, local branches, heads, guides of the first weights, activations of 16 bits, whole
# towers anew.
set -u
mien=$(realpath "$1") mpirun=${2-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
. "$here/ranks.sh"

"$mien" synth faces --count 6000 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 2 0 >c.json
run=0
# bits PART key=value ...
bits() {
    local part=$1
    shift
    run=$((run + 1))
    alone "one$run" "$part" "$@"
    MIEN_MPI_MODULE=$module together 4 "four$run" "$@"
    same_runs "one$run" "four$run" 2
}
module=$(realpath "$3")
mining="loss.mining.kind=hard loss.mining.warmup_steps=0 loss.mining.threshold=0.5"
# shellcheck disable=SC2086 # words
{
    bits 2 loss.kind=clip
    bits 2 $mining loss.mining.source=frozen loss.mining.guide=both loss.text=both
    bits 2 loss.kind=siglip loss.local.kind=filip loss.local.sentences=2
    bits 2 loss.local.kind=sentence $mining loss.mining.kind=ignore loss.mining.same_text=positive
    bits 2 run.precision=bf16
    bits 2 'model.head={"kind":"classes","loss":"ce"}'
    bits 2 run.recompute=true optim.kind=sgd optim.clip_norm=0
    export MIEN_BLOCKS_FROM=16 # from a part of 4 on they can be
    bits 4 run.batch=16 loss.text=both
    bits 4 run.batch=16 $mining loss.text=both loss.local.kind=sentence
    bits 4 run.batch=16 $mining loss.mining.kind=soft loss.mining.source=frozen loss.mining.guide=both
    bits 4 run.batch=16 loss.mining.kind=ignore loss.mining.warmup_steps=0 loss.mining.same_text=ignore
    bits 4 run.batch=16 loss.kind=siglip
    bits 4 run.batch=16 loss.kind=siglip $mining loss.text=both loss.mining.same_text=positive
    bits 4 run.batch=16 'model.head={"kind":"classes","loss":"ce"}' run.precision=bf16
    unset MIEN_BLOCKS_FROM
    bits 1056 run.batch=4224 $mining # two slabs a block
    bits 1024 run.batch=4096
    bits 1056 run.batch=4224 loss.kind=siglip
}
finish
