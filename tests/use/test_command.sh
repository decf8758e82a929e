#!/usr/bin/env bash
# test_command.sh MIEN: embed, classify, search, tokenize from outside: results, bad input of every kind, names.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/train
model=$golden/start
trained=$here/../../weights/synthetic-faces # its weights have all their digits
shared=$here/../../../shared/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

# ---- what needs no device ----
expect 0 '[101,102]' tokenize --model "$model" ''
expect 0 '' tokenize --model "$model" -- -x 'a plain face'
holds 'one array a line' [ "$(grep -cE '^\[101,[0-9,]*102\]$' out)" -eq 2 ]
long=$(printf 'joy %.0s' {1..200})
expect 0 '2 of 3 texts are longer than 24 tokens' tokenize --model "$model" joy "$long" "$long"
holds 'one warning' [ "$(wc -l <err)" -eq 1 ]
holds 'cut texts end with the end token' [ "$(grep -cE '^\[101(,[0-9]+){22},102\]$' out)" -eq 2 ]
expect 2 'a text is missing' tokenize --model "$model"
expect 2 '--model DIR is missing' tokenize joy
expect 4 'nowhere' tokenize --model nowhere joy
if [ -d "$shared/tokenizer" ]; then
    expect 0 '[49406,320,1125,539,320,1929,49407]' tokenize --model "$shared/tokenizer" 'a photo of a dog'
fi
expect 0 'GFLOP an image' info --plan "$model"
expect 0 '"images":5,"texts":5,"weights":' info --plan --batch 5 --json "$model"
expect 0 'weights in bf16' info --plan --precision bf16 "$model"
expect 0 '"precision":"f16"' info --plan --precision f16 --json "$model"
expect 2 '--precision f8: it is one of: f32, bf16, f16' embed --model "$model" --text joy -o x.st --precision f8
expect 2 '--batch is 1 to 32' info --plan --batch 33 "$model"
expect 3 'no-such-gpu' info --plan --device no-such-gpu "$model"
expect 2 '--trace: only train' info --trace x.json "$model"
expect 2 '--context 0' convert --context 0 "$model" converted
expect 2 '--image-size 4294967319' convert --image-size 4294967319 "$model" converted
holds 'nothing is made' [ ! -e converted ]
expect 2 'nothing to embed' embed --model "$model" -o x.safetensors
expect 2 '--box' embed --model "$model" --manifest m.jsonl --box 1,2,3,4 -o x.safetensors
expect 2 '-o OUT.safetensors is missing' embed --model "$model" --text joy
expect 2 '--box 1,2,3' embed --model "$model" --text joy -o x.safetensors --box 1,2,3
expect 2 '--box 1,2,nan,3' embed --model "$model" --text joy -o x.safetensors --box 1,2,nan,3
expect 2 '--average' classify --model "$model" --labels a,b --average hopes x.png
expect 2 '"a" stands there twice' classify --model "$model" --labels a,b,a x.png
if [ -c /dev/full ]; then
    "$mien" tokenize --model "$model" joy >/dev/full 2>err
    holds 'a full disk is no success' [ $? -eq 1 ]
fi
expect 2 '--text STR is missing' search --model "$model" --manifest x
expect 4 'texts.txt' embed --model "$model" --texts texts.txt -o x.safetensors
: >texts.txt
expect 4 'no line' embed --model "$model" --texts texts.txt -o x.safetensors

if ! "$mien" devices >/dev/null 2>&1; then
    echo "skipped: what needs a Vulkan device"
    finish
    exit
fi

# ---- embed ----
shape() { # shape TENSOR ROWS: as the file's header says
    head -c 4096 out.safetensors | tr -d ' ' | grep -aqF "\"$1\":{\"dtype\":\"F32\",\"shape\":[$2,20]"
}
echo >one.txt
expect 0 '0 images, 0 clips, 2 texts' embed --model "$model" --text '' --texts one.txt -o out.safetensors
holds 'an empty text is a text' shape text_embeds 2
printf 'joy\n\na face of fear\r\n' >texts.txt
mkdir clip 'a clip'
cp "$golden"/0[0-4].png clip
cp "$golden/05.png" 'a clip/ein Gesicht, früh.png'
all=(--image "$golden/00.png" "$golden/01.png" --frames clip 'a clip' --text joy --texts texts.txt
    --image 'a clip/ein Gesicht, früh.png')
expect 0 '"images":3,"videos":2,"texts":4,"bad":[]' embed --quiet --json --model "$model" "${all[@]}" -o out.safetensors
holds 'image_embeds' shape image_embeds 3
holds 'video_embeds' shape video_embeds 2
holds 'text_embeds' shape text_embeds 4
holds 'no message' [ ! -s err ]
cp out.safetensors kept.safetensors
"$mien" embed --quiet --model "$model" "${all[@]}" --output out.safetensors >out 2>&1
holds 'quiet says nothing' [ ! -s out ]
holds 'equal runs give equal bytes' cmp out.safetensors kept.safetensors
"$mien" embed --quiet --precision f32 --model "$model" "${all[@]}" -o out.safetensors
holds 'f32 is what there is without asking' cmp out.safetensors kept.safetensors
for word in f32 f16 bf16; do
    expect 0 '1 images, 0 clips, 1 texts' embed --precision $word --model "$trained" --image "$golden/00.png" \
        --text 'a happy face' -o $word.safetensors
done
holds 'f16 is another answer' [ "$(cmp -l f16.safetensors f32.safetensors | wc -l)" -gt 100 ]
holds 'bf16 is a third' [ "$(cmp -l bf16.safetensors f16.safetensors | wc -l)" -gt 100 ]
expect 0 '3 images' embed --raw --model "$model" --image "$golden"/0[0-2].png -o out.safetensors
: >zero.png
head -c 60 "$golden/00.png" >short.png
for bad in zero.png short.png none.png clip texts.txt; do
    expect 4 "$bad" embed --model "$model" --image "$golden/00.png" "$bad" -o bad.safetensors
    holds 'nothing is written' [ ! -e bad.safetensors ]
done
cp kept.safetensors out.safetensors
expect 4 none embed --model "$model" --frames clip none -o out.safetensors
holds 'what was there stays' cmp out.safetensors kept.safetensors
expect 0 '"images":1,"videos":1,"texts":0,"bad":["zero.png","none"]}' embed --json --skip-bad --model "$model" \
    --image zero.png "$golden/00.png" --frames none clip -o out.safetensors
holds 'image_embeds of one' shape image_embeds 1
expect 0 'of 1 texts are longer' embed --model "$model" --text "$long" -o out.safetensors
expect 1 'no/such/folder' embed --model "$model" --text joy -o no/such/folder/out.safetensors
holds 'no temporary file is left' [ -z "$(find . -name '*tmp*')" ]

# a collection embedded once serves search and eval: the same answers, without a word as long as nothing has changed
mkdir set
for i in 0 1 2 3; do
    cp "$golden/0$i.png" set
    echo "{\"image\":\"0$i.png\",\"label\":\"$([ $i -lt 2 ] && echo joy || echo fear)\",\"caption\":\"face $i\"}"
done >set/m.jsonl
expect 0 '4 images, 0 clips, 0 texts' embed --model "$trained" --manifest set/m.jsonl -o set.safetensors
expect 0 '' embed --model "$trained" --manifest set/m.jsonl -o again.safetensors
printf 'file\n00.png\n01.png\n02.png\n03.png\n' >set/m.csv
expect 0 '4 images' embed --model "$trained" --manifest set/m.csv --column image=file -o again.safetensors
holds 'a table is a collection too' cmp set.safetensors again.safetensors
touch set/00.png
expect 0 '"images":4' embed --json --model "$trained" --manifest set/m.jsonl --embeddings set.safetensors \
    -o again.safetensors
holds 'nothing was new' [ ! -s err ]
holds 'equal files give equal bytes, whenever they were written' cmp set.safetensors again.safetensors
holds 'it names its files' grep -aq 'mien.embeddings.*set/03.png' set.safetensors
ask() { # ask OPTIONS: a search and an evaluation
    "$mien" search --quiet --model "$trained" --manifest set/m.jsonl --text 'a face of joy' "$@" &&
        "$mien" eval --quiet --json --model "$trained" --manifest set/m.jsonl --task zero-shot "$@"
}
ask >fresh 2>err
ask --embeddings set.safetensors >kept 2>err
holds 'the same answers' cmp fresh kept
holds 'no message' [ ! -s err ]
cp "$golden/05.png" set/02.png
ask >fresh 2>err
ask --embeddings set.safetensors >kept 2>err
holds 'a file that has changed is embedded again' cmp fresh kept
holds 'and said' [ "$(grep -c 'warning: 1 of 4 inputs.*02.png' err)" -eq 2 ]
expect 4 'another model' search --model "$model" --manifest set/m.jsonl --text joy --embeddings set.safetensors
expect 4 'another model' eval --model "$trained" --precision f16 --manifest set/m.jsonl --task zero-shot \
    --embeddings set.safetensors
expect 4 'one.txt' search --model "$trained" --manifest set/m.jsonl --text joy --embeddings one.txt
rm set/01.png
expect 4 '01.png' embed --model "$trained" --manifest set/m.jsonl -o again.safetensors
expect 0 '"images":3,"videos":0,"texts":0,"bad":["set/01.png"]' embed --json --skip-bad --model "$trained" \
    --manifest set/m.jsonl -o again.safetensors

# one bit of a PNG, wherever it is, makes a bad file
size=$(stat -c %s "$golden/06.png")
flipped=()
for ((i = 0; i < 24; i++)); do
    at=$((i * size / 24))
    byte=$(od -An -tu1 -j $at -N 1 "$golden/06.png")
    cp "$golden/06.png" "flip$i.png"
    printf "\\x$(printf %02x $((byte ^ 1 << i % 8)))" | dd of="flip$i.png" bs=1 seek=$at conv=notrunc 2>/dev/null
    flipped+=("flip$i.png")
done
"$mien" embed --json --skip-bad --model "$model" --image "$golden/06.png" "${flipped[@]}" -o out.safetensors >out 2>err
holds 'each damaged bit is found' grep -q '"images":1,' out
holds 'and each file named' [ "$(grep -c 'flip[0-9]*.png' err)" -eq 24 ]

# other people's damaged and odd files, all in one call: each is embedded or named, and PngSuite judged as it says
if [ -d "$shared/fixtures" ]; then
    find "$shared/fixtures" -type f ! -name '*.md' ! -name 'LICENSE*' | sort >files
    tr '\n' '\0' <files | xargs -0 -s 1000000 "$mien" embed --json --quiet --skip-bad --model "$model" \
        -o out.safetensors --image >out 2>err
    holds 'the fixtures end well' [ $? -eq 0 ]
    good=$(sed 's/.*"images":\([0-9]*\),.*/\1/' out)
    holds 'each is embedded or named' [ $((good + $(grep -c 'mien: error: ' err))) -eq "$(wc -l <files)" ]
    holds 'one line each' [ "$(wc -l <err)" -eq "$(grep -c 'mien: error: ' err)" ]
    holds 'PngSuite' [ "$(grep -oE 'pngsuite/png/[^:]*png' err | sort)" = \
        "$(grep -oE 'pngsuite/png/x[^:]*png' files | sort)" ]
    while read -r bad; do
        expect 4 "$bad" embed --model "$model" --image "$bad" -o bad.safetensors
    done < <(grep -E 'png_corrupt/corrupt|jpeg_corrupt/[a-z0-9-]*\.jpg|safetensors/bad' err | cut -d: -f3 |
        awk 'NR % 8 == 1 { print $1 }')
else
    echo "skipped: files of ../shared/data/fixtures (not there)"
fi

# ---- drafts ----
photo=$here/../data/jpeg_draft/420.jpg
expect 0 '' embed --model "$trained" --image "$photo" -o whole.safetensors
expect 0 '' embed --model "$trained" --image "$photo" --jpeg-draft -o draft.safetensors
expect 0 '' embed --model "$trained" --image "$photo" --jpeg-draft -o again.safetensors
holds 'equal drafts' cmp -s draft.safetensors again.safetensors
holds 'a draft is kept as one' sh -c '! cmp -s whole.safetensors draft.safetensors'
expect 0 '"joy":' classify --json --model "$trained" --labels joy,fear "$photo"
cp out whole
expect 0 '"joy":' classify --json --model "$trained" --labels joy,fear --jpeg-draft "$photo"
if "$mien" --version | grep -q libjpeg-turbo; then
    holds 'a draft has pixels of its own' sh -c '! cmp -s whole out'
fi
expect 0 'mbedded' embed --model "$trained" --image "$photo" --jpeg-draft --embeddings whole.safetensors \
    -o x.safetensors
holds 'nor taken from it' cmp -s draft.safetensors x.safetensors

# ---- classify ----
expect 0 '{"input":"clip","label":"' classify --json --model "$model" --labels joy,fear,anger \
    clip "$golden/00.png" 'a clip'
holds 'an object for each, in order' [ "$(sed 's/{"input":"\([^"]*\)".*/\1/' out | tr '\n' '|')" = \
    "clip|$golden/00.png|a clip|" ]
expect 0 '(joy 0.' classify --model "$model" --labels 'joy, fear' --box 2,3,10,12 --no-exif "$golden/00.png"
cp out whole
expect 0 '(joy 0.' classify --model "$model" --labels 'joy, fear' --box 2.25,3.5,9.75,11 --no-exif "$golden/00.png"
holds 'fractions of pixels are rounded outwards' cmp -s whole out
expect 0 '(joy 0.' classify --model "$model" --labels 'joy, fear' --box 0,0,4,5 "$golden/00.png"
cp out whole
expect 0 '(joy 0.' classify --model "$model" --labels 'joy, fear' --box -30,-.5,34,5.5 "$golden/00.png"
holds 'what sticks out is cut off' cmp -s whole out

echo 'all {}' >t.txt
"$mien" classify --json --model "$trained" --labels joy,fear --templates t.txt "$golden/00.png" >whole
expect 0 '"label":"' classify --json --precision bf16 --model "$trained" --labels joy,fear --templates t.txt \
    "$golden/00.png"
holds 'bf16 scores are others' [ "$(cmp -l out whole | wc -l)" -gt 1 ]

# ---- traces ----
whole() { # whole FILE: from the first bracket to the last, and nothing else is left beside it
    [ "$(head -n 1 "$1")" = '[' ] && [ "$(tail -n 1 "$1")" = ']' ] && [ -z "$(find . -name '*tmp*')" ]
}
"$mien" classify --json --model "$model" --labels joy,fear clip "$golden/00.png" >untraced
expect 0 '"label"' classify --json --model "$model" --labels joy,fear --trace trace.json clip "$golden/00.png"
holds 'a trace changes no result' cmp out untraced
holds 'a whole trace' whole trace.json
for name in compile submit wait 'read pictures' matmul attention layernorm; do
    holds "spans of $name" grep -q "\"name\":\"$name\",\"ph\":\"X\"" trace.json
done
rm trace.json
echo 'all {}' >t.txt
expect 4 none classify --model "$model" --labels joy,fear --templates t.txt --trace trace.json none
holds 'a trace of what failed' whole trace.json
expect 1 'no/such/folder' classify --model "$model" --labels joy,fear --templates t.txt \
    --trace no/such/folder/t.json "$golden/00.png"
if [ -c /dev/full ]; then
    expect 1 '/dev/full' embed --model "$model" --text joy -o full.safetensors --trace /dev/full
    holds 'the work is kept' [ -s full.safetensors ]
fi

expect 4 'an empty name' classify --model "$model" --labels joy,fear --templates t.txt ''
expect 4 'box 200,0,10,10' classify --model "$model" --labels joy,fear --templates t.txt --box 200,0,10,10 \
    "$golden/00.png"
echo '{"joy":["plain joy","a strong face of joy"],"fear":"wide eyes"}' >d.json
expect 0 'joy' classify --model "$model" --labels joy,fear --descriptions d.json --average logits "$golden/00.png"
expect 0 'joy' classify --model "$model" --labels joy,fear --templates t.txt --frame-count 2 clip
echo '{"joy":["plain joy"," ",null,"a strong face of joy",""],"fear":"wide eyes"}' >d.json
expect 0 'joy' classify --model "$model" --labels joy,fear --descriptions d.json --average logits "$golden/00.png"
echo '{"joy":["plain joy","a strong face of joy"],"fear":"wide eyes"}' >d.json
mv out blanks
expect 0 'joy' classify --model "$model" --labels joy,fear --descriptions d.json --average logits "$golden/00.png"
holds 'blank descriptions are none' cmp -s out blanks
echo '{"joy":"","fear":["\t",null]}' >d.json
expect 0 'joy' classify --model "$model" --labels joy,fear --descriptions d.json "$golden/00.png"
holds 'no description: the templates' [ "$(grep -c 'no description of' err)" -eq 2 ]
echo '{"joy":1}' >d.json
expect 4 '"joy"' classify --model "$model" --labels joy,fear --descriptions d.json "$golden/00.png"
echo 'all' >t.txt
expect 2 'has no {}' classify --model "$model" --labels joy,fear --templates t.txt "$golden/00.png"
"$mien" classify --json --model "$model" --labels joy,fear zero.png "$golden/00.png" none "$golden/01.png" >out 2>err
holds 'bad inputs end in status 4' [ $? -eq 4 ]
holds 'the others are answered' [ "$(wc -l <out)" -eq 2 ]
holds 'bad inputs are named' [ "$(grep -cE '(zero.png|none):' err)" -eq 2 ]
expect 0 '"input":"' classify --json --skip-bad --model "$model" --labels joy,fear zero.png "$golden/00.png"

odd=$(printf 'a\xff"\\\tb.png')
if cp "$golden/00.png" "$odd" 2>/dev/null; then # some file systems take UTF-8 alone
    expect 0 '{"input":"a'$'\xef\xbf\xbd''\"\\\u0009b.png",' classify --json --model "$model" --labels joy,fear "$odd"
fi

if [ -c /dev/full ]; then
    "$mien" classify --quiet --model "$model" --labels joy,fear "$golden/00.png" >/dev/full 2>err
    holds 'nor here, where results are flushed as they come' [ $? -eq 1 ]
fi

# ---- models that are none ----
mkdir half
cp "$model"/*.json "$model/model.safetensors" half
rm half/vocab.json
expect 4 'vocab.json' classify --model half --labels joy,fear "$golden/00.png"
cp "$model"/vocab.json "$model"/merges.txt half
head -c 2000 "$model/model.safetensors" >half/model.safetensors
expect 4 'model.safetensors' classify --model half --labels joy,fear "$golden/00.png"
rm half/config.json
expect 4 'config.json' classify --model half --labels joy,fear "$golden/00.png"

# ---- search ----
cp "$golden/00.png" 'Ärger 1.png'
printf '{"image":"%s"}\n' 'Ärger 1.png' none.png "$golden/01.png" "$golden/02.png" >m.jsonl
echo '{"frames":"clip"}' >>m.jsonl
"$mien" search --json --model "$model" --manifest m.jsonl --text 'a face of joy' --top 3 >out 2>err
holds 'search goes on' [ $? -eq 0 ]
holds 'three are best' [ "$(wc -l <out)" -eq 3 ]
holds 'best first' sort -c -t: -k4,4gr <(sed 's/.*"score":\([^,]*\),.*/a:b:c:\1/' out)
holds 'the bad one is named' grep -q '1 of 5 rows could not be read' err
cp out whole
"$mien" search --json --precision f16 --model "$model" --manifest m.jsonl --text 'a face of joy' --top 3 >out 2>err
holds 'search in f16' [ $? -eq 0 ]
holds 'f16 scores are others' [ "$(cmp -l out whole 2>/dev/null | wc -l)" -gt 1 ]
expect 0 'Ärger 1.png' search --model "$model" --manifest m.jsonl --text joy fear --top 0
printf '{"image":"a"}\n{"image":' >m.jsonl
printf 'where\twhat\n%s\tx\n' "Ärger 1.png" >t.txt
expect 4 'the header has "where", "what"' search --model "$model" --manifest t.txt --text joy
expect 0 'Ärger 1.png' search --model "$model" --manifest t.txt --column image=where --text joy
expect 2 '"picture" is no key' search --model "$model" --manifest t.txt --column picture=where --text joy
expect 2 '"picture" is no key' eval --model "$model" --manifest t.txt --column picture=where --task zero-shot
expect 4 'm.jsonl:2' search --model "$model" --manifest m.jsonl --text joy
finish
