#!/usr/bin/env bash
# test_synth_command.sh MIEN: `mien synth` from outside: what is written, refused and left alone.
set -u
mien=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0 failures=0

# expect STATUS WORDS COMMAND...
expect() {
    local want=$1 words=$2 got
    shift 2
    "$mien" "$@" >out 2>err
    got=$?
    checks=$((checks + 1))
    if [ "$got" -ne "$want" ] || ! grep -qF -- "$words" out err; then
        failures=$((failures + 1))
        printf 'mien %s: status %s, wanted %s and "%s"; it said:\n' "$*" "$got" "$want" "$words"
        cat out err
    fi
}
holds() {
    checks=$((checks + 1))
    "$@" || { failures=$((failures + 1)); printf 'failed: %s\n' "$*"; }
}

expect 0 'manifest faces/manifest.jsonl' synth faces --count 30 --size 32
holds test "$(find faces/images -name '*.png' | wc -l)" = 30
holds test "$(wc -l <faces/manifest.jsonl)" = 30
expect 0 '"samples":30' synth --json --quiet --seed 0 again/deep/ --count 30 --size 32
holds test ! -s err
holds diff -r faces again/deep
expect 0 'samples' synth other --count 30 --size 32 --seed 1
holds test "$(cksum <faces/images/000000.png)" != "$(cksum <other/images/000000.png)"
expect 0 'samples' synth clips --count 2 --size 16 --video --frames 5
holds test -f clips/clips/000001/004.png
expect 0 'contempt' synth --help
expect 0 'samples' synth eight --count 8 --size 16 --contempt --single
holds grep -q '"label":"contempt"' eight/manifest.jsonl

# refused, and left alone
before=$(cksum <faces/manifest.jsonl)
expect 2 'holds manifest.jsonl already' synth faces --count 3
holds test "$(cksum <faces/manifest.jsonl)" = "$before"
expect 2 '--count' synth nothing
expect 2 '--count' synth nothing --count 0
expect 2 'directory' synth --count 3
expect 2 '16 to 1024' synth nothing --count 3 --size 8
expect 2 '4 to 1000' synth nothing --count 3 --video --frames 3
expect 2 '--size' synth nothing --count 3 --size big
expect 2 'no directory' synth faces/manifest.jsonl --count 3
expect 1 'cannot create' synth /proc/nowhere/faces --count 3
holds test ! -e nothing

# stopped by a signal, or killed: no set appears, and the next run makes it
begun() { for _ in {1..200}; do [ -e stopped.mien-synth.tmp/images/000100.png ] && return; sleep 0.05; done; }
"$mien" synth stopped --count 200000 --quiet 2>err &
begun
kill -TERM $!
wait $!
holds test $? = 1
holds grep -q 'stopped' err
holds test ! -e stopped
holds test ! -e stopped.mien-synth.tmp
"$mien" synth stopped --count 200000 --quiet 2>err &
begun
kill -KILL $!
wait $! 2>/dev/null
holds test ! -e stopped
expect 0 'manifest stopped' synth stopped --count 5
holds test ! -e stopped.mien-synth.tmp

printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" = 0 ]
