#!/usr/bin/env bash
# test_train_command.sh MIEN: `mien train` from outside: who owns a run directory, what stays in it, how it goes on.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device" && exit 77; }

"$mien" synth faces --count 60 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 4 2 >c.json

# what a user keeps in the run directory stays
expect 0 'model a/model' train --config c.json
cp -r a/model a/model.old
mkdir a/src.old a/checkpoints/step-2.partial
for file in a/notes.old a/film.partial a/src.old/main.c a/checkpoints/step-2.partial/x; do echo precious >$file; done
expect 0 'model a/model' train --config c.json --resume --set run.steps=6
holds 'it says what looks like a leftover' grep -q 'step-2.partial and others like it\|model.old and others' err
holds 'once' [ "$(grep -c 'older version' err)" -eq 1 ]
for file in a/notes.old a/film.partial a/src.old/main.c a/checkpoints/step-2.partial/x; do
    holds "$file stays" grep -q precious $file
done
holds 'model.old stays' test -f a/model.old/model.safetensors
holds 'nothing temporary' test -z "$(find a -name '.mien-*')"

# a run directory has one owner; the second one is sent away at once, before device and data are looked at
"$mien" train --quiet --config c.json --set run.dir=b run.checkpoint_every=0 run.steps=100000 >first 2>&1 &
first=$!
for _ in {1..600}; do [ -s b/log.jsonl ] && break || sleep 0.1; done
for more in '' --resume; do
    # shellcheck disable=SC2086 # an option or none
    expect 2 'another process' train --config c.json $more --device no-such-gpu --set run.dir=b data.train=nowhere
done
expect 2 "another process ($first)" train --resume b
kill -9 $first
wait $first 2>/dev/null
holds 'the first one was not disturbed' test -z "$(grep -v warning first)"
expect 0 'model b/model' train --config c.json --resume --set run.dir=b run.checkpoint_every=0 run.steps=4
cmp -s b/model/model.safetensors a/checkpoints/step-4/model.safetensors
holds 'and a resumed run gives the same weights' test $? = 0

# what needs neither device nor data is refused before either
away="train --config c.json --device no-such-gpu --set run.dir=away"
# shellcheck disable=SC2086 # words
{
    expect 4 'nowhere.jsonl: no such file' $away data.train=nowhere.jsonl
    expect 4 'nowhere.jsonl: no such file' $away data.val=nowhere.jsonl
    expect 4 'nowhere: no such directory' $away 'model={"init":"nowhere"}'
    expect 4 'huggingface-cli download NAME' $away 'model={"init":"openai/clip-vit-base-patch32"}'
    expect 4 'model.init is a model directory, or scratch: make one of it with mien convert' \
        $away "model={\"init\":\"$(realpath "$here/../io/pt/views.pt")\"}"
    expect 2 'run.batch is 1' $away run.batch=1
    expect 2 'eval_every needs data.val' $away run.eval_every=1
    expect 2 '--set optim.betas=[1,2' $away 'optim.betas=[1,2'
    expect 2 '--set run.steps=many' $away run.steps=many
    expect 2 'did you mean "optim.lr"' $away learning_rate=1
    expect 2 'unknown option --lr; keys of the configuration go by --set key=value' $away --lr 0.1
}
holds 'and nothing is left of it' test ! -e away
expect 0 'a whole number from 0 to 2000000000' train --help run.steps
expect 0 'loss.mining.tau' train --help loss
expect 2 'did you mean "optim.lr"' train --help lr

# which step is the best, and when patience ends: printed, in JSON, and kept beside the model
val="train --config c.json --quiet --set data.val=faces/manifest.jsonl run.eval_every=1"
# shellcheck disable=SC2086 # words
{
    expect 0 'best v/best (step ' $val run.dir=v run.steps=2
    step=$(sed -n 's/^best .*(step \([0-9]*\),.*/\1/p' out)
    holds 'it is in best/' grep -q "\"step\":[[:space:]]*$step," v/best/eval.json
    expect 0 '"early":true,"best_step":1,"best_by":"uar"' $val run.dir=w run.steps=9 run.patience=2 optim.lr=0 --json
    expect 0 'ended early: ' train --resume w --quiet
}

expect 2 'faces: holds no run' train --resume faces
holds 'and nothing is left there' test ! -e faces/.mien-lock
expect 2 '--config FILE, or --resume RUN_DIR, is missing' train --resume

# a stopped run says how to go on; it goes on from any folder
"$mien" train --quiet --config c.json --set run.dir="it's" run.steps=100000 >stopped 2>/dev/null &
for _ in {1..600}; do [ -s "it's/log.jsonl" ] && break || sleep 0.1; done
kill -INT $!
wait $!
go_on=$(sed -n 's/.*to go on: mien //p' stopped)
holds 'it says how to go on, as a shell takes it' eval "\"$mien\" $go_on --set run.steps=1 >/dev/null 2>&1"
mkdir -p far/away
cd far/away || exit 1
expect 0 'model ../../b/model' train --resume ../../b --set run.steps=6
expect 2 'optim.lr' train --quiet --resume "$work/b" --set optim.lr=0.5
cd "$work" || exit 1
cmp -s b/model/model.safetensors a/model/model.safetensors
holds 'with the same weights' test $? = 0

# a table with columns of other names; a caption under a name that is not read is named once
{
    echo 'where;words'
    sed -n 's/.*"image": *"\([^"]*\)".*/\1/p' faces/manifest.jsonl | awk '{ print $0 ";" NR " smiles. It is face " NR }'
} >faces/t.csv
once=(train --config c.json --quiet --set run.steps=1 data.train=faces/t.csv)
expect 4 '"where", "words"' "${once[@]}" run.dir=t
expect 0 'model t/model' "${once[@]}" run.dir=t data.columns=image=where,caption=words
holds 'columns are kept' grep -q '"columns":.*image=where,caption=words' t/config.json
sed 's/where;words/image;text/' faces/t.csv >faces/u.csv
expect 4 'no row has the text' "${once[@]}" data.train=faces/u.csv data.val=faces/u.csv run.dir=u
holds 'what is not read is named once' [ "$(grep -c 'if it is the caption, say --column caption=text' err)" -eq 1 ]

# labels cannot be balanced where there are none
once=(train --config c.json --quiet --dry-run --set run.steps=1 run.dir=l data.balance=label)
expect 4 'no row of the train split has a "label"' "${once[@]}" data.train=faces/t.csv \
    data.columns=image=where,caption=words
sed 's/"label": *"[^"]*"/"label":"joy"/' faces/manifest.jsonl >faces/joy.jsonl
expect 0 '' "${once[@]}" data.train=faces/joy.jsonl
holds 'balance of one label warns' grep -q 'are "joy": it changes nothing' err
sed '1,3s/"label": *"[^"]*"/"label":null/' faces/manifest.jsonl >faces/some.jsonl
expect 0 '' "${once[@]}" data.train=faces/some.jsonl
holds 'rows without a label are counted' grep -q '3 of [0-9]* rows have none' err

# a dry run never says 0 seconds or 0 bytes, however short the run; it writes nothing
expect 0 '"steps":1,' train --config c.json --dry-run --json --quiet --set run.dir=dry run.steps=1
for key in seconds_per_step seconds flops_per_step memory_bytes activation_bytes; do
    value=$(sed 's/.*"'$key'":\([0-9.e+-]*\).*/\1/' out)
    holds "$key is above 0: $value" awk -v x="$value" 'BEGIN { exit !(x > 0) }'
done
holds 'nothing is written' test ! -e dry

finish
