/* Files of texts, one a line. */
#include "io/support.h"
#include "mien/data.h"

static struct mien_texts *read_bytes(const char *bytes, size_t size, uint32_t flags, enum mien_status want)
{
    struct mien_texts *texts = NULL;
    CHECK_EQ(base_file_write(support_file("t.txt"), bytes, size), MIEN_OK);
    support_last[0] = 0;
    CHECK_EQ(mien_texts_read(support_file("t.txt"), flags, &texts), want);
    CHECK((texts != NULL) == (want == MIEN_OK));
    return texts;
}
#define READ(text, flags, want) read_bytes(text, sizeof(text) - 1, flags, want)

static void check_lines(struct mien_texts *t, const char *const *want, size_t count)
{
    CHECK_EQ(t ? t->count : 0, count);
    for (size_t i = 0; t && i < t->count && i < count; i++)
        CHECK_STR(t->lines[i], want[i]);
    mien_texts_destroy(&t);
    CHECK(t == NULL);
}

int main(void)
{
    static const char *const three[] = {"a face", " of {} ", "caf\xc3\xa9"}, *const gaps[] = {"", "a", "", "b\rc"};
    support_capture();
    check_lines(READ("\xEF\xBB\xBF"
                     "a face\r\n\n of {} \n\r\n \t \n\xC2\xA0\ncaf\xc3\xa9",
                     0, MIEN_OK),
                three, 3);
    check_lines(READ("\na\n\nb\rc\n", MIEN_EMPTY_LINES, MIEN_OK), gaps, 4);
    READ("", 0, MIEN_ERR_DATA);
    CHECK_SAYS("no line");
    READ("\n \r\n", 0, MIEN_ERR_DATA);
    CHECK_SAYS("no line");
    READ("a\nb\0c\n", 0, MIEN_ERR_DATA);
    CHECK_SAYS("t.txt:2: a zero byte");
    READ("\xff\xfe"
         "a\0",
         0, MIEN_ERR_DATA); /* UTF-16 */
    CHECK_SAYS("t.txt:1: UTF-16");
    READ("a\n\xe9\n", 0, MIEN_ERR_DATA); /* Latin-1 */
    CHECK_SAYS("t.txt:2: not UTF-8");
    struct mien_texts *none = NULL;
    CHECK_EQ(mien_texts_read(support_file("nowhere.txt"), 0, &none), MIEN_ERR_DATA);
    CHECK_SAYS("nowhere.txt");
    support_clean();
    return check_result();
}
