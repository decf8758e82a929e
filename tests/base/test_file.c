/* Files, directories and paths, above all the ways in which they fail. */
#include "base/stamp.h"
#include "capture.h"
#include "check.h"

#include "base/crc64.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char root[] = "/tmp/mien-test-file-XXXXXX";

/* root/name, in one of a few static buffers. */
static const char *in_root(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
    return path;
}

static size_t count_entries(const char *path)
{
    char **names = NULL;
    size_t count = 0;

    CHECK_EQ(base_dir_list(path, &names, &count), MIEN_OK);
    base_dir_list_free(&names, &count);
    CHECK(names == NULL && count == 0);
    CHECK_EQ(base_dir_list(path, &names, &count), MIEN_OK);
    for (size_t i = 0; i < count; i++)
        base_free(names[i]);
    base_free(names);
    return count;
}

/* The file holds exactly `text`. */
static bool holds(const char *path, const char *text)
{
    char *data = NULL;
    size_t size = 0;
    bool same = base_file_read(path, 0, &data, &size) == MIEN_OK && size == strlen(text) && strcmp(data, text) == 0;

    base_free(data);
    return same;
}

static void test_read(void)
{
    char *data = (char *)1;
    size_t size = 1;
    char *large = malloc(300000);

    CHECK_EQ(base_file_write(in_root("a"), "abc\0def", 7), MIEN_OK);
    CHECK_EQ(base_file_read(in_root("a"), 0, &data, &size), MIEN_OK);
    CHECK(size == 7 && memcmp(data, "abc\0def", 8) == 0); /* and a zero byte after it */
    base_free(data);
    char head[9] = "";
    CHECK(base_file_head(in_root("a"), head, 9, &size) == MIEN_OK && size == 7 && memcmp(head, "abc\0def\0", 9) == 0);
    CHECK(base_file_head(in_root("a"), head, 2, &size) == MIEN_OK && size == 2);
    CHECK_EQ(base_file_read(in_root("a"), 7, &data, &size), MIEN_OK);
    base_free(data);
    capture_start();
    CHECK_EQ(base_file_read(in_root("a"), 6, &data, &size), MIEN_ERR_DATA);
    CHECK(data == NULL && size == 0);
    CHECK(captured_once("longer than the 6 bytes"));
    CHECK_EQ(base_file_write(in_root("empty"), NULL, 0), MIEN_OK);
    CHECK_EQ(base_file_read(in_root("empty"), 0, &data, &size), MIEN_OK);
    CHECK(data && size == 0 && data[0] == '\0');
    base_free(data);
    memset(large, 'q', 300000);
    CHECK_EQ(base_file_write(in_root("large"), large, 300000), MIEN_OK);
    CHECK_EQ(base_file_read(in_root("large"), 0, &data, &size), MIEN_OK);
    CHECK(size == 300000 && memcmp(data, large, size) == 0);
    base_free(data);
    free(large);
    CHECK_EQ(base_file_read("/proc/self/status", 0, &data, &size), MIEN_OK); /* says that its size is 0 */
    CHECK(size > 0 && strstr(data, "Name:") == data);
    base_free(data);
}

static void test_read_failures(void)
{
    char *data = NULL;
    size_t size = 0;

    capture_start();
    CHECK_EQ(base_file_read(in_root("missing"), 0, &data, &size), MIEN_ERR_DATA);
    CHECK(captured_once("missing: cannot open: No such file"));
    capture_start();
    CHECK_EQ(base_file_read(root, 0, &data, &size), MIEN_ERR_DATA);
    CHECK(captured_once("is a directory"));
    capture_start();
    CHECK_EQ(base_file_read("/proc/self/mem", 0, &data, &size), MIEN_ERR_IO); /* opens, then refuses to be read */
    CHECK(captured_once("cannot read"));
    CHECK(data == NULL && size == 0);
}

/* Pipes, sockets and devices are refused by kind, at once: nothing waits for a writer or reads without end. */
static void test_special_files(void)
{
    static const char *const kinds[][2] = {{"pipe", "is a pipe; a regular file"},
                                           {"socket", "is a socket; a regular file"},
                                           {"/dev/zero", "is a device; a regular file"},
                                           {"to-pipe", "is a pipe; a regular file"}};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(name.sun_path, sizeof(name.sun_path), "%s", in_root("socket"));
    CHECK(listener >= 0 && bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0);
    CHECK_EQ(mkfifo(in_root("pipe"), 0600), 0);
    CHECK_EQ(symlink("pipe", in_root("to-pipe")), 0);
    alarm(20); /* what waits is ended */
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        const char *path = kinds[i][0][0] == '/' ? kinds[i][0] : in_root(kinds[i][0]);
        struct base_in *in = NULL;
        char *data = NULL, head[4];
        size_t size = 0;

        capture_start();
        CHECK_EQ(base_file_read(path, 0, &data, &size), MIEN_ERR_DATA);
        CHECK(captured_once(kinds[i][1]));
        CHECK_EQ(base_file_head(path, head, sizeof(head), &size), MIEN_ERR_DATA);
        CHECK_EQ(base_in_open(path, &in), MIEN_ERR_DATA);
    }
    struct base_out *out = NULL;
    capture_start();
    CHECK_EQ(base_out_append(in_root("pipe"), &out), MIEN_ERR_IO);
    CHECK(out == NULL && captured_once("is a pipe; it is written to where it is a file only"));
    alarm(0);
    close(listener);
    CHECK(remove(in_root("pipe")) == 0 && remove(in_root("to-pipe")) == 0 && remove(in_root("socket")) == 0);
}

/* Pieces of a file; what is cut off after it was opened is an error where it is asked for. */
static void test_in(void)
{
    struct base_in *in = NULL;
    char data[8] = "";

    CHECK_EQ(base_file_write(in_root("pieces-of"), "0123456789", 10), MIEN_OK);
    CHECK_EQ(base_in_open(in_root("pieces-of"), &in), MIEN_OK);
    CHECK_EQ(base_in_size(in), 10);
    CHECK(base_in_read(in, 6, data, 4) == MIEN_OK && memcmp(data, "6789", 4) == 0);
    CHECK(base_in_read(in, 0, data, 2) == MIEN_OK && memcmp(data, "01", 2) == 0);
    CHECK_EQ(truncate(in_root("pieces-of"), 7), 0);
    capture_start();
    CHECK_EQ(base_in_read(in, 6, data, 4), MIEN_ERR_DATA);
    CHECK(captured_once("pieces-of: ends before byte 10 (of 10 when it was opened); it has been cut off"));
    CHECK_EQ(base_in_read(in, 5, data, 2), MIEN_OK);
    base_in_close(&in);
    base_in_close(&in);
    CHECK(in == NULL);
    CHECK_EQ(base_in_open(in_root("missing"), &in), MIEN_ERR_DATA);
    CHECK_EQ(base_in_memory("bytes", "0123456789", 10, &in), MIEN_OK);
    CHECK(base_in_read(in, 8, data, 2) == MIEN_OK && memcmp(data, "89", 2) == 0);
    CHECK_EQ(base_in_read(in, 10, data, 0), MIEN_OK);
    CHECK_EQ(base_in_read(in, 9, data, 2), MIEN_ERR_DATA);
    CHECK_EQ(base_in_read(in, UINT64_MAX, data, 2), MIEN_ERR_DATA);
    base_in_close(&in);
}

/* The list names every file; a bit, a length, a loss or the list itself that has changed is named. */
static void test_sums(void)
{
    bool found = true;
    char text[200];

    CHECK_EQ(base_crc64(0, "123456789", 9), 0x995DC9BBDF1939FAu); /* the value that xz's specification checks by */
    CHECK_EQ(base_crc64(base_crc64(0, "1234", 4), "56789", 5), 0x995DC9BBDF1939FAu);
    CHECK_EQ(base_dir_create(in_root("sums/inner")), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("sums/a b"), "123456789", 9), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("sums/empty"), "", 0), MIEN_OK);
    CHECK(base_sums_check(in_root("sums"), &found) == MIEN_OK && !found);
    CHECK_EQ(base_sums_write(in_root("sums")), MIEN_OK);
    snprintf(text, sizeof(text), "995dc9bbdf1939fa  9  a b\n0000000000000000  0  empty\n");
    snprintf(text + strlen(text), 64, "%016llx  end\n", (unsigned long long)base_crc64(0, text, strlen(text)));
    CHECK(holds(in_root("sums/checksums.txt"), text));
    CHECK(base_sums_check(in_root("sums"), &found) == MIEN_OK && found);
    CHECK_EQ(base_file_write(in_root("sums/later"), "x", 1), MIEN_OK); /* no matter */
    CHECK_EQ(base_sums_check(in_root("sums"), &found), MIEN_OK);
    capture_start();
    CHECK_EQ(base_file_write(in_root("sums/empty"), "x", 1), MIEN_OK);
    CHECK_EQ(base_sums_check(in_root("sums"), &found), MIEN_ERR_DATA);
    CHECK(found && captured_once("sums/empty: is damaged"));
    capture_start();
    CHECK(remove(in_root("sums/empty")) == 0);
    CHECK_EQ(base_sums_check(in_root("sums"), &found), MIEN_ERR_DATA);
    CHECK(captured_once("sums/empty: cannot open"));
    capture_start();
    CHECK_EQ(base_file_write(in_root("sums/checksums.txt"), text, strlen(text) - 1), MIEN_OK);
    CHECK_EQ(base_sums_check(in_root("sums"), &found), MIEN_ERR_DATA);
    CHECK(captured_once("checksums.txt: is damaged"));
}

/* Nothing is to be seen under the name before commit; after it, all of it, and no temporary file. */
static void test_out_is_atomic(void)
{
    const char *dir = "atomic";
    struct base_out *out = NULL;
    char path[600], text[2000];
    struct stat info;
    mode_t mask = umask(027);

    CHECK_EQ(base_dir_create(in_root(dir)), MIEN_OK);
    snprintf(path, sizeof(path), "%s/out.json", in_root(dir));
    CHECK_EQ(base_out_open(path, &out), MIEN_OK);
    CHECK_EQ(base_out_write(out, "one ", 4), MIEN_OK);
    CHECK_EQ(base_out_printf(out, "%s %d", "two", 3), MIEN_OK);
    CHECK(!base_file_exists(path));
    CHECK_EQ(count_entries(in_root(dir)), 1);
    CHECK_EQ(base_out_commit(&out), MIEN_OK);
    CHECK(out == NULL);
    CHECK(holds(path, "one two 3"));
    CHECK_EQ(count_entries(in_root(dir)), 1);
    CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0640); /* as the umask says, not mkstemp's 0600 */
    umask(mask);

    CHECK_EQ(base_out_open(path, &out), MIEN_OK); /* abandoned: the old content stays */
    CHECK_EQ(base_out_write(out, "new", 3), MIEN_OK);
    base_out_abandon(&out);
    CHECK(out == NULL);
    CHECK(holds(path, "one two 3"));
    CHECK_EQ(count_entries(in_root(dir)), 1);
    base_out_abandon(&out);
    base_out_abandon(NULL);

    CHECK_EQ(base_out_open(path, &out), MIEN_OK); /* longer than the small buffer of printf */
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_EQ(base_out_printf(out, "%s", text), MIEN_OK);
    CHECK_EQ(base_out_commit(&out), MIEN_OK);
    CHECK(holds(path, text));
}

/* Pieces below, at and above the buffer's size come out in order. */
static void test_out_pieces(void)
{
    static const size_t sizes[] = {1, 65535, 65536, 65537, 0, 7, 200000, 3};
    struct base_out *out = NULL;
    char *data = NULL, *piece = malloc(200000);
    size_t size = 0, at = 0;
    bool same = true;

    CHECK_EQ(base_out_open(in_root("pieces"), &out), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
        memset(piece, (int)('a' + i), sizes[i]);
        CHECK_EQ(base_out_write(out, piece, sizes[i]), MIEN_OK);
    }
    CHECK_EQ(base_out_commit(&out), MIEN_OK);
    CHECK_EQ(base_file_read(in_root("pieces"), 0, &data, &size), MIEN_OK);
    for (size_t i = 0; i < BASE_COUNT(sizes); i++)
        for (size_t j = 0; j < sizes[i]; j++, at++)
            same = same && at < size && data[at] == (char)('a' + i);
    CHECK(same && at == size);
    base_free(data);
    free(piece);
}

static void test_out_failures(void)
{
    struct base_out *out = (struct base_out *)1;

    capture_start();
    CHECK_EQ(base_out_open(root, &out), MIEN_ERR_IO);
    CHECK(out == NULL && captured_once("is a directory"));
    capture_start();
    CHECK_EQ(base_out_open(in_root("no/such/dir/file"), &out), MIEN_ERR_IO);
    CHECK(captured_once("cannot create a file in"));
    capture_start();
    CHECK_EQ(base_out_open(in_root("a/file"), &out), MIEN_ERR_IO); /* a file where a directory should be */
    CHECK(captured_once("cannot create a file in"));
    capture_start();
    CHECK_EQ(base_out_open("", &out), MIEN_ERR_IO);
    CHECK(captured_once("empty"));
    if (geteuid() == 0) {
        printf("not tried: a directory without write permission (root may write anywhere)\n");
        return;
    }
    CHECK_EQ(base_dir_create(in_root("locked")), MIEN_OK);
    CHECK_EQ(chmod(in_root("locked"), 0555), 0);
    capture_start();
    CHECK_EQ(base_file_write(in_root("locked/file"), "x", 1), MIEN_ERR_IO);
    CHECK(captured_once("Permission denied"));
    CHECK_EQ(chmod(in_root("locked"), 0755), 0);
}

/* A disk that is full in the middle: the file size limit gives write() the same partial success and then the error. */
static void test_disk_full(void)
{
    struct rlimit before, small;
    struct base_out *out = NULL;
    char *data = calloc(1, 200000);

    CHECK_EQ(base_dir_create(in_root("full")), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("full/file"), "old", 3), MIEN_OK);
    signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);

    capture_start();
    CHECK_EQ(base_file_write(in_root("full/file"), data, 200000), MIEN_ERR_IO);
    CHECK(captured_once("full/file: cannot write: File too large"));
    CHECK_EQ(base_out_open(in_root("full/file"), &out), MIEN_OK);
    for (int i = 0; i < 20; i++) /* small pieces: the failure comes late, is logged once and is not forgotten */
        base_out_write(out, data, 10000);
    CHECK_EQ(captured_count, 2);
    CHECK_EQ(base_out_write(out, "x", 1), MIEN_ERR_IO);
    CHECK_EQ(base_out_printf(out, "x"), MIEN_ERR_IO);
    CHECK_EQ(base_out_commit(&out), MIEN_ERR_IO);
    CHECK(out == NULL);
    CHECK_EQ(captured_count, 2);

    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    CHECK(holds(in_root("full/file"), "old"));
    CHECK_EQ(count_entries(in_root("full")), 1); /* no temporary file left behind */
    free(data);
}

/* Devices are written, never replaced; links to files stay links. */
static void test_out_special(void)
{
    struct stat info;

    CHECK_EQ(base_file_write("/dev/null", "x", 1), MIEN_OK);
    CHECK(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));
    capture_start();
    if (base_file_exists("/dev/full")) {
        CHECK_EQ(base_file_write("/dev/full", "x", 1), MIEN_ERR_IO);
        CHECK(captured_once("/dev/full: cannot write: No space left on device; make room"));
    }
    CHECK_EQ(base_file_write(in_root("real"), "1", 1), MIEN_OK);
    CHECK_EQ(symlink("real", in_root("link")), 0);
    CHECK_EQ(base_file_write(in_root("link"), "2", 1), MIEN_OK);
    CHECK(lstat(in_root("link"), &info) == 0 && S_ISLNK(info.st_mode));
    CHECK(holds(in_root("real"), "2"));
}

static void test_dirs(void)
{
    char **names = NULL;
    size_t count = 0;

    CHECK_EQ(base_dir_create(in_root("d/e//f/")), MIEN_OK);
    CHECK_EQ(base_dir_create(in_root("d/e/f")), MIEN_OK); /* existing is fine */
    CHECK(base_file_is_dir(in_root("d/e/f")));
    CHECK_EQ(base_dir_create("/"), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("d/z"), "", 0), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("d/B"), "", 0), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("d/.h"), "", 0), MIEN_OK);
    CHECK_EQ(base_dir_list(in_root("d"), &names, &count), MIEN_OK);
    CHECK_EQ(count, 4);
    if (count == 4) { /* by bytes: no locale has a say */
        CHECK_STR(names[0], ".h");
        CHECK_STR(names[1], "B");
        CHECK_STR(names[2], "e");
        CHECK_STR(names[3], "z");
    }
    base_dir_list_free(&names, &count);
    base_dir_list_free(&names, &count);
    CHECK_EQ(base_dir_list(in_root("d/e/f"), &names, &count), MIEN_OK);
    CHECK(names == NULL && count == 0);
    CHECK(base_file_exists(in_root("d/z")) && !base_file_is_dir(in_root("d/z")));
    CHECK(!base_file_exists(in_root("d/q")) && !base_file_is_dir(in_root("d/q")));
}

/* What a directory holds, asked without memory. */
static void test_in_dir(void)
{
    static char longer[5000];
    struct base_stamp stamp;
    CHECK_EQ(base_dir_create(in_root("asked/inner")), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("asked/file"), "four", 4), MIEN_OK);
    CHECK(base_file_exists_in(in_root("asked"), "file") && base_file_exists_in(in_root("asked/"), "inner"));
    CHECK(!base_file_exists_in(in_root("asked"), "none") && !base_file_is_dir_in(in_root("asked"), "file"));
    CHECK(base_file_is_dir_in(in_root("asked"), "inner") && base_file_is_dir_in("nowhere", in_root("asked")));
    CHECK(base_file_stamp_in(in_root("asked"), "file", &stamp) && stamp.size == 4);
    CHECK(!base_file_stamp_in(in_root("asked"), "none", &stamp) && stamp.size == 0);
    memset(longer, 'x', sizeof(longer) - 1);
    CHECK(!base_file_exists_in(longer, "x") && !base_file_exists_in("x", longer));
}

static void test_dir_failures(void)
{
    char **names = NULL;
    size_t count = 0;

    capture_start();
    CHECK_EQ(base_dir_create(in_root("a")), MIEN_ERR_IO);
    CHECK(captured_once("cannot create the directory: a file has this name"));
    capture_start();
    CHECK_EQ(base_dir_create(in_root("a/b/c")), MIEN_ERR_IO);
    CHECK(captured_once("cannot create the directory"));
    capture_start();
    CHECK_EQ(base_dir_list(in_root("missing"), &names, &count), MIEN_ERR_DATA);
    CHECK(captured_once("cannot open the directory"));
    capture_start();
    CHECK_EQ(base_rename(in_root("missing"), in_root("b")), MIEN_ERR_IO);
    CHECK(captured_once("cannot rename"));
    capture_start();
    CHECK_EQ(base_dir_remove("/proc/self/status"), MIEN_ERR_IO);
    CHECK(captured_once("cannot remove"));
}

static void test_remove_and_rename(void)
{
    CHECK_EQ(base_file_write(in_root("outside"), "keep", 4), MIEN_OK);
    CHECK_EQ(base_dir_create(in_root("r/s/t")), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("r/s/file"), "x", 1), MIEN_OK);
    CHECK_EQ(symlink("../../outside", in_root("r/s/link")), 0);
    CHECK_EQ(symlink("../../d", in_root("r/s/dirlink")), 0);
    CHECK_EQ(base_rename(in_root("r/s/file"), in_root("r/moved")), MIEN_OK);
    CHECK(holds(in_root("r/moved"), "x"));
    CHECK(!base_file_exists(in_root("r/s/file")));
    CHECK_EQ(base_dir_remove(in_root("r")), MIEN_OK);
    CHECK(!base_file_exists(in_root("r")));
    CHECK(holds(in_root("outside"), "keep")); /* links are removed, not followed */
    CHECK(base_file_exists(in_root("d/z")));
    CHECK_EQ(base_dir_remove(in_root("r")), MIEN_OK); /* missing is fine */
}

static void check_join(const char *dir, const char *name, const char *expected)
{
    char *path = base_path_join(dir, name);

    CHECK_STR(path, expected);
    base_free(path);
}

static void check_dir(const char *path, const char *expected)
{
    char *dir = base_path_dir(path);

    CHECK_STR(dir, expected);
    base_free(dir);
}

/* Both inside root; "" is root itself. */
static void check_relative(const char *from, const char *to, const char *expected)
{
    char *path = NULL;

    CHECK_EQ(base_path_relative(in_root(from), in_root(to), &path), MIEN_OK);
    CHECK_STR(path, expected);
    base_free(path);
}

static void test_append(void)
{
    struct base_out *out = NULL;
    CHECK_EQ(base_file_write(in_root("log"), "one\n", 4), MIEN_OK);
    CHECK_EQ(base_out_append(in_root("log"), &out), MIEN_OK);
    CHECK_EQ(base_out_printf(out, "t%co\n", 'w'), MIEN_OK);
    CHECK(holds(in_root("log"), "one\n")); /* not before it is flushed */
    CHECK_EQ(base_out_flush(out, false), MIEN_OK);
    CHECK(holds(in_root("log"), "one\ntwo\n"));
    CHECK_EQ(base_out_write(out, "three\n", 6), MIEN_OK);
    CHECK_EQ(base_out_flush(out, true), MIEN_OK);
    base_out_abandon(&out);
    CHECK(holds(in_root("log"), "one\ntwo\nthree\n"));
    CHECK_EQ(base_out_append(in_root("new log"), &out), MIEN_OK);
    base_out_abandon(&out);
    CHECK(holds(in_root("new log"), ""));
    CHECK_EQ(base_out_append(root, &out), MIEN_ERR_IO);
    CHECK(out == NULL && strstr(captured, root));
    CHECK_EQ(base_dir_remove(in_root("log")), MIEN_OK);
    CHECK_EQ(base_dir_remove(in_root("new log")), MIEN_OK);
}

static void test_relative(void)
{
    char *path = (char *)1;

    CHECK_EQ(base_dir_create(in_root("p/ab/c")), MIEN_OK);
    CHECK_EQ(base_dir_create(in_root("p/a")), MIEN_OK);
    CHECK_EQ(base_file_write(in_root("p/f"), "", 0), MIEN_OK);
    check_relative("p", "p", ".");
    check_relative("p", "p/f", "f");
    check_relative("p", "p/ab/c", "ab/c");
    check_relative("p/ab/c", "p", "../..");
    check_relative("p/ab/c", "p/f", "../../f");
    check_relative("p/a", "p/ab", "../ab"); /* one name begins with the other */
    check_relative("p/ab", "p/a", "../a");
    check_relative("p/ab/../a/.", "p/./f", "../f");
    CHECK_EQ(base_path_relative("/", "/", &path), MIEN_OK);
    CHECK_STR(path, ".");
    base_free(path);
    CHECK_EQ(base_path_relative("/", "/dev/null", &path), MIEN_OK);
    CHECK_STR(path, "dev/null");
    base_free(path);
    CHECK_EQ(base_path_relative("/dev", "/", &path), MIEN_OK);
    CHECK_STR(path, "..");
    base_free(path);
    capture_start();
    CHECK_EQ(base_path_relative(root, in_root("missing"), &path), MIEN_ERR_DATA);
    CHECK(path == NULL && captured_once("missing: No such file"));
}

static void test_paths(void)
{
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("", "b", "b");
    check_join("/", "b", "/b");
    check_join("a", "/b", "/b");
    check_dir("a/b", "a");
    check_dir("a/b/", "a");
    check_dir("a//b", "a");
    check_dir("b", ".");
    check_dir("", ".");
    check_dir("/b", "/");
    check_dir("/", "/");
    check_dir("/a/b.c", "/a");
}

/* Wherever a file is read, or mapped, or given in memory. */
static void test_pointer(void)
{
    static const char text[] = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
    const struct mien_file file = {.name = "f", .bytes = text, .size = sizeof(text) - 1};
    const struct base_source source = {.files = &file, .file_count = 1};
    const char *name = in_root("pointer");
    struct base_in *in = NULL;
    char *data = NULL;
    size_t size = 0;

    CHECK_EQ(base_file_write(name, text, sizeof(text) - 1), MIEN_OK);
    capture_start();
    CHECK_EQ(base_file_read(name, 0, &data, &size), MIEN_ERR_DATA);
    CHECK(captured_once("git lfs pull") && strstr(captured, name) && data == NULL);
    capture_start();
    CHECK_EQ(base_in_open(name, &in), MIEN_ERR_DATA);
    CHECK(captured_once("git lfs pull") && in == NULL);
    capture_start();
    CHECK_EQ(base_source_in(&source, "memory: f", &in), MIEN_ERR_DATA);
    CHECK(captured_once("memory: f: a pointer of Git LFS"));
    CHECK_EQ(base_file_write(name, text, 20), MIEN_OK);
    CHECK_EQ(base_in_open(name, &in), MIEN_OK);
    base_in_close(&in);
}

int main(void)
{
    if (!mkdtemp(root)) {
        perror(root);
        return 1;
    }
    test_read();
    test_read_failures();
    test_special_files();
    test_in();
    test_sums();
    test_pointer();
    test_out_is_atomic();
    test_out_pieces();
    test_out_failures();
    test_disk_full();
    test_out_special();
    test_dirs();
    test_in_dir();
    test_dir_failures();
    test_remove_and_rename();
    test_paths();
    test_append();
    test_relative();
    CHECK_EQ(base_dir_remove(root), MIEN_OK);
    return check_result();
}
