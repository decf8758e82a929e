#!/usr/bin/env bash
# test_check_command.sh MIEN TESTS: `mien check` from outside: forms of its result, where it can be started from, and
# what a comparison calls a regression.
set -u
mien=$1
work=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
. "$2/expect.sh"
unset MIEN_CAPS MIEN_DEVICE
"$mien" check --op add --case one --quiet >/dev/null 2>err
status=$?
[ $status -ne 3 ] || { echo "skipped: $(cat err)"; exit 77; }

# ---- one object; but for times equal runs give equal bytes
without_times() { sed 's/,"ms":[^,}]*//' "$1"; }
"$mien" check --quick --op 'add*' --json >a.json 2>err
holds "add passes" [ $? -eq 0 ]
"$mien" check --quick --op 'add*' --json --jobs 1 >b.json 2>err
holds "equal bytes, whatever the number of children" cmp -s <(without_times a.json) <(without_times b.json)
for key in mien tier seed op device type vendor_id device_id driver driver_version api tiles features masked disabled \
    subgroup_size limits kernels; do
    holds "the head has $key" grep -q "^{\"head\":{.*\"$key\":" a.json
done
row='^{"op":"add","variant":"add_fwd","case":"one","dtype":"f32","status":"pass",'
row=$row'.*"error":[0-9.e-]*,"ms":[0-9.e-]*},\{0,1\}$'
holds "a row has its keys" grep -q "$row" a.json
expect 0 "0 regressions" check --compare a.json b.json # reads both strictly
"$mien" check --op add --case one --csv >csv 2>err
holds "a heading" grep -q '^status,op,case,variant,dtype,error,' csv
holds "rows as CSV" grep -q '^pass,add,one,add_fwd,f32,' csv

# ---- all ops and variants
"$mien" check --quick --json >quick.json 2>err
holds "all pass: $(cat err)" [ $? -eq 0 ]
"$mien" check --list | sed -n 's/^\([a-z0-9_]*\): .*/\1/p' | sort >ops
grep -o '"op":"[a-z0-9_]*","v' quick.json | sed 's/"op":"\(.*\)","v/\1/' | sort -u >checked
holds "every op is checked" cmp ops checked
"$mien" check --list | sed -n 's/^    variant //p' | sort -u >variants
grep -o '"variant":"[^"]*"' quick.json | sed 's/"variant":"\(.*\)"/\1/' | sort -u >chosen
features='"features":"subgroup subgroup_arith subgroup_shuffle subgroup_full storage16'
if grep -q "\"tiles\":\"software\",$features" quick.json && ! grep -q coopmat variants; then
    holds "every variant is checked" cmp variants chosen
fi

# ---- wherever it is started, without a home that can be written, without a name that says where it lies
mkdir -m 555 home # where it is not root that tests
dir=$(dirname "$mien")
name=$(basename "$mien")
(cd / && unset MIEN_CACHE_DIR XDG_CACHE_HOME && PATH="$dir:$PATH" HOME="$work/home" "$name" check --op add --case one \
    >"$work/out" 2>"$work/err")
holds "it runs from anywhere: $(cat err)" [ $? -eq 0 ]
holds "and has nothing to say" [ ! -s err ]
holds "the summary counts" grep -q '^[1-9][0-9]* passed, 0 failed, 0 skipped$' out
ln -s "$mien" link
./link check --op add --case one >out 2>err
holds "by a link: $(cat err)" [ $? -eq 0 ]

# ---- a row by itself
"$mien" check --op add --case 3x127 --mask '-subgroup,range=65536' --seed 7 --json >one.json 2>err
holds "one row" [ "$(grep -c '^{"op"' one.json)" -eq 1 ]
holds "of that mask" grep -q '"mask":"-subgroup,range=65536"' one.json

# ---- comparisons
planted() { sed "$1" quick.json >b.json && ! cmp -s quick.json b.json; }
unit='"op":"softmax","variant":"[^"]*","case":"[^"]*","dtype":"f32"'
expect 0 "0 regressions" check --compare quick.json quick.json
planted "0,/\\($unit,\"status\":\\)\"pass\"/s//\\1\"fail\",\"reason\":\"crash: died of signal 11\"/"
expect_worse() { # WORDS
    "$mien" check --compare quick.json b.json >out 2>err
    holds "a comparison ends with 1" [ $? -eq 1 ]
    holds "it says: $1" grep -q "$1" out
}
expect_worse '^REGRESSION: softmax .*: fails$'
holds "and why" grep -q '^    B fail.*crash: died of signal 11' out
expect 0 "is better" check --compare b.json quick.json
planted "0,/\\($unit,\"status\":\\)\"pass\"/s//\\1\"skip\",\"reason\":\"marked slow\"/"
expect_worse '^REGRESSION: softmax .*: is skipped now$'
planted '/"op":"softmax"/d'
expect_worse '^REGRESSION: softmax .*: is not there$'
sed -i '1s/"device_id":[0-9]*/"device_id":77/' b.json # another device has other kernels
expect 0 "is not there" check --compare quick.json b.json
planted "/$unit/s/\"error\":[^,]*/\"error\":0.9/"
expect_worse '^REGRESSION: softmax .*: the error has grown$'
planted '1s/"add_fwd":"[0-9a-f]*"/"add_fwd":"0123456789abcdef"/'
expect 0 "kernels that differ: add_fwd" check --compare quick.json b.json
planted "/$unit/s/\"ms\":[^,}]*/\"ms\":5000/"
sed 's/"type":"software"/"type":"discrete"/' quick.json >c.json
sed 's/"type":"software"/"type":"discrete"/' b.json >d.json
"$mien" check --compare c.json d.json --json >out 2>err
holds "slower on a GPU is a regression" [ $? -eq 1 ]
holds "as JSON" grep -q '"kind":"it has become slower","regression":true,"op":"softmax"' out
if grep -q '"type":"software"' quick.json; then
    expect 0 "0 regressions" check --compare quick.json b.json
fi

# ---- a check that is killed leaves no child behind, not even one that hangs
if [ -r "/proc/$$/task/$$/children" ]; then
    "$mien" check --op 'matmul*' --json --jobs 2 >out 2>err &
    parent=$!
    kids=
    for _ in $(seq 100); do
        sleep 0.1
        kids=$(cat "/proc/$parent/task/$parent/children")
        [ "$(echo "$kids" | wc -w)" -lt 2 ] || break
    done
    holds "two children" [ "$(echo "$kids" | wc -w)" -eq 2 ]
    for kid in $kids; do
        kill -STOP "$kid" # hangs
    done
    kill -KILL $parent
    wait $parent 2>/dev/null
    alive() { # zombies are not
        for kid in $kids; do
            grep -q '^State:.[^ZX]' "/proc/$kid/status" 2>/dev/null && return 0
        done
        return 1
    }
    for _ in $(seq 100); do
        alive || break
        sleep 0.1
    done
    holds "no child is left" eval '! alive'
fi

# ---- wrong usage
expect 2 "not valid JSON" check --compare quick.json "$2/expect.sh"
echo '{"head":{},"rows":[]}' >e.json
expect 2 "no result of mien check" check --compare quick.json e.json
sed 's/"status":"pass"/"status":"good"/' quick.json >e.json
expect 2 "none of: pass, fail, skip" check --compare e.json quick.json
expect 2 "wants two files" check --compare quick.json
expect 2 "exclude each other" check --quick --full
expect 2 "exclude each other" check --json --csv
expect 2 "no op nonsense" check --op nonsense
expect 2 "nothing to check" check --op add --case nonsense
expect 2 "unknown word" check --op add --mask nonsense
expect 2 "at most 16" check --jobs 17
expect 2 "no op nonsense" check --list --op nonsense
expect 2 "at most" check --op add --seed 18446744073709551615
expect 2 "at most 2^53" check --op add --seed 9007199254740993
expect 2 "only --json is of use" check --compare quick.json quick.json --op softmax
expect 2 "only --json is of use" check --compare quick.json quick.json --csv
sed 's/"rows":\[.*/"rows":[]}/;/^{"op"/d;/^\]/d' quick.json >e.json
expect 2 '"rows" is empty' check --compare quick.json e.json
expect 3 "nonsense" check --device nonsense
finish
