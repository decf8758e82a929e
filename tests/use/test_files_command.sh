#!/usr/bin/env bash
# test_files_command.sh MIEN: what is no regular file, links where Mien keeps its own files, what killed programs leave.
set -u
real=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/train
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
mien=$work/limited # what waits for ever ends with 124
printf '#!/bin/sh\nexec timeout 60 "%s" "$@"\n' "$real" >limited
chmod +x limited
export MIEN_CACHE_DIR=$work/cache
cp -r "$golden/start" model
cp "$golden/00.png" face.png

# ---- what is no regular file, without a device ----
mkfifo pipe.png pipe.jsonl pipe.json pipe.csv pipe.txt pipe.pt
for name in config.json vocab.json merges.txt; do
    rm -rf piped && cp -r model piped && rm piped/$name && mkfifo piped/$name
    expect 4 "piped/$name: is a pipe" tokenize --model piped joy
done 2>/dev/null
expect 4 'pipe.pt: is a pipe' convert pipe.pt made
expect 4 'pipe.pt: ' info pipe.pt
expect 4 'pipe.json: is a pipe' train --config pipe.json
expect 4 'pipe.json: is a pipe' report pipe.json -o page.html
expect 4 '/dev/zero: is a device' train --config /dev/zero
expect 4 '/dev/zero: is a device' report /dev/zero -o page.html
mkdir run && mkfifo run/log.jsonl
expect 4 'log.jsonl: is a pipe' report run -o page.html
expect 2 'pipe.json' devices --caps pipe.json

# ---- what an import says of rows without a split ----
mkdir -p labels/joy && cp face.png labels/joy
expect 0 '1 samples: train 0, val 0, test 0, of no split 1;' import folder labels -o labels.jsonl

# ---- a run in place of its model, a model in place of its run, a directory in place of its manifest ----
mkdir -p course/checkpoints && echo '{"run":{"dir":"x"}}' >course/config.json && : >course/log.jsonl
expect 4 'course: the directory of a run that has not ended' info course
cp -r model course/model
for use in 'info course' 'convert course made' 'tokenize --model course joy'; do
    # shellcheck disable=SC2086 # words
    expect 4 'course: the directory of a run, not of a model; give course/model' $use
done
cp course/log.jsonl course/model # a model is one, whatever else is there
expect 0 'course/model' info course/model
expect 2 'course/model: a model, not a run' train --resume course/model
echo '{"model":{"init":"model","config":{"projection_dim":8}},"data":{"train":"m.jsonl"},"run":{"dir":"x"}}' >both.json
expect 2 'say --set model.config=null' train --config both.json
sed 's/"model":{"init":"model"/"model":{"init":"course"/' both.json >course.json

if ! "$mien" devices >/dev/null 2>&1; then
    echo "skipped: what needs a Vulkan device"
    finish
    exit
fi

# ---- with one ----
embed="embed --model model -o o.safetensors"
# shellcheck disable=SC2086 # words
{
    expect 4 'pipe.png: is a pipe' $embed --image pipe.png
    expect 4 '/dev/zero: is a device' $embed --image /dev/zero
    expect 4 'pipe.txt: is a pipe' $embed --texts pipe.txt
    expect 4 '/dev/stdin: is a' $embed --texts /dev/stdin </dev/zero
    expect 4 'pipe.png: is a pipe' $embed --video pipe.png
    mkdir frames && cp face.png frames/0.png && mkfifo frames/1.png
    expect 4 'frames/1.png: is a pipe' $embed --frames frames
    for name in model.safetensors preprocessor_config.json; do
        rm -rf piped && cp -r model piped && rm piped/$name && mkfifo piped/$name
        expect 4 "piped/$name: is a pipe" embed --model piped -o o.safetensors --text joy
    done
}
for name in pipe.jsonl pipe.csv; do
    expect 4 "$name: is a pipe" eval --model model --manifest $name --task zero-shot --split all
done
echo '{"image":"face.png","caption":"x","label":"a"}' >m.jsonl
expect 4 'course: the directory of a run, not of a model; give course/model' embed --model course -o o.safetensors \
    --text a
expect 4 'course: the directory of a run' train --config course.json --set model.config=null
mkdir set && cp m.jsonl set/manifest.jsonl
expect 4 'set: is a directory; a manifest is a file: give set/manifest.jsonl' eval --model model --manifest set \
    --task retrieval
expect 4 'course: is a directory; a manifest is a file, which mien import makes' search --model model \
    --manifest course --text a
mkfifo m.jsonl.pack
expect 4 'm.jsonl.pack: is a pipe' eval --model model --manifest m.jsonl --task zero-shot --split all
rm m.jsonl.pack
echo '{"image":"pipe.png","caption":"x","label":"a"}' >n.jsonl
"$mien" eval --model model --manifest n.jsonl --task zero-shot --split all >out 2>err
holds 'scores of nothing are a failure' [ $? -eq 4 ]
holds 'a bad sample' grep -q 'pipe.png: is a pipe' err
holds 'which is said' grep -q 'n.jsonl: none of the images and clips that are tested could be read (1 bad)' err
for label in a b a b; do
    echo '{"image":"pipe.png","caption":"x","label":"'$label'","split":"test"}'
    echo '{"image":"face.png","caption":"x","label":"'$label'","split":"train"}'
done >n.jsonl
for task in linear-probe 'few-shot --shots 1' 'leave-one-out --class a' retrieval; do
    "$mien" eval --model model --manifest n.jsonl --task $task --json >out 2>err
    holds "nor do other tasks score nothing ($task)" [ $? -eq 4 ]
    holds 'and nothing is printed' [ ! -s out ]
done
holds 'nothing was written' [ ! -e o.safetensors ]

# ---- links where Mien names the file ----
expect 0 '' embed --model model --text joy -o o.safetensors
cache=$(ls cache 2>/dev/null)
if [ -n "$cache" ]; then
    echo precious >victim
    rm "cache/$cache" && ln -s ../victim "cache/$cache"
    expect 0 '' embed --model model --text joy -o o.safetensors
    holds 'what a link in the cache leads to stays' grep -qx precious victim
    holds 'and the cache is a file again' [ ! -L "cache/$cache" ]
    rm -f "cache/$cache" && mkfifo "cache/$cache"
    expect 0 '' embed --model model --text joy -o o.safetensors
fi
echo precious >victim
ln -s victim to-victim
expect 0 '' embed --model model --text joy -o to-victim
holds 'an output that the user names is followed' [ -L to-victim ]
holds 'to where it leads' cmp -s victim o.safetensors

# ---- what killed programs leave goes with the next output there; what only looks like it stays ----
mkdir outs outs/.mien-new-half outs/.mien-mine
touch outs/.mien-99999999-0.tmp outs/.mien-notes outs/x.tmp outs/.mien-lock-half
expect 0 '' embed --model model --text joy -o outs/o.safetensors
holds 'leftovers go, the rest stays' [ "$(cd outs && echo .m* *)" = '.mien-mine .mien-notes o.safetensors x.tmp' ]

# ---- pipes that nobody reads any more, and streams that are closed ----
mkfifo gone
onto_gone() { # STREAM COMMAND...: the stream is a pipe whose reader has left
    local stream=$1
    shift
    (
        exec 4<>gone 5>gone 4<&-
        if [ "$stream" = 1 ]; then "$real" "$@" >&5 2>err; else "$mien" "$@" >out 2>&5; fi
    )
}
holds 'messages that nobody reads end nothing' onto_gone 2 embed --model model --image none.png face.png --skip-bad \
    -o unread.safetensors
"$real" embed --model model --image none.png face.png --skip-bad -o read.safetensors >out 2>err
holds 'and the output is as it would be' cmp -s unread.safetensors read.safetensors
onto_gone 2 embed --model model --image none.png -o x.safetensors
holds 'a failure keeps its status' [ $? -eq 4 ]
for command in 'info model' 'tokenize --model model joy' 'embed --model model --text joy -o o.safetensors' --version; do
    onto_gone 1 $command
    holds "results that nobody reads are a failure ($command)" [ $? -eq 1 ]
    holds 'which is said' grep -q 'standard output cannot be written' err
    "$real" $command >&- 2>err
    holds "so is a closed standard output ($command)" [ $? -eq 1 ]
done
"$real" embed --model model --image none.png face.png --skip-bad -o unread.safetensors >out 2>&-
holds 'no message gets into an output file' cmp -s unread.safetensors read.safetensors

finish
