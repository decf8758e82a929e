#!/usr/bin/env bash
# How tools/demo keeps its time: a run that gets slower ends at fewer steps, one that does not is left alone.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tools/pace.sh
. "$top/tools/pace.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/run"
checks=0 failures=0
pace_look=0.2

is() { # WHAT GOT WANTED
    checks=$((checks + 1))
    [ "$2" = "$3" ] || { failures=$((failures + 1)) && printf 'failed: %s is "%s", not "%s"\n' "$1" "$2" "$3"; }
}

is 'all fit' "$(most_steps 700 1000 0 700 500 350)" 700
is 'one fits' "$(most_steps 699 1000 0 700 500 350)" 500
is 'none fits' "$(most_steps 1 1000 0 700 500 350)" 350
is 'some are done' "$(most_steps 400 1000 300 700 500 350)" 700
is 'none fits, and the smallest is done' "$(most_steps 1 1000 350 700 500 350)" 500
is 'no time is left' "$(most_steps -5 1000 0 700 500 350)" 350
is 'all are done' "$(most_steps 900 1000 700 700 500 350)" ''

# A training of so many ms a step, from its step `slow_from` on a hundred times as long; `calls` says how it was called.
train() ( # STEPS [--resume]
    echo "$*" >>"$work/calls"
    trap 'exit 143' TERM
    echo "$BASHPID" >"$work/run.pid"
    [ "${2-}" = --resume ] || : >"$work/run/log.jsonl"
    at=$(wc -l <"$work/run/log.jsonl")
    while [ "$at" -lt "$1" ]; do
        at=$((at + 1))
        if [ "$at" -ge "$slow_from" ]; then sleep "$slow"; else sleep 0.01; fi
        echo "{\"kind\":\"step\",\"step\":$at,\"loss\":1}" >>"$work/run/log.jsonl"
    done
    exit "${ends-0}"
)
in_time() { # SECONDS STEPS COUNT...
    local seconds=$1
    shift
    rm -f "$work/calls"
    train_in_time $(($(milliseconds) + seconds * 1000)) "$work/run" "$@" >"$work/said"
    status=$?
    calls=$(paste -s -d, "$work/calls")
}

slow_from=9999 slow=0
in_time 60 60 60 30 20
is 'a run in time' "$status,$calls,$(<"$work/said")" '0,60,'
slow_from=6 slow=0.2 # 60 steps would take 11 s, and longer on a busy machine
in_time 6 60 60 30
is 'a run that gets slow' "$status,$calls" '0,60,30 --resume'
is 'its steps' "$(wc -l <"$work/run/log.jsonl")" 30
is 'what is said' "$(grep -c 'for 60 steps, ending at 30' "$work/said")" 1
in_time 0 9 9
is 'a run that nothing shortens' "$status,$calls" '0,9'
slow_from=9999 ends=1
in_time 60 5 5
is 'a run that fails' "$status,$calls" '1,5'
ends=143
in_time 60 5 5
is 'a run that somebody else stops' "$status,$calls" '143,5'
is 'what is left behind' "$(cd "$work" && echo run*)" run
printf '%s checks, %s failed\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
