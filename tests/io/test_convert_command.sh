#!/usr/bin/env bash
# test_convert_command.sh MIEN: `mien convert` and `mien info` from outside: what is written, refused and left alone.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

# a model directory: weights, sizes; the copy is whole and says the same
expect 0 '25075' info "$golden/tiny-quick"
expect 0 '"temporal":{"layers":1,"heads":1,"head_dim":2048' info --json "$golden/tiny-clips"
expect 0 'model copy' convert "$golden/tiny-quick" copy
expect 0 '25075' info copy
holds 'no leftovers' test -z "$(find . -name '.mien*')"
expect 0 'with a transformer over frames' convert --quiet --dtype f16 "$golden/tiny-clips" 'with spaces/ünï'
holds 'quiet says nothing' test ! -s err
expect 0 'F16' info 'with spaces/ünï'
expect 0 'up to 5' info 'with spaces/ünï'
expect 0 '"image":35' convert --json --image-size 35 --context 20 "$golden/tiny-quick" large
expect 0 '35 pixels in patches of 7: 26 tokens' info large
mkdir empty mine.partial
echo precious >mine.partial/file
expect 0 'model empty' convert "$golden/tiny-one" empty
expect 0 'model mine/' convert "$golden/tiny-one" mine/
holds 'a file of the user is left alone' grep -q precious mine.partial/file

# refused: nothing is written, nothing is lost
expect 2 'holds something' convert "$golden/tiny-quick" copy
expect 2 'mien convert SRC DIR' convert "$golden/tiny-quick"
expect 2 'take 35' convert --image-size 36 "$golden/tiny-quick" no
expect 2 'f32, f16 or bf16' convert --dtype f64 "$golden/tiny-quick" no
expect 2 'relu' convert --act relu "$golden/tiny-quick" no
expect 4 'no weights here' convert empty/.. no
expect 4 'cannot open' convert nowhere.pt no
expect 4 'huggingface-cli download NAME' convert openai/clip-vit-base-patch32 no
expect 4 'huggingface-cli download NAME' info openai/clip-vit-base-patch32
expect 4 'a file; a model is a directory with config.json: make one of it with mien convert' info "$here/pt/views.pt"
expect 4 'give the directory itself' info copy/config.json
expect 4 'huggingface-cli download NAME' convert --tokenizer openai/clip "$golden/tiny-quick" no
echo x >words.txt
expect 4 'words.txt: a file; a tokenizer is a directory' convert --tokenizer words.txt "$golden/tiny-quick" no
cp copy/model.safetensors alone.safetensors
mkdir alone
mv alone.safetensors alone
expect 4 "alone.safetensors: its tensors have Hugging Face's names, and no config.json" \
    convert alone/alone.safetensors no
mkdir other
expect 4 'other/config.json: not there; a model directory has one' info other
cp copy/*.json copy/merges.txt other
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' >other/model.safetensors
expect 4 'other/model.safetensors: a pointer of Git LFS' info other
expect 4 'other/model.safetensors: a pointer of Git LFS' convert other no
cp other/model.safetensors other/vocab.json
expect 4 'other/vocab.json: a pointer of Git LFS' tokenize --model other a
cp other/model.safetensors other/config.json
expect 4 'other/config.json: a pointer of Git LFS' info other
expect 4 'byte' convert "$here/pt/system.pt" no
expect 4 'before 1.6' convert "$here/pt/legacy.pt" no
expect 4 'neither visual.conv1.weight' convert "$here/pt/views.pt" no
expect 4 'no tokenizer here' convert --tokenizer . "$golden/tiny-quick" no
head -c 30000 copy/model.safetensors >cut.safetensors
expect 4 'cut.safetensors' convert cut.safetensors no
holds 'nothing is written' test ! -e no
holds 'no leftovers after refusals' test -z "$(find . -name 'no*' -o -name '.mien*')"

# a directory with faults: each is named
expect 2 'one model directory' info
expect 4 'nowhere' info nowhere
cp -r "$golden/tiny-one" wrong
sed -i 's/"projection_dim": 5/"projection_dim": 6/' wrong/config.json
expect 4 'text_projection.weight has shape [5,6]; config.json asks for [6,6]' info wrong
sed -i 's/"projection_dim": 6/"projection_dim": 5/; s/"num_hidden_layers": 1/"num_hidden_layers": 2/' wrong/config.json
expect 4 'layers.1.layer_norm1.bias is missing' info wrong
expect 4 '"problems":["tensor' info --json wrong
echo '{' >wrong/vocab.json
expect 4 'the tokenizer cannot be read: ' info wrong
holds 'one line' [ "$(wc -l <err)" -eq 1 ]
echo '[]' >wrong/preprocessor_config.json
expect 4 'preprocessor_config.json cannot be used: ' info wrong
holds 'one line for two problems' [ "$(wc -l <err)" -eq 1 ]
rm wrong/model.safetensors
expect 4 'no weights here' info wrong

# OpenAI's packed merge list becomes Hugging Face's files
bpe=$here/../../../shared/data/tokenizer/bpe_simple_vocab_16e6.txt.gz
if [ -f "$bpe" ]; then
    expect 4 'the tokenizer has 49408 tokens, the model 97' convert --tokenizer "$(dirname "$bpe")" \
        "$golden/tiny-quick" no
else
    echo "skipped: OpenAI's tokenizer (no ../shared/data/tokenizer)"
fi
finish
