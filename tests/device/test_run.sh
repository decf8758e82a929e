#!/usr/bin/env bash
# test_run.sh RUN: tests/device/run with programs that only pretend: what it asks, how it counts, what it says of parts
# that fail, take too long or cannot run. Needs no device.
set -u
run=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# shellcheck source=tests/expect.sh
. "$here/../expect.sh"

mkdir -p b/tools/mien b/tests/op
# program FILE: its text from standard input, as a script
program() { { echo '#!/bin/sh'; cat; } >"$1" && chmod +x "$1"; }
program b/tools/mien/mien <<'EOF'
echo "$*" >>"$ASKED"
case "$*" in
devices) [ -z "${NO_DEVICE:-}" ] || { echo 'error: no device' >&2; exit 3; }; echo '0: a card' ;;
*step/vit*) echo '{"rows":[{"name":"step/vit-b32-b64","kind":"step","outcome":"done","ms":80,"least_ms":70},
{"name":"step/vit-b32-b64/bf16","kind":"step","outcome":"done","ms":20,"least_ms":10},
{"name":"step/vit-b32-b64/f16","kind":"step","outcome":"skip","ms":0}]}' ;;
*16_*) echo '{"rows":[{"name":"matmul/bf16_4096","outcome":"done","ms":0.5},
{"name":"matmul/f16_4096","outcome":"fail","ms":0}]}' ;;
check*) sleep "${SLOW:-0}" ;;
esac
EOF
program b/tests/op/check_ops <<'EOF'
echo "check_ops $* ${MIEN_VALIDATE:-}" >>"$ASKED"
exit "${BAD:-0}"
EOF
program python <<'EOF'
echo '{"torch": "2", "step": {"f32": 90.5, "bf16": 10.0, "f16": 9.0}, "matmul": {"f32": 3, "bf16": 0.25, "f16": 0.2}}'
EOF
export ASKED=$work/asked PYTHON=$work/python

asks() { # STATUS WORD ARGS...: runs, of whose summary a line must hold the word
    local status=$1 word=$2
    shift 2
    : >"$ASKED"
    "$run" "$@" --out out b >text 2>&1
    holds "status $status of run $*" [ $? -eq "$status" ]
    holds "$word, of run $*" grep -qF -- "$word" text
}
asks 0 'step vit-b32-b64 f32: 80 ms; f32'
holds 'a share of f32, and of PyTorch' grep -qF "bf16: 20 ms; f32's time over it 4.00; PyTorch's over it 0.50" text
holds 'what was not timed has no ratio' grep -qF "f16: - ms; f32's time over it -; PyTorch's over it -" text
holds 'TFLOP/s of 4096^3 in 0.5 ms' grep -qF '4096^3 bf16: 274.88 TFLOP/s (goal on an H200: 300)' text
holds 'no rate of a product that failed' grep -qF '4096^3 f16: - TFLOP/s' text
holds 'the summary is a file too' cmp -s text out/summary.txt
holds 'validation is on for its part' grep -q '^check_ops .* 1$' asked
holds 'for no other' [ "$(grep -c '^check_ops .* 1$' asked)" -eq 1 ]
asks 0 'steps: well' --small
holds 'small sizes' grep -q 'bench .*--quick .*step/tiny' asked
BAD=1 asks 1 'check, matrix units: FAILED with 1'
BAD=77 asks 0 'check, validated: skipped'
SLOW=9 asks 0 'check, quick: cut off after ' --seconds 3 # 2 or 3 s, by what was left
holds 'the rest is left out' grep -qF 'bench: left out, the time is over' text
PYTHON=$work/none asks 1 'PyTorch: FAILED with 127'
NO_DEVICE=1 asks 77 'skipped: no Vulkan device: error: no device'
asks 2 'tests/device/run [--small]' --nonsense
finish
