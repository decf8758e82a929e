/* What is UTF-8, what is said of what is not, and JSON files with a byte-order mark. */
#include "check.h"

#include "base/capture.h"
#include "base/system.h"

#include <unistd.h>

static void refused(const char *text, size_t size, const char *says)
{
    size_t skip;
    capture_start();
    CHECK_EQ(base_text_check("a.txt", text, size, &skip), MIEN_ERR_DATA);
    CHECK(captured_once(says));
    CHECK(strstr(captured, "a.txt") == captured);
}
#define REFUSED(text, says) refused(text, sizeof(text) - 1, says)

static void taken(const char *text, size_t size, size_t want)
{
    size_t skip = 99;
    capture_start();
    CHECK_EQ(base_text_check("a.txt", text, size, &skip), MIEN_OK);
    CHECK_EQ(skip, want);
    CHECK_EQ(captured_count, 0);
}
#define TAKEN(text, want) taken(text, sizeof(text) - 1, want)

static void test_files(void)
{
    TAKEN("", 0);
    TAKEN("plain\n", 0);
    TAKEN("\xEF\xBB\xBF", 3);
    TAKEN("\xEF\xBB\xBF"
          "caf\xC3\xA9\n\xF0\x9F\x98\x80",
          3);
    TAKEN("\x01\x7F", 0);
    REFUSED("a\nb\ncaf\xE9\n", "a.txt:3: not UTF-8 (byte 0xE9)"); /* Latin-1 */
    REFUSED("ab\n\n\xC3", "a.txt:3: not UTF-8");                  /* cut short */
    REFUSED("one\ntwo\0three\n", "a.txt:2: a zero byte");
    REFUSED("a\nb\0c\n", "a.txt:2: a zero byte"); /* even, but no UTF-16 */
    REFUSED("\0", "a.txt:1: a zero byte");
    REFUSED("\xED\xA0\x80", "not UTF-8"); /* a surrogate */
    REFUSED("\xFF\xFEh\0i\0\n\0", "a.txt:1: UTF-16, not UTF-8; save the file as UTF-8 (iconv -f UTF-16");
    REFUSED("\xFE\xFF\0h\0i\0\n", "UTF-16,");
    REFUSED("h\0i\0\n\0", "UTF-16LE");
    REFUSED("\0h\0i\0\n", "UTF-16BE");
    REFUSED("\x60\x4F\x7D\x59\n\0\x60\x4F\x7D\x59\n\0\x80\x80", "UTF-16LE"); /* Chinese, one zero byte a line */
    REFUSED("\xFF\xFE\0\0h\0\0\0", "UTF-32");
    REFUSED("\0\0\xFE\xFF\0\0\0h", "UTF-32");
}

static void test_lengths(void)
{
    CHECK_EQ(base_utf8_length("a", 1), 1);
    CHECK_EQ(base_utf8_length("\xC3\xA9", 2), 2);
    CHECK_EQ(base_utf8_length("\xC3\xA9", 1), 0);
    CHECK_EQ(base_utf8_length("\xE2\x82\xAC", 3), 3);
    CHECK_EQ(base_utf8_length("\xF4\x8F\xBF\xBF", 4), 4);
    CHECK_EQ(base_utf8_length("\xF4\x90\x80\x80", 4), 0);
    CHECK_EQ(base_utf8_length("\xC0\xAF", 2), 0);
    CHECK_EQ(base_utf8_prefix("ab\xC3\xA9\xFF!", 6), 4);
    CHECK_EQ(base_utf8_prefix("ab\0c", 4), 2);
}

static void test_arguments(void)
{
    capture_start();
    CHECK_EQ(base_argument_check("a text", ""), MIEN_OK);
    CHECK_EQ(base_argument_check("a text", "caf\xC3\xA9"), MIEN_OK);
    CHECK_EQ(base_argument_check("template 2", "a caf\xE9"), MIEN_ERR_ARG);
    CHECK(captured_once("template 2 is not UTF-8: byte 0xE9 after \"a caf\""));
}

static void test_json(const char *path)
{
    static const char mark[] = "\xEF\xBB\xBF{\"a\": 1}", wide[] = "\xFF\xFE{\0}\0";
    cJSON *json = NULL;
    double a = 0;
    capture_start();
    CHECK_EQ(base_file_write(path, mark, sizeof(mark) - 1), MIEN_OK);
    CHECK_EQ(base_json_read(path, &json), MIEN_OK);
    CHECK_EQ(base_json_number(json, "a", path, &a), MIEN_OK);
    CHECK_EQ(a, 1);
    cJSON_Delete(json);
    CHECK_EQ(base_file_write(path, wide, sizeof(wide) - 1), MIEN_OK);
    CHECK_EQ(base_json_read(path, &json), MIEN_ERR_DATA);
    CHECK(json == NULL && captured_once("UTF-16, not UTF-8"));
    unlink(path);
}

int main(void)
{
    char path[64];
    snprintf(path, sizeof(path), "test_encoding.%d.json", (int)getpid());
    test_files();
    test_lengths();
    test_arguments();
    test_json(path);
    return check_result();
}
