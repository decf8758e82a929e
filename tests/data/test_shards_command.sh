#!/usr/bin/env bash
# test_shards_command.sh MIEN: what mien import shards writes, read by tar, Python; what these write in their forms of
# tar, read by training. MIEN_PYTHON: the Python to ask (python3), for webdataset too where it has that.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
python=${MIEN_PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

"$mien" synth faces --count 20 --size 16 --quiet >/dev/null || exit 1
expect 0 '20 samples: train' import shards faces/manifest.jsonl -o 'a-%03d.tar' --shard-size 8
holds 'it says how training takes them' grep -qF 'data.train=a-{000..002}.tar' out
holds 'three shards' test "$(echo a-*.tar)" = 'a-000.tar a-001.tar a-002.tar'
expect 0 '"shards":3}' import shards faces/manifest.jsonl -o 'b-%03d.tar' --shard-size 8 --json --quiet
holds 'the same bytes' cmp a-001.tar b-001.tar
holds 'nothing else is left' test -z "$(find . -name '.mien-*')"
expect 2 'a-000.tar: is there already' import shards faces/manifest.jsonl -o 'a-%03d.tar'
expect 2 "-o 'x-%06d.tar'" import shards faces/manifest.jsonl -o a.tar
expect 2 '--shard-size 0' import shards faces/manifest.jsonl -o 'c-%d.tar' --shard-size 0
mkdir '50%' && expect 0 '3 shards' import shards faces/manifest.jsonl -o '50%/c-%d.tar' --shard-size 8
expect 2 'neither a pack nor' import shards faces/manifest.jsonl -o 'c-%d.tar' --pack
expect 2 'does not take the option shard_size' import folder faces -o f.jsonl --shard-size 3
expect 0 'shards: the samples of a manifest' import --list

# pictures as they are; members of a sample together
mkdir parts && tar -xf a-000.tar -C parts || exit 1
first=$(sed -n '1s/.*"image":"\([^"]*\)".*/\1/p' faces/manifest.jsonl)
holds 'a picture is as it was' cmp parts/000000000.png "faces/$first"
holds 'keys of the row' grep -q '"au":{' parts/000000000.json
holds 'names' test "$(tar -tf a-000.tar | head -4 | tr '\n' ' ')" = \
    '000000000.png 000000000.json 000000000.txt 000000001.png '

# read_by_training FILE: its samples and their words, as training tells them before it finds the batch too large
tiny_config 1 0 >c.json
read_by_training() {
    "$mien" train --config c.json --set "data.train=$1" run.batch=999 'model.tokenizer={"vocab":60000}' 2>&1 |
        grep -oE '[0-9]+ samples are fewer|vocabulary of [0-9]+,'
}
want=$(read_by_training faces/manifest.jsonl)
if [ -z "$want" ]; then
    "$mien" devices || echo 'skipped: no Vulkan device to train on'
    exit 77
fi
same() { holds "$1 is read as the manifest is" test "$(read_by_training "$2")" = "$want"; }
same 'what Mien writes' 'a-{000..002}.tar'

# the forms of GNU tar, with members in the order of names, as img2dataset and webdataset have them
mkdir all && for shard in a-*.tar; do tar -xf "$shard" -C all; done
for form in v7 ustar pax gnu; do
    (cd all && tar --format=$form --sort=name -cf "../$form.tar" --exclude='*.txt' .)
    same "GNU tar's $form" "$form.tar"
done
gzip -k gnu.tar
expect 4 "unpack it by gunzip <$work/gnu.tar.gz >OTHER.tar" train --config c.json --set "data.train=$work/gnu.tar.gz"
head -c 5000 gnu.tar >cut.tar
expect 4 'it was cut off' train --config c.json --set "data.train=$work/cut.tar"
size=$((512 * $(tar -tRf gnu.tar | sed -n 's/^block \([0-9]*\): .*000000009.json$/\1/p')))
head -c $size gnu.tar >short.tar
expect 2 'without the blocks of zeros' train --config c.json --set "data.train=$work/short.tar" --set run.batch=999
cat gnu.tar a-000.tar >both.tar
expect 2 "byte $(stat -c %s gnu.tar): more stands behind" train --config c.json --set "data.train=$work/both.tar" \
    run.batch=999
ln -s 000000000.png all/link.png && tar -C all -cf link.tar . && rm all/link.png
expect 4 'the member ./link.png is a link' train --config c.json --set "data.train=$work/link.tar"

if ! command -v "$python" >/dev/null; then
    echo "skipped: no $python to write archives"
    finish
    exit
fi
"$python" - <<'PY' || exit 1
import os, tarfile
for form, number in (("ustar", 0), ("gnu", 1), ("pax", 2)):
    with tarfile.open("py%s.tar" % form, "w", format=number) as tar:
        for name in sorted(os.listdir("all")):
            tar.add("all/" + name, "v1.0/" + ("" if form == "ustar" else "long" * 40 + "é/") + name)
PY
for form in ustar gnu pax; do
    same "tarfile's $form" "py$form.tar"
done
if ! "$python" -c 'import webdataset' 2>/dev/null; then
    echo 'skipped: no webdataset to write and read shards'
    finish
    exit
fi
"$python" - <<'PY'
import glob, json, os, webdataset as wds
rows = [json.loads(line) for line in open("faces/manifest.jsonl")]
read = list(wds.WebDataset("a-{000..002}.tar", shardshuffle=False))
assert len(read) == len(rows) == 20
for sample, row in zip(read, rows):
    assert sample["png"] == open("faces/" + row["image"], "rb").read()
    got = json.loads(sample["json"])
    assert got.pop("image") and {k: v for k, v in row.items() if k != "image"} == got
with wds.ShardWriter("w-%03d.tar", maxcount=8, verbose=0) as writer:
    for i, (sample, row) in enumerate(zip(read, rows)):
        writer.write({"__key__": "%05d" % i, "png": sample["png"], "json": row})
PY
holds 'webdataset reads them, and writes' test $? = 0
same "webdataset's" 'w-{000..002}.tar'
finish
