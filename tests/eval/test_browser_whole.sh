#!/usr/bin/env bash
# test_browser_whole.sh MIEN TOP: a report with every chapter, of what the command and tools/recipes/ablation really do
# in some steps, in headless Chromium at 390 and 1280 pixels, light and dark. MIEN_KEEP=DIR keeps the report there.
# Skipped where no Chromium, no Vulkan device or no weights are there.
set -u
export LC_ALL=C
mien=$(realpath "$1") top=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
. "$here/browser.sh"
need_browser
"$mien" devices >list 2>&1
if [ $? -eq 3 ]; then
    echo "skipped: no Vulkan device"
    exit 77
fi

model=$top/weights/synthetic-faces
expect 0 'manifest' synth faces --count 120 --size 48 --seed 3 --single
expect 0 'manifest' synth clips --video --frames 24 --count 14 --size 48 --seed 3 --single

# Two trainings that differ in what is learnt.
tiny_config 12 0 >tiny.json
for kind in none sentence; do
    expect 0 'trained 12 steps' train --config tiny.json --set run.dir=runs/$kind loss.local.kind=$kind \
        data.val=faces/manifest.jsonl run.eval_every=4
done

# evaluate OUT OPTION...: by $model
evaluate() {
    local to=$1
    shift
    expect 0 '{"task"' eval --model "$model" --json --quiet "$@"
    cp out "$to"
}
cat >suite.json <<'TEXT'
[{"name": "drawn faces", "manifest": "faces/manifest.jsonl", "task": "zero-shot", "split": "all",
  "published": [{"model": "another", "value": 0.5, "error": 0.01, "source": "read off a drawing"}]},
 {"name": "drawn clips", "manifest": "clips/manifest.jsonl", "task": "zero-shot", "split": "all",
  "published": [{"model": "another", "value": 0.6, "error": 0, "source": "a table"}]},
 {"name": "captions", "manifest": "faces/manifest.jsonl", "task": "retrieval", "split": "all",
  "metric": "image_text.r10"}]
TEXT
evaluate faces.json --manifest faces/manifest.jsonl --task zero-shot --split all
evaluate clips.json --manifest clips/manifest.jsonl --task zero-shot --split all
evaluate captions.json --manifest faces/manifest.jsonl --task retrieval --split all
evaluate benchmarks.json --suite suite.json
model=runs/none/model evaluate other.json --manifest faces/manifest.jsonl --task zero-shot --split all
small=$(cat "$top/tests/small_model.json")
"$top/tools/recipes/ablation" --mien "$mien" --out ablation --data drawn --seeds 0,1 --count 100 --steps 4 --runs 4 \
    --set model.config="$small" --set run.batch=8 >said 2>&1
holds "tools/recipes/ablation: $(tail -n 1 said)" [ -s ablation/ablation.json ]

expect 0 'report page.html' report runs/none runs/sentence faces.json other.json clips.json captions.json \
    benchmarks.json ablation/ablation.json -o page.html
holds "nothing was missed: $(cat err)" [ ! -s err ]
size=$(wc -c <page.html)
holds "$size bytes are no more than a page may have" [ "$size" -lt 4000000 ]
[ -z "${MIEN_KEEP-}" ] || cp page.html "$MIEN_KEEP/"

pictures=$(grep -o '<img ' page.html | wc -l)
holds "$pictures pictures are shown" [ "$pictures" -gt 100 ]
looks page.html "$pictures"
while IFS= read -r heading; do
    holds "the heading is shown: $heading" grep -qFx -- "$heading" headings
done <<'TEXT'
Models side by side
Training runs side by side
Training runs/none
Zero-shot classification
Confusion matrix
Recall of each class
Taken for another class
Clips from beginning to end
Map of the image embeddings
Retrieval
Captions and the faces nearest to them
Faces and the captions nearest to them
Suite suite.json beside published figures
Ablation
Data: drawn
What these numbers do not say
TEXT
for class in radar gallery strip dots runs nav; do
    holds "$class is there" grep -qE "class=\"$class\"|<$class " page.html
done
finish
