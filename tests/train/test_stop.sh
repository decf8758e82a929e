#!/usr/bin/env bash
# test_stop.sh MIEN: what ends a run from outside. A signal: the step is finished, a checkpoint written, the exit status
# says which signal; --resume then gives the weights of an unbroken run. A closed pipe on standard error: nothing.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }
"$mien" synth faces --count 40 --size 16 --quiet >/dev/null || exit 1
cat >c.json <<'TEXT'
{"model": {"init": "scratch", "tokenizer": {"vocab": 540}, "config": {"projection_dim": 12,
  "vision_config": {"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 1, "num_attention_heads": 2,
    "image_size": 16, "patch_size": 4},
  "text_config": {"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 1, "num_attention_heads": 3,
    "max_position_embeddings": 16}}},
 "data": {"train": "faces/manifest.jsonl"}, "run": {"steps": 40, "batch": 6, "seed": 3}}
TEXT

# stop_with SIGNAL RUN_DIR: the signal goes out when the log has its 5th row; the exit status is the run's.
stop_with() {
    local pid
    "$mien" train --config c.json --set run.dir="$2" >"$2.out" 2>"$2.err" &
    pid=$!
    for _ in {1..600}; do
        [ "$(wc -l 2>/dev/null <"$2/log.jsonl" || echo 0)" -ge 5 ] && break
        sleep 0.02
    done
    kill -"$1" $pid
    wait $pid
}

expect 0 'trained 40 steps' train --config c.json --set run.dir=whole --quiet
for pair in INT:130 TERM:143 HUP:129; do
    name=${pair%:*}
    stop_with "$name" "$name"
    status=$?
    holds "$name ends with ${pair#*:}, not $status" [ $status -eq "${pair#*:}" ]
    holds "$name says how to go on" grep -q -- '--resume' "$name.out"
    holds "$name leaves a checkpoint" [ -n "$(ls "$name/checkpoints")" ]
    holds "$name leaves no model" [ ! -e "$name/model" ]
done
expect 0 'trained 40 steps' train --config c.json --set run.dir=HUP --resume --quiet
holds 'the same weights' cmp whole/model/model.safetensors HUP/model/model.safetensors

# SIGHUP stays ignored where it was, as under nohup
(trap '' HUP && stop_with HUP ignored)
holds 'an ignored SIGHUP' cmp whole/model/model.safetensors ignored/model/model.safetensors

# nobody reads the messages any more
"$mien" train --config c.json --set run.dir=piped 2> >(head -c 1 >/dev/null) >out
status=$?
holds "a closed pipe: status $status" [ $status -eq 0 ]
holds 'a closed pipe: the run ends' cmp whole/model/model.safetensors piped/model/model.safetensors

# asked to stop, synth keeps nothing
"$mien" synth many --count 20000 --size 256 --quiet >out 2>err &
pid=$!
sleep 0.5
kill -TERM $pid
wait $pid
status=$?
holds "synth: status $status" [ $status -eq 143 ]
holds 'synth: nothing is left' [ ! -e many ]
finish
