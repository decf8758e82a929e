# ranks.sh: sourced by tests of several ranks, after expect.sh; $mpirun is the launcher of the MPI that the module was
# built with, "" = there is none.

[ -n "$mpirun" ] || { echo "skipped: this build has no MPI" && exit 77; }
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device" && exit 77; }

# Software drivers in as many threads as ranks; Open MPI wants to be told that this is meant.
export LP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
launch=()
if "$mpirun" --version 2>&1 | grep -qE 'Open MPI|OpenRTE'; then # mpiexec calls itself the latter
    launch=(--oversubscribe --bind-to none --mca btl self,vader --mca mpi_yield_when_idle 1)
fi

# ranks N COMMAND...: under mpirun, for 250 seconds at most
ranks() {
    local count=$1
    shift
    timeout 250 "$mpirun" "${launch[@]}" -n "$count" "$@"
}

# alone DIR PART key=value ...: one rank's run in parts of so many
alone() {
    local dir=$1 part=$2
    shift 2
    "$mien" train --quiet --config c.json --set run.dir="$dir" run.micro_batch="$part" "$@" >out 2>err ||
        { cat out err && exit 1; }
}

# together N DIR key=value ...: that of several
together() {
    local count=$1 dir=$2
    shift 2
    ranks "$count" "$mien" train --quiet --config c.json --set run.dir="$dir" "$@" >out 2>err ||
        { cat out err && exit 1; }
}

# What two runs have written, but for the time that they took.
same_runs() {
    local file
    for file in "$1" "$2"; do sed 's/,"samples_per_s".*//' "$file/log.jsonl" >"$file/steps"; done
    holds "$1 and $2 log the same" cmp "$1/steps" "$2/steps"
    [ ! -e "$1/events.out.tfevents.0.mien" ] ||
        holds "and have the same events" cmp "$1/events.out.tfevents.0.mien" "$2/events.out.tfevents.0.mien"
    holds "$1 and $2 give the same weights" cmp "$1/model/model.safetensors" "$2/model/model.safetensors"
    for file in model.safetensors optimizer.safetensors; do
        holds "and the same $file" cmp "$1/checkpoints/step-$3/$file" "$2/checkpoints/step-$3/$file"
    done
}

# A model whose gradients take several messages of a megabyte.
larger_config() {
    cat <<TEXT
{"model": {"init": "scratch", "tokenizer": {"vocab": 600}, "config": {"projection_dim": 128,
  "vision_config": {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": 16, "patch_size": 8},
  "text_config": {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 2,
    "max_position_embeddings": 24}}},
 "data": {"train": "faces/manifest.jsonl"}, "loss": {"local": {"kind": "none"}},
 "optim": {"schedule": "constant"}, "run": {"dir": "a", "steps": 4, "batch": 8}}
TEXT
}
