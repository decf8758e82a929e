# expect.sh: sourced by tests of the command; $mien is the program. Statuses and messages, counted.
checks=0 failures=0

# expect STATUS WORDS COMMAND...: the exit status, and words in what it says; a failure says one line, warnings aside
expect() {
    local want=$1 words=$2 got
    shift 2
    "$mien" "$@" >out 2>err
    got=$?
    checks=$((checks + 1))
    if [ "$got" -ne "$want" ] || ! grep -qF -- "$words" out err; then
        failures=$((failures + 1))
        printf 'mien %s: status %s, wanted %s and "%s"; it said:\n' "$*" "$got" "$want" "$words"
        cat out err
    elif [ "$want" -ne 0 ] && [ "$(grep -vcE 'mien: (using|warning:) ' err)" -ne 1 ]; then
        failures=$((failures + 1))
        printf 'mien %s: one line was wanted, not:\n' "$*"
        cat err
    fi
}

# holds WHAT COMMAND...: a command of the shell that must succeed
holds() {
    local what=$1
    shift
    checks=$((checks + 1))
    if ! "$@"; then
        failures=$((failures + 1))
        printf 'not so: %s (%s)\n' "$what" "$*"
    fi
}

# tiny_config STEPS CHECKPOINT_EVERY: a training configuration on faces/manifest.jsonl, a second's work
tiny_config() {
    cat <<TEXT
{"model": {"init": "scratch", "tokenizer": {"vocab": 600}, "config": {"projection_dim": 16,
  "vision_config": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "image_size": 16, "patch_size": 8},
  "text_config": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "max_position_embeddings": 24}}},
 "data": {"train": "faces/manifest.jsonl"}, "loss": {"local": {"kind": "none"}},
 "optim": {"schedule": "constant"}, "run": {"dir": "a", "steps": $1, "batch": 8, "checkpoint_every": $2}}
TEXT
}

finish() {
    printf '%s checks, %s failed\n' "$checks" "$failures"
    [ "$failures" -eq 0 ]
}
