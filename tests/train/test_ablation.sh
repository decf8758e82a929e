#!/usr/bin/env bash
# test_ablation.sh MIEN TOP: tools/recipes/ablation does all its runs, goes on after a kill and tells the right figures:
# all of it with a stand-in for the command, whose scores are known, then a part with the command itself.
set -u
export LC_ALL=C
mien=$(realpath "$1") top=$(realpath "$2")
ablation=$top/tools/recipes/ablation
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "not so: $*" && failures=$((failures + 1)); }
results() { find "$1" -path '*/results/*.json' | wc -l; }

# The stand-in: scores follow from the settings, pooled is the better branch; a training ends at once, or by a signal
# where a file `hang` names its seed. Trainings are counted in `trained`, those that go on in `went_on`.
cat >stub <<'END'
#!/usr/bin/env bash
command=$1
declare -A is
while [ $# -gt 0 ]; do
    case $1 in
    --seed | -o | --model) is[${1##*-}]=$2 ;;
    *=*) is[${1%%=*}]=${1#*=} ;;
    esac
    shift
done
dir=${is[run.dir]-}
case $command in
--version) echo 'mien 9.9' ;;
synth) mkdir -p "$WORK/out/drawn/faces" && echo '{}' >"$WORK/out/drawn/faces/manifest.jsonl" ;;
import) echo '{}' >"${is[o]}" ;;
train)
    [ ! -d "$dir" ] || echo "$dir" >>"$WORK/went_on"
    mkdir -p "$dir/model"
    if [ "$(cat "$WORK/hang" 2>/dev/null)" = "${is[seed]}" ]; then
        rm "$WORK/hang"
        trap 'exit 143' TERM
        touch "$WORK/hangs"
        while :; do sleep 0.05; done
    fi
    printf '{"kind":"step","step":%d,"loss":1,"positives":{"text":1,"image":2},"samples_per_s":9}\n' 1 2 \
        >"$dir/log.jsonl"
    echo "${is[loss.local.kind]} ${is[loss.mining.kind]} ${is[loss.mining.guide]-none} ${is[seed]}" >"$dir/model/is"
    cat "$dir/model/is" >>"$WORK/trained"
    ;;
eval)
    read -r local mining guide seed <"${is[model]}/is"
    case $local in none) uar=40 ;; sentence) uar=50 ;; pooled) uar=60 ;; filip) uar=45 ;; esac
    [ $mining = none ] || uar=$((uar + 5))
    printf '{"task":"zero-shot","device":"a device","n":10,"war":0.%d,"uar":0.%d,"uar_interval":[0,1]}\n' \
        $((uar - 10)) $((uar + seed)) ;;
esac
END
chmod +x stub
export WORK=$work
mkdir faces
try() { "$ablation" --mien stub --out out --faces faces "$@" >said 2>&1; }

try --table && fail "a table of nothing is refused"
try --data x && fail "unknown data is refused"
try --runs 2 || fail "two runs: $(cat said)"
[ "$(results out)" = 2 ] || fail "two runs are two results, not $(results out)"
grep -q '| global loss alone | 0.400 | 0.300 | 1.50 | 1 |' said || fail "a part of the table is told: $(cat said)"

# A signal to the script reaches the training, and the script says by its status what it was.
echo 1 >hang
(exec "$ablation" --mien stub --out out --faces faces) >said 2>&1 &
script=$!
while [ ! -e hangs ] && kill -0 $script 2>/dev/null; do sleep 0.05; done
try && fail "a second ablation in the same place is refused"
kill -TERM $script
wait $script
status=$?
[ $status -eq 143 ] || fail "the status after SIGTERM is $status"
[ "$(results out)" = 3 ] || fail "three runs were done when it was stopped, not $(results out)"
# One to both at once, that nobody can look at.
rm -f hangs && echo 2 >hang
setsid "$ablation" --mien stub --out out --faces faces >said 2>&1 &
script=$!
while [ ! -e hangs ] && kill -0 $script 2>/dev/null; do sleep 0.05; done
kill -KILL -- -$script
wait $script 2>/dev/null
[ "$(results out)" = 6 ] || fail "six runs were done when it was killed, not $(results out)"

try || fail "the rest: $(cat said)"
cut -d' ' -f1-3 trained | sort | uniq -c | awk '{ print $2, $3, $4, $1 }' >counts
cat >wanted <<'END'
filip none none 1
none none none 6
pooled hard crossmodal 6
pooled none none 6
pooled soft both 1
pooled soft crossmodal 6
pooled soft image 1
pooled soft text 1
sentence none none 6
END
cmp counts wanted || fail "34 runs, each once: $(cat counts)"
[ "$(wc -l <went_on)" = 2 ] || fail "two runs went on where they were stopped: $(cat went_on)"
while IFS= read -r line; do grep -qF -- "$line" said || fail "the table has $line"; done <<'END'
| Drawn faces, 350 steps | val UAR | val WAR | positives | runs |
| global loss alone | 0.410 ± 0.010 | 0.300 ± 0.000 | 1.50 | 3 |
| + local branch: sentence | 0.510 ± 0.010 | 0.400 ± 0.000 | 1.50 | 3 |
| + local branch: pooled | 0.610 ± 0.010 | 0.500 ± 0.000 | 1.50 | 3 |
| pooled + soft mining | 0.660 ± 0.010 | 0.550 ± 0.000 | 1.50 | 3 |
| pooled + hard mining | 0.660 ± 0.010 | 0.550 ± 0.000 | 1.50 | 3 |
| pooled + soft mining guided by image | 0.650 | 0.550 | 1.50 | 1 |
| + local branch: filip | 0.450 | 0.350 | 1.50 | 1 |
| FER+ faces, 1000 steps | val UAR | val WAR | positives | runs |
END
cp out/ablation.json first.json
"$mien" report first.json -o page.html --quiet || fail "mien report takes ablation.json"
grep -q '<b>0.660</b>pooled + soft mining; 0.410 with global loss alone' page.html || fail "the page says what is best"
grep -q '"uar":{"mean":0.410000,"deviation":0.010000}' first.json || fail "ablation.json has means and deviations"
try || fail "once more: $(cat said)"
[ "$(wc -l <trained)" = 34 ] || fail "what is done is not done again"
try --table || fail "the table alone: $(cat said)"
cmp out/ablation.json first.json || fail "the same runs give the same ablation.json"
try --steps 5 && fail "results of other settings are not mixed"
grep -q 'other settings' said || fail "the reason is said: $(cat said)"

# The command itself, with a model of two small towers: stopped in the middle of a training.
small=$(cat "$top/tests/small_model.json")
"$mien" devices >list 2>&1
if [ $? -eq 3 ]; then
    echo "skipped: the command itself (no Vulkan device)"
else
    options=(--mien "$mien" --out real --seeds 0 --count 200 --steps 60 --set model.config="$small" --set run.batch=8)
    "$ablation" "${options[@]}" --runs 3 >said 2>&1 &
    script=$!
    log=real/drawn/runs/sentence-none-none-0/log.jsonl
    while ! [ -s $log ] && kill -0 $script 2>/dev/null; do sleep 0.05; done
    kill -TERM $script
    wait $script
    status=$?
    [ $status -eq 143 ] || fail "the status after SIGTERM is $status: $(cat said)"
    [ "$(results real)" = 1 ] || fail "one run was done, not $(results real)"
    steps=$(wc -l <$log)
    [ "$steps" -lt 60 ] || fail "it was in the middle: $steps steps"
    "$ablation" "${options[@]}" --runs 2 >said 2>&1 || fail "the rest: $(cat said)"
    grep -q 'seed 0: goes on' said || fail "it goes on: $(cat said)"
    [ "$(grep -c '"kind":"step"' $log)" = 60 ] || fail "the log of the run has its 60 steps"
    "$ablation" "${options[@]}" --table >said 2>&1 || fail "the table: $(cat said)"
    [ "$(grep -c '^| .* | [0-9.]* | [0-9.]* | 1.00 | 1 |$' said)" = 3 ] || fail "three rows: $(cat said)"
fi
echo "$failures failed"
[ $failures -eq 0 ]
