#!/usr/bin/env bash
# test_synth_command.sh MIEN: `mien synth` from outside: what is written, refused and left alone.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

expect 0 'manifest faces/manifest.jsonl' synth faces --count 30 --size 32
holds '30 pictures' test "$(find faces/images -name '*.png' | wc -l)" = 30
holds 'a line a picture' test "$(wc -l <faces/manifest.jsonl)" = 30
expect 0 '"samples":30' synth --json --quiet --seed 0 again/deep/ --count 30 --size 32
holds 'quiet says nothing' test ! -s err
holds 'equal seeds, equal bytes' diff -r faces again/deep
expect 0 'samples' synth other --count 30 --size 32 --seed 1
holds 'another seed, other pictures' test "$(cksum <faces/images/000000.png)" != "$(cksum <other/images/000000.png)"
expect 0 'samples' synth clips --count 2 --size 16 --video --frames 5
holds 'five frames a clip' test -f clips/clips/000001/004.png
expect 0 'contempt' synth --help
expect 0 'samples' synth eight --count 8 --size 16 --contempt --single
holds 'contempt when asked for' grep -q '"label":"contempt"' eight/manifest.jsonl
expect 0 'samples' synth sessions --count 4 --size 16 --video --session-clips 2 --phases --compound
holds 'a session is of one subject' test "$(grep -c s00001 sessions/manifest.jsonl)" = 2
holds 'symptoms and phases' grep -q '"slowing":.*"onset":' sessions/manifest.jsonl

# refused, and left alone
before=$(cksum <faces/manifest.jsonl)
expect 2 'holds manifest.jsonl already' synth faces --count 3
holds 'the manifest is as it was' test "$(cksum <faces/manifest.jsonl)" = "$before"
expect 2 '--count' synth nothing
expect 2 '--count' synth nothing --count 0
expect 2 'directory' synth --count 3
expect 2 '16 to 1024' synth nothing --count 3 --size 8
expect 2 '4 to 1000' synth nothing --count 3 --video --frames 3
expect 2 'choose one' synth nothing --count 3 --single --compound
expect 2 '--video' synth nothing --count 3 --session-clips 2
expect 2 '--session-clips' synth nothing --count 3 --video --session-clips 20000
expect 2 '--size' synth nothing --count 3 --size big
expect 2 'no directory' synth faces/manifest.jsonl --count 3
expect 1 'cannot create' synth /proc/nowhere/faces --count 3
holds 'nothing is written' test ! -e nothing

# stopped by a signal, or killed: no set appears, and the next run makes it
begun() { for _ in {1..200}; do [ -e .mien-new-stopped/images/000100.png ] && return; sleep 0.05; done; }
"$mien" synth stopped --count 200000 --quiet 2>err &
begun
kill -TERM $!
wait $!
holds 'stopped: status 128 + SIGTERM' test $? = 143
holds 'stopped: it says so' grep -q 'stopped' err
holds 'stopped: no set' test ! -e stopped
holds 'stopped: no leftovers' test -z "$(find . -name '.mien-*')"
mkdir stopped.mien-synth.tmp && echo mine >stopped.mien-synth.tmp/notes
"$mien" synth stopped --count 200000 --quiet 2>err &
begun
expect 2 'another process' synth stopped --count 5
kill -KILL $!
wait $! 2>/dev/null
holds 'killed: no set' test ! -e stopped
expect 0 'manifest stopped' synth stopped --count 5
holds 'the next run clears up' test -z "$(find . -name '.mien-*')"
holds 'what only looks like a leftover stays' grep -q mine stopped.mien-synth.tmp/notes

finish
