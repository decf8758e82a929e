#!/usr/bin/env bash
# test_tune.sh MIEN LAYERS: kernels are measured, the choice is kept and used. What a driver with faults does to it
# (../vk/faulty.c, as a layer in LAYERS): kernels that are slow, wrong, hang or kill the process; damaged files.
set -u
mien=$(realpath "$1")
layers=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/train
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
unset MIEN_SELFTEST MIEN_VALIDATE MIEN_CAPS MIEN_TUNE FAULTY
export MIEN_CACHE_DIR=$work/cache VK_LAYER_PATH=$layers VK_INSTANCE_LAYERS=VK_LAYER_MIEN_faulty
"$mien" devices --json >devices 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }
FAULTY=driver=4711 "$mien" devices --json | grep -q '"driver_version":4711' ||
    { echo "skipped: this Vulkan loader does not take the layer"; exit 77; }
grep -q '"type":"software"' devices || { echo "skipped: written for a software device's kernels"; exit 77; }
product=matmul_fwd_sg
grep -q '"features":"[^"]*texel' devices && product=matmul_fwd_sg_texel
grep -q '"features":"[^"]*subgroup_shuffle' devices || { echo "skipped: no kernels over subgroups"; exit 77; }
echo 'a face of {}' >t.txt
# shellcheck disable=SC2054 # the labels of one option
embed=(embed --quiet --model "$golden/start" --image "$golden/00.png" "$golden/01.png" --text joy)
small=(--model "$golden/start" --only matmul)

{
file() { echo cache/tuned-*.json; }
# rows WORDS: how many rows of the last --json result have them
rows() { tr '{' '\n' <out | grep -c -- "$1"; }

# ---- wrong usage ----
expect 2 'one of them' tune --show --list
expect 2 'beside them only --device and --json' tune --clear --only matmul
expect 2 'give its --config FILE too' tune --set run.batch=4
expect 2 'unknown option --mode' tune --mode x
expect 4 'nowhere' tune --model nowhere
expect 2 'there is nothing to tune of the name nothing' tune --model "$golden/start" --only nothing
holds "nothing was written" [ ! -e "$(file)" ]

# ---- what would be ----
expect 0 '"outcome":"skipped"' tune --list --json "${small[@]}"
for pair in software:matmul_fwd_sg mobile:matmul_fwd_vec desktop:matmul_fwd_slice; do
    expect 0 "choices, by default ${pair#*:}" tune --list --caps "class=${pair%:*}" "${small[@]}"
done
expect 0 '"outcome":"skipped"' tune --list --json "${small[@]}"
holds "each call has choices" [ "$(rows '"choices":[1-9][0-9]')" -gt 4 ]
holds "only those asked for" [ "$(rows '"call":"layernorm')" -eq 0 ]
holds "still nothing was written" [ ! -e "$(file)" ]
expect 0 '0 calls' tune --show

# ---- slow: the rule's kernel takes twenty times as long, so that another one must win ----
MIEN_TUNE=off "$mien" "${embed[@]}" -o right.safetensors || exit 1
FAULTY=drag:$product expect 0 '"outcome":"faster"' tune --json "${small[@]}"
calls=$(rows '"call":')
holds "most calls have another kernel" [ "$(rows '"outcome":"faster"')" -gt $((calls / 2)) ]
holds "none of them is the slow one" [ "$(rows '"outcome":"faster".*"variant":"'$product'"')" -eq 0 ]
holds "all calls are in the table" [ "$(grep -c '"call":' $(file))" -eq "$calls" ]
holds "nothing was lost" grep -q '"lost": \[\]' $(file)
expect 0 "$calls calls, " devices
expect 0 "table $work/cache/tuned-" tune --show
expect 0 '"outcome":"known"' tune --show --json
holds "it shows all" [ "$(rows '"outcome":"known"')" -eq "$calls" ]
cp $(file) first
expect 0 "0 measured now" tune "${small[@]}"
holds "what is known is not measured again" cmp -s $(file) first
holds "a model runs by it" "$mien" "${embed[@]}" -o tuned.safetensors
holds "embeddings keep their bits" cmp -s right.safetensors tuned.safetensors
MIEN_TUNE=off "$mien" devices >out
holds "MIEN_TUNE=off leaves it out" [ "$(grep -c 'calls, ' out)" -eq 0 ]
MIEN_TUNE=perhaps expect 2 'MIEN_TUNE is "perhaps"; it takes on or off' "${embed[@]}" -o x.safetensors
FAULTY=driver=4711 "$mien" devices >out
holds "another driver has no table" [ "$(grep -c 'calls, ' out)" -eq 0 ]
expect 0 '"outcome":"rule"' tune --json --again "${small[@]}" # without the fault
holds "the fault's choices are gone" [ "$(rows '"gain":[2-9]')" -lt $((calls / 2)) ]

# ---- damaged, another's: named, and the rules serve ----
for bad in '{"format": 1, "tuned": [' '[1]' "$(sed 's/"vendor_id": [0-9]*/"vendor_id": 7/' first)" \
    "$(sed 's/"call": "[^"]*"/"call": 7/' first)" "$(sed 's/"choices": ".*"/"choices": "zz"/' first)" \
    "$(head -c 600 first)"; do
    printf '%s' "$bad" >$(file)
    expect 0 "tuned kernels: $work/cache/" "${embed[@]}" -o tuned.safetensors
    holds "the rules serve" cmp -s right.safetensors tuned.safetensors
    expect 0 'not used: ' devices
done
expect 4 'tuned-' tune --show
expect 0 'it is made anew' tune --seconds 1 "${small[@]}"
"$mien" "${embed[@]}" -o tuned.safetensors >out 2>err
holds "no word about the file" [ ! -s err ]
holds "it can be forgotten" "$mien" tune --clear
holds "it is gone" [ ! -e "$(file)" ]
holds "twice" "$mien" tune --clear

# ---- wrong, hanging, killing: each costs itself ----
vec=matmul_fwd_vec
for fault in wrong:$vec kill:$vec "hang:$vec"; do
    rm -rf cache
    FAULTY=$fault expect 0 '"rows":' tune --json --timeout 2 --seconds 60 "${small[@]}"
    holds "$fault: something was measured" [ "$(rows '"outcome":"\(rule\|faster\)"')" -gt 0 ]
    holds "$fault: it is not chosen" [ "$(grep -c "\"variant\": \"$vec\"" <(sed '/"lost"/,$d' $(file)))" -eq 0 ]
    holds "$fault: it is told" grep -q "mien: warning: .*$vec" err
    holds "$fault: no child and no lock stays" [ -z "$(find cache -name '.mien-*')" ]
done
holds "a choice that came to no end is kept" grep -q '"why": ".*"' $(file)

# ---- one process at a time ----
rm -rf cache
FAULTY=drag:$product "$mien" tune --quiet --seconds 8 >out2 2>err2 &
for _ in $(seq 100); do [ -z "$(find cache -name '.mien-lock-tuned*' 2>/dev/null)" ] || break; sleep 0.1; done
expect 2 'another process (' tune "${small[@]}"
wait $!
holds "the first goes on" [ $? -eq 0 ]

# ---- the sizes of a training ----
rm -rf cache
"$mien" synth faces --count 24 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 2 1 >c.json
expect 0 '"call":"matmul trans_a' tune --list --json --config c.json
holds "of its batch" grep -q 'f32\[8,' out
holds "no run directory was made" [ ! -e a ]
expect 0 '"call":' tune --list --json --config c.json --set run.batch=6
holds "of another batch" grep -q 'f32\[6,' out
}
finish
