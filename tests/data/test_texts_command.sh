#!/usr/bin/env bash
# test_texts_command.sh MIEN WEIGHTS: texts given to the command, without a device: encodings of arguments, tokens.
set -u
mien=$(realpath "$1")
weights=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

latin1=$(printf 'a caf\351')
for list in classify eval; do
    expect 2 '--labels: not UTF-8 (byte 0xE9' $list --labels "happy,$latin1"
done
expect 2 '--text: not UTF-8' embed --text fine "$latin1" -o o.safetensors
expect 2 '--text: not UTF-8' search --text "$latin1"
expect 2 '--set: not UTF-8' train --set "loss.text=$latin1"
expect 2 'TEXT: not UTF-8' tokenize --model "$weights" fine "$latin1"
holds 'no ids before all texts are known to be good' test ! -s out
expect 4 'a caf\xe9: no such' tokenize --model "$latin1" fine # names of files may be any bytes

# one text in several spellings
tokens() { "$mien" tokenize --model "$weights" -- "$@"; }
same() { holds "one text: $1" test "$(tokens "$1" | uniq | wc -l)" = "$(tokens "$@" | uniq | wc -l)"; }
same "$(printf 'caf\303\251')" "$(printf 'cafe\314\201')" 'caf&eacute;' 'CAF&#xC9;' 'caf&amp;eacute;'
same "she's" "$(printf 'she\342\200\231s')" 'she&rsquo;s' "$(printf ' SHE\342\200\230s ')"
same '"a"' "$(printf '\342\200\234a\342\200\235')" '&ldquo;a&bdquo;' '&quot;A&quot;'
holds 'two texts are two' test "$(tokens "she's" 'she s' | uniq | wc -l)" = 2
finish
