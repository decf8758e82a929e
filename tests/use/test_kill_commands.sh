#!/usr/bin/env bash
# test_kill_commands.sh MIEN [KILLS]: embed, convert, import (with its pack), synth and report are killed at random
# moments (SIGKILL), KILLS times each: what they write is there whole or not at all, what was there before stays until
# then, and the next one writes the bytes of one that nobody killed and leaves nothing behind.
set -u
mien=$(realpath "$1")
kills=${2:-6}
here=$(cd "$(dirname "$0")" && pwd)
model=$here/../golden/train/start
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"
RANDOM=$(date +%N | sed 's/^0*//')
export MIEN_CACHE_DIR=$work/cache

# A tree of files as one line.
sum_of() { (cd "$1" 2>/dev/null && find . -type f ! -name '.mien-*' | LC_ALL=C sort | xargs -r sha256sum | sha256sum); }

# killed NAME COMMAND...: runs it in directories of its own, where it writes below out/
killed() {
    local name=$1 hits=0 whole=0 absent=0 kept=0 began took want got after
    shift
    mkdir "$name" "$name/whole" && cd "$name/whole" && mkdir out
    "$mien" "$@" >/dev/null 2>&1 || { failures=$((failures + 1)) && printf '%s failed\n' "$name"; }
    began=$(date +%s%N)
    rm -rf out && mkdir out
    "$mien" "$@" >/dev/null 2>&1 # again, with warm caches: how long it takes
    took=$((($(date +%s%N) - began) / 1000))
    want=$(sum_of out)
    cd ..
    mkdir broken && cd broken && mkdir out
    for ((i = 0; i < kills; i++)); do
        rm -rf out
        mkdir out
        if [ $((i % 3)) -eq 2 ] && [ "$name" != convert ] && [ "$name" != synth ]; then
            cp ../whole/out/* out # what is there already stays, whole
        fi
        after=$(((RANDOM * 32768 + RANDOM) % (took < 900000 ? took + 1 : 900000)))
        { timeout -s KILL "$(printf '0.%06d' $after)" "$mien" "$@" >/dev/null; } 2>/dev/null # its shell tells of kills
        [ $? -eq 137 ] && hits=$((hits + 1))
        got=$(sum_of out)
        if [ "$got" = "$want" ]; then
            whole=$((whole + 1))
        elif [ -z "$(find out -type f ! -path '*/.mien-*')" ]; then
            absent=$((absent + 1))
        elif [ "$name" = import ] && cmp -s out/m.jsonl ../whole/out/m.jsonl && [ ! -e out/m.jsonl.pack ]; then
            kept=$((kept + 1)) # the manifest is whole; its pack was not begun or not ended
        else
            failures=$((failures + 1))
            printf '%s: half an output after kill %s:\n' "$name" "$i"
            find out
        fi
    done
    if [ "$name" = convert ] || [ "$name" = synth ]; then
        rm -rf out/* # they make directories that are not there yet; what is half lies under other names
    fi
    # The last one killed may still be dying, and hold what it locked: on a busy machine for a second or so.
    for ((i = 0; i < 50; i++)); do
        "$mien" "$@" >/dev/null 2>"$work/said" && break
        grep -q 'is at it; wait for its end' "$work/said" || break
        sleep 0.2
    done
    holds "$name: the next one writes what an unbroken one does" [ "$(sum_of out)" = "$want" ]
    holds "$name: nothing is left behind" [ -z "$(find . -name '.mien-*')" ]
    printf '%s: %s kills of %s came in time; whole %s, absent %s, in parts %s\n' \
        "$name" $hits "$kills" $whole $absent $kept
    cd "$work" || exit 1
}

"$mien" synth "$work/faces" --count 300 --size 64 --quiet >/dev/null || exit 1
mkdir classes && for ((i = 0; i < 120; i++)); do
    mkdir -p "classes/c$((i % 3))"
    cp "$(printf 'faces/images/%06d.png' $i)" "classes/c$((i % 3))/"
done
killed convert convert "$model" out/model
killed synth synth out/faces --count 150 --size 64 --quiet
killed import import folder "$work/classes" -o out/m.jsonl --pack
echo '{"kind":"step","step":1,"loss":2}' >log.jsonl
mkdir run && for ((i = 1; i < 20000; i++)); do echo "{\"kind\":\"step\",\"step\":$i,\"loss\":2}"; done >run/log.jsonl
killed report report "$work/run" -o out/page.html
if "$mien" devices >/dev/null 2>&1; then
    seq 1 400 >texts.txt
    killed embed embed --quiet --model "$model" --texts "$work/texts.txt" -o out/o.safetensors
else
    echo "not tried: embed (no Vulkan device)"
fi
finish
