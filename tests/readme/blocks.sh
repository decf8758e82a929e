# blocks.sh: what README.md says, as lines; sourced by test_readme.sh, whose variables it uses.
# shellcheck shell=bash disable=SC2154

# Its indented and sh-fenced blocks: "$ command", "> what it prints", "{ row of a manifest"; comments are left out.
blocks() {
    awk '
        /^```/ { fence = fence ? 0 : ($0 ~ /^```(sh|console|bash)$/ ? 1 : 2); next }
        fence == 2 { next }
        fence == 1 { line = "    " $0 }
        !fence { line = $0; inside = line ~ /^    / && (inside || before == ""); before = $0 }
        !fence && !inside { next }
        line ~ /^    \{/ { print "{ " substr(line, 5); next }
        line ~ /^     +[^ ]/ { sub(/^ +/, "", line); print "> " line; next }
        line ~ /^    [^ #]/ { sub(/^    /, "", line); sub(/ +# .*/, "", line); print "$ " line }'
}

# Lines as they look whatever the machine: numbers and blanks alike.
form() { sed -E 's/-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?/#/g; s/[[:space:]]+/ /g; s/^ | $//g' | sed '/^$/d'; }

# in_order WANTED GOT: the lines of the first file are among those of the second, in this order.
in_order() {
    awk 'FILENAME == ARGV[1] { want[++n] = $0; next } $0 == want[at + 1] { at++ } END { exit at < n }' "$1" "$2"
}

# The files and directories that a command line makes.
outputs_of() { grep -oE '(-o |> |run\.dir=)[^ ]+' <<<"$1" | sed -E 's/^(-o |> |run\.dir=)//'; }

# Names in the text between backquotes, one a line, but for those of what is not there yet.
mentions() {
    awk '/^## What is not there yet/ { off = 1; next } /^## / { off = 0 } /^```/ { fence = !fence; next }
        !off && !fence && !/^    /' "$readme" | tr '\n' ' ' | grep -oE '`[^`]*`' | tr -d '`'
}

mentioned_command() { # as in `mien train --help KEY`
    local sub word
    [ "$2" != help ] || shift # mien help train is mien train --help
    sub=$2
    shift 2
    "$mien" "$sub" --help >"$logs/help" 2>&1 || { fail "README.md mentions mien $sub, which is no subcommand"; return; }
    for word; do
        [[ $word != --* ]] || grep -qE -- "(^|[^-a-z])${word%%=*}([^-a-z]|\$)" "$logs/help" ||
            fail "README.md mentions mien $sub $word; its help does not"
    done
}

check_mentions() {
    local span part words
    for part in $("$mien" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do "$mien" "$part" --help; done >"$logs/helps" 2>&1
    for part in demo test recipes/ablation; do "$top/tools/$part" --help; done >>"$logs/helps"
    cat "$top"/tests/op/check_*.c >>"$logs/helps"
    while IFS= read -r span; do
        mentioned=$((mentioned + 1))
        case $span in
        mien\ *)
            while IFS= read -r part; do
                read -ra words <<<"$part"
                [[ ${words[1]-} != [a-z]* ]] || mentioned_command "${words[@]}"
            done <<<"${span// && /$'\n'}" ;;
        src/* | tests/* | tools/* | shaders/* | weights/* | include/*)
            compgen -G "$top/${span%% *}*" >/dev/null || fail "README.md mentions $span, which is not there" ;;
        mien/*.h) [ -f "$top/include/$span" ] || fail "README.md mentions $span, which is no header" ;;
        mien_*) grep -rqw -- "${span%%(*}" "$top/include" || fail "README.md mentions $span; no header does" ;;
        run.* | data.* | optim.* | loss.* | model.*)
            part=${span%%[= ]*}
            [[ $part == *.json* || $part == *.safetensors ]] || "$mien" train --help "$part" >/dev/null 2>&1 ||
                fail "README.md mentions $span, which is no key" ;;
        --[a-z]*)
            part=${span%%[ =]*}
            grep -q -- "$part" "$logs/helps" || fail "README.md mentions $part; no help does" ;;
        *MIEN_[A-Z]*)
            part=$(grep -oE 'MIEN_[A-Z_]+' <<<"$span" | head -1)
            grep -rqw -- "$part" "$top/src" "$top/CMakeLists.txt" "$top/include" "$top/tools" ||
                fail "README.md mentions $part, which nothing reads" ;;
        esac
    done < <(mentions)
    check_packages
}

# The packages that the text lists are those that tools/demo installs, which also takes Ninja and a C++ compiler.
check_packages() {
    local package listed
    listed=$(tr '\n' ' ' <"$readme" | grep -oE 'on Debian the packages `[^`]*`' | head -1 | cut -d'`' -f2)
    listed=" $listed mesa-vulkan-drivers "
    # shellcheck source=tools/setup.sh
    (. "$top/tools/setup.sh" && printf '%s\n' "${build_packages[@]}") >"$logs/packages"
    while read -r package; do
        case $package in g++ | libc6-dev | ninja-build) continue ;; esac
        [[ $listed == *" $package "* ]] || fail "README.md does not list the package $package"
    done <"$logs/packages"
    for package in $listed; do
        grep -qx -- "$package" "$logs/packages" || fail "README.md lists $package, which tools/setup.sh does not"
    done
}
