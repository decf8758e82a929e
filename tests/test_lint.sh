#!/usr/bin/env bash
# The lint test, tested: a small clean tree passes; each planted fault is named with its file, and nothing else is.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
checks=0

# A clean tree with the rooms base <- vk <- op.
fresh_tree() {
    rm -rf "$work/tree"
    mkdir -p "$work"/tree/{src/{base/posix,vk,op},include/mien,shaders/{lib,args,add},tests,tools}
    cd "$work/tree" || exit 2
    printf 'project(x C)\nmien_room(base)\nmien_room(vk base)\nmien_room(op vk)\n' >CMakeLists.txt
    cp "$here/../.clang-format" .
    for dir in src src/base src/vk src/op include shaders tests tools; do printf '# %s\n' "$dir" >$dir/README.md; done
    printf '#include <stdio.h>\n\nvoid base_print(void)\n{\n    fputs("printf(1)", stderr); /* exit(1) */\n}\n' \
        >src/base/log.c
    printf '#include "base/log.h"\n#include <volk.h>\n\n' >src/vk/vk.c
    printf 'int vk_open(void)\n{\n    return vkCreateInstance(0, 0, 0);\n}\n' >>src/vk/vk.c
    printf '#include "base/log.h"\n#include "vk/vk.h"\n#include "op/op.h"\n#include "mien/common.h"\n' >src/op/op.c
    printf '#define PUSH(type, name) layout(push_constant, std430) uniform push_block { type name; }\n' \
        >shaders/lib/common.glsl
    printf 'struct add_args {\n    int count;\n};\n' >shaders/args/add.h
    printf 'PUSH(add_args, p);\nlayout(std430) readonly buffer x_b { float x[]; };\n' >shaders/add/add_fwd.comp
    printf '// read-write: adds to y\nbuffer y_b { float y[]; };\n' >>shaders/add/add_fwd.comp
}

# expect NAME PART...: lint finds exactly one fault, whose line holds every PART; no PART: none.
expect() {
    local name=$1 out status part
    shift
    checks=$((checks + 1))
    out=$("$here/lint" ${lib:+--lib "$lib"} . 2>&1)
    status=$?
    if [ $# -eq 0 ]; then
        [ $status -eq 0 ] && return
    else
        [ $status -eq 1 ] && [[ $out == *"lint: 1 to put right"* ]] || status=77
        for part in "$@"; do [[ $out == *"$part"* ]] || status=77; done
        [ $status -eq 1 ] && return
    fi
    failures=$((failures + 1))
    printf 'failed: %s\nexpected: %s\nlint said:\n%s\n\n' "$name" "${*:-nothing}" "$out"
}

# plant NAME FILE TEXT PART...: adds TEXT to FILE of a fresh tree.
plant() {
    local name=$1 file=$2 text=$3
    shift 3
    fresh_tree
    # shellcheck disable=SC2059 # the text holds escapes
    printf "$text" >>"$file"
    expect "$name" "$file" "$@"
}

fresh_tree
expect "a clean tree"

plant "upward include" src/base/log.c '#include "vk/vk.h"\n' "log.c:7: base may not include vk"
plant "upward by two" src/base/base.h '#include "op/op.h"\n' "base may not include op"
plant "downward through another room is fine for op, not for vk" src/vk/vk.c '#include "op/op.h"\n' "vk may not"
plant "Vulkan header" src/op/op.c '#include <vulkan/vulkan.h>\n' "a Vulkan header"
plant "volk" include/mien/gpu.h '#include <volk.h>\n' "a Vulkan header"
plant "Vulkan function" src/op/op.c 'int f(void)\n{\n    return vkQueueSubmit();\n}\n' "op.c:7: a Vulkan function"
plant "exit" src/op/op.c 'void f(void)\n{\n    exit(1);\n}\n' "op.c:7: the library never ends"
plant "abort" src/base/log.c '\nvoid f(void)\n{\n    abort();\n}\n' "never ends"
plant "printf" src/vk/vk.c '\nvoid f(void)\n{\n    printf("x");\n}\n' "never"
plant "stderr" src/vk/vk.c '\nvoid f(void)\n{\n    fprintf(stderr, "x");\n}\n' "never prints"
plant "after a comment" src/op/op.c \
    '/* one\n * two */\nint exit_code(void);\nvoid f(void)\n{\n    exit(1);\n}\n' \
    "op.c:10: "
plant "tab" tools/run.sh '\ttrue\n' "run.sh:1: a tab"
plant "space at the end" tests/CMakeLists.txt 'x() \n' "space at the end"
plant "carriage return" src/README.md 'x\r\n' "carriage return"
plant "no final newline" src/README.md 'x' "no newline at the end"
plant "wide" tools/a.py "# $(printf 'x%.0s' {1..119})\n" "121 columns"
plant "long README" tests/README.md "$(printf 'x\\n%.0s' {1..30})" "31 lines; a folder's README"
plant "push constants by hand" shaders/add/add_fwd.comp 'layout(push_constant) uniform p { int n; };\n' "by hand"
plant "push constants elsewhere" shaders/add/add_fwd.comp 'struct b_args {\n' "declared here"
plant "push constants of nobody" shaders/add/add_bwd.comp 'PUSH(sub_args, p);\n' "PUSH(sub_args): no such struct"
plant "storage buffer" shaders/add/add_fwd.comp '\nlayout(std430) buffer z_b { float z[]; };\n' "neither readonly"

fresh_tree
rm src/op/README.md
expect "no README" "src/op: no README.md"

fresh_tree
mkdir shaders/spirv && sha256sum shaders/add/add_fwd.comp >shaders/spirv/sources
expect "a kept module of its sources"
echo '// x' >>shaders/add/add_fwd.comp
expect "a kept module of other sources" "shaders/add/add_fwd.comp: changed since shaders/spirv"

plant_fine() {
    fresh_tree
    # shellcheck disable=SC2059
    printf "$3" >>"$2"
    expect "$1"
}
plant_fine "names in comments and strings" src/op/op.c \
    '/* vkQueueSubmit, exit(1) */\n// printf("x")\nconst char *s = "stderr \\" exit(";\n'
plant_fine "names that only look alike" src/op/op.c 'int vk_queue(int sprintf_like, int my_exit(int));\n'
plant_fine "120 characters of two bytes" tools/a.py "# $(printf 'é%.0s' {1..118})\n"
plant_fine "a folder without files" CMakeLists.txt ''
fresh_tree && mkdir src/nn && expect "a room without files"

# body N: a function of N lines
body() {
    printf 'void f(void)\n{\n'
    printf '    g(%s);\n' $(seq "$1")
    printf '}\n'
}
fresh_tree
body 61 >>src/op/op.c
expect "a long function" "src/op/op.c:68: 61 lines in a function"
fresh_tree
body 60 >>src/op/op.c
expect "a function of 60 lines"
fresh_tree
body 61 >>shaders/add/add_fwd.comp
expect "a long function in GLSL" "shaders/add/add_fwd.comp" "61 lines in a function"
fresh_tree
printf '%0.s# x\n' {1..501} >tools/long.py
expect "a long file" "tools/long.py:501: 501 lines"
fresh_tree
printf '%0.s# x\n' {1..600} >tests/long.sh
expect "a test of 600 lines"
plant "a long test" tests/long.sh "$(printf 'x\\n%.0s' {1..601})" "601 lines"
plant "a circle of rooms" CMakeLists.txt 'mien_room(base op)\n' "CMakeLists.txt:1: a circle"
plant "a file at the top" notes.md 'x\n' "not a name of the top level"
plant "POSIX in the library" src/op/op.c '#include <unistd.h>\n' "op.c:5: a header of POSIX"
plant "POSIX in the command" tools/a.c '#include <sys/stat.h>\n' "a header of POSIX"
plant "a call of POSIX" src/base/log.c '\nvoid f(void)\n{\n    getenv("X");\n}\n' "log.c:10: a function of POSIX"
plant_fine "POSIX in its folder" src/base/posix/file.c \
    '#include <unistd.h>\n\nint f(void)\n{\n    return getpid();\n}\n'
plant_fine "names of POSIX in other places" src/op/op.c \
    'struct ops {\n    int (*read)(void);\n};\nint my_open(struct ops *o); /* open(x) */\n'
plant "a banner over two lines" src/op/op.c '/* ---- x ----\n * ---- */\n' "op.c:5: a section banner over two lines"
plant_fine "a banner on one" src/op/op.c '/* ---- x ---- */\n'

fresh_tree
if command -v clang-format-14 >/dev/null; then
    plant "layout" src/op/op.c 'int f( int a );\n' "op.c:5: not as .clang-format says"
else
    echo "skipped: layout (clang-format 14 not installed)"
fi

fresh_tree
if command -v cc >/dev/null && command -v nm >/dev/null; then
    lib=$work/lib.so
    echo 'int mien_a(void) { return 1; } __attribute__((visibility("hidden"))) int b(void) { return 2; }' >"$work/lib.c"
    cc -shared -fPIC -o "$lib" "$work/lib.c" && expect "a library that exports our names"
    echo 'int stray(void) { return 3; }' >>"$work/lib.c"
    cc -shared -fPIC -o "$lib" "$work/lib.c" && expect "a stray symbol" "exports stray"
    lib=$work/missing.so
    expect "no library" "nm cannot read it"
else
    echo "skipped: exported symbols (no cc or nm)"
fi

echo "$checks trees, $failures failed"
[ $failures -eq 0 ]
