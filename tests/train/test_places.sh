#!/usr/bin/env bash
# test_places.sh MIEN: what could not be written is refused before the work; full disks end it in one line.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
disk=$work/disk
trap 'mountpoint -q "$disk" && umount "$disk"; rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

"$mien" synth faces --count 60 --size 16 --single --quiet >/dev/null || exit 1
tiny_config 4 2 >c.json
name() { printf 'd%.0s' $(seq 1 "$1"); }

# ---- a run, without a device: what stands in its way is known before one is opened ----
train="train --config c.json --device no-such-gpu --set"
long=runs/$(name 200)/$(name 200)/$(name 200)/$(name 200)/$(name 200)
echo text >file
mkdir -p taken/.mien-lock-model
# shellcheck disable=SC2086 # words
{
    expect 2 'run.dir has 1' $train run.dir="$long"
    expect 1 'File name too long' $train run.dir="$(name 256)"
    expect 1 'file: cannot create the directory: a file has this name' $train run.dir=file
    expect 1 'taken/.mien-lock-model' $train run.dir=taken
    expect 1 'nodir/g.st: cannot be written: the directory that' $train run.dir=b run.dump_grads=nodir/g.st
    expect 1 'faces: cannot be written: a directory has this name' $train run.dir=b run.dump_grads=faces
    expect 3 'no-such-gpu' $train run.dir=b run.dump_grads=b/grads.st
}
holds 'nothing is left of any of them' test ! -e runs -a ! -e b

# ---- commands ----
weights=$here/../golden/train/start
for out in nodir/o faces "$(name 256)"; do
    expect 1 'cannot be written' embed --model "$weights" --device no-such-gpu --text joy -o "$out"
    expect 1 'cannot be written' report nowhere.json -o "$out"
done
expect 1 'cannot be written' embed --model nowhere --text joy -o file/o.safetensors

# ---- full disks ----
mkdir disk
if ! mount -t tmpfs -o size=100k none disk 2>/dev/null; then
    echo "not tried: full disks (no tmpfs may be mounted)"
    finish
    exit
fi
expect 1 'No space left on device; make room' synth disk/faces --count 4000 --size 64
holds 'one line' test "$(wc -l <err)" = 1
holds 'nothing half' test -z "$(ls -A disk)"
expect 1 'No space left' convert "$weights" disk/model
holds 'nothing half' test -z "$(ls -A disk)"
head -c 102400 /dev/zero >disk/ballast
expect 1 'No space left' import folder faces -o disk/m.jsonl
holds 'nothing half' test "$(ls -A disk)" = ballast
rm disk/ballast
if "$mien" devices >/dev/null 2>&1; then
    expect 1 'nodir/trace' train --config c.json --set run.dir=b --trace nodir/trace
    holds 'and no run was begun' test ! -e b
    seq 1 3000 >texts.txt
    expect 1 'No space left' embed --model "$weights" --texts texts.txt -o disk/o.safetensors
    holds 'nothing half' test -z "$(ls -A disk)"
    head -c 60000 /dev/zero >disk/ballast
    "$mien" train --config c.json --set run.dir=disk/run >out 2>err
    holds 'room for a checkpoint is looked for' grep -q 'a checkpoint takes 0.2 MB; make room' err
    holds 'and no step was made' test ! -e disk/run/log.jsonl
    umount disk && mount -t tmpfs -o size=800k none disk
    "$mien" train --quiet --config c.json --set run.dir=disk/run run.keep=9 run.checkpoint_every=1 >out 2>err
    holds 'a disk that fills up ends a run' test $? = 1
    holds 'and is named' grep -q 'No space left on device; make room' err
    holds 'whole checkpoints only' test -z "$(find disk -name '.mien-*')"
    mount -o remount,size=10m disk
    more="train --config c.json --resume --set run.dir=disk/run run.keep=9 run.checkpoint_every=1"
    expect 0 'model disk/run/model' $more # shellcheck disable=SC2086 # words
    expect 0 'model whole/model' train --config c.json --set run.dir=whole run.keep=9 run.checkpoint_every=1
    holds 'with room again, the same bytes' cmp -s disk/run/model/model.safetensors whole/model/model.safetensors
fi
finish
