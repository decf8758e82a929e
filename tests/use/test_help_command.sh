#!/usr/bin/env bash
# test_help_command.sh MIEN: help and wrong usage of all subcommands; which weights answer, how much of a clip they saw.
set -u
mien=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

# silent COMMAND...: done, with words on standard output and none on standard error
silent() {
    "$mien" "$@" >out 2>err
    [ $? -eq 0 ] && [ -s out ] && [ ! -s err ]
}

holds 'help' silent help
cp out usage
holds '--help' silent --help
holds 'help is --help' cmp out usage
mapfile -t names < <(sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' usage)
holds 'there are subcommands' [ ${#names[@]} -gt 10 ]
expect 2 'a subcommand is missing'
expect 2 'did you mean train; see mien --help' trian
expect 2 'did you mean help' hlep
expect 2 'did you mean train' help trian
holds 'help of a word' silent help train optim.lr
holds 'it is the key' grep -q '^optim.lr' out
expect 2 'did you mean "optim.lr"' help train optim.lrr

# an output among the common options is in a subcommand's help, or it is refused there by name; the others are taken
for name in "${names[@]}"; do
    holds "$name --help" silent "$name" --help
    cp out page
    holds "help $name" silent help "$name"
    holds "help $name is $name --help" cmp out page
    holds "$name: what it does" grep -q "^mien $name" page
    for option in --json --trace; do
        grep -q -- "^  $option " page && continue
        value=1
        [ $option = --json ] && value=
        # shellcheck disable=SC2086 # a value or none
        expect 2 "mien $name: $option: " "$name" $option $value
    done
    for other in -- $(sed -n 's/^  \(--[a-z-]*\).*/\1/p' page); do
        [ "$other" = -- ] || [ "$other" = --help ] || expect 2 "did you mean $other" "$name" "${other}x"
    done
done

holds 'common options without effect' silent import --list --seed 3 --device 0
# whose weights answer, and how much of a clip they saw
"$mien" devices >/dev/null 2>&1 || { echo 'skipped from here on: no Vulkan device' && finish; exit; }
"$mien" synth faces --count 40 --size 16 --quiet >/dev/null || exit 1
expect 0 '), clip of 32 of 40 frames' classify --labels joy,fear faces/images
holds 'their path is plain' grep -qF "using the weights $(cd "$here/../../weights" && pwd -P)/synthetic-faces, " err
holds 'the weights are named' grep -q '^mien: using the weights .*synthetic-faces, trained on drawn faces alone' err
expect 0 '),' classify --labels joy,fear faces/images --quiet
holds 'not when quiet' test -z "$(grep weights err)"
expect 0 '},"frames":40,"frames_there":40}' classify --json --labels joy,fear --frame-count 0 faces/images
picture=$(find faces/images -name '*.png' | head -1)
expect 0 'joy' classify --labels joy,fear "$picture"
holds 'a picture is no clip' test -z "$(grep frames out)"
finish
