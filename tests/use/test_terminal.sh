#!/usr/bin/env bash
# test_terminal.sh MIEN: a bar on a terminal, none elsewhere. The terminal is that of script(1).
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
golden=$here/../golden/train
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
command -v script >/dev/null || { echo "skipped: script(1) is not installed"; exit 77; }
"$mien" devices >/dev/null 2>&1 || { echo "skipped: no Vulkan device"; exit 77; }
. "$here/../expect.sh"
printf '%s\0' "$golden"/[0-3]*.png >files
cat >run.sh <<EOF
xargs -0 '$mien' embed --model '$golden/start' -o out.safetensors \$1 --image <files
EOF
script -qec 'bash run.sh' /dev/null >shown 2>&1 </dev/null
holds 'it works on a terminal' [ -s out.safetensors ]
holds 'done, total, rate and time left' grep -qE '32/32 inputs, [0-9.]+/s, 0:00 left' shown
holds 'a full bar' grep -q '\[########################\]' shown
script -qec 'stty cols 40; bash run.sh' /dev/null >shown 2>&1 </dev/null
holds 'a bar fits a narrow terminal' [ "$(tr '\r' '\n' <shown | sed 's/\x1b\[K.*//' | grep -F '[#' | wc -L)" -eq 39 ]
script -qec 'bash run.sh --quiet' /dev/null >shown 2>&1 </dev/null
holds 'quiet shows nothing' [ ! -s shown ]
# names that would colour, move or break lines
evil=$'e\e[31m\nv.png'
cp "$golden/00.png" "$evil"
cat >evil.sh <<EOF
'$mien' classify --quiet --model '$golden/start' --labels joy,fear "\$1"
EOF
EVIL=$evil script -qec 'bash evil.sh "$EVIL"' /dev/null >shown 2>&1 </dev/null
holds 'a name on a terminal has no control characters' grep -qF 'e\x1b[31m' shown
holds 'a file has the name as it is' [ "$(bash evil.sh "$evil" | head -c 9)" = "${evil:0:9}" ]
EVIL=$evil.missing script -qec 'bash evil.sh "$EVIL"' /dev/null >shown 2>&1 </dev/null
holds 'nor has a message' grep -qF 'e\x1b[31m\nv.png.missing: ' shown
bash run.sh >out 2>err
holds 'no bar in a file' [ -z "$(tr -d '[:print:]\n' <err)" ]
holds 'results only on standard output' grep -q '32 images' out
finish
