#!/usr/bin/env bash
# Installs a build to a temporary place and uses it there as an application would.
# test_install.sh BUILD_DIR VERSION CC [FLAG ...]; the flags (a sanitizer's, say) are those the library was built with.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$1
version=$2
cc=$3
shift 3
read -ra flags <<<"$*"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() {
    printf 'failed: %s\n' "$*"
    failures=$((failures + 1))
}

cmake --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || {
    cat "$work/log"
    echo "cmake --install failed"
    exit 1
}
mv "$work/first" "$work/moved" # nothing installed may remember where it was put
prefix=$work/moved

one() { # one NAME: its path below the prefix
    local found
    found=$(find "$prefix" -name "$1" -print -quit)
    [ -n "$found" ] || fail "$1 is not installed"
    printf '%s' "$found"
}
library=$(one libmien.so)
pc=$(one mien.pc)
config=$(one MienConfig.cmake)
one MienConfigVersion.cmake >/dev/null
archive=$(find "$prefix" -name libmien.a -print -quit) # built unless MIEN_STATIC is off
[ $failures -eq 0 ] || { find "$prefix" | sort; exit 1; }

"$here/test_runpath.sh" "$prefix" >"$work/log"
[ $? -eq 1 ] && { cat "$work/log"; fail "a library would be loaded from the working directory"; }

headers=("$prefix"/include/mien/*.h)
ours=$(find "$here/../../include/mien" -name '*.h' | wc -l)
[ "${#headers[@]}" -eq "$ours" ] || fail "${#headers[@]} headers are installed, not $ours"
warnings=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$prefix/include")
cxx=
for candidate in "${cc/%gcc/g++}" "${cc/%clang/clang++}" g++ clang++ c++; do
    [ "$candidate" != "$cc" ] && command -v "$candidate" >/dev/null && { cxx=$candidate; break; }
done
[ -n "$cxx" ] || echo "skipped: headers as C++17 (no C++ compiler)"
for header in "${headers[@]}"; do
    name=mien/$(basename "$header")
    echo "#include <$name>" >"$work/alone.c"
    echo 'int main(void) { return 0; }' >>"$work/alone.c"
    "$cc" -std=c11 "${warnings[@]}" "$work/alone.c" || fail "$name alone as C11"
    [ -z "$cxx" ] || "$cxx" -std=c++17 "${warnings[@]}" -x c++ "$work/alone.c" || fail "$name alone as C++17"
done

expected="$version, headers $version: done"
# before 1.0 each minor version has a soname of its own
major=${version%%.*} promise=${version%%.*}
[ "$major" -gt 0 ] || promise=${version%.*}
[ -e "$library.$promise" ] || fail "there is no libmien.so.$promise"
if command -v readelf >/dev/null; then
    readelf -d "$library" | grep -q "SONAME.*\[libmien.so.$promise\]" || fail "libmien.so's soname is not $promise"
fi

run() { # run WHAT PROGRAM
    local said
    said=$("$2" 2>"$work/log")
    [ "$said" = "$expected" ] || fail "$1 says \"$said\", not \"$expected\""
}

cmake -S "$here/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="${flags[*]}" >"$work/log" 2>&1 && cmake --build "$work/consumer" >>"$work/log" 2>&1 &&
    run "an application built with find_package(Mien)" "$work/consumer/consumer" ||
    { cat "$work/log"; fail "building with find_package(Mien) from $config"; }
if [ -n "$archive" ]; then
    run "an application linked with Mien::mien_static" "$work/consumer/consumer_static"
    ! ldd "$work/consumer/consumer_static" | grep libmien || fail "Mien::mien_static links the shared library"
fi

if command -v pkg-config >/dev/null; then
    export PKG_CONFIG_PATH=${pc%/*}
    [ "$(pkg-config --modversion mien)" = "$version" ] || fail "pkg-config gives another version"
    if [ -n "$archive" ]; then
        # shellcheck disable=SC2046 # flags are words; both libraries are there: -lmien would take the shared one
        "$cc" "${flags[@]}" -o "$work/by_pc" "$here/consumer/consumer.c" \
            $(pkg-config --static --cflags --libs mien | sed 's/-lmien/-l:libmien.a/') &&
            run "an application linked statically by pkg-config" "$work/by_pc" ||
            fail "linking $archive by pkg-config --static"
    fi
    # shellcheck disable=SC2046 # flags are words
    "$cc" "${flags[@]}" -o "$work/by_pc" "$here/consumer/consumer.c" $(pkg-config --cflags --libs mien) &&
        LD_LIBRARY_PATH=${library%/*} run "an application built with pkg-config" "$work/by_pc" ||
        fail "building with pkg-config from $pc"
else
    echo "skipped: use through pkg-config (not installed)"
fi

# example/face.c, by CMake and by pkg-config: both must give four scores whose sum is 1
model=$here/../golden/train/start
face() { # face WHAT PROGRAM
    local said status
    said=$("$2" "$model" "$here/../golden/train/00.png" 2>"$work/log")
    status=$?
    if [ $status -eq 3 ]; then
        echo "skipped: running $1 (no Vulkan device: $(tail -1 "$work/log"))"
    elif [ $status -ne 0 ] || ! awk '{ n++; p = $NF; sum += p; if (!(p > 0 && p < 1)) exit 1 }
        END { exit !(n == 4 && sum > 0.995 && sum < 1.005) }' <<<"$said"; then
        fail "$1: status $status, \"$said\", $(cat "$work/log")"
    fi
    [ $status -eq 3 ] && return 0
    "$2" "$model" "$here/none.png" >/dev/null 2>&1
    [ $? -eq 4 ] || fail "$1: a missing picture does not end in status 4"
    return 0
}
[ "$(wc -l <"$here/example/face.c")" -le 40 ] || fail "example/face.c has more than 40 lines"
readme=$(<"$here/../../README.md")
if [[ $readme == *'#include <mien/mien.h>'* ]]; then # indented or fenced, it is the program that is tried here
    [[ $readme == *"$(<"$here/example/face.c")"* || $readme == *"$(sed 's/^./    &/' "$here/example/face.c")"* ]] ||
        fail "README.md shows another program than tests/install/example/face.c"
fi
cmake -S "$here/example" -B "$work/example" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="${flags[*]} -Wall -Wextra -Werror" >"$work/log" 2>&1 &&
    cmake --build "$work/example" >>"$work/log" 2>&1 && face "the example built with CMake" "$work/example/face" ||
    { cat "$work/log"; fail "building the example with find_package(Mien)"; }
if command -v pkg-config >/dev/null; then
    # shellcheck disable=SC2046 # flags are words
    "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror "${flags[@]}" -o "$work/face" "$here/example/face.c" \
        $(pkg-config --cflags --libs mien) &&
        LD_LIBRARY_PATH=${library%/*} face "the example built with pkg-config" "$work/face" ||
        fail "building the example with pkg-config"
fi

# example/threads.c and example/cancel.c: what they say, and a missing picture
tried() { # tried NAME WORDS
    local said status
    said=$("$work/example/$1" "$model" "$here/../golden/train/00.png" 2>"$work/log")
    status=$?
    [ $status -eq 3 ] && { echo "skipped: running the example $1 (no Vulkan device)"; return; }
    [ $status -eq 0 ] && [[ $said =~ $2 ]] || fail "the example $1: status $status, \"$said\", $(cat "$work/log")"
    "$work/example/$1" "$model" "$here/none.png" >/dev/null 2>"$work/log"
    [ $? -eq 4 ] && grep -q none.png "$work/log" || fail "the example $1: a missing picture does not end in status 4"
}
tried threads '^2 threads, the same numbers$'
tried cancel '^cancelled after 1[0-9][0-9] of 300$'
if command -v pkg-config >/dev/null; then # a run path in place of ldconfig, as README.md has it
    # shellcheck disable=SC2046 # flags are words
    "$cc" -std=c11 "${flags[@]}" -o "$work/face" "$here/example/face.c" $(pkg-config --cflags --libs mien) \
        "-Wl,-rpath,$(pkg-config --variable=libdir mien)" && face "the example with a run path" "$work/face" ||
        fail "building the example with a run path"
    [ -f "$(pkg-config --variable=weights mien)/synthetic-faces/config.json" ] ||
        fail "pkg-config --variable=weights is \"$(pkg-config --variable=weights mien)\", where no weights are"
fi

if [ -x "$prefix/bin/mien" ]; then # finds the library beside it
    "$prefix/bin/mien" --version >"$work/log" 2>&1 || { cat "$work/log"; fail "mien --version"; }
    grep -q "$version" "$work/log" || { cat "$work/log"; fail "mien --version does not say $version"; }
fi

echo "${#headers[@]} headers; $failures failed"
[ $failures -eq 0 ]
