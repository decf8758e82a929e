# lint.awk: the rules about single lines, for every file named, from the root of the repository. See tests/lint.

function complain(what) { printf "%s:%d: %s\n", FILENAME, FNR, what }

# Which room may include which: `mien_room(name below...)` in CMakeLists.txt, and through those what they name.
function read_rooms(    line, words, n, i, a, b, c, again)
{
    while ((getline line < "CMakeLists.txt") > 0) {
        if (line !~ /^mien_room\(/)
            continue
        gsub(/^mien_room\(|\).*$/, "", line)
        n = split(line, words, " ")
        room[words[1]] = 1
        for (i = 1; i <= n; i++)
            below[words[1], words[i]] = 1
    }
    do {
        again = 0
        for (a in room) for (b in room) if ((a, b) in below) for (c in room)
            if (((b, c) in below) && !((a, c) in below)) {
                below[a, c] = 1
                again = 1
            }
    } while (again)
    for (a in room) for (b in room) if (a < b && ((a, b) in below) && ((b, a) in below) && !circle++)
        print "CMakeLists.txt:1: a circle: " a " and " b " include each other; arrows between rooms point one way"
}

# The line without comments and without the insides of strings; a block comment may go on into the next lines.
function code_of(line,    out)
{
    out = ""
    while (line != "") {
        if (in_comment) {
            if (!index(line, "*/"))
                break
            line = substr(line, index(line, "*/") + 2)
            in_comment = 0
        }
        if (!match(line, /"|'|\/\*|\/\//))
            return out line
        out = out substr(line, 1, RSTART - 1)
        line = substr(line, RSTART)
        if (substr(line, 1, 2) == "//")
            return out
        if (substr(line, 1, 2) == "/*") {
            in_comment = 1
            line = substr(line, 3)
        } else if (match(line, /^"([^"\\]|\\.)*"/) || match(line, /^'([^'\\]|\\.)*'/)) {
            line = substr(line, RLENGTH + 1)
            out = out "\"\""
        } else { # a quote without end: an apostrophe in assembly or in #error
            line = substr(line, 2)
        }
    }
    return out
}

function check_include(line,    name, target)
{
    if (line !~ /^[ ]*#[ ]*include[ ]*[<"]/)
        return
    name = line
    sub(/^[^<"]*[<"]/, "", name)
    sub(/[>"].*/, "", name)
    if (name ~ /^(vulkan\/|volk\.h|vk_video\/|vk_platform)/ && FILENAME !~ /^(src|tests)\/vk\//)
        complain("a Vulkan header (" name ") outside src/vk; use what vk/vk.h offers")
    target = name
    sub(/\/.*/, "", target)
    if (this_room != "" && (target in room) && name ~ /\// && !((this_room, target) in below))
        complain(this_room " may not include " target " (" name "): the arrows stand in CMakeLists.txt")
}

function check_code(line)
{
    if (FILENAME !~ /^(src|tests)\/vk\// && line ~ /(^|[^A-Za-z0-9_])(vk|volk)[A-Z][A-Za-z0-9]*/)
        complain("a Vulkan function outside src/vk; use what vk/vk.h offers")
    if (FILENAME !~ /^src\//)
        return
    if (line ~ /(^|[^A-Za-z0-9_])(exit|_exit|_Exit|quick_exit|abort|printf|vprintf|puts|putchar|perror)[ ]*\(/)
        complain("the library never ends the process and never prints; return a status, log a message")
    if (FILENAME != "src/base/log.c" && line ~ /(^|[^A-Za-z0-9_])(stdout|stderr)([^A-Za-z0-9_]|$)/)
        complain("the library never prints; log a message (base/log.h)")
}

# What differs between operating systems stands in one folder. The compiler sees most of it too, these are what C11's
# own headers may declare all the same.
function check_system(line)
{
    if (FILENAME !~ /^(src|tools)\// || FILENAME ~ /^src\/base\/posix\//)
        return
    if (line ~ /^[ ]*#[ ]*include[ ]*<(unistd|fcntl|signal|pthread|dirent|dlfcn|spawn|poll|strings|termios|sys\/)/)
        complain("a header of POSIX; what systems differ in stands in src/base/posix, behind base/")
    if (line ~ posix_calls)
        complain("a function of POSIX, or one that reads the environment; use what base/ offers")
}

# A function of C or GLSL: from the brace in the first column to the one that closes it.
function check_function(line)
{
    if (line ~ /^\{/)
        function_start = FNR
    if (line ~ /^\}/ && function_start) {
        if (FNR - function_start - 1 > 60)
            complain((FNR - function_start - 1) " lines in a function; 60 at most")
        function_start = 0
    }
}

function check_shader(line, raw,    type)
{
    if (FILENAME !~ /^shaders\//) # a test's own kernel
        return
    if (line ~ /push_constant/ && FILENAME != "shaders/lib/common.glsl")
        complain("push constants by hand; use PUSH(type, name) with a struct from shaders/args")
    if (line ~ /(^|[^A-Za-z0-9_])PUSH[ ]*\(/ && line !~ /#[ ]*define/) {
        type = line
        sub(/.*PUSH[ ]*\([ ]*/, "", type)
        sub(/[^A-Za-z0-9_].*/, "", type)
        pushed[type] = FILENAME ":" FNR
    }
    if (line ~ /(^|[ )])buffer[ ]+[A-Za-z_]/ && line !~ /readonly|writeonly/ &&
        FILENAME != "shaders/lib/common.glsl" && raw !~ /read-write: / && before !~ /read-write: /)
        complain("a storage buffer neither readonly nor writeonly; qualify it or say `// read-write: why`")
}

function end_of_file(    most)
{
    most = last_file ~ /^tests\// ? 600 : 500
    if (lines > most && !last_wide)
        printf "%s:%d: %d lines; a file has at most %d: split it\n", last_file, lines, lines, most
}

BEGIN {
    read_rooms()
    posix_calls = "(^|[^A-Za-z0-9_.>])(open|close|read|write|pread|pwrite|fsync|fileno|fdopen|ftruncate|stat|lstat|" \
        "fstat|unlink|rmdir|mkdir|rename|realpath|readlink|isatty|ioctl|dlopen|dlsym|getenv|setenv|unsetenv|fork|" \
        "execl|execv|execvp|waitpid|kill|sigaction|signal|opendir|readdir|nanosleep|usleep|clock_gettime|mmap|" \
        "munmap|strcasecmp|strncasecmp|getline|getpid|sysconf|strtok_r|localtime_r|gmtime_r|strdup|strndup|popen|" \
        "poll|chdir|getcwd|mkstemp|mkdtemp|flock|fcntl|pipe|dup2|pthread_[a-z_]+)[ ]*\\("
}

FNR == 1 {
    end_of_file()
    last_file = FILENAME
    function_start = 0
    in_comment = 0
    before = ""
    is_c = FILENAME ~ /\.(c|h|cpp)$/
    is_shader = FILENAME ~ /\.(comp|glsl)$/
    wide = last_wide = FILENAME ~ /\.(md|json|in)$/
    this_room = ""
    if (FILENAME ~ /^src\/[a-z]+\//) {
        this_room = substr(FILENAME, 5)
        sub(/\/.*/, "", this_room)
    }
}

{
    lines = FNR
    if ($0 ~ /\r/)
        complain("a carriage return; lines end with a newline alone")
    else if ($0 ~ /[ \t]$/)
        complain("space at the end of the line")
    if ($0 ~ /\t/)
        complain("a tab; indent with spaces")
    if (!wide && length($0) > 120) {
        shown = $0
        gsub(/[\200-\277]/, "", shown) # UTF-8: count characters
        if (length(shown) > 120)
            complain(length(shown) " columns; 120 at most")
    }
    if (is_c) {
        check_include($0)
        code = code_of($0)
        check_code(code)
        check_system(code)
        check_function($0)
    } else if (is_shader) {
        check_shader(code_of($0), $0)
        check_function($0)
    }
    if ((is_c || is_shader) && /^ *\/\* ?----/ && !/-- ?\*\/$/)
        complain("a section banner over two lines; write /* ---- what ---- */ on one")
    if (FILENAME ~ /^(shaders|src)\// && /^struct [a-z0-9_]+_args[ ]*\{/) {
        type = $2
        if (FILENAME ~ /^shaders\/args\//)
            args[type] = 1
        else if (is_shader)
            complain("push constants declared here; the struct stands once, in shaders/args, for C and GLSL")
    }
    before = $0
}

END {
    end_of_file()
    for (type in pushed)
        if (!(type in args))
            printf "%s: PUSH(%s): no such struct in shaders/args\n", pushed[type], type
}
