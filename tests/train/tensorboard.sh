#!/usr/bin/env bash
# tensorboard.sh MIEN TOP: the event file of a run that was stopped and went on, read by TensorBoard itself, with a
# Python that has it (MIEN_PYTHON names one), else skipped (77): its scalars are the numbers of log.jsonl.
set -u
mien=$(realpath "$1") top=$(realpath "$2")
python=${MIEN_PYTHON:-python3}
command -v "$python" >/dev/null || { echo "skipped: no $python (MIEN_PYTHON names a Python)"; exit 77; }
if ! why=$("$python" -c 'import tensorboard.backend.event_processing.event_accumulator' 2>&1); then
    echo "skipped: $python has no tensorboard: $(printf '%s' "$why" | tail -n 1)"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
"$mien" devices >list 2>&1
[ $? -eq 3 ] && { echo "skipped: no Vulkan device"; exit 77; }

small=$(cat "$top/tests/small_model.json")
options=(--config "$top/tools/recipes/demo.json" --quiet --set model.config="$small" run.dir=run run.batch=8
    data.train=faces/manifest.jsonl data.val=faces/manifest.jsonl run.steps=40 run.eval_every=8 run.checkpoint_every=5
    loss.mining.kind=hard loss.mining.warmup_steps=4 run.tensorboard=true)
"$mien" synth faces --count 200 --size 48 --single --quiet >/dev/null || exit 1
"$mien" train "${options[@]}" >log 2>&1 &
pid=$!
while ! grep -q '"step":12,' run/log.jsonl 2>/dev/null && kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -KILL $pid 2>/dev/null
wait $pid 2>/dev/null
"$mien" train --resume "${options[@]}" >log 2>&1 || { cat log; exit 1; }
"$python" "$top/tests/train/read_events.py" run
