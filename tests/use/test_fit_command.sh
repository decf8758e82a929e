#!/usr/bin/env bash
# test_fit_command.sh MIEN: model directories whose tokenizer does not fit, has other files, or is not there, at every
# door: tokenize, info, convert, and, with a device, embed, classify and train.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/train
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
export MIEN_CACHE_DIR=$work/cache

device=true
"$mien" devices >/dev/null 2>&1 || device=false
$device || echo "skipped: what needs a Vulkan device"
cp "$golden/train.json" config.json
train() { # DIR: what a run from it would do
    echo train --config config.json --dry-run --set "model.init=$work/$1" "data.train=$golden/train.jsonl" run.dir=run
}

# refused WORDS DIR: at every door
refused() {
    expect 4 "$1" tokenize --model "$2" joy
    expect 4 "$1" info "$2"
    expect 4 "$1" convert "$2" made
    holds 'nothing is made' test ! -e made
    $device || return 0
    expect 4 "$1" embed --model "$2" --text joy -o o.st
    expect 4 "$1" embed --model "$2" --image "$golden/00.png" -o o.st
    # shellcheck disable=SC2046 # words
    expect 4 "$1" $(train "$2")
}

fresh() { rm -rf model made && cp -r "$golden/start" model; }
rows=$(grep -o '"vocab_size": *[0-9]*' "$golden/start/config.json" | grep -o '[0-9]*$')
end=$(grep -o '"eos_token_id": *[0-9]*' "$golden/start/config.json" | grep -o '[0-9]*$' | head -1)

fresh
echo "{\"<my-face>\": $rows}" >model/added_tokens.json
refused "added_tokens.json gives \"<my-face>\" the id $rows, for which there is no row" model
fresh
echo "{\"added_tokens_decoder\": {\"$((rows + 7))\": {\"content\": \"<f>\"}}}" >model/tokenizer_config.json
refused "tokenizer_config.json gives \"<f>\" the id $((rows + 7))" model
fresh
sed -i "s/\"eos_token_id\": *$end/\"eos_token_id\": $((end - 1))/" model/config.json
refused "ends texts with id $end, config.json says $((end - 1))" model
fresh
rm model/vocab.json
refused 'vocab.json' model

if $device; then # a table of mostly empty rows is none to train
    fresh
    echo "{\"<f>\": 5000}" >model/added_tokens.json
    expect 4 'model: the model has rows for 5001 tokens, the tokenizer 104 of them' \
        train --config config.json --dry-run --set model.init=scratch "model.tokenizer=$work/model" \
        "data.train=$golden/train.jsonl" run.dir=run \
        'model.config={"vision_config": {"image_size": 24, "patch_size": 8}}'
fi

# ---- tokenizer.json in place of the others ----
fresh
expect 0 '[' tokenize --model model 'a joyful face' "it's"
cp out want
{
    printf '{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace",'
    printf '"pattern":{"Regex":"%s"},"content":" "},{"type":"Lowercase"}]},' '\\s+'
    printf '"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split",'
    printf '"pattern":{"Regex":"%s"},' "'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+"
    printf '"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false}]},"model":{"type":"BPE",'
    printf '"end_of_word_suffix":"</w>","vocab":'
    cat model/vocab.json
    printf ',"merges":['
    sed -n '/^#version/d; s/["\\]/\\&/g; s/.*/"&"/p' model/merges.txt | paste -sd,
    printf ']}}'
} >tokenizer.json
rm model/vocab.json model/merges.txt
cp tokenizer.json model
expect 0 '[' tokenize --model model 'a joyful face' "it's"
holds 'the same ids' cmp -s want out
expect 0 "\"tokenizer\":{\"tokens\":$rows" info --json model
expect 0 'model made' convert model made
holds 'written as vocab.json and merges.txt' test -f made/vocab.json -a -f made/merges.txt -a ! -e made/tokenizer.json
expect 0 '[' tokenize --model made 'a joyful face' "it's"
holds 'the same ids again' cmp -s want out
sed 's/"Lowercase"/"Strip"/' tokenizer.json >model/tokenizer.json
rm -r made
refused 'tokenizer.json: the normalizer is Strip; a CLIP tokenizer has NFC' model

# ---- added tokens go with a model ----
fresh
echo '{"additional_special_tokens": ["a"]}' >model/special_tokens_map.json
expect 0 '[' tokenize --model model 'an a'
cp out want
expect 0 '[' tokenize --model "$golden/start" 'an a'
holds 'the token is whole, in a word and alone' test "$(cat want)" != "$(cat out)"
expect 0 'model made' convert model made
expect 0 '[' tokenize --model made 'an a'
holds 'in the copy too' cmp -s want out

# ---- none ----
fresh
rm model/vocab.json model/merges.txt
expect 0 '"tokenizer":null' info --json model
expect 4 'no tokenizer here' tokenize --model model joy
if $device; then
    expect 0 '1 images' embed --model model --image "$golden/00.png" -o without.st
    expect 0 '1 images' embed --model "$golden/start" --image "$golden/00.png" -o with.st
    holds 'pictures are embedded the same' cmp -s with.st without.st
    expect 4 'model: no tokenizer here, so that it serves pictures alone; for texts put vocab.json' \
        embed --model model --text joy -o o.st
    expect 4 'model: no tokenizer here' embed --model model --text joy --image "$golden/00.png" -o o.st
    holds 'nothing is written' test ! -e o.st
    expect 4 'model: no tokenizer here' classify --model model --labels joy,fear "$golden/00.png"
    # shellcheck disable=SC2046 # words
    expect 4 'no tokenizer here' $(train model)
fi
finish
