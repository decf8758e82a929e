#!/usr/bin/env bash
# test_selftest.sh MIEN LAYERS: kernels prove themselves before they serve. What a driver with faults (../vk/faulty.c,
# as a layer in LAYERS) does to the command, what is remembered of it, and what becomes of that file.
set -u
mien=$(realpath "$1")
layers=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/train
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
unset MIEN_SELFTEST MIEN_VALIDATE MIEN_CAPS FAULTY
export MIEN_CACHE_DIR=$work/cache VK_LAYER_PATH=$layers VK_INSTANCE_LAYERS=VK_LAYER_MIEN_faulty
"$mien" devices --json >devices 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }
FAULTY=driver=4711 "$mien" devices --json | grep -q '"driver_version":4711' ||
    { echo "skipped: this Vulkan loader does not take the layer"; exit 77; }
grep -q '"type":"software"' devices || { echo "skipped: written for a software device's kernels"; exit 77; }
product=matmul_fwd_sg
grep -q '"features":"[^"]*texel' devices && product=matmul_fwd_sg_texel
cp "$golden/00.png" face.png
echo 'a face of {}' >t.txt
classify="classify --quiet --model $golden/start --labels joy,fear,anger --templates t.txt face.png"

# shellcheck disable=SC2086 # words
{
file() { echo cache/selftest-*.json; }
# works FAULTS WARNINGS: the command gives the right answer with so many warnings
works() {
    FAULTY=$1 "$mien" $classify >out 2>err
    got=$?
    holds "$1: answers" [ "$got" -eq 0 ]
    holds "$1: gives what it gives without faults" cmp -s out right
    holds "$1: warns $2 times" [ "$(grep -c 'mien: warning: ' err)" -eq "$2" ]
    holds "$1: says nothing else" [ "$(grep -cv 'mien: warning: ' err)" -eq 0 ]
}
# names OP/KERNEL WORDS: `mien devices` shows the kernel with the reason, as text and as JSON
names() {
    expect 0 "kernel $1: $2" devices
    "$mien" devices --json >out
    holds "--json names $1" grep -qF "{\"kernel\":\"$1\",\"why\":\"$2" out
}

# ---- without faults ----
MIEN_SELFTEST=0 "$mien" $classify >right || exit 1
works "" 0
holds "software devices try nothing" [ ! -e cache/selftest-* ]
export MIEN_SELFTEST=perhaps
expect 2 'MIEN_SELFTEST is "perhaps"; it takes 1 or 0' devices
export MIEN_SELFTEST=1
works "" 0
holds "what is proven is kept" grep -q '"proven": \["[0-9a-f]' $(file)
holds "nothing is being tried" grep -qv '"trying"' $(file)
cp $(file) first
works "" 0
holds "a second start tries nothing" cmp -s $(file) first
expect 0 '"disabled_kernels":[]' devices --json

# ---- wrong, and not to be compiled: right results, one warning, remembered ----
rm -rf cache
works wrong:$product 1
holds "the warning names kernel and op" grep -q 'kernel '"$product"' of matmul fails its self-test on .*: output 0' err
works wrong:$product 0
works "" 0
names matmul/$product 'output 0: '
MIEN_SELFTEST= works wrong:$product 0 # what has failed is not used by whoever tries nothing either
MIEN_SELFTEST=0 "$mien" devices >out
holds "MIEN_SELFTEST=0 takes back all" grep -qv 'kernel matmul' out
rm -rf cache
works "uncompilable:layernorm_fwd_row_texel wrong:attention_fwd_sg_texel" 2
works "uncompilable:layernorm_fwd_row_texel wrong:attention_fwd_sg_texel" 0
names layernorm/layernorm_fwd_row_texel 'the driver cannot compile it (VK_ERROR_UNKNOWN)'
names attention/attention_fwd_sg_texel 'output 0: '
works "driver=4711 uncompilable:layernorm_fwd_row_texel" 1 # another version: tried anew, and the first one's file stays
works "driver=4712" 0
FAULTY=driver=4712 expect 0 '"disabled_kernels":[]' devices --json
names layernorm/layernorm_fwd_row_texel 'the driver cannot compile it'

# ---- hanging, losing the device, killing the process ----
for fault in hang lose; do
    rm -rf cache
    why="its self-test lost the device"
    [ $fault = hang ] && why="its self-test did not end within 4 s"
    FAULTY=$fault:attention_fwd_sg_texel MIEN_WAIT_SECONDS=4 \
        expect 3 "kernel attention_fwd_sg_texel of attention on " $classify
    holds "it says why" grep -qF "$why. Start again: the next best one will serve" err
    works $fault:attention_fwd_sg_texel 0
    names attention/attention_fwd_sg_texel "$why"
done
rm -rf cache
{ FAULTY=kill:layernorm_fwd_row_texel "$mien" $classify >out 2>err; } 2>/dev/null
holds "it dies" [ $? -eq 137 ]
holds "the name is left behind" grep -q '"trying": {' $(file)
names layernorm/layernorm_fwd_row_texel 'it is being tried now, or its self-test came to no end'
works kill:layernorm_fwd_row_texel 1
holds "the warning says what to do" \
    grep -q "kernel layernorm_fwd_row_texel of layernorm is not used .*; $work/cache/.* remembers" err
works kill:layernorm_fwd_row_texel 0
names layernorm/layernorm_fwd_row_texel 'its self-test came to no end ('

# ---- the last kernel of an op: nothing to fall back on ----
rm -rf cache
all="wrong:layernorm_fwd_row_texel wrong:layernorm_fwd_row wrong:layernorm_fwd_sg wrong:layernorm_fwd"
FAULTY=$all expect 3 'kernel layernorm_fwd of layernorm fails its self-test' $classify
holds "it says that it is the last" grep -q 'It is the last there is: update the driver' err
FAULTY=$all expect 3 'It is the last there is' $classify
names layernorm/layernorm_fwd 'output 0: '
works "" 0 # it is tried again: the driver may have been at odds for another reason
"$mien" devices >out
holds "it has proven itself" [ "$(grep -c 'kernel layernorm/layernorm_fwd:' out)" -eq 0 ]

# ---- the file: damaged, cut off, another's ----
for bad in '{"format": 1, "proven": [' '' 'MIENPIPE' '[1]' '{"format":1,"proven":["zz"]}' \
    "$(sed 's/"vendor_id": [0-9]*/"vendor_id": 7/' first)" "$(sed 's/"uuid": "../"uuid": "zz/' first)" \
    "$(head -c 400 first)"; do
    printf '%s' "$bad" >$(file)
    works wrong:attention_fwd_sg_texel 2
    holds "one is about the file" grep -q "self-test: $work/cache/.*; it is not used, and made anew" err
    works "" 0
    names attention/attention_fwd_sg_texel 'output 0: '
done

# ---- nowhere to write ----
rm -rf cache && : >cache # a file where the directory is to be
works wrong:attention_fwd_sg_texel 1
works wrong:attention_fwd_sg_texel 1
rm cache

# ---- two processes at once ----
for _ in 1 2; do
    rm -rf cache
    FAULTY="slow:$product wrong:attention_fwd_sg_texel" "$mien" $classify >out2 2>err2 &
    sleep 0.3
    works "wrong:attention_fwd_sg_texel" 0 || true
    wait $!
    holds "the first answers too" cmp -s out2 right
    holds "both warn once in all" [ "$(cat err err2 | grep -c 'mien: warning: ')" -eq 1 ]
    names attention/attention_fwd_sg_texel 'output 0: '
    holds "no other is taken for failed" [ "$(grep -c '"op":' $(file))" -eq 1 ]
    holds "no lock stays" [ -z "$(find cache -name '.mien-*')" ]
done

# ---- a run goes on without a kernel that it began with ----
rm -rf cache
"$mien" synth faces --count 24 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 2 1 >c.json
expect 0 'model a/model' train --config c.json
rm -rf cache
FAULTY=wrong:layernorm_fwd_row_texel expect 0 'model a/model' train --config c.json --resume --set run.steps=3
holds "one warning about the kernel" \
    [ "$(grep -c 'layernorm_fwd_row_texel of layernorm fails its self-test' err)" -eq 1 ]
holds "one about the run" [ "$(grep -c 'other kernels than before serve this run' err)" -eq 1 ]
holds "it says why" grep -q 'not layernorm_fwd_row_texel, which fails its self-test on this device' err
}
finish
