# pace.sh: training that ends in time, with fewer steps where the machine turns out slower than when it was timed.
# Sourced by tools/demo.
# shellcheck shell=bash

pace_look=5 # seconds between two looks at the run

milliseconds() { date +%s%3N; }

# most_steps MS_LEFT US_PER_STEP DONE COUNT...: of the falling counts above DONE the largest that fits, or the smallest
most_steps() {
    local left=$1 each=$2 at=$3 count best=
    shift 3
    for count; do
        [ "$count" -gt "$at" ] || break
        best=$count
        [ $(((count - at) * each / 1000)) -gt "$left" ] || break
    done
    echo "$best"
}

# watch_pace UNTIL_MS RUN STEPS COUNT...: looks at RUN/log.jsonl while the process in RUN.pid runs. What two looks in a
# row say will not end by then is stopped, with its checkpoint, and the count that it is to end at written to RUN.fewer.
watch_pace() {
    local until=$1 run=$2 steps=$3 pid= step then=0 before=0 now each fewer late=0
    shift 3
    while sleep "$pace_look" >/dev/null 2>&1 && { [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null; }; do
        pid=$(cat "$run.pid" 2>/dev/null) || continue
        step=$(tail -n 9 "$run/log.jsonl" 2>/dev/null | grep -o '"kind":"step","step":[0-9]*' | tail -n 1) || :
        step=${step##*:}
        [ -n "$step" ] || continue
        now=$(milliseconds)
        if [ "$then" -eq 0 ]; then # kernels are compiled before the first step: that is not the pace
            then=$now before=$step
        fi
        [ $((step - before)) -ge 3 ] || [ $((now - then)) -ge 60000 ] || continue
        each=$(((now - then) * 1000 / (step > before ? step - before : 1)))
        then=$now before=$step
        fewer=$(most_steps $((until - now)) "$each" "$step" "$@")
        if [ -n "$fewer" ] && [ "$fewer" -lt "$steps" ]; then late=$((late + 1)); else late=0; fi
        [ "$late" -ge 2 ] || continue
        echo "a step takes $((each / 1000)) ms now: too long for $steps steps, ending at $fewer"
        echo "$fewer" >"$run.fewer"
        kill -TERM "$pid"
        return
    done
}

# train_in_time UNTIL_MS RUN STEPS COUNT...: by the caller's `train STEPS [--resume]`, whose process is in RUN.pid
train_in_time() {
    local until=$1 run=$2 steps=$3 status resume=() watcher
    shift 3
    while :; do
        rm -f "$run.pid" "$run.fewer"
        watch_pace "$until" "$run" "$steps" "$@" &
        watcher=$!
        status=0
        train "$steps" "${resume[@]}" || status=$?
        kill "$watcher" 2>/dev/null || :
        wait "$watcher" 2>/dev/null || :
        [ "$status" -eq 143 ] && [ -s "$run.fewer" ] || break
        steps=$(<"$run.fewer") resume=(--resume)
    done
    rm -f "$run.pid" "$run.fewer"
    return "$status"
}
