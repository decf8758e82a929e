#!/usr/bin/env bash
# test_readme.sh, tested: a small README passes; each planted fault is found, by name. test_faults.sh BUILD_DIR
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0 failures=0

# tried STATUS WORDS README_TEXT: a README with this in it, and what every one has
tried() {
    local status=0
    {
        printf '# Mien\n\n%s\n\nA row is\n\n' "$3"
        grep -q '"image"' <<<"$3" || printf '    {"image": "a.jpg", "caption": "a smile", "split": "train"}\n\n'
        sed -n '/on Debian the packages/,/without a GPU/p' "$here/../../README.md"
    } >"$work/README.md"
    rm -rf "$work/room" && mkdir "$work/room"
    "$here/test_readme.sh" "$build" "$work/room" "$work/README.md" >"$work/out" 2>&1 || status=$?
    [ $status -ne 77 ] || { cat "$work/out"; exit 77; }
    checks=$((checks + 1))
    if [ $status -ne "$1" ] || ! grep -qF -- "$2" "$work/out"; then
        failures=$((failures + 1))
        printf 'not found as it should be (status %s, wanted %s and "%s"): %s\n' "$status" "$1" "$2" "$3"
        cat "$work/out"
    fi
}

build=$1
fine=$'    mien --version    # which one\n      mien 9.9.9\n    echo b 1.5 > b.txt\n    cat b.txt\n      b   2.25\n'
tried 0 '3 lines ran, 0 failed' "$fine"
tried 0 '1 lines ran, 0 failed' $'    echo a; mien --version\n\nText\n    that goes on.\n\n```c\n    false\n```\n'
tried 0 '1 lines ran, 0 failed' $'```sh\ntrue\n```\n'
tried 0 'skipped: cat FACES_DIR/none.pt -o x' $'    cat FACES_DIR/none.pt -o x\n'
tried 0 'skipped: cat x/y (x was not made)' $'    cat none.pt -o x\n    cat x/y\n'
tried 1 'failed: mien devices --dance: exit status 2' $'    mien devices --dance\n'
tried 1 'failed: mien --version: README.md shows other lines' $'    mien --version\n      Mien is a thing\n'
tried 1 'failed: printf' $'    printf "a\\nb\\n"\n      b\n      a\n'
tried 1 'failed: true > none.txt: does not make none.txt' $'    true > none.txt\n'
tried 1 'other results than without the file' \
    $'    bash -c \'cat none; echo $BASHPID\'\n    bash -c \'cat none; echo $BASHPID\' --embeddings x\n'
tried 1 'failed: a row of README.md is refused' $'    {"image": "a.jpg", "box": [1, 2]}\n'
tried 1 'mentions mien dance, which is no subcommand' 'Try `mien train x && mien dance`.'
tried 1 'mentions mien embed --dance' 'Try `mien embed --dance 3`.'
tried 1 'mentions --dance; no help does' 'Try `--dance`.'
tried 1 'mentions run.dance' 'Set `run.dance=3`.'
tried 1 'mentions src/dance/' 'See `src/dance/`.'
tried 1 'mentions mien_dance' 'Call `mien_dance`.'
tried 1 'mentions mien/dance.h' 'Include `mien/dance.h`.'
tried 1 'mentions MIEN_DANCE' 'Set `MIEN_DANCE=1`.'
tried 1 'lists dance, which' 'It needs on Debian the packages `gcc dance`.'
tried 0 ', 0 failed' $'## What is not there yet\n\n`mien dance`\n\n## More\n'
printf '%s checks, %s failed\n' "$checks" "$failures"
[ $failures -eq 0 ]
