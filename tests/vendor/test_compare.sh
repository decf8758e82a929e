#!/usr/bin/env bash
# test_compare.sh COMPARE: what vendor_compare must tell and what not, with small files. No driver is needed.
set -u
compare=$(realpath "$1")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

device=D class=desktop
# file NAME DRIVER ROW...
file() {
    local name=$1 driver=$2
    shift 2
    (
        IFS=,
        echo "{\"head\":{\"kind\":\"vendor\",\"device\":\"$device\",\"driver\":\"$driver\",\"class\":\"$class\"}"
        echo ",\"rows\":[$*]}"
    ) >"$work/$name"
}
# row SHADER SPEC REST
row() { echo "{\"op\":\"o\",\"variant\":\"v\",\"shader\":\"$1\",\"spec\":[$2],$3}"; }
# says STATUS TEXT ARGUMENTS...: the status, and a line with the text ("" = none that fails).
says() {
    local expected=$1 text=$2 out status
    shift 2
    out=$(cd "$work" && "$compare" "$@" 2>&1)
    status=$?
    if [ $status -ne "$expected" ] || ! grep -qF -- "$text" <<<"$out" ||
        { [ "$expected" -eq 0 ] && grep -q ^FAIL <<<"$out"; }; then
        printf '%s: status %s, expected %s and "%s"; said:\n%s\n' "$*" $status "$expected" "$text" "$out"
        bad=1
    fi
}

a=$(row tile 8,8 '"registers":100,"occupancy":8,"spills":0,"code":10,"alone":0,"share":50.0')
b=$(row sum 64 '"registers":20,"occupancy":16,"spills":0,"code":10')
file base V1 "$a" "$b"
file equal V1 "$b" "$a"
file ten V1 "${a/:100/:110}" "$b"
file grown V1 "${a/:100/:111}" "$b"
file grown2 V2 "${a/:100/:111}" "$b"
file spills V1 "$a" "${b/\"spills\":0/\"spills\":3}"
file spills2 V2 "$a" "${b/\"spills\":0/\"spills\":3}"
file more V1 "$a" "$b" "$(row new 1 '"registers":255,"spills":0')"
file new_spills V1 "$a" "$b" "$(row new 1 '"registers":255,"spills":1')"
file fewer V1 "$b"
file waits V1 "${a/\"alone\":0/\"alone\":6}" "$b"
file slow V1 "${a/:50.0/:44.9}" "$b"
file slow2 V2 "${a/:50.0/:44.9}" "$b"
file slower V1 "${a/:50.0/:45.1}" "$b"
file shareless V1 "${a/,\"share\":50.0/}" "$b"
file simd V1 "$(row tile 8,8 '"occupancy":32,"spills":0')"
file simd16 V1 "$(row tile 8,8 '"occupancy":16,"spills":0')"
file mute V1 "$(row tile 8,8 '"registers":1')"

says 0 '2 pipelines, 0 of them new, 0 gone, 0 failed' base equal
says 0 '0 failed' base ten
says 1 'FAIL o v tile [8 8]: registers 100 -> 111 (+11 % registers)' base grown
says 0 'another driver: o v tile [8 8]: registers 100 -> 111' base grown2
says 1 'FAIL o v sum [64]: 3 spills; at most 0' base spills
says 1 'FAIL o v sum [64]: 3 spills; at most 0' base spills2
says 0 '3 pipelines, 1 of them new, 0 gone, 0 failed' base more
says 1 'FAIL o v new [1]: 1 spills; at most 0' base new_spills
says 0 '1 pipelines, 0 of them new, 1 gone, 0 failed' base fewer
says 0 'note o v tile [8 8]: loads that wait alone 0 -> 6' base waits
says 1 'FAIL o v tile [8 8]: share of peak by the model 50.0 % -> 44.9 %' base slow
says 0 'another driver: o v tile [8 8]: share of peak by the model 50.0 % -> 44.9 %' base slow2
says 0 '0 failed' base slower
says 0 '0 failed' slow base
says 1 'FAIL o v tile [8 8]: share of peak by the model 50.0 % -> 0.0 %' base shareless
says 1 'FAIL o v tile [8 8]: subgroup size 32 -> 16 (+100 % registers)' simd simd16
says 0 '0 failed' simd16 simd
says 1 'says nothing of spills' base mute
for file in base simd; do
    "$compare" --planted "$work/$file" >"$work/out" || { cat "$work/out"; bad=1; }
done

# Limits of single devices, and the list of kernels that may wait for one load alone.
file alone V1 "$(row gather.f16 1 '"spills":0,"alone":2')" "$(row sum 64 '"spills":0,"alone":0')"
class=mobile file phone V1 "$(row sum 64 '"spills":0,"alone":9')"
device='Apple M1 (G13G A0)' file apple V1 "$(row matmul_fwd_tile 8 '"spills":0,"instructions":3000')" \
    "$(row attention_fwd 8 '"spills":0,"instructions":2999')"
device='Apple M1 (G13G A0)' file apple_long V1 "$(row matmul_fwd_tile 8 '"spills":0,"instructions":3001')"
device='Turnip Adreno (TM) 740' file adreno V1 "$(row o 1 '"registers":64,"occupancy":1,"spills":0')" \
    "$(row o 2 '"registers":65,"occupancy":2,"spills":0')"
device='Turnip Adreno (TM) 740' file adreno_wide V1 "$(row o 3 '"registers":65,"occupancy":1,"spills":0')"
device='Adreno (TM) 830' file adreno_other V1 "$(row o 3 '"registers":65,"occupancy":1,"spills":0')"
device='Apple M1 (G13G A0)' file apple_other V1 "$(row softmax_fwd 8 '"spills":0,"instructions":3001')"
printf '# which may\n\ngather 2  # by what it has just loaded\n' >"$work/list"
: >"$work/none"
printf 'gather 2  # by what it has just loaded\nsum 1  # long ago\n' >"$work/stale"
printf 'sum 1  # long ago\ngather 2  # by what it has just loaded\n' >"$work/unsorted"
printf 'gather 1  # by what it has just loaded\n' >"$work/less"
printf 'gather 3  # by what it has just loaded\n' >"$work/more_than"
printf 'gather 2\n' >"$work/bare"
printf 'gather 2  #  \n' >"$work/empty"
printf 'gather  # by what it has just loaded\n' >"$work/countless"

says 0 '7 pipelines of 4 chips, 1 kernels excused, 0 failed' --limits list alone phone apple adreno
says 1 'FAIL o v gather.f16 [1]: 2 loads wait alone in its main loops; at most 0 (D)' --limits none alone
says 1 'FAIL o v gather.f16 [1]: 2 loads wait alone in its main loops; at most 1 (D)' --limits less alone
says 1 'FAIL gather: of its loads 2 wait alone, not 3; mend more_than' --limits more_than alone
says 1 'FAIL sum: of its loads 0 wait alone, not 1; mend stale' --limits stale alone phone
says 1 'gather is not in its place' --limits unsorted alone
says 1 '"gather 2" is no "KERNEL LOADS  # reason"' --limits bare alone
says 1 'is no "KERNEL LOADS  # reason"' --limits empty alone
says 1 'is no "KERNEL LOADS  # reason"' --limits countless alone
says 1 'FAIL o v sum [64]: 3 spills; at most 0 (D)' --limits none spills
says 1 'FAIL o v matmul_fwd_tile [8]: 3001 instructions; at most 3000' --limits none apple_long
says 1 'FAIL o v matmul_fwd_tile [8]: 3001 instructions; at most 3000' apple_long apple_long
says 1 'FAIL o v o [3]: 65 registers, with fewer than 2 waves; at most 64' --limits none adreno_wide
says 1 'FAIL o v o [3]: 65 registers, with fewer than 2 waves; at most 64' --limits none adreno_other
says 1 'FAIL o v softmax_fwd [8]: 3001 instructions; at most 3000' --limits none apple_other

# The table of products.
{
    sed 's/}]}*$//' "$work/base" | sed '$s/$/}],/'
    echo '"shapes":[{"name":"product","rows":[0,1]},{"name":"sum","rows":[1]}]}'
} >"$work/shapes"
sed 's/"rows":\[1\]/"rows":[2]/' "$work/shapes" >"$work/far"
printf 'before\n<!-- products: made by tests/vendor/run --update -->\n<!-- end of products -->\nbehind\n' >"$work/text"
says 1 'FAIL text: its table is not what shapes tells' --table text shapes
says 0 '' --table --write text shapes
says 0 '' --table text shapes
grep -q '^| product | `tile` 50 %, 100, ' "$work/text" && [ "$(sed -n '1p;$p' "$work/text")" = "before
behind" ] || { cat "$work/text"; bad=1; }

# What products must reach on one chip.
tile='"registers":100,"occupancy":4,"spills":0,"alone":0,"share":55.0'
row_='"registers":168,"occupancy":5,"spills":0,"alone":0,"share":65.0'
# goals NAME TILE ROW [SHAPE]: two products of these rows, the second of SHAPE's name.
goals() {
    device='AMD (RADV NAVI31)' file rows V1 "$(row tile 8,8 "$2")" "$(row row 64 "$3")"
    {
        sed 's/]}]*}$//; s/]}$//' "$work/rows"
        echo '],"shapes":[{"name":"matmul 1x1x1","rows":[0]},'
        echo "{\"name\":\"${4:-attention} T = 1\",\"rows\":[1]}]}"
    } >"$work/$1"
}
goals reached "$tile" "$row_"
goals low "${tile/55.0/54.9}" "$row_"
goals few "${tile/:4/:3}" "$row_"
goals narrow "$(sed 's/:4/:3/; s/"registers":100/"lanes":32,"registers":128/' <<<"$tile")" "$row_"
goals slow_row "$tile" "${row_/65.0/64.9}"
goals few_rows "$tile" "${row_/:5/:4}"
goals renamed "$tile" "$row_" softmax
goals shareless "$tile" "${row_/,\"share\":65.0/}"
device='AMD (RADV NAVI31)' file unnamed V1 "$(row tile 8,8 "$tile")"
says 0 '0 failed' --limits none reached
says 0 '0 failed' --limits none narrow
says 1 'FAIL matmul 1x1x1, o v tile [8 8]: 54.9 % of peak by the model with 4 waves a SIMD' --limits none low
says 1 'FAIL matmul 1x1x1, o v tile [8 8]: 55.0 % of peak by the model with 3 waves a SIMD' --limits none few
says 1 'FAIL attention T = 1, o v row [64]: 64.9 % of peak by the model with 5 waves a SIMD' --limits none slow_row
says 1 'FAIL attention T = 1, o v row [64]: 65.0 % of peak by the model with 4 waves a SIMD' --limits none few_rows
says 1 'FAIL AMD (RADV NAVI31): no kernel of "attention " has a share of peak' --limits none renamed
says 1 'FAIL AMD (RADV NAVI31): no kernel of "attention " has a share of peak' --limits none shareless
says 1 'FAIL AMD (RADV NAVI31): no kernel of "matmul " has a share of peak' --limits none unnamed
says 1 'tells no products' --table text base
says 1 'has rows that are not there' --table text far
says 1 'holds no lines' --table list shapes
exit $bad
