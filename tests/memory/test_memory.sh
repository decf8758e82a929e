#!/usr/bin/env bash
# test_memory.sh MIEN FAIL_LIBRARY sample SECONDS | sites | every   [COMMAND ...]
# Lets allocations of the command fail, one a run (fail.c), and demands of each run: the result of an undisturbed one,
# or exit status 1 with a message about memory and no output; no crash, nothing left behind, no block that is not freed.
#   sample   so many seconds of runs, spread over the commands and the places that allocate
#   sites    each place that allocates (told by its callers): its first, second and last allocation
#   every    each allocation
set -u
mien=$(realpath "$1") fail=$(realpath "$2") tier=$3
shift 3
seconds=0
[ "$tier" = sample ] && { seconds=$1; shift; }
here=$(cd "$(dirname "$0")" && pwd)
start=$(realpath "$here/../golden/train/start")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export MIEN_CACHE_DIR=$work/cache LC_ALL=C.UTF-8

# ---- inputs ----

mkdir -p clip frames/train/joy frames/train/anger
for i in 00 01 02; do cp "$here/../golden/train/$i.png" clip/; done
cp "$here/../golden/train/00.png" frames/train/joy/a.png
cp "$here/../data/jpeg/420.jpg" frames/train/anger/b.jpg
cp "$here/../data/jpeg/cmyk.jpg" face.jpg
cp "$here/../golden/train/03.png" face.png
printf 'a smile\na frown\n' >texts.txt
printf '{"joy": ["a smile", "a happy face"], "anger": "a frown"}\n' >described.json
lists='mafw/Train_Test_Set/single/with_caption/set_1'
mkdir -p "$lists" mafw/data/faces/00001
cp frames/train/joy/a.png mafw/data/faces/00001/
printf '00001.mp4\tfear\t\xd2\xbb\tA man. He runs.\r\n00001.mp4\tanger_sadness\t-\t-\n' >"$lists/test.txt"
row() { printf '{"%s":"%s","caption":%s,"label":%s,"split":"%s"%s}\n' "$@"; }
more=',"subject":"s","box":[1,1,20,20],"au":{"AU12":1}'
for i in 0 1 2 3 4 5; do
    label='"joy"' split=train
    [ $((i % 2)) -eq 0 ] || label='"anger"'
    [ $i = 4 ] && split="val"
    [ $i = 5 ] && split="test"
    row image "$start/../0$i.png" "\"A face, number $i. It smiles a little. All is well.\"" "$label" $split "$more"
done >m.jsonl
row frames clip '{"global":"A clip.","local":["It moves."]}' '["joy","anger"]' test '' >>m.jsonl
printf 'filepath,title\n%s,"A face, drawn"\nface.png,Another\n' "$start/../05.png" >m.csv
cat >train.json <<END
{"model": {"init": "scratch", "tokenizer": {"vocab": 520},
  "config": {"projection_dim": 16,
    "vision_config": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                      "image_size": 16, "patch_size": 8},
    "text_config": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
                    "max_position_embeddings": 24}}},
 "data": {"train": "m.jsonl", "val": "m.jsonl", "workers": 1},
 "loss": {"local": {"kind": "sentence"}}, "optim": {"warmup_steps": 1},
 "run": {"dir": "out", "steps": 2, "batch": 2, "eval_every": 1, "tensorboard": true}}
END

# ---- the commands: what is run, writing to "out" ----

declare -A commands=(
    [tokenize]="tokenize --model $start -- \$'A sm\\u00efle, 2 faces'"
    [info]="info $start"
    [plan]="info $start --plan --json"
    [import]="import folder frames -o out"
    [sets]="import mafw mafw -o out --captions"
    [pack]="import folder frames -o out --pack"
    [shards]="import shards m.jsonl -o out/s-%d.tar --shard-size 3"
    [synth]="synth out --count 3 --size 24"
    [convert]="convert $start out"
    [embed]="embed --model $start --image face.png face.jpg --frames clip --text 'a smile' --texts texts.txt -o out"
    [classify]="classify --model $start --labels joy,anger --descriptions described.json --json face.png face.jpg clip"
    [search]="search --model $start --manifest m.jsonl --text 'a smile' --json"
    [eval]="eval --model $start --manifest m.jsonl --task zero-shot --split all --json"
    [retrieval]="eval --model $start --manifest m.csv --task retrieval --json"
    [report]="report run eval.json -o out"
    [train]="train --config train.json"
    [sharded]="train --config train.json --set 'data.train=packed/s-{0..2}.tar'"
    [resume]="train --resume out"
    [bench]="bench bench.json --compare bench.json --json"
)
order=(tokenize import sets synth convert info embed train pack shards plan eval report classify search retrieval resume
    sharded bench)
[ $# -gt 0 ] && order=("$@")

undisturbed() { "$mien" "$@" >stdout 2>stderr; }
if ! undisturbed devices; then
    echo "skipped: commands that need a Vulkan device ($(tail -1 stderr))"
    order=(tokenize info plan import sets pack shards synth convert)
fi

# What a command needs from others.
needs() {
    case $1 in
    report | resume) ;;
    sharded)
        mkdir packed && undisturbed import shards m.jsonl -o packed/s-%d.tar --shard-size 3 || { cat stderr; exit 1; }
        return
        ;;
    bench)
        undisturbed bench --quick --only 'sum/*' --json || { cat stderr; exit 1; }
        cp stdout bench.json
        return
        ;;
    *) return ;;
    esac
    [ -e run ] && return
    undisturbed train --config train.json --set run.dir=run run.steps=1 || { cat stderr; exit 1; }
    cp -r run resumed && rm -r resumed/model
    undisturbed eval --model "$start" --manifest m.jsonl --task zero-shot --split all --json && cp stdout eval.json
}

# ---- one run ----

# run ENVIRONMENT... -- COMMAND: its status in $status; stdout, stderr and out are left
run() {
    local name=${!#} settings=("${@:1:$#-1}") words
    rm -rf out
    [ "$name" = shards ] && mkdir out
    [ "$name" = resume ] && cp -r resumed out && sed -i 's/"steps": 1/"steps": 2/' out/config.json
    eval "words=(${commands[$name]})"
    env "${settings[@]}" FAIL_SAYS="$work/says" LD_PRELOAD="$fail" timeout 60 "$mien" "${words[@]}" >stdout 2>stderr
    status=$?
}

# What a run of a command gave: standard output and files, without what tells the time.
digest() {
    {
        case $1 in train | resume | sharded) ;; *) cat stdout ;; esac
        [ ! -e out ] || find out -type f ! -name log.jsonl ! -name state.json ! -name '*.tfevents*' | sort |
            while IFS= read -r file; do echo "$file" && cat "$file"; done
    } | sha256sum
}

listing() { find . -mindepth 1 -maxdepth 1 ! -name out ! -name cache ! -name sites ! -name says | sort; }

runs=0 same=0 refused=0 failures=0
blame() {
    failures=$((failures + 1))
    printf 'FAIL_AT=%s mien %s: %s (status %s)\n' "$2" "${commands[$1]}" "$3" "$status"
    tail -n 2 stderr | sed 's/^/    /'
}

check() { # check COMMAND N
    run FAIL_AT="$2" "$1"
    local left
    left=$(sed -n 's/^left //p' says)
    runs=$((runs + 1))
    if [ $status -eq 0 ]; then
        same=$((same + 1))
        [ "$(digest "$1")" = "${normal[$1]}" ] || blame "$1" "$2" "another result than without a failure"
    elif [ $status -ne 1 ]; then
        blame "$1" "$2" "not exit status 1"
    elif ! grep -qE 'out of .*memory|[Cc]annot allocate memory' stderr; then
        blame "$1" "$2" "the message says nothing of memory"
    else
        refused=$((refused + 1))
        case $1 in
            pack) ;; # the manifest stands by itself
            shards) [ -z "$(ls -A out)" ] || blame "$1" "$2" "an output is there" ;;
            train | resume | sharded) [ ! -e out/model ] || blame "$1" "$2" "a model is there" ;;
            *) [ ! -e out ] || blame "$1" "$2" "an output is there" ;;
        esac
    fi
    [ "$left" = "${left_over[$1]}" ] || blame "$1" "$2" "${left:-?} blocks are not freed"
    if [ "$(listing)" != "$before" ]; then
        blame "$1" "$2" "it left $(listing | comm -13 <(echo "$before") -)"
        before=$(listing)
    fi
    rm -f says
}

declare -A normal left_over numbers
before=

# The undisturbed run: its result, and where it allocates.
prepare() {
    needs "$1"
    run FAIL_SITES="$work/sites" "$1"
    if [ $status -ne 0 ]; then
        echo "mien ${commands[$1]}: status $status without a failure"
        cat stderr
        exit 1
    fi
    if [ "$(wc -l <sites)" -lt 10 ]; then
        echo "mien ${commands[$1]}: $(wc -l <sites) allocations were seen; is $fail preloaded?"
        exit 1
    fi
    normal[$1]=$(digest "$1")
    left_over[$1]=$(sed -n 's/^left //p' says)
    if [ "$tier" = every ]; then
        numbers[$1]=$(cut -d' ' -f1 sites)
    else # first, second and last of each place
        numbers[$1]=$(awk '{ n[$2]++; if (n[$2] <= 2) print $1; last[$2] = $1 }
            END { for (h in last) if (n[h] > 2) print last[h] }' sites | sort -n)
    fi
    printf '%-10s %6s allocations at %4s places, %s runs to try%s\n' "$1" "$(wc -l <sites)" \
        "$(cut -d' ' -f2 sites | sort -u | wc -l)" "$(wc -w <<<"${numbers[$1]}")" \
        "$([ "${left_over[$1]}" = 0 ] || echo ", ${left_over[$1]} blocks are not freed at its end")"
    rm -rf out sites says
    before=$(listing)
}

if [ "$tier" = sample ]; then # the commands in turn, each at places spread evenly: the more time, the denser
    for ((round = 0; SECONDS < seconds; round++)); do
        for name in "${order[@]}"; do
            [ $SECONDS -lt "$seconds" ] || break
            [ -n "${normal[$name]:-}" ] || prepare "$name"
            read -ra all <<<"$(tr '\n' ' ' <<<"${numbers[$name]}")"
            case $name in
                train | resume | sharded) turns=1 ;;
                tokenize | info | import | sets | pack | shards | synth | convert) turns=6 ;;
                *) turns=2 ;;
            esac
            for ((turn = 0; turn < turns && SECONDS < seconds; turn++)); do
                check "$name" "${all[$((((round * turns + turn) * 6180339 + 7 * ${#name}) % ${#all[@]}))]}"
            done
        done
    done
else
    for name in "${order[@]}"; do
        prepare "$name"
        for n in ${numbers[$name]}; do check "$name" "$n"; done
        echo "$name: done, $runs runs, $failures failed"
    done
fi
echo "$runs allocations failed: $refused refused for memory, $same as without; $failures not as they should be"
[ $failures -eq 0 ] && [ $runs -gt 0 ]
