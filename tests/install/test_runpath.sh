#!/usr/bin/env bash
# test_runpath.sh DIR: no program or library below DIR (a build, an installation) looks for its libraries in the working
# directory: its RPATH or RUNPATH has no element that is empty or relative.
set -u
command -v readelf >/dev/null || { echo "skipped: no readelf" && exit 77; }
files=0 bad=0
while IFS= read -r -d '' file; do
    path=$(readelf -d "$file" 2>/dev/null | sed -n 's/.*(R\(UN\)\{0,1\}PATH).*\[\(.*\)\]$/\2/p') || continue
    files=$((files + 1))
    case :$path: in
    ::) continue ;; # none
    *::*) what="an empty element" ;;
    *) what=$(tr : '\n' <<<"$path" | grep -v '^\(/\|\$ORIGIN\)' | head -n 1) ;;
    esac
    [ -z "$what" ] && continue
    echo "$file: its search path for libraries is \"$path\": $what leads to the working directory"
    bad=$((bad + 1))
done < <(find "$1" -type f \( -perm -u+x -o -name '*.so*' \) -size +0 -print0)
[ "$files" -gt 0 ] || { echo "$1: no files to look at" && exit 1; }
echo "$files files, $bad with a bad path"
[ "$bad" -eq 0 ]
