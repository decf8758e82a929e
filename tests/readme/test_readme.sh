#!/usr/bin/env bash
# Does what README.md says, in its order: test_readme.sh BUILD_DIR [ROOM [README]]
#
# Every line of its blocks of commands runs in ROOM, a fresh directory; lines below a command that are indented by more
# are what it prints, compared by form: numbers are a machine's own. Long lines are shortened (see `shorten`); what
# needs something that is not here is left out, by name and reason, and with it what builds on that. Options, keys,
# paths and names that the text mentions must exist.
# In a checkout that is ROOM itself (fresh_root.sh) the lines that build and install run too.
set -u
export LC_ALL=C
unset CDPATH
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd) || exit 1
readme=${3:-$top/README.md}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
if [ -n "${2-}" ]; then
    work=$(cd "$2" && pwd) || exit 1
else
    mkdir "$logs/room" && work=$logs/room
    for name in tests tools weights; do ln -s "$top/$name" "$work/$name"; done
fi
# shellcheck source=tests/readme/blocks.sh
. "$top/tests/readme/blocks.sh"
mien=$build/tools/mien/mien
ran=0 failures=0 mentioned=0 missing=() said=()

fail() {
    failures=$((failures + 1))
    printf 'failed: %s\n' "$*"
}
skip() {
    printf 'skipped: %s (%s)\n' "$1" "$2"
    mapfile -t -O ${#missing[@]} missing < <(outputs_of "$1")
}

# Where a line runs and finds what it names: the installed library is made before the first line that asks for it.
installed= prefix=()
ready() {
    export PATH=$build/tools/mien:$PATH
    [[ $1 == *pkg-config* && -z $installed ]] || return 0
    installed=$logs/prefix
    [ "$work" = "$top" ] || prefix=(--prefix "$installed")
    cmake --install "$build" "${prefix[@]}" >"$logs/log" 2>&1 || fail "cmake --install: $(tail -1 "$logs/log")"
    [ "$work" = "$top" ] && return
    PKG_CONFIG_PATH=$(dirname "$(find "$installed" -name mien.pc)")
    export PKG_CONFIG_PATH
}

# Why a line cannot run here; nothing where it can.
obstacle() {
    local word
    for word in "${missing[@]}"; do
        [[ " ${1//=/ } " == *" $word"[\ /]* ]] && { echo "$word was not made"; return; }
    done
    case $1 in
    tools/test* | 'cmake -S . -B build '* | tools/demo*)
        [ "$work" = "$top" ] || { echo "installs or builds: fresh_root.sh runs it"; return; } ;;
    *.mp4*) command -v ffmpeg >/dev/null || { echo "ffmpeg is not here"; return; } ;;
    *.pt*) echo "weights of others are not here"; return ;;
    *pkg-config*) command -v pkg-config >/dev/null || { echo "pkg-config is not here"; return; } ;;
    esac
    [[ $1 != *FACES_DIR* || -n ${FACES_DIR-} ]] || echo "FACES_DIR is not set"
}

# The same in less time: enough samples for one batch of every recipe.
shorten() {
    case $1 in
    tools/demo*) echo "${1%% *} --steps 2" ;;
    tools/recipes/ablation*--faces*)
        echo "${1/FACES_DIR/\"\$FACES_DIR\"} --runs 1 --steps 2 --count 300" ;;
    tools/test*) echo "${1%% *} --build-only" ;;
    'cmake -S . -B build '*) echo "$1 -L quick" ;;
    'mien train --resume'*) echo "$1" ;;
    'mien train '*) echo "$1 --set run.steps=2" ;;
    'mien synth '*--video*) sed -E 's/--count [0-9]{3,}/--count 160/' <<<"$1" ;;
    'mien synth '*) sed -E 's/--count [0-9]{3,}/--count 300/' <<<"$1" ;;
    *) echo "${1/FACES_DIR/\"\$FACES_DIR\"}" ;;
    esac
}

run_line() { # LINE, and what README says that it prints on standard input
    local line=$1 reason short status=0 file number=$ran
    form >"$logs/wanted"
    reason=$(obstacle "$line")
    [ -z "$reason" ] || { skip "$line" "$reason"; return; }
    short=$(shorten "$line")
    ready "$line"
    ran=$((ran + 1))
    printf '%s\n' "$short"
    (cd "$work" && bash -c "$short") >"$logs/$number" 2>"$logs/$number.said" || status=$?
    if [ $status -ne 0 ]; then
        fail "$line: exit status $status"
        tail -q -n 5 "$logs/$number" "$logs/$number.said"
        return
    fi
    for file in $(outputs_of "$line"); do
        [ -s "$work/$file" ] || [ -d "$work/$file" ] || fail "$line: does not make $file"
    done
    form <"$logs/$number" >"$logs/got"
    in_order "$logs/wanted" "$logs/got" || {
        fail "$line: README.md shows other lines than"
        cat "$logs/$number"
    }
    said[$number]=$line
    for ((file = 0; file < number; file++)); do # what is taken from a file of embeddings has the same bits
        [[ ${said[$file]-} && $line == "${said[$file]} --embeddings "* ]] || continue
        cmp -s "$logs/$file" "$logs/$number" || fail "$line: other results than without the file"
    done
}

# An own data set of the rows that README.md shows, with a picture for each name in it.
own_rows() {
    local name
    mkdir -p "$work/own" && cat >"$work/own/manifest.jsonl"
    [ -s "$work/own/manifest.jsonl" ] || { fail "README.md shows no row of a manifest"; return; }
    for name in $(grep -oE '"image": "[^"]*"' "$work/own/manifest.jsonl" | cut -d'"' -f4); do
        cp "$top/tests/golden/train/00.png" "$work/own/$name" # told by its bytes
    done
    "$mien" embed --model "$top/weights/synthetic-faces" --manifest "$work/own/manifest.jsonl" \
        -o "$work/own.safetensors" >"$logs/own" 2>&1 ||
        fail "a row of README.md is refused: $(tail -1 "$logs/own")"
}

[ -n "${FACES_DIR-}" ] || [ ! -d "$top/../shared/data/faces" ] || export FACES_DIR=$top/../shared/data/faces

if [ "$work" != "$top" ]; then
    "$mien" devices >"$logs/devices" 2>&1
    [ $? -eq 3 ] && { echo "skipped: what README.md says (no Vulkan device)"; exit 77; }
fi
lines=()
mapfile -t lines < <(blocks <"$readme")
wanted=
for ((i = 0; i < ${#lines[@]}; i++)); do
    [[ ${lines[i]} == '$ '* ]] || continue
    wanted=
    for ((j = i + 1; j < ${#lines[@]}; j++)); do
        [[ ${lines[j]} == '> '* ]] || break
        wanted+=${lines[j]#> }$'\n'
    done
    run_line "${lines[i]#\$ }" <<<"$wanted"
done
own_rows < <(printf '%s\n' "${lines[@]}" | sed -n 's/^{ //p')
check_mentions
if [ $# -lt 3 ]; then # else these are not the commands and names of README.md
    [ $ran -ge 15 ] || fail "only $ran lines ran"
    [ $mentioned -ge 50 ] || fail "only $mentioned names were found"
fi
printf '%s lines ran, %s failed\n' "$ran" "$failures"
[ "$failures" -eq 0 ]
