#!/usr/bin/env bash
# test_command.sh MIEN: exit statuses and messages of the command; and, where a Vulkan device and the faces of
# ../shared are there, the chain import, train, eval, classify for a few steps.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

expect 0 'SUBCOMMAND' --help
expect 0 'mien ' --version
expect 2 'did you mean train' trian
for name in devices import train eval report classify embed search tokenize info convert; do
    expect 0 "mien $name" "$name" --help
    expect 2 'did you mean --quiet' "$name" --quieet
done
expect 2 'needs a value' train --config
expect 2 '--config FILE, or --resume RUN_DIR, is missing' train
expect 2 'whole number' train --config x --seed many
expect 2 'takes no value' devices --json=yes
for word in f16 bf16; do
    expect 2 "--precision $word: train takes f32 only" train --config x --precision $word
    expect 2 "--precision $word: convert takes f32 only" convert a b --precision $word
done
expect 2 '--precision f8: it is one of: f32, bf16, f16' train --config x --precision f8
expect 0 '--precision bf16 and f16 are refused' train --help
expect 2 'unexpected "x"' devices x
expect 2 '--manifest FILE is missing' eval --model x --task zero-shot
expect 2 'zero-shot' eval --model x --manifest y --task poetry
expect 2 'does not take the option limit' eval --model x --manifest y --task zero-shot --limit 3
expect 2 'does not take the option by' eval --model x --manifest y --task zero-shot --by probe
expect 2 'sentence, probe' eval --model x --manifest y --task au --by magic
expect 2 '--threshold high: a number above 0' eval --model x --manifest y --task au --threshold high
expect 2 'split, fold, subject' eval --model x --manifest y --task linear-probe --folds third
expect 2 'leave --split val out' eval --model x --manifest y --task regression --folds subject --split val
expect 2 '--class NAME' eval --model x --manifest y --task leave-one-out
expect 2 'at most 100' eval --model x --manifest y --task few-shot --seeds 101
expect 2 '--compat x: it is: emoclip' eval --model x --manifest y --task regression --compat x
echo '[{"manifest":"y","task":"zero-shot"},{"manifest":"y","task":"poetry"}]' >suite.json
expect 2 '--suite FILE says what is evaluated' eval --model x --suite suite.json --task au
expect 2 '--model DIR is missing' eval --suite suite.json
expect 4 'suite.json: entry 1 (zero-shot): y' eval --model x --suite suite.json
expect 4 'none.json' eval --model x --suite none.json
expect 2 '--suite FILE is missing' eval --model x --manifest y --task au --data .
expect 4 'nowhere: no such directory' eval --model x --suite suite.json --data nowhere
suites=$here/../../tools/suites
expect 4 'emocapclip.json: none of the manifests of its 20 entries is in .' eval --model x \
    --suite "$suites/emocapclip.json" --data .
expect 0 'takes --labels --templates' eval --help
expect 2 'at least two labels' classify --model x --labels joy face.png
expect 2 'label 2 is empty' classify --model x --labels joy,,fear face.png
expect 2 'label 3 is empty' classify --model x --labels 'joy,fear, ' face.png
expect 2 'label 1 is empty' classify --model x --labels '' face.png
expect 2 'label 1 is empty' classify --model x --labels ,joy face.png
expect 2 '"joy" stands there twice' classify --model x --labels 'joy,fear, joy ' face.png
expect 2 '--image needs a value' embed --model x --image --text joy -o x.safetensors
expect 2 '--text needs a value' embed --model x --text -o x.safetensors
expect 2 '--texts needs a value' embed --model x -o x.safetensors --texts
expect 2 '--image: the name is empty' embed --model x --image '' -o x.safetensors
expect 2 '--video: the name is empty' embed --model x --video= -o x.safetensors
expect 2 '--model: the name is empty' embed --model '' --text joy -o x.safetensors
expect 2 '--text needs a value' search --model x --manifest y --text
expect 2 'an image is missing' classify --model x --labels joy,fear
expect 2 'a data set' import ferplus
expect 2 'ferplus' import ferpls . -o x.jsonl
expect 4 'labels.csv' import ferplus . -o x.jsonl
expect 0 'layout: ROOT/fer2013new.csv' import --list
expect 0 '{"name":"ferplus",' import --list --json
expect 0 '  folder ' import --help

if ! "$mien" devices >/dev/null 2>&1; then
    echo "skipped: what needs a Vulkan device"
else
    expect 0 '"subgroup_size"' devices --json
    expect 0 'disabled  ' devices
    expect 0 '"disabled":"' devices --json --device 0
    holds 'one device' [ "$(grep -c '"index":0,' out)" -eq "$(wc -l <out)" ]
    expect 3 'no-such-gpu' devices --device no-such-gpu
    expect 3 'there is no device 99' devices --device 99
    holds 'no device is listed then' [ ! -s out ]
    echo '{"data":{"train":"m.jsonl"},"run":{"dir":"none"}}' >good.json
    echo '{"image":"x.png","caption":"x"}' >m.jsonl
    expect 3 'no-such-gpu' train --config good.json --device no-such-gpu
    holds 'nothing is left of it' [ ! -e none ]
    expect 4 'nothing.json' train --config nothing.json
    expect 2 'none: no run directory' train --resume none
    expect 2 'leave --config out' train --resume none --config good.json
    expect 4 'nowhere' eval --model nowhere --manifest x --task zero-shot
    echo '{"run":{"dri":"x"}}' >bad.json
    expect 2 '"run.dir"' train --config bad.json
fi

if "$mien" devices >/dev/null 2>&1; then
    expect 0 'manifest' synth drawn --count 24 --size 48
    for set in rafdb affectnet dfew; do
        cp drawn/manifest.jsonl drawn/$set.jsonl
    done
    expect 0 'published: EmoCapCLIP 0.629 +- 0.003' eval --model "$here/../../weights/synthetic-faces" \
        --suite "$suites/emocapclip.json" --data drawn
    holds 'skipped entries are named' grep -q '16 of 20 entries are skipped.*RAF-DB compound (rafdb-comp' err
    "$mien" eval --model "$here/../../weights/synthetic-faces" --suite "$suites/emocapclip.json" --data drawn \
        --json >suite_result.json 2>/dev/null
    expect 0 'report page.html' report suite_result.json -o page.html
    holds 'a radar of four axes' [ "$(grep -o '<figure class="radar">.*</figure>' page.html |
        grep -o '<text' | wc -l)" -eq 4 ]
fi

faces=$here/../../../shared/data/faces
if [ ! -f "$faces/labels.csv" ]; then
    echo "skipped: the chain of commands (no ../shared/data/faces)"
elif "$mien" devices >/dev/null 2>&1; then
    recipe=$here/../../tools/recipes/ferplus.json
    expect 0 'samples' import ferplus "$faces" -o faces.jsonl
    head -n 300 faces.jsonl >some.jsonl
    grep '"split":"val"' faces.jsonl | awk 'NR % 25 == 0' >>some.jsonl
    # paths are relative to the manifest, so it stays beside the other one
    expect 0 'run/model' train --config "$recipe" --set data.train=some.jsonl run.dir=run run.steps=2 run.batch=8 \
        --trace trace.json
    holds 'a trace of two steps' [ "$(grep -c '"name":"next batch"' trace.json)" -eq 2 ]
    holds 'gradients in the trace' grep -q '"name":"layernorm_bwd' trace.json
    expect 2 'holds a run' train --config "$recipe" --set data.train=some.jsonl run.dir=run run.steps=2 run.batch=8
    expect 0 '"uar"' eval --model run/model --manifest some.jsonl --task zero-shot --json
    expect 0 '"uar"' eval --model run/model --manifest some.jsonl --task zero-shot --json --precision f16
    face=$(sed -n '1s/.*"image":"\([^"]*\)".*/\1/p' some.jsonl)
    expect 0 '"scores":{"joy":' classify --json --model run/model --labels joy,fear "$face"
    expect 4 'none.png' classify --model run/model --labels joy,fear none.png
    echo '[{"manifest":"some.jsonl","task":"zero-shot"},{"manifest":"some.jsonl","task":"few-shot","shots":2}]' >s.json
    expect 0 'few-shot UAR' eval --model run/model --suite s.json
    expect 4 'split test' eval --model run/model --manifest some.jsonl --task zero-shot --split test
fi
finish
