#!/usr/bin/env bash
# test_table.sh RESULTS_TABLE: how a device is said to have done something, and what is refused, on planted files.
set -u
table=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "not so: $*"; failures=$((failures + 1)); }

result() { # NAME HEAD ROWS
    mkdir -p "$(dirname "r/$1")"
    printf '{"head":{%s},"rows":[%s]}\n' "$2" "$3" >"r/$1"
}
gpu='"device":"GPU | 1","driver":"d 1","type":"discrete"'
cpu='"device":"llvmpipe","driver":"d 2","type":"software"'
pass='{"op":"add","status":"pass"}'
bad='{"op":"matmul","status":"fail"}'
skip='{"op":"sum","status":"skip"}'
result check/gpu.json "$gpu,\"tier\":\"full\"" "$pass,$pass,$bad,$bad,$pass,$skip"
result check/cpu.json "$cpu,\"tier\":\"full\"" "$pass,$pass"
result check/cpu-a.json "$cpu,\"tier\":\"quick\",\"caps\":\"apple\"" "$pass,$pass"
result check/cpu-f.json "$cpu,\"tier\":\"quick\",\"caps\":\"floor\"" "$pass"
result bench/gpu.json "$gpu,\"fma_gflops\":12345.6,\"copy_gbps\":321.4" ''
result vendor/chip.json '"device":"Chip","driver":"d 3"' '{"spills":0},{"spills":0}'
result vendor/leak.json '"device":"Leak","driver":"d 3"' '{"spills":0},{"spills":7}'
printf 'before\n%s\nold\n%s\nafter\n' '<!-- devices: made by results_table --write, see tests/results/README.md -->' \
    '<!-- end of devices -->' >README.md

"$table" README.md r >log 2>&1 && fail "an old table is taken"
grep -q 'disagree' log || fail "the difference is named"
"$table" --write README.md r || fail "the table is written"
"$table" README.md r || fail "what was written is right"
while IFS= read -r line; do
    grep -qF -- "$line" README.md || fail "README.md has: $line"
done <<'END'
| GPU \| 1 | d 1 | run on hardware | full check: 3 of 5 pass, failed: matmul; bench: 12,346 GFLOP/s
 failed: matmul; bench: 12,346 GFLOP/s of multiply-adds, 321 GB/s of copies |
| llvmpipe | d 2 | run in software | full check: 2 pass; quick check as `apple`, `floor`: 3 pass |
| Chip | d 3 | compiled offline (submissions discarded) | 2 chosen pipelines, none spills |
| Leak | d 3 | compiled offline (submissions discarded) | 2 chosen pipelines, 1 of them spill |
END
[ "$(head -1 README.md)$(tail -1 README.md)" = beforeafter ] || fail "the rest of README.md stays"

sed -i 's/run in software/run on hardware/' README.md
"$table" README.md r >log 2>&1 && fail "a software driver is called hardware"
"$table" --write README.md r
result check/hollow.json '"device":"Shim","driver":"d 4","type":"discrete","tier":"full"' "$pass,$bad,$bad"
"$table" README.md r >log 2>&1 && fail "a device that discards submissions has run"
grep -q 'hollow.json' log || fail "hollow.json is named"
rm r/check/hollow.json
echo '{"head":{"device":"x"}}' >r/check/broken.json
"$table" README.md r >log 2>&1 && fail "a file without rows is taken"
grep -q 'broken.json' log || fail "broken.json is named"
echo "$failures failed"
[ $failures -eq 0 ]
