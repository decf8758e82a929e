#!/usr/bin/env bash
# test_export_command.sh MIEN SPIRV_VAL REPLAY: mien check --export and --shaders from outside.
set -u
mien=$(realpath "$1") val=$2 replay=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$here/../expect.sh"

# ---- without a device ----
expect 2 "name it FILE.foz" check --export pipelines.txt
expect 2 "the name is empty" check --export ""
expect 2 "leave out --export" check --list --export pipelines.foz
expect 2 "leave out --export" check --compare a.json b.json --shaders shaders
expect 1 "cannot be written" check --export nowhere/pipelines.foz
mkdir full
touch full/mine
expect 2 "holds mine already" check --shaders full
expect 2 "no directory" check --shaders full/mine
holds "nothing is left behind" [ "$(find . -name '*.foz' -o -name '.mien-*' | wc -l)" -eq 0 ]
"$mien" devices >devices 2>&1 || { echo "skipped: no Vulkan device" && exit $((failures ? 1 : 77)); }

# ---- both, twice: equal bytes, as many files as lines ----
expect 2 "there is no op nonsense" check --export pipelines.foz --op nonsense
expect 0 "pipelines.foz, shaders: " check --export pipelines.foz --shaders shaders
holds "again, in silence" "$mien" check --export again.foz --shaders again --quiet >out 2>&1
holds "--quiet is quiet" [ ! -s out ]
holds "equal databases" cmp pipelines.foz again.foz
holds "equal directories" diff -r shaders again
holds "a Fossilize database" [ "$(head -c 12 pipelines.foz | tail -c 11)" = FOSSILIZEDB ]
lines=$(wc -l <shaders/index.jsonl)
holds "as many files as lines ($lines)" [ "$(find shaders -name '*.spv' | wc -l)" -eq "$lines" ]
holds "more than a hundred" [ "$lines" -gt 100 ]
holds "as many pipelines" [ "$(grep -aoF '"computePipelines"' pipelines.foz | wc -l)" -eq "$lines" ]
bad=0
for file in shaders/*.spv; do
    "$val" --target-env vulkan1.1 "$file" || bad=$((bad + 1))
done
holds "spirv-val takes all modules" [ "$bad" -eq 0 ]

# ---- every pipeline built from the file alone, by a program that knows Vulkan only ----
if "$mien" check --device 0 --export first.foz >out 2>&1; then
    "$replay" first.foz >out 2>&1
    status=$?
    cat out
    holds "the replay ends with 0, or is skipped" [ $status -eq 0 -o $status -eq 77 ]
else
    echo "not tried: a replay (device 0 is below the floor)"
fi

# ---- a part of it, under another device's limits, and with a check after it ----
expect 0 "part.foz: " check --export part.foz --op 'softmax*' --caps apple
holds "no specialisation where a driver has none" [ "$(grep -aoF '"specializationInfo"' part.foz | wc -l)" -eq 0 ]
holds "other ops are not in it" [ "$(wc -c <part.foz)" -lt "$(($(wc -c <pipelines.foz) / 4))" ]
expect 0 '"rows"' check --export json.foz --op softmax --case 1x1 --json
holds "one object on standard output" [ "$(head -c 1 out)" = "{" ]
holds "and the file" [ -s json.foz ]
finish
