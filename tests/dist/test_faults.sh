#!/usr/bin/env bash
# test_faults.sh MIEN MPIRUN: what goes wrong with ranks: shares that cannot be, no MPI, another MPI, other data; a rank
# that dies ends all, and one goes on from what they left.
set -u
mien=$(realpath "$1") mpirun=${2-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

"$mien" synth faces --count 60 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 4 2 >c.json

# without mpirun: what the environment says and what there is
export WORLD_SIZE=2 RANK=3
expect 2 'rank RANK=3 of WORLD_SIZE=2' train --config c.json
export RANK=1 MIEN_MPI_MODULE=nowhere.so
expect 2 'MIEN_MPI_MODULE: no such file: nowhere.so' train --config c.json
: >empty.so
MIEN_MPI_MODULE=$PWD/empty.so expect 2 'cannot be loaded' train --config c.json
unset MIEN_MPI_MODULE RANK
expect 2 'run.dir' train --config c.json --set run.dir=""
unset WORLD_SIZE
RANK=0 WORLD_SIZE=1 expect 0 'model one/model' train --config c.json --quiet --set run.dir=one run.micro_batch=4
. "$here/ranks.sh"
WORLD_SIZE=2 RANK=0 expect 2 'this is rank 0 of 2 (WORLD_SIZE)' train --config c.json

# refused KEY WORDS...: by all ranks, with one line of theirs and the exit status of wrong usage
refused() {
    local words=$1
    shift
    ranks 2 "$mien" train --quiet --config c.json --set run.dir=no "$@" >out 2>err
    holds "refused: $*" test $? -eq 2
    holds "it says: $words" grep -qF -- "$words" err
    holds 'rank 0 alone says it' test -z "$(grep 'mien: rank' err)"
    holds 'and nothing is left' test ! -e no
}
refused 'run.batch 9 cannot be shared equally by 2 ranks' run.batch=9
refused 'set run.micro_batch to 0 or 4, or start 4 ranks' run.micro_batch=2
refused 'at once, 4 images; set run.micro_batch to 0 or 4' run.micro_batch=3
holds 'it names no number of ranks that would not do' test -z "$(grep 'start 2 ranks' err)"
refused 'did you mean "run.steps"' run.step=3
ranks 2 sh -c 'exec "$0" train --quiet --config c.json --set run.dir=other data.train=$1' "$mien" faces/manifest.jsonl \
    >out 2>err
holds 'the same data serve' test $? -eq 0
head -n 50 faces/manifest.jsonl >faces/less.jsonl
# shellcheck disable=SC2016 # the ranks' shells expand it
ranks 2 sh -c 'case ${OMPI_COMM_WORLD_RANK-$PMI_RANK} in 0) m=manifest ;; *) m=less ;; esac
    exec "$0" train --quiet --config c.json --set run.dir=differ data.train=faces/$m.jsonl' "$mien" >out 2>err
holds 'other data end the run' test $? -eq 2
holds 'it says so' grep -q 'number of samples or step than rank 0\|other texts, labels or numbers than rank 0' err

# Slurm's variables, where mpirun has none
# shellcheck disable=SC2016
ranks 2 sh -c 'export SLURM_PROCID=${OMPI_COMM_WORLD_RANK-$PMI_RANK} SLURM_NTASKS=2 SLURM_LOCALID=0
    unset OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE PMI_SIZE
    exec "$0" train --config c.json --set run.dir=slurm' "$mien" >out 2>err
holds "Slurm's variables serve" test $? -eq 0
holds 'it says whose they are' grep -q '2 ranks by Slurm' err
holds 'and the same comes of it' cmp slurm/model/model.safetensors other/model/model.safetensors

# a rank is killed: all end within seconds; one rank goes on, to the bit. Steps of a larger model are few by then
larger_config >c.json
ranks 2 "$mien" train --quiet --config c.json --set run.dir=dies run.steps=100000 \
    optim.warmup_steps=1 run.checkpoint_every=1 >out 2>err &
launcher=$!
for _ in {1..900}; do [ -e dies/checkpoints/step-2 ] && break || sleep 0.1; done
holds 'it has begun' test -d dies/checkpoints
mapfile -t alive < <(pgrep -f "train --quiet --config c.json --set run.dir=dies" | while read -r pid; do
    [ "$(readlink "/proc/$pid/exe")" = "$mien" ] && [ "$(readlink "/proc/$pid/cwd")" = "$work" ] && echo "$pid"
done)
holds 'there are two' test ${#alive[@]} -eq 2
began=$SECONDS
kill -9 "${alive[1]}"
wait $launcher
holds 'the launcher tells of it' test $? -ne 0
while [ -e "/proc/${alive[0]}" ] && [ $((SECONDS - began)) -lt 60 ]; do sleep 0.1; done
holds 'within seconds' test $((SECONDS - began)) -le 30
last=$(find dies/checkpoints -name 'step-*' | sed 's/.*-//' | sort -n | tail -n 1)
expect 0 'model dies/model' train --resume dies --quiet --set run.steps=$((last + 2))
alone whole 4 run.steps=$((last + 2)) optim.warmup_steps=1
holds 'one rank goes on to the bit' cmp dies/model/model.safetensors whole/model/model.safetensors
tiny_config 4 2 >c.json
ranks 2 "$mien" train --quiet --resume one --set run.steps=6 >out 2>err || cat err
alone six 4 run.steps=6
holds 'and two go on with what one has begun' cmp one/model/model.safetensors six/model/model.safetensors
finish
