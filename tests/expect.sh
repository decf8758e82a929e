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

finish() {
    printf '%s checks, %s failed\n' "$checks" "$failures"
    [ "$failures" -eq 0 ]
}
