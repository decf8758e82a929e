#!/usr/bin/env bash
# test_compare.sh COMPARE: what vendor_compare must tell and what not, with small files. No driver is needed.
set -u
compare=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0

# file NAME DRIVER ROW...
file() {
    local name=$1 driver=$2
    shift 2
    (
        IFS=,
        echo "{\"head\":{\"kind\":\"vendor\",\"device\":\"D\",\"driver\":\"$driver\"},\"rows\":[$*]}"
    ) >"$work/$name"
}
# row SHADER SPEC REST
row() { echo "{\"op\":\"o\",\"variant\":\"v\",\"shader\":\"$1\",\"spec\":[$2],$3}"; }
# says STATUS TEXT BASELINE CURRENT: the status, and a line with the text ("" = none that fails).
says() {
    local out status
    out=$("$compare" "$work/$3" "$work/$4" 2>&1)
    status=$?
    if [ $status -ne "$1" ] || ! grep -qF -- "$2" <<<"$out" || { [ "$1" -eq 0 ] && grep -q ^FAIL <<<"$out"; }; then
        printf '%s against %s: status %s, expected %s and "%s"; said:\n%s\n' "$4" "$3" $status "$1" "$2" "$out"
        bad=1
    fi
}

a=$(row tile 8,8 '"registers":100,"occupancy":8,"spills":0,"code":10,"loops":[{"fma":8,"alone":0}]')
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
file simd V1 "$(row tile 8,8 '"occupancy":32,"spills":0')"
file simd16 V1 "$(row tile 8,8 '"occupancy":16,"spills":0')"
file mute V1 "$(row tile 8,8 '"registers":1')"

says 0 '2 pipelines, 0 of them new, 0 gone, 0 failed' base equal
says 0 '0 failed' base ten
says 1 'FAIL o v tile [8 8]: registers 100 -> 111 (+11 % registers)' base grown
says 0 'another driver: o v tile [8 8]: registers 100 -> 111' base grown2
says 1 'FAIL o v sum [64]: spills (3)' base spills
says 1 'FAIL o v sum [64]: spills (3)' base spills2
says 0 '3 pipelines, 1 of them new, 0 gone, 0 failed' base more
says 1 'FAIL o v new [1]: spills (1)' base new_spills
says 0 '1 pipelines, 0 of them new, 1 gone, 0 failed' base fewer
says 0 'note o v tile [8 8]: loads waited for alone 0 -> 6' base waits
says 1 'FAIL o v tile [8 8]: subgroup size 32 -> 16 (+100 % registers)' simd simd16
says 0 '0 failed' simd16 simd
says 1 'says nothing of spills' base mute
for file in base simd; do
    "$compare" --planted "$work/$file" >"$work/out" || { cat "$work/out"; bad=1; }
done
exit $bad
